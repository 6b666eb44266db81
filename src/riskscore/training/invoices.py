"""Invoices: the payment hazard judged walking forward on what was known at issue, then learned from all that is known.

An outcome counts for learning only where it was known before the first date judged: paid by then, or open beyond the days asked
about. Judged are invoices on the day of their issue, all those of the same age alike: early payers do not count before the late.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import features
from riskscore.errors import TooFewEvents
from riskscore.evaluation import Measured, Resamples, check_known_before, check_point_in_time
from riskscore.hazard import Cases, Curves, Hazard, all_at_issue, cases_of
from riskscore.hazard.cases import joined, take_cases
from riskscore.hazard.fit import fit_hazard
from riskscore.hazard.formula import own_curves
from riskscore.hazard.inputs import OF_CASE, describe, fit_habits
from riskscore.hazard.two_years import TWO_YEARS
from riskscore.model.calibration import log_loss
from riskscore.model.formula import Floats
from riskscore.recipe import Recipe
from riskscore.snapshot import customers_known_at, month_ends, take_open_items
from riskscore.snapshot.calendar import date_of, day_number
from riskscore.tables import Ledger
from riskscore.training.fates import Fates, fates_of
from riskscore.training.gathering import Ledgers, Progress, silent

LATENESS = (0, 15, 30)
N_REFITS = 2
REFIT_DAYS = 182
OPEN_SHARE = 4
"""One part in four of the cases are invoices open at month ends: they teach what becomes of those that are late already."""

OPEN_EACH = 2
"""Invoices a customer has open at a time, roughly: what turns wanted cases into customers and dates to look at."""

OPEN_MONTHS = 24
N_CHECKED = 40
"""Customers whose inputs are computed again without the later facts."""

N_RESAMPLES = 300


@dataclass(frozen=True)
class GatheredInvoices:
    """Cases of a book in one order, and by day of knowledge what had become of them. refits: dates judged from."""

    cases: Cases
    fates: Mapping[date, Fates]
    refits: tuple[date, ...]
    until: date


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
        mature = day_number(self.until) - self.cases.column("due") > k
        result: np.ndarray[tuple[int], np.dtype[np.bool_]] = mature & (self.cases.age <= k) & ~np.isnan(self.fates.late(k))
        return result


def gather_invoices(
    ledgers: Ledgers, recipe: Recipe, *, until: date, refits: Sequence[date] | None = None, progress: Progress = silent
) -> GatheredInvoices:
    """The invoices of every ledger on the day of issue, and those open at month ends, with what became of them.

    refits: the dates judged from, each until the next; default: the last two half-years. Of a large book a fixed share is taken.
    Raises TooFewEvents for a book without invoices, LeakFound where an input knows what was learned later.
    """
    chosen = tuple(refits) if refits else tuple(until - timedelta(days=REFIT_DAYS * n) for n in range(N_REFITS, 0, -1))
    # Equal customers and days are chosen whatever else the book holds, as long as the share is the same. What was issued later
    # would make it smaller: then a book that has grown since would teach another hazard.
    issues = [issued_by(all_at_issue(ledger), until) for ledger in ledgers]
    n_issues = sum(days.num_rows for days in issues)
    if not n_issues:
        raise TooFewEvents("the book holds no invoice, so when invoices are paid cannot be learned. Ingest a longer history.")
    most = recipe.hazard.most_cases
    months = month_ends(until - timedelta(days=31 * OPEN_MONTHS), until - timedelta(days=1))
    n_customers = sum(len(set(days["customer_id"].to_pylist())) for days in issues)
    pieces: list[tuple[Cases, dict[date, Fates]]] = []
    for number, (ledger, days) in enumerate(zip(ledgers, issues, strict=True)):
        progress("invoices and payments", number, len(ledgers))
        observed = pa.concat_tables(
            [
                sampled(days, most / n_issues),
                sampled(every(ledger, months, until), most / OPEN_SHARE / OPEN_EACH / (n_customers * len(months))),
            ]
        )
        if observed.num_rows == 0:
            continue
        known = take_open_items(ledger, observed)
        cases = cases_of(ledger, known, whole_on=months)
        stages = {*(day - timedelta(days=1) for day in chosen), until}
        pieces.append((cases, {day: fates_of(known, cases, day) for day in stages}))
        if number == 0:
            check_inputs(ledger, cases, fit_habits(cases))
    progress("invoices and payments", len(ledgers), len(ledgers))
    cases, order = joined([piece for piece, _ in pieces])
    fates = {day: laid_together([found[day] for _, found in pieces]).take(order) for day in pieces[0][1]}
    return GatheredInvoices(cases, fates, chosen, until)


def laid_together(pieces: Sequence[Fates]) -> Fates:
    """The fates of several pieces, one after the other."""
    return Fates(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("paid", "watched", "counts")))


def issued_by(observations: pa.Table, day: date) -> pa.Table:
    """The observations of that day and before."""
    return observations.filter(pc.less_equal(observations["as_of"], pa.scalar(day, pa.date32())))


def sampled(observations: pa.Table, share: float) -> pa.Table:
    """A fixed share of the observations, chosen by customer and date alone."""
    if share >= 1:
        return observations
    texts = zip(observations["customer_id"].to_pylist(), observations["as_of"].to_pylist(), strict=True)
    kept = [zlib.crc32(f"{who}|{day}".encode()) < share * 2**32 for who, day in texts]
    return observations.filter(pa.array(kept, pa.bool_()))


def every(ledger: Ledger, dates: Sequence[date], until: date) -> pa.Table:
    """An observation for every customer on every date."""
    who = customers_known_at(ledger, until)["customer_id"].to_pylist()
    return pa.table(
        {
            "customer_id": pa.array([each for each in who for _ in dates], pa.string()),
            "as_of": pa.array(list(dates) * len(who), pa.date32()),
        }
    )


def catalogue_of() -> tuple[str, ...]:
    """The features of a customer that the hazard reads: every number of the catalogue."""
    return tuple(name for name, each in features.CATALOGUE.items() if each.kind == "number")


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
    then = gathered.fates[refit - timedelta(days=1)]
    now = new & (as_of >= start) & (as_of < end)
    past = (as_of < start) & then.counts
    if not now.any() or not enough(then.take(past), recipe):
        return None
    learned, asked, lessons = cases.take(past), cases.take(now), then.take(past)
    check_known_before(newest_lesson(learned, lessons), refit)
    hazard = Hazard(fit_hazard(learned, lessons, catalogue_of(), recipe))
    by_history, own = hazard.by_history(asked), own_curves(asked, fit_habits(learned))
    return Foretold(refit, np.flatnonzero(now), hazard.by_newcomers(asked, by_history), by_history, own, goes_by_facts(hazard))


def together(gathered: GatheredInvoices, parts: Sequence[Foretold | None], recipe: Recipe) -> Forecast:
    """The forecast of all refit dates, in their order; who answers newcomers is decided for each by what was known before it.

    Raises TooFewEvents where nothing could be judged.
    """
    cases, found = gathered.cases, [part for part in parts if part is not None]
    if not found:
        raise TooFewEvents(
            "no quarter has enough paid and late invoices known before it, so the payment hazard cannot be judged."
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
    other one has foretold them better: log loss over `LATENESS`, by customer, lower in the mean by more than its standard error.
    Of an age all invoices count or none.
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
        for k in LATENESS:
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


def newest_lesson(cases: Cases, fates: Fates) -> date:
    """The newest day that what is learned speaks of: of a case, of a payment that was seen, or of having watched for one."""
    seen = np.where(fates.paid <= fates.watched, fates.paid, fates.watched)
    return date_of(int(max(cases.column("as_of").max(), (cases.column("due") + np.maximum(seen, fates.watched)).max())))


def laid(pieces: Sequence[Curves]) -> Curves:
    """The curves of several pieces, one after the other; beyond the last edge they go on as the newest does."""
    ages, survived = [piece.age for piece in pieces], [piece.survived for piece in pieces]
    return Curves(np.concatenate(ages), np.concatenate(survived), pieces[-1].pace)


def enough(then: Fates, recipe: Recipe) -> bool:
    """Are there invoices of both kinds to learn from?"""
    late = then.late(0)
    least = recipe.evidence.fold_customers_with_event
    return bool(min(np.nansum(late == 1), np.nansum(late == 0)) >= least)


def learn_hazard(gathered: GatheredInvoices, recipe: Recipe) -> dict[str, bytes]:
    """The files of the hazard learned from all that is known. Who answers newcomers, `newcomers_speak` says afterwards."""
    now = gathered.fates[gathered.until]
    return fit_hazard(gathered.cases.take(now.counts), now.take(now.counts), catalogue_of(), recipe)


def judge_invoices(forecast: Forecast, recipe: Recipe) -> dict[str, dict[str, dict[str, Measured]]]:
    """Figures by lateness ("late > 0"), predictor and metric, with intervals by resampling customers."""
    told: dict[str, dict[str, dict[str, Measured]]] = {}
    for k in LATENESS:
        mask = forecast.judged(k)
        outcome = forecast.fates.late(k)[mask]
        if not 0 < outcome.sum() < len(outcome):
            continue
        customers = customers_of(forecast.cases)[mask]
        resamples = Resamples(customers, N_RESAMPLES, recipe.seed)
        said = {"hazard": forecast.curves, "shrunken rate": forecast.own}
        told[f"late > {k}"] = {name: resamples.judge(curves.late(k)[mask], outcome).measured() for name, curves in said.items()}
    return told


def customers_of(cases: Cases) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A number per customer, one entry a case."""
    ids = np.asarray(cases.invoices["customer_id"].to_pylist(), dtype=object)
    return np.unique(ids, return_inverse=True)[1].astype(np.int64)


