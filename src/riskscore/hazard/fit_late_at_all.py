"""Fitting what says of a newcomer's invoice whether it is late at all."""

from typing import Any

import numpy as np

from riskscore.features import CATALOGUE
from riskscore.hazard.issued import customers_of
from riskscore.hazard.late_at_all import FACTS, NUMBERS, Asked, asked_of
from riskscore.hazard.lately import late_lately
from riskscore.hazard.repetition import rows_each
from riskscore.hazard.two_years import TWO_YEARS
from riskscore.hazard.watched import Lessons, Watched
from riskscore.model.formula import Floats
from riskscore.model.logistic import BOUNDS, fit_logistic, rounded
from riskscore.model.members import describe_term
from riskscore.recipe import LateAtAllTerms

RISKS = {each.name: each.risk for each in (*CATALOGUE.values(), *TWO_YEARS)}


def fit_late_at_all(lessons: Lessons, terms: LateAtAllTerms, fewest: int) -> dict[str, Any] | None:
    """The logistic in plain values; None where fewer customers than `fewest` were late, or in time.

    lessons: those count that are at their issue and not due yet.
    """
    cases, late = lessons.invoices, late_at_all(lessons.fates)
    asked = cases.invoices["new"].to_numpy(zero_copy_only=False) & (cases.age <= 0) & ~np.isnan(late)
    if not asked.any():
        return None
    last = float((cases.column("due") + lessons.fates.watched).max())
    cases, late = cases.take(asked), late[asked]
    customers = customers_of(cases)
    if min(len(np.unique(customers[late == kind])) for kind in (0, 1)) < fewest:
        return None
    due, issued = cases.column("due"), cases.column("as_of")
    follow, mean = float(terms.level_share), float(late.mean())
    level = follow * late_lately(due, late, issued, terms.level_days).log_odds(mean)
    now = follow * late_lately(due, late, np.array([last + 1]), terms.level_days).log_odds(mean)[0]
    read = asked_of(cases)
    described = [
        describe_term(read.numbers[:, at], {"name": name, "kind": "number"}, terms.winsor) for at, name in enumerate(NUMBERS)
    ]
    each = rows_each(np.unique(customers, return_inverse=True)[1])
    fit = fit_logistic(read.design(described), late, ridge=terms.ridge * each, bounds=_bounds(read), offset=level)
    return {
        "terms": [{key: term[key] for key in ("input", "low", "high", "bend", "center", "scale")} for term in described],
        "intercept": fit.intercept,
        "coefficients": fit.coefficients.tolist(),
        "level": rounded(now),
        "follows": {"days": terms.level_days, "share": follow, "mean": rounded(mean)},
        "weight": float(terms.weight),
    }


def late_at_all(fates: Watched) -> Floats:
    """1.0 unpaid on the due date, 0.0 paid by it, NaN where that is not known yet."""
    seen = fates.paid <= fates.watched
    result: Floats = np.where(seen, fates.paid > 0, np.where(fates.watched > 0, 1.0, np.nan))
    return result


def _bounds(read: Asked) -> list[tuple[float, float]]:
    """The signs of the coefficients, in the order of `Asked.design`."""
    of_facts = [BOUNDS[RISKS[name]] for name in FACTS]
    free = read.unknown.shape[1] + read.due_dates.shape[1] + len(NUMBERS) - len(FACTS)
    n_numbers_free = len(NUMBERS) - len(FACTS)
    return [*of_facts, *[BOUNDS["none"]] * n_numbers_free, of_facts[0], *[BOUNDS["none"]] * (free - n_numbers_free)]
