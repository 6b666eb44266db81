"""The judged rows broken down: by kind of customer, and by what of time and customers the model had learned from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit

from riskscore.evaluation import HOLDOUTS, Measured, Resamples, SegmentRow, four_holdouts, judge_segments
from riskscore.model.fit import fit_formula
from riskscore.model.formula import Floats, Formula
from riskscore.model.rows import FeatureLike, Rows
from riskscore.model.value import read_column, read_columns
from riskscore.recipe import Recipe

HISTORY = ((1, "0"), (4, "1-3"), (13, "4-12"))
"""Invoices of the year that showed whether they were paid by their due date: fewer than so many, and the segment's name."""

MORE = "more than 12"
SIZES = ("small", "middle", "large")
N_RESAMPLES = 100


def segments_of(features: pa.Table) -> dict[str, Sequence[str | None]]:
    """By what the rows are broken down: payment history, size, industry, country, legal form; dimension to segment by row.

    Size is the third of the rows, by a year's billing, that the row lies in. A dimension whose column the rows lack is left out.
    """
    found: dict[str, Sequence[str | None]] = {}
    there = features.column_names
    if "n_matured_0d" in there:
        n = np.nan_to_num(_numbers(features, "n_matured_0d"))
        found["payment history"] = [next((name for most, name in HISTORY if each < most), MORE) for each in n]
    if "billed_365d" in there:
        billed = np.nan_to_num(_numbers(features, "billed_365d"))
        third = np.searchsorted(np.quantile(billed, [1 / 3, 2 / 3]), billed, side="left")
        found["size"] = [SIZES[each] for each in third]
    return found | {name: features[name].to_pylist() for name in ("industry", "country", "legal_form") if name in there}


def judge_by_segment(pd: Floats, rows: Rows, seed: int) -> list[SegmentRow]:
    """The table of every segment of the rows."""
    return judge_segments(pd, rows.outcome, rows.customers, segments_of(rows.features), seed=seed, n_resamples=N_RESAMPLES)


def judge_holdouts(
    rows: Rows, catalogue: Sequence[FeatureLike], recipe: Recipe, from_day: int
) -> Mapping[str, Mapping[str, Measured]]:
    """The figures of one model, not calibrated, on the four hold-outs around a day; those without both outcomes are left out.

    Empty where there is not enough before the day to learn from.
    """
    learn, parts = four_holdouts(rows.days, rows.families, from_day, recipe.outcome.horizon_days, recipe.cuts.embargo_days)
    learned = rows.take(learn)
    least = recipe.evidence.fold_customers_with_event
    if not len(learned) or min(learned.n_customers_with_event, learned.n_customers - learned.n_customers_with_event) < least:
        return {}
    formula = Formula(fit_formula(learned, catalogue, recipe, explains=False))
    found = {}
    for name in HOLDOUTS:
        part = rows.take(parts[name])
        if 0 < part.outcome.sum() < len(part):
            pd = expit(formula.log_odds(formula.matrix(read_columns(part.features, catalogue))))
            found[name] = Resamples(part.customers, N_RESAMPLES, recipe.seed).judge(pd, part.outcome).measured()
    return found


def _numbers(features: pa.Table, name: str) -> Any:
    return np.asarray(read_column(features, name, "number"), dtype=np.float64)