def check_inputs(ledger: Ledger, cases: Cases, habits: Mapping[str, Any]) -> None:
    """Inputs of some customers at a date in the middle are the same without what was learned later. Raises LeakFound."""
    days = np.sort(cases.column("as_of"))
    if not len(days):
        return
    middle = date_of(int(days[len(days) // 2]))
    observed = customers_known_at(ledger, middle).slice(0, N_CHECKED)
    few = ledger.aside(ledger)  # forty customers: an engine made for many would plan longer than another one computes
    told = [everything_read(take_cases(each, observed), habits) for each in (few, known_by(few, middle))]
    check_point_in_time(EVERYTHING, *told)


CATEGORIES = tuple(name for name, each in features.CATALOGUE.items() if each.kind == "category")
EVERYTHING = (*catalogue_of(), *OF_CASE, "settled", *(each.name for each in TWO_YEARS), *CATEGORIES)
"""What the hazards, that of newcomers too, can read of a case."""


def everything_read(cases: Cases, habits: Mapping[str, Any]) -> Floats:
    """One row a case, a column for each of `EVERYTHING`; texts by their checksum."""
    who = cases.who
    means = [np.asarray(who[each.name].to_numpy(zero_copy_only=False), dtype=np.float64) for each in TWO_YEARS]
    texts = [np.array([zlib.crc32(str(text).encode()) for text in who[name].to_pylist()], float) for name in CATEGORIES]
    of_who = np.column_stack([cases.settled, *means, *texts])
    return np.column_stack([describe(cases, catalogue_of(), habits).matrix, of_who[cases.observation]])


def known_by(ledger: Ledger, day: date) -> Ledger:
    """The ledger as it was at the end of a day: what became known later is gone, a dispute closed later is still open."""
    last = day_number(day)
    frames = dict(ledger.frames)
    for name, frame in frames.items():
        column = "known_on" if "known_on" in frame.collect_schema().names() else "rated_on"
        frames[name] = frame.filter(nw.col(column) <= last)
    ended = nw.col("closed_on") <= last
    frames["disputes"] = frames["disputes"].with_columns(closed_on=nw.when(ended).then(nw.col("closed_on")))
    return replace(ledger, frames=frames)
