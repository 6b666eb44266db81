"""Blocks of month ends that judge a model, and how much history a book needs to have one."""

from datetime import date, timedelta
from typing import Any

import numpy as np

from riskscore.recipe import Recipe
from riskscore.snapshot import month_ends
from riskscore.snapshot.calendar import day_number

LONGEST_MONTH = 31


def blocks_of(days: Any, recipe: Recipe) -> list[Any]:
    """The newest of these days in blocks; the oldest block may be short, the newest is whole."""
    judged = days[-recipe.cuts.folds * recipe.cuts.fold_months :]
    first = len(judged) % recipe.cuts.fold_months
    starts = [*([0] if first else []), *range(first, len(judged), recipe.cuts.fold_months)]
    return [judged[start:end] for start, end in zip(starts, [*starts[1:], len(judged)], strict=True)]


def known_before(days: Any, block: Any, recipe: Recipe) -> Any:
    """Which of these days have an outcome that was known, with the embargo, before the first of a block."""
    return days + recipe.outcome.horizon_days + recipe.cuts.embargo_days <= block[0]


def judged_from(opened: date, recipe: Recipe) -> date | None:
    """The first day on which a book holds a month end to learn from before a block that judges.

    opened: its first month end is not before this day. The outcomes of that month end must be over before the block begins, and
    those of the block by the day told. Null where the recipe keeps too few months for that.
    """
    ends: list[int] = []
    enough = 2 * (recipe.cuts.months + recipe.cuts.folds * recipe.cuts.fold_months)
    for end in month_ends(opened, opened + timedelta(days=LONGEST_MONTH * enough)):
        ends.append(day_number(end))
        cuts = np.array(ends[-recipe.cuts.months :])
        if any(known_before(cuts, block, recipe).any() for block in blocks_of(cuts, recipe)):
            return end + timedelta(days=recipe.outcome.horizon_days)
    return None
