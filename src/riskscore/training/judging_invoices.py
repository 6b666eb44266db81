"""Judging the payment hazard: its figures by lateness beside the customers' own records, and by kind of customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskscore.evaluation import Measured, Resamples, SegmentRow, judge_segments, paired_difference
from riskscore.recipe import Recipe
from riskscore.training.breakdown import N_RESAMPLES as N_RESAMPLES_OF_SEGMENTS
from riskscore.training.breakdown import segments_of
from riskscore.training.invoices import Forecast, customers_of
from riskscore.training.judging import COMPARED, Flags

LATENESS = (0, 7, 15, 30, 60, 90)
"""Days late that are asked about: late at all, and as many days as reminders, limits and provisions speak of."""

BROKEN_DOWN = (0, 30)
"""Of these the segments are told too: late at all, and late enough to cost money."""

N_RESAMPLES = 300
HAZARD, RECORD = "hazard", "shrunken rate"
"""The predictors: the payment hazard, and the customer's own record of payment pulled toward the book's."""


@dataclass(frozen=True)
class JudgedLateness:
    """How well "late by more than so many days" was foretold on the day of issue. Counts are of the invoices judged.

    figures: predictor to metric. differences: the hazard's figure less the record's, on the same draws of the customers: above 0
    is better in AUC and PR-AUC, below 0 in log loss and Brier. segments: of the hazard, by kind of customer on that day; only
    for `BROKEN_DOWN`.
    """

    n_invoices: int
    n_late: int
    n_customers: int
    n_customers_with_late: int
    figures: Mapping[str, Mapping[str, Measured]]
    differences: Mapping[str, Measured]
    segments: Sequence[SegmentRow] = ()


def judge_invoices(forecast: Forecast, recipe: Recipe) -> dict[str, JudgedLateness]:
    """Figures by lateness ("late > 0"); a lateness of which only one outcome is known is left out."""
    told = {}
    for k in LATENESS:
        mask = forecast.judged(k)
        outcome = forecast.fates.late(k)[mask]
        if not 0 < outcome.sum() < len(outcome):
            continue
        customers = np.unique(customers_of(forecast.cases)[mask], return_inverse=True)[1].astype(np.int64)
        resamples = Resamples(customers, N_RESAMPLES, recipe.seed)
        said = {HAZARD: forecast.curves.late(k)[mask], RECORD: forecast.own.late(k)[mask]}
        replicates = {name: resamples.judge(chances, outcome) for name, chances in said.items()}
        told[f"late > {k}"] = JudgedLateness(
            n_invoices=len(outcome),
            n_late=int(outcome.sum()),
            n_customers=int(customers.max()) + 1,
            n_customers_with_late=len(np.unique(customers[outcome == 1])),
            figures={name: each.measured() for name, each in replicates.items()},
            differences={metric: paired_difference(replicates[HAZARD], replicates[RECORD], metric) for metric in COMPARED},
            segments=judge_segments(
                said[HAZARD], outcome, customers, kinds_of(forecast, mask), seed=recipe.seed, n_resamples=N_RESAMPLES_OF_SEGMENTS
            )
            if k in BROKEN_DOWN
            else (),
        )
    return told


def kinds_of(forecast: Forecast, mask: Flags) -> Mapping[str, Sequence[str | None]]:
    """By what the judged invoices are broken down: dimension to segment, an entry each.

    As the customers are, as they stood on the day of issue, and by whether it was a newcomer: those may be answered by a hazard
    of their own. Size is the third of the invoices by a year's billing of their customers.
    """
    cases = forecast.cases.take(mask)
    found = segments_of(cases.who.take(cases.observation))
    return found | {"newcomer": ["yes" if each else "no" for each in cases.newcomer]}
