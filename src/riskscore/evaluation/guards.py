"""Guards against figures that are too good: each stops a training that has seen what it could not have known."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from riskscore.errors import ModelRefused
from riskscore.evaluation.metrics import Floats, Integers

TOO_GOOD = 0.95
"""No single honest feature tells who will pay late this well; a copy of the outcome does."""

EPOCH = date(1970, 1, 1)


class LeakFound(ModelRefused):
    """The training has seen something that was not known at its dates. No model is made."""

    code = "leak-found"


def check_time_split(learned_on: Integers, judged_on: Integers, horizon_days: int, embargo_days: int) -> None:
    """The last outcome learned from was known before the first date judged, and the embargo lies between.

    learned_on, judged_on: dates of the rows as days since 1970-01-01. Raises LeakFound.
    """
    known_by = int(learned_on.max()) + horizon_days + embargo_days
    if known_by > int(judged_on.min()):
        raise LeakFound(
            f"the model judged from {_day(judged_on.min())} on learned from outcomes that end on "
            f"{_day(int(learned_on.max()) + horizon_days)}: the two overlap. Split by time with the outcome's horizon between."
        )


def check_maturity(matures_on: Floats, until: date) -> None:
    """Every outcome learned from was fully known by `until`. Raises LeakFound with the number that was not.

    Learning from the early payers alone of a month that is not over makes everyone look punctual.
    """
    immature = int(np.sum(matures_on > (until - EPOCH).days))
    if immature:
        raise LeakFound(f"{immature} outcomes are not known yet at {until}: leave out their whole month.")


def check_features(matrix: Floats, names: Sequence[str], outcome: Floats) -> None:
    """No feature alone, nor its absence, tells the outcome better than AUC 0.95. Raises LeakFound naming the feature."""
    for place, name in enumerate(names):
        values = matrix[:, place]
        missing = np.isnan(values)
        if missing.all():
            continue
        columns = [(np.where(missing, np.nanmedian(values), values), "")]
        if missing.any():
            columns.append((missing.astype(np.float64), "'s absence"))
        for column, said in columns:
            auc = separation(np.asarray(column, dtype=np.float64), outcome)
            if auc > TOO_GOOD:
                raise LeakFound(
                    f"feature {name}{said} alone tells the outcome with AUC {auc:.3f}: it holds what was not known yet. "
                    "Leave it out, or correct the day its rows became known."
                )


def check_categories(columns: Sequence[Sequence[str | None]], names: Sequence[str], outcome: Floats, folds: Integers) -> None:
    """No category alone tells the outcome better than AUC 0.95. Raises LeakFound naming the feature.

    columns: one sequence of levels a category, null (not known) being a level too. folds: a fold a row, no customer in two. A
    level is worth the share with the event among its rows in the other folds; of a level they do not know, the share of all of
    them. Shares among all rows were turned down: by a level of its own a customer would be known by its own outcome, which is no
    leak of the day but learning by heart.
    """
    for column, name in zip(columns, names, strict=True):
        levels, place = np.unique([f"={each}" if each is not None else "" for each in column], return_inverse=True)
        worth = np.full(len(outcome), 0.5)
        for fold in np.unique(folds):
            others = folds != fold
            if others.any():
                n = np.bincount(place[others], minlength=len(levels))
                events = np.bincount(place[others], outcome[others], minlength=len(levels))
                shares = np.divide(events, n, out=np.full(len(levels), outcome[others].mean()), where=n > 0)
                worth[~others] = shares[place[~others]]
        auc = _auc(worth, outcome)
        if auc > TOO_GOOD:
            raise LeakFound(
                f"the levels of {name} alone tell the outcome with AUC {auc:.3f}: they hold what was not known yet. "
                "Leave it out, or correct the day its rows became known."
            )


def check_point_in_time(names: Sequence[str], values: Floats, without_later: Floats) -> None:
    """Nothing changes when every fact learned after the rows' dates is taken away. Raises LeakFound naming the column that does.

    values, without_later: (n, columns), the same rows computed from all facts and from those known by the date alone. This
    catches what no test of skill can: delays of invoices not settled yet, a mean over the whole file, a column filled in later.
    """
    if len(values) != len(without_later):
        raise LeakFound(
            f"{len(values)} rows are {len(without_later)} once later facts are taken away: which rows there are tells what "
            "was not known at the date."
        )
    changed = ~((values == without_later) | (np.isnan(values) & np.isnan(without_later)))
    if changed.any():
        worst = int(changed.sum(axis=0).argmax())
        raise LeakFound(
            f"{names[worst]} of {int(changed[:, worst].sum())} rows changes once later facts are taken away: it tells what was "
            "not known at the date. Leave it out, or correct the day its rows became known."
        )


def check_known_before(known_by: date, judged_from: date) -> None:
    """Outcomes learned from were all known before the first date judged. Raises LeakFound: rows split at random overlap."""
    if known_by >= judged_from:
        raise LeakFound(
            f"what is judged from {judged_from} on was learned from outcomes known only by {known_by}. Split by time: learn from "
            "what was known before the first date judged."
        )


def separation(values: Floats, outcome: Floats) -> float:
    """AUC of one column in the direction that suits it, 0.5 to 1; ties count half. 0.5 where all outcomes are equal."""
    auc = _auc(values, outcome)
    return max(auc, 1 - auc)


def _auc(values: Floats, outcome: Floats) -> float:
    n_events = float(outcome.sum())
    n_goods = len(outcome) - n_events
    if n_events == 0 or n_goods == 0:
        return 0.5
    distinct, place = np.unique(values, return_inverse=True)
    events = np.bincount(place, outcome, minlength=len(distinct))
    goods = np.bincount(place, minlength=len(distinct)) - events
    below = np.cumsum(goods) - goods
    return float(np.sum(events * (below + goods / 2)) / (n_events * n_goods))


def _day(number: float) -> date:
    return EPOCH + timedelta(days=int(number))
