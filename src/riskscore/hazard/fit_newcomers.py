"""Fitting the hazard of newcomers: two formulas, each by one half of the customers, blind to what they ever paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import logit

from riskscore.hazard.cases import Cases
from riskscore.hazard.fit_late_at_all import fit_late_at_all
from riskscore.hazard.inputs import SMALLEST_CHANCE
from riskscore.hazard.issued import customers_of
from riskscore.hazard.members import fit_logistic_by_bin, fit_trees_over_bins
from riskscore.hazard.newcomers import BOOSTERS, HALVES, Half, Known, facts_of, halves_of, see
from riskscore.hazard.repetition import customers_shown, rows_each
from riskscore.hazard.watched import Lessons, Watched, paid_in_time, periods_seen, unpaid_after_due
from riskscore.model.formula import Floats
from riskscore.model.inputs import N_CROSS_FOLDS, level_log_odds
from riskscore.model.logistic import significant
from riskscore.recipe import NewcomerHazardTerms, Recipe

N_SELFTEST = 32


@dataclass(frozen=True)
class FittedNewcomers:
    """formula: for `formula.json`. files: the trees. samples: periods and bins for the self-test of each half.

    standing: (customers and dates, 2), what the half that does not know a customer makes of its facts, see `Half.standing`.
    """

    formula: dict[str, Any]
    files: dict[str, bytes]
    samples: tuple[tuple[Floats, Any], ...]
    standing: Floats


def fit_newcomers(
    cases: Cases, fates: Watched, habits: Mapping[str, Any], recipe: Recipe, *, issued: Lessons | None = None
) -> FittedNewcomers:
    """The hazard of newcomers, learned from at most as many of the cases as the recipe says, evenly by customer.

    issued: the invoices that teach whether one is late at all, see `fit_hazard`.
    Where too few customers of a half paid late, or in time, the book's mean by bin speaks for that half.
    """
    known, terms = Known.of(recipe.cold.features), recipe.hazard.newcomers
    lessons = evenly_by_customer(customers_of(cases), terms.most_cases)
    in_half = halves_of(cases.who["customer_id"].to_pylist())
    of_case = in_half[cases.observation]
    learned, files, samples = [], {}, []
    standing = np.zeros((cases.who.num_rows, 2))
    for half in HALVES:
        mine = lessons & (of_case == half)
        stored, trees, sample = _fit_half(cases.take(mine), taken(fates, mine), habits, known, terms, recipe.seed)
        learned.append(stored)
        files[BOOSTERS[half]] = trees
        samples.append(sample)
        others, formula = in_half != half, Half(stored, trees, known)
        standing[others] = formula.standing(facts_of(cases.who.filter(pa.array(others)), known, formula.levels))
    told = {
        "numbers": list(known.numbers),
        "categories": list(known.categories),
        "halves": learned,
        "late_at_all": fit_late_at_all(issued or Lessons(cases, fates), terms.late_at_all, terms.customers_with_event),
    }
    return FittedNewcomers(told, files, tuple(samples), standing)


def evenly_by_customer(customers: Any, most: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which cases are learned from: of every customer about as many, spread over its own, until there are `most`.

    A hundred invoices of one customer show the same accounts a hundred times.
    """
    if len(customers) <= most:
        return np.ones(len(customers), dtype=bool)
    number = np.unique(customers, return_inverse=True)[1]
    count = np.bincount(number)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    within = np.arange(len(number)) - start[number]  # cases are sorted by customer
    # Halving the steps again and again: the first few of a customer lie far apart in time.
    spread = np.array([int(f"{at:032b}"[::-1], 2) for at in range(int(count.max()))], dtype=np.int64)
    order_within = np.empty(len(number), dtype=np.int64)
    by_customer = np.lexsort((spread[within], number))
    order_within[by_customer] = within
    chosen = np.lexsort((number, order_within))[:most]
    mask = np.zeros(len(customers), dtype=bool)
    mask[chosen] = True
    return mask


def taken(fates: Watched, mask: Any) -> Watched:
    """The fates where the mask is true."""
    return Watched(fates.paid[mask], fates.watched[mask])


def _fit_half(
    cases: Cases, fates: Watched, habits: Mapping[str, Any], known: Known, terms: NewcomerHazardTerms, seed: int
) -> tuple[dict[str, Any], bytes, tuple[Floats, Any]]:
    """What is stored of the half's formula, its trees, and periods with their bins for the self-test."""
    seen = see(cases, known, habits)
    case, place, paid = periods_seen(seen.described, fates)
    ids = np.unique(customers_of(cases), return_inverse=True)[1]
    late = unpaid_after_due(place, paid)
    n_late, n_in_time = (len(np.unique(ids[case][shown])) for shown in (late, paid_in_time(place, paid)))
    levels, categories = _levels(seen.texts, ids, case, late)
    matrix = seen.periods(case, place, categories)
    chosen = np.unique(np.linspace(0, max(len(paid) - 1, 0), N_SELFTEST).round().astype(int))[: len(paid)]
    sample = (matrix[chosen], place[chosen])
    if min(n_late, n_in_time) < terms.customers_with_event:
        mean = np.clip(habits["mean"], SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)
        stored = {
            "levels": levels,
            "logistic": {"bins": significant(logit(mean)).tolist(), "terms": []},
            "weights": {"logistic": 1.0},
        }
        return stored, b"", sample
    each, n_shown = rows_each(ids[case]), customers_shown(ids[case[late]])
    logistic = fit_logistic_by_bin(matrix, place, paid, known.names, terms.logistic, each, known.directions)
    trees = fit_trees_over_bins(matrix, paid, terms.trees, n_shown, each, seed, known.directions)
    weights = {"logistic": float(terms.logistic.weight), "trees": float(terms.trees.weight)}
    return {"levels": levels, "logistic": logistic, "weights": weights}, trees, sample


def _levels(texts: Mapping[str, Any], ids: Any, case: Any, late: Any) -> tuple[dict[str, dict[str, float]], Floats]:
    """By category the log-odds of its levels to be late at all; and every case's, as the other customers make them."""
    was_late = np.bincount(case[late], minlength=len(ids)).astype(bool).astype(np.float64)
    watched = np.bincount(case, minlength=len(ids)) > 0
    weight = 1.0 / np.bincount(ids)[ids] if len(ids) else np.zeros(0)
    levels: dict[str, dict[str, float]] = {}
    columns = []
    for name, column in texts.items():
        crossed = np.zeros(len(ids))
        columns.append(crossed)
        if len(set(column[watched].tolist())) < 2:  # one level for all tells nobody apart
            levels[name] = {}
            continue
        levels[name] = level_log_odds(column[watched].tolist(), was_late[watched], weight[watched])
        for fold in range(N_CROSS_FOLDS):
            there, others = ids % N_CROSS_FOLDS == fold, watched & (ids % N_CROSS_FOLDS != fold)
            if there.any() and others.any():
                told = level_log_odds(column[others].tolist(), was_late[others], weight[others])
                crossed[there] = [told.get(text, 0.0) for text in column[there]]
    return levels, np.array(columns, dtype=np.float64).reshape(len(columns), -1).T
