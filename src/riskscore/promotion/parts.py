"""The two other fitted parts of a model before the gate: is the payment hazard no worse, and the model of newcomers?

Both models are asked the same questions, whether an invoice is late by more than k days or a newcomer pays materially late; what
is shown is that the challenger's log loss is not higher by more than a margin (non-inferiority, a paired bootstrap of customers).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from riskscore.evaluation.metrics import Floats, Integers
from riskscore.promotion.check import Check
from riskscore.promotion.evidence import draws_of, loss_of, spread_around
from riskscore.promotion.terms import GateTerms

HAZARD, NEWCOMERS = "hazard", "newcomers"
"""The parts, as the terms under `[no_worse]` name them."""

NO_WORSE_TAIL = 0.05
FEWEST_CUSTOMERS = 30
FEWEST_OF_EITHER = 10
"""Customers with an event, and customers without: of fewer an interval says nothing, and chance would hold every version."""

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Basis = Literal["after_both", "walk_forward", "neither", "champion_lacks", "challenger_lacks", "nothing_shared"]
"""Which rows were compared; or why none was: too few answers with both outcomes on a side, or too few that both sides gave."""

ON_ROWS: tuple[Basis, ...] = ("after_both", "walk_forward")
EXCUSED: tuple[Basis, ...] = ("neither", "champion_lacks")
"""Why a part that was not compared holds nothing: there is nothing in force that it could be worse than."""


@dataclass(frozen=True, eq=False)
class PartEvidence:
    """What both models said of the same matured questions, an entry each, in the same order everywhere.

    customers: a number per customer, the same in all questions about invoices. outcome: 1.0 where it came true. champion,
    challenger: probabilities, none by a model that had seen the outcome; NaN where that side gave no such answer. after_both:
    asked after the last day of both trainings, so that both answer as they are.
    """

    customers: Integers
    outcome: Floats
    champion: Floats
    challenger: Floats
    after_both: Flags

    def take(self, mask: Flags) -> "PartEvidence":
        """The questions where the mask is true."""
        return replace(self, **{each.name: getattr(self, each.name)[mask] for each in fields(self)})

    def enough(self, mask: Flags) -> bool:
        """Are there enough customers with an event, and without any, among the questions where the mask is true?"""
        n = len(np.unique(self.customers[mask]))
        n_with = len(np.unique(self.customers[mask & (self.outcome == 1)]))
        return n >= FEWEST_CUSTOMERS and min(n_with, n - n_with) >= FEWEST_OF_EITHER


Compared = Mapping[str, PartEvidence | None]
"""Name of the question to the answers both sides gave; null where it was not compared."""


@dataclass(frozen=True)
class PartRow:
    """On what a part was compared. n_rows and customers: zero where it was not."""

    name: str
    basis: Basis
    n_rows: int
    n_customers: int
    n_customers_with_event: int


@dataclass(frozen=True)
class Parts:
    """A check for every question about the other parts, what it stands on, and the answers that were compared."""

    checks: Sequence[Check]
    rows: Sequence[PartRow]
    answers: Compared


def compare_parts(asked: Mapping[str, PartEvidence], terms: GateTerms) -> Parts:
    """Is the challenger no worse in what its other parts say?

    asked: name of the question, `hazard/late_30` or `newcomers`, to what was said of it. What was not compared passes where the
    champion has too little to be compared with, and holds where only the challenger has, or where the two share too little.
    """
    checks, rows = [], []
    compared: dict[str, PartEvidence | None] = {}
    for name, evidence in asked.items():
        basis, shared = shared_by_both(evidence)
        margin = float(terms.no_worse.newcomers if name == NEWCOMERS else terms.no_worse.log_loss)
        compared[name] = shared
        if shared is None:
            checks.append(Check(f"{name}_worse", math.nan, None, margin, basis in EXCUSED))
            rows.append(PartRow(name, basis, 0, 0, 0))
        else:
            checks.append(check_no_worse(name, [shared], margin, terms))
            who = (shared.customers, shared.customers[shared.outcome == 1])
            rows.append(PartRow(name, basis, len(shared.outcome), *(len(np.unique(each)) for each in who)))
    return Parts(checks, rows, compared)


def shared_by_both(evidence: PartEvidence) -> tuple[Basis, PartEvidence | None]:
    """The questions that both sides answered: those after both trainings where they are enough, else all; null: too few."""
    old, new = ~np.isnan(evidence.champion), ~np.isnan(evidence.challenger)
    for basis, mask in zip(ON_ROWS, (old & new & evidence.after_both, old & new), strict=True):
        if evidence.enough(mask):
            return basis, evidence.take(mask)
    has_old, has_new = evidence.enough(old), evidence.enough(new)
    if not has_old:
        return ("champion_lacks" if has_new else "neither"), None
    return ("nothing_shared" if has_new else "challenger_lacks"), None


def check_no_worse(name: str, answers: Sequence[PartEvidence], margin: float, terms: GateTerms) -> Check:
    """The log loss lost, as a share of the champion's: its upper bound must not be above the margin."""
    lost = _share_lost(answers, terms.better.resamples)
    high = float(np.quantile(lost[1:], 1 - NO_WORSE_TAIL))
    return Check(f"{name}_worse", float(lost[0]), high, margin, high <= margin)


def check_hazard_gain(compared: Compared, terms: GateTerms, level: float) -> Check | None:
    """The log loss gained by the payment hazard over all its questions together, as a share of the champion's.

    Its lower bound at the level must be worth a change, as for customers. Null where some question about invoices could not be
    compared, or none was asked: there the hazard may have become worse.
    """
    of_hazard = [shared for name, shared in compared.items() if name.startswith(HAZARD)]
    answers = [shared for shared in of_hazard if shared is not None]
    if not answers or len(answers) < len(of_hazard):
        return None
    gained = -_share_lost(answers, terms.better.resamples)
    with_event = np.unique(np.concatenate([each.customers[each.outcome == 1] for each in answers]))
    low, _ = spread_around(float(gained[0]), float(np.std(gained[1:], ddof=1)), level, len(with_event) - 1)
    least = float(terms.better.least_gain)
    return Check("hazard_gain", float(gained[0]), low, least, low > least)


def _share_lost(answers: Sequence[PartEvidence], wanted: int) -> Floats:
    """The challenger's log loss less the champion's, as a share of it: on the sample, then on each draw of the customers."""
    customers = np.concatenate([each.customers for each in answers])
    before, after = (
        np.concatenate([loss_of(getattr(each, side), each.outcome) for each in answers]) for side in ("champion", "challenger")
    )
    weights = draws_of(customers, wanted).weights
    lost, more = (weights @ np.bincount(customers, each, minlength=weights.shape[1]) for each in (before, after - before))
    share: Floats = more / lost
    return share
