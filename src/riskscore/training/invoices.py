"""Invoices: the payment hazard judged walking forward on what was known at issue, then learned from all that is known.

An outcome counts for learning only where it was known before the first date judged: paid by then, or open beyond the days asked
about. Judged are invoices on the day of their issue, all those of the same age alike: early payers do not count before the late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from riskscore.errors import TooFewEvents
from riskscore.evaluation import check_known_before
from riskscore.hazard import Cases, Curves, Hazard, Invoices
from riskscore.hazard.fit import fit_hazard
from riskscore.hazard.formula import own_curves
from riskscore.hazard.inputs import fit_habits
from riskscore.hazard.watched import Watched
from riskscore.model.calibration import log_loss
from riskscore.recipe import Recipe
from riskscore.snapshot.calendar import date_of, day_number
from riskscore.training.fates import Fates
from riskscore.training.gathering import Progress, silent
from riskscore.training.gathering_invoices import GatheredInvoices, catalogue_of

DECIDED_BY = (0, 15, 30)
"""By what it is decided who answers newcomers, in days late: of more days too few of them are known."""


@dataclass(frozen=True)
class Foretold:
    """What is said of the invoices issued from a refit date to the next. places: theirs among the gathered cases.

    by_newcomers: newcomers by the hazard of newcomers; by_history: newcomers as all others; own: by the customers' own records.
    go_by_facts: whether the hazard of newcomers knew a fact of theirs.
    """

    refit: date
    places: np.ndarray[Any, np.dtype[np.int64]]
    by_newcomers: Curves
    by_history: Curves
    own: Curves
    go_by_facts: bool


@dataclass(frozen=True)
class Forecast:
    """Invoices judged on the day of issue: the curve each was given by a hazard learned before its half-year."""

    cases: Cases
    fates: Fates
    curves: Curves
    own: Curves
    until: date

    def judged(self, k: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which invoices count for "late by more than k days": undecided at issue, all of their age known by now."""
        return matured(self.cases, self.fates, self.until, k)


def walk_forward_invoices(gathered: GatheredInvoices, recipe: Recipe, *, progress: Progress = silent) -> Forecast:
    """Every invoice issued from a refit date to the next, given its curve by a hazard learned on what was known before the date.

    Raises TooFewEvents where nothing could be judged, LeakFound where what was learned reaches into what is judged.
    """
    refits = gathered.refits
    parts = []
    for number, refit in enumerate(refits):
        progress("judging invoices", number, len(refits))
        parts.append(foretell_from(gathered, recipe, refit))
    progress("judging invoices", len(refits), len(refits))
    return together(gathered, parts, recipe)


def foretell_from(gathered: GatheredInvoices, recipe: Recipe, refit: date) -> Foretold | None:
    """What is said of the invoices issued from a refit date to the next; null where none was, or too little was known before.

    Raises LeakFound where what was learned reaches into what is judged.
    """
    cases, later = gathered.cases, [day for day in gathered.refits if day > refit]
    as_of, new = cases.column("as_of"), cases.invoices["new"].to_numpy(zero_copy_only=False)
    start, end = day_number(refit), day_number(min(later)) if later else np.inf
    now = new & (as_of >= start) & (as_of < end)
    day_before = refit - timedelta(days=1)
    learned, then = gathered.cases_known(day_before)
    if not now.any() or not enough(then, recipe):
        return None
    issued, asked = gathered.issued_known(day_before), cases.take(now)
    for known, fates in ((learned, then), (issued.invoices, issued.fates)):
        check_known_before(newest_lesson(known, fates), refit)
    hazard = Hazard(fit_hazard(learned, then, catalogue_of(), recipe, issued=issued))
    by_history, own = hazard.by_history(asked), own_curves(asked, fit_habits(learned))
    return Foretold(refit, np.flatnonzero(now), hazard.by_newcomers(asked, by_history), by_history, own, goes_by_facts(hazard))


def together(gathered: GatheredInvoices, parts: Sequence[Foretold | None], recipe: Recipe) -> Forecast:
    """The forecast of all refit dates, in their order; who answers newcomers is decided for each by what was known before it.

    Raises TooFewEvents where nothing could be judged.
    """
    cases, found = gathered.cases, [part for part in parts if part is not None]
    if not found:
        raise TooFewEvents(
            "no half-year has enough paid and late invoices known before it, so the payment hazard cannot be judged."
        )
    places = np.concatenate([each.places for each in found])
    mask = np.zeros(len(cases), dtype=bool)
    mask[places] = True
    order = np.argsort(places, kind="stable")
    told = []
    for number, each in enumerate(found):
        speak = newcomers_speak(gathered, found[:number], each.refit - timedelta(days=1), each.go_by_facts, recipe)
        told.append(each.by_newcomers if speak else each.by_history)
    model = laid(told).take(order)
    own = laid([each.own for each in found]).take(order)
    return Forecast(cases.take(mask), gathered.fates[gathered.until].take(mask), model, own, gathered.until)


