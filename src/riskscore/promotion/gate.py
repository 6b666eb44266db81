"""The checks of the gate, each a number with its bound: better in log loss, no worse in profit, calibration and any segment."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from riskscore.evaluation import Measured
from riskscore.evaluation.metrics import Floats
from riskscore.promotion.blast import Blast
from riskscore.promotion.check import Check
from riskscore.promotion.evidence import Evidence, Row, loss_of, spread_around
from riskscore.promotion.parts import NO_WORSE_TAIL, Compared, PartEvidence, check_hazard_gain, check_no_worse
from riskscore.promotion.stability import Stability
from riskscore.promotion.terms import GateTerms

NO_PARTS: Compared = {}
SLIGHT = {"auc": 0.005, "pr_auc": 0.005, "brier": 0.0}
"""How far behind a scorecard counts as level with it: on many customers a difference nobody would notice is beyond chance too."""


def level_of(terms: GateTerms, look: int) -> float:
    """The level of this look: level / (k (k + 1)), which sums to the level over all looks for ever.

    Looking every week at a challenger that is no better would pass it sooner or later; paying for each look keeps the chance of
    that at the level, whatever the data of the looks share (Bonferroni).

    >>> from riskscore.promotion.terms import GateTerms, Better
    >>> better = Better(level="0.05", least_gain="0", customers=100, customers_with_event=20, resamples=2000)
    >>> terms = GateTerms.model_construct(better=better)
    >>> [round(level_of(terms, look), 5) for look in (1, 2, 10)]
    [0.025, 0.00833, 0.00045]
    """
    return float(terms.better.level) / (look * (look + 1))


def compare(evidence: Evidence, terms: GateTerms, *, look: int, parts: Compared = NO_PARTS) -> list[Check]:
    """The checks on matured rows: enough of them, better in log loss, no worse in profit and in calibration.

    look: the number of this look at the champion, from 1. parts: what was compared of the other fitted parts, for the gain.
    """
    enough = [
        _at_least("customers", evidence.n_customers, terms.better.customers),
        _at_least("customers_with_event", evidence.n_customers_with_event, terms.better.customers_with_event),
    ]
    if evidence.n_customers_with_event == 0 or not all(check.passed for check in enough):
        return enough
    resamples = evidence.resamples(terms.better.resamples)
    weights = resamples.weights
    before = resamples.judge(evidence.champion, evidence.outcome).figures
    after = resamples.judge(evidence.challenger, evidence.outcome).figures
    return [
        *enough,
        *check_gains(evidence, terms, weights, parts, look=look),
        _profit(evidence, weights, float(terms.no_worse.profit)),
        _worsened("intercept", np.abs(after["calibration_intercept"]) - np.abs(before["calibration_intercept"]),
                  float(terms.no_worse.intercept)),
        _worsened("slope", np.abs(after["calibration_slope"] - 1) - np.abs(before["calibration_slope"] - 1),
                  float(terms.no_worse.slope)),
        _worsened("ece", after["ece"] - before["ece"], float(terms.no_worse.ece)),
    ]  # fmt: skip


def check_gains(evidence: Evidence, terms: GateTerms, weights: Floats, parts: Compared, *, look: int) -> list[Check]:
    """The one way or the other to be better: customers foretold better; or invoices, and customers no worse.

    Two ways are two chances for one that is no better, so the level is split between them (Bonferroni), whether both can be
    asked or not: the split must not depend on what was found. Shown is the way that was passed, else that of customers.
    """
    gain = check_gain(evidence, terms, weights, look=look)
    of_hazard = check_hazard_gain(parts, terms, level_of(terms, look) * float(terms.better.hazard_share))
    if gain.passed or of_hazard is None or not of_hazard.passed:
        return [gain]
    everybody = np.ones(len(evidence), dtype=bool)
    answers = PartEvidence(evidence.customers, evidence.outcome, evidence.champion, evidence.challenger, everybody)
    return [of_hazard, check_no_worse("customers", [answers], float(terms.no_worse.log_loss), terms)]


def check_gain(evidence: Evidence, terms: GateTerms, weights: Floats, *, look: int) -> Check:
    """The log loss gained, as a share of the champion's: its lower bound must be worth a change, at what the payment hazard
    leaves of the level of this look.

    weights: how often each customer is drawn, the sample itself first.
    """
    n = weights.shape[1]
    lost, gained = (
        weights @ np.bincount(evidence.customers, each, minlength=n)
        for each in (loss_of(evidence.champion, evidence.outcome), evidence.gain)
    )
    share = gained / lost
    deviation = float(np.nanstd(share[1:], ddof=1))
    level = level_of(terms, look) * (1 - float(terms.better.hazard_share))
    low, _ = spread_around(float(share[0]), deviation, level, evidence.n_customers_with_event - 1)
    least = float(terms.better.least_gain)
    return Check("gain", float(share[0]), low, least, low > least)


def check_segments(rows: Iterable[Row]) -> Check:
    """No segment may be clearly worse off."""
    n_worse = sum(row.worse for row in rows)
    return Check("segments_worse", n_worse, None, 0, n_worse == 0)


def check_stability(stability: Stability) -> Check:
    """The scores of today are those it was judged on."""
    return Check("psi", stability.psi, None, stability.bound, stability.psi <= stability.bound)


def check_baseline(name: str, lead: Mapping[str, Measured]) -> list[Check]:
    """The version itself, against a rule of thumb on the same later months: ahead in AUC, PR-AUC and Brier, beyond chance.

    lead: metric to the version's figure less the rule's, with its 95 % interval; NaN where its training told none, which passes
    nothing. In Brier less is better: its difference is turned around, so that above 0 is ahead in every check.
    """
    return [Check(f"ahead_of/{name}/{metric}", each.value, each.low, 0, each.low > 0) for metric, each in _leads(lead).items()]


def check_scorecard(name: str, lead: Mapping[str, Measured]) -> list[Check]:
    """The version itself, against a scorecard of the same features: not clearly behind in AUC, PR-AUC or Brier.

    lead: as in `check_baseline`. Asking it to be ahead beyond chance was turned down: a good scorecard is as good on most books,
    and refusing the version would leave none, for the scorecard cannot score (ADR 0016).
    """
    return [
        Check(f"not_behind/{name}/{metric}", each.value, each.high, -SLIGHT[metric], each.high >= -SLIGHT[metric])
        for metric, each in _leads(lead).items()
    ]


def _leads(lead: Mapping[str, Measured]) -> dict[str, Measured]:
    """By how much the version is ahead, above 0 better whatever the metric."""
    brier = lead["brier"]
    return {"auc": lead["auc"], "pr_auc": lead["pr_auc"], "brier": Measured(-brier.value, -brier.high, -brier.low)}


def check_moves(blast: Blast, terms: GateTerms) -> list[Check]:
    """How much would change at once, against what may; a limit above a cap of the policy never may."""
    moves = terms.moves
    return [
        at_most("grades_moved", blast.far_share, float(moves.grades)),
        at_most("approvals_moved", abs(blast.approvals_moved), float(moves.approvals)),
        at_most("limits_moved", abs(blast.limits_moved), float(moves.limits)),
        at_most("limits_doubled", blast.doubled_share, float(moves.doubled)),
        at_most("limits_above_cap", blast.n_above_cap, 0),
    ]


def at_most(name: str, value: float, bound: float) -> Check:
    """An exact figure that must not be above its bound."""
    return Check(name, value, None, bound, value <= bound)


def _profit(evidence: Evidence, weights: Floats, margin: float) -> Check:
    n = weights.shape[1]
    # By unit of credit used: under a policy that caps by grade a sharper model lends less, which is no loss of quality; how much
    # the limits move is a check of its own.
    before, after = (
        (weights @ np.bincount(evidence.customers, each.profit, minlength=n))
        / np.maximum(weights @ np.bincount(evidence.customers, each.used, minlength=n), 0.01)
        for each in (evidence.earned_by_champion, evidence.earned_by_challenger)
    )
    if before[0] == 0:
        return Check("profit", 0.0, 0.0, -margin, bool(after[0] >= 0))
    gained = (after - before) / abs(before[0])  # the scale is fixed: a ratio of two noisy figures would have wild tails
    low = float(np.quantile(gained[1:], NO_WORSE_TAIL))
    return Check("profit", float(gained[0]), low, -margin, low >= -margin)


def _worsened(name: str, worse: Floats, margin: float) -> Check:
    # A draw on which it cannot be told counts as the worst there is: leaving it out would pass a version for what nobody knows.
    ordered = np.sort(np.where(np.isnan(worse[1:]), math.inf, worse[1:]))
    end = float(ordered[math.ceil((1 - NO_WORSE_TAIL) * (len(ordered) - 1))])
    high = end if math.isfinite(end) else math.nan
    return Check(f"{name}_worse", float(worse[0]), high, margin, high <= margin)


def _at_least(name: str, value: int, bound: int) -> Check:
    return Check(name, value, None, bound, value >= bound)
