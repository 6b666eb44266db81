"""A version beside simpler predictors on later months: the checks that each has to pass, and in words why one does not."""

import math
from collections.abc import Iterable, Mapping, Sequence

from riskscore.evaluation import Measured
from riskscore.promotion import Check
from riskscore.promotion.gate import check_baseline, check_scorecard
from riskscore.training.judging import COMPARED, SCORECARD

RULE = "shrunken rate"
"""The rule of thumb every version must be ahead of, beside those the recipe names."""

METRICS = {"auc": "AUC", "pr_auc": "PR-AUC", "brier": "Brier"}


def checks_beside(figures: Mapping[str, float], baselines: Sequence[str]) -> list[Check]:
    """The version beside simpler predictors on later months: ahead of every rule of thumb, not clearly behind the scorecard.

    figures: the metrics of its run. baselines: the rules the recipe names. What a run does not tell is NaN and passes nothing.
    """

    def lead(predictor: str) -> dict[str, Measured]:
        stem = f"ahead_of/{_key(predictor)}"
        return {
            metric: Measured(*(figures.get(f"{stem}/{metric}{end}", math.nan) for end in ("", "_low", "_high")))
            for metric in COMPARED
        }

    of_rules = [check for rule in (RULE, *baselines) for check in check_baseline(_key(rule), lead(rule))]
    return of_rules + check_scorecard(_key(SCORECARD), lead(SCORECARD))


def why_held(checks: Iterable[Check]) -> str:
    """The checks that fail, in words: beside whom, in what, by how much, and the bound that counts."""
    return "; ".join(_said(check) for check in checks if not check.passed)


def _said(check: Check) -> str:
    kind, predictor, metric = check.name.split("/")
    where = f"{predictor.replace('_', ' ')} in {METRICS[metric]}"
    if check.end is None or math.isnan(check.end):
        return f"how it stands beside {where} is not known"
    if kind == "not_behind":
        return f"clearly behind {where} (by {-check.value:.4f}, beyond chance {-check.end:.4f})"
    if check.value > 0:
        return f"ahead of {where} by {check.value:.4f}, which chance explains (lower bound {check.end:.4f})"
    return f"not ahead of {where} ({check.value:+.4f})"


def _key(predictor: str) -> str:
    """How a run's metrics write the name of a predictor."""
    return predictor.replace(" ", "_")