def goes_by_facts(hazard: Hazard) -> bool:
    """Whether the hazard of newcomers knows a fact of theirs."""
    return hazard.newcomers is not None and hazard.newcomers.go_by_facts


def newcomers_speak(
    gathered: GatheredInvoices, parts: Sequence[Foretold | None], day: date, go_by_facts: bool, recipe: Recipe
) -> bool:
    """Whether the hazard of newcomers answers them, by what was known on a day of those that were foretold.

    It does where it goes by facts of theirs, and where there are none the hazard of customers with a history does; unless the
    other one has foretold them better: log loss over `DECIDED_BY`, by customer, lower in the mean by more than its standard
    error. Of an age all invoices count or none.
    """
    found = [part for part in parts if part is not None]
    if not found:
        return go_by_facts
    fates, cases = gathered.fates[day], gathered.cases
    past_due = day_number(day) - cases.column("due")
    customers, worse = [], []
    for part in found:
        new = cases.newcomer[part.places]
        who = customers_of(cases)[part.places][new]
        for k in DECIDED_BY:
            mature = (cases.age <= k) & (past_due > k)  # early payers do not count before the late ones of their age
            outcome = np.where(mature, fates.late(k), np.nan)[part.places][new]
            known = ~np.isnan(outcome)
            lost = [log_loss(each.take(new).late(k)[known], outcome[known]) for each in (part.by_newcomers, part.by_history)]
            customers.append(who[known])
            worse.append(lost[0] - lost[1])
    each_customer, place = np.unique(np.concatenate(customers), return_inverse=True)
    n = len(each_customer)
    if n < 2 * recipe.hazard.newcomers.customers_with_event:
        return go_by_facts
    by_customer = np.bincount(place, np.concatenate(worse))
    error = by_customer.std(ddof=1) / np.sqrt(n)
    return bool(by_customer.mean() <= error if go_by_facts else by_customer.mean() < -error)


def newest_lesson(cases: Invoices, fates: Watched) -> date:
    """The newest day that what is learned speaks of: of a case, of a payment that was seen, or of having watched for one."""
    seen = np.where(fates.paid <= fates.watched, fates.paid, fates.watched)
    return date_of(int(max(cases.column("as_of").max(), (cases.column("due") + np.maximum(seen, fates.watched)).max())))


def laid(pieces: Sequence[Curves]) -> Curves:
    """The curves of several pieces, one after the other; beyond the last edge they go on as the newest does."""
    ages, survived = [piece.age for piece in pieces], [piece.survived for piece in pieces]
    return Curves(np.concatenate(ages), np.concatenate(survived), pieces[-1].pace)


def matured(invoices: Invoices, fates: Fates, until: date, k: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of which invoices it is known by a day whether they are late by more than k days: of an age of all, or of none.

    Early payers do not count before the late ones of their age, nor what was decided on the day of asking. fates: as of that day.
    """
    of_age = day_number(until) - invoices.column("due") > k
    result: np.ndarray[tuple[int], np.dtype[np.bool_]] = of_age & (invoices.age <= k) & ~np.isnan(fates.late(k))
    return result


def enough(then: Fates, recipe: Recipe) -> bool:
    """Are there invoices of both kinds to learn from?"""
    late = then.late(0)
    least = recipe.evidence.fold_customers_with_event
    return bool(min(np.nansum(late == 1), np.nansum(late == 0)) >= least)


def learn_hazard(gathered: GatheredInvoices, recipe: Recipe) -> dict[str, bytes]:
    """The files of the hazard learned from all that is known. Who answers newcomers, `newcomers_speak` says afterwards."""
    known = gathered.cases_known(gathered.until)
    return fit_hazard(*known, catalogue_of(), recipe, issued=gathered.issued_known(gathered.until))


def customers_of(cases: Cases) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A number per customer, one entry a case."""
    ids = np.asarray(cases.invoices["customer_id"].to_pylist(), dtype=object)
    return np.unique(ids, return_inverse=True)[1].astype(np.int64)
