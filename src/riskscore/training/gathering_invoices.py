"""Gathering invoices: those at their issue and those open at month ends, with what was known of them, and what became of them."""

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
from riskscore.evaluation import check_point_in_time
from riskscore.features.measured import YEAR
from riskscore.hazard import Cases, Invoices, all_at_issue, cases_of, issued_of, take_cases
from riskscore.hazard.inputs import OF_CASE, describe, fit_habits
from riskscore.hazard.issued import Some, joined
from riskscore.hazard.late_at_all import FACTS
from riskscore.hazard.two_years import TWO_YEARS
from riskscore.hazard.watched import Lessons
from riskscore.model.formula import Floats
from riskscore.recipe import Recipe
from riskscore.snapshot import (
    OpenItems,
    customers_known_at,
    last_known_day,
    month_ends,
    take_histories,
    take_open_items,
)
from riskscore.snapshot.calendar import date_of, day_number
from riskscore.tables import Ledger
from riskscore.training.fates import Fates, fates_of
from riskscore.training.gathering import Ledgers, Progress, check_until, silent

N_REFITS = 2
REFIT_DAYS = 182
OPEN_SHARE = 4
"""One part in four of the cases are invoices open at month ends: they teach what becomes of those that are late already."""

OPEN_EACH = 2
"""Invoices a customer has open at a time, roughly: what turns wanted cases into customers and dates to look at."""

OPEN_MONTHS = 24
N_CHECKED = 40
"""Customers whose inputs are computed again without the later facts."""


@dataclass(frozen=True)
class GatheredInvoices:
    """Cases of a book in one order, and by day of knowledge what had become of them. refits: dates judged from.

    issued, fates_of_issued: the same of many more invoices at their issue, of whose customers little is known.
    """

    cases: Cases
    fates: Mapping[date, Fates]
    issued: Invoices
    fates_of_issued: Mapping[date, Fates]
    refits: tuple[date, ...]
    until: date

    def cases_known(self, day: date) -> tuple[Cases, Fates]:
        """What could be learned from at the end of a day of `fates`, and what was known of it: no sale that was none."""
        past = _countable(self.cases, self.fates[day], day)
        return self.cases.take(past), self.fates[day].take(past)

    def issued_known(self, day: date) -> Lessons:
        """The same of the invoices at their issue."""
        past = _countable(self.issued, self.fates_of_issued[day], day)
        return Lessons(self.issued.take(past), self.fates_of_issued[day].take(past))


def gather_invoices(
    ledgers: Ledgers, recipe: Recipe, *, until: date, refits: Sequence[date] | None = None, progress: Progress = silent
) -> GatheredInvoices:
    """The invoices of every ledger on the day of issue, and those open at month ends, with what became of them.

    refits: the dates judged from, each until the next; default: the last two half-years. Of a large book a fixed share is taken.
    Raises TooFewEvents for a book without invoices, LeakFound where an input knows what was learned later, UsageRefused where the
    ledgers know nothing of `until` (see `check_until`).
    """
    chosen = tuple(refits) if refits else tuple(until - timedelta(days=REFIT_DAYS * n) for n in range(N_REFITS, 0, -1))
    # Equal customers and days are chosen whatever else the book holds, as long as the share is the same. What was issued later
    # would make it smaller: then a book that has grown since would teach another hazard.
    seen = [(last_known_day(ledger), issued_by(all_at_issue(ledger), until)) for ledger in ledgers]
    check_until((last for last, _ in seen), until)
    issues = [days for _, days in seen]
    n_issues = sum(days.num_rows for days in issues)
    if not n_issues:
        raise TooFewEvents("the book holds no invoice, so when invoices are paid cannot be learned. Ingest a longer history.")
    most, most_issued = recipe.hazard.most_cases, recipe.hazard.newcomers.late_at_all.most_invoices
    months = month_ends(until - timedelta(days=31 * OPEN_MONTHS), until - timedelta(days=1))
    n_customers = sum(len(set(days["customer_id"].to_pylist())) for days in issues)
    stages = {*(day - timedelta(days=1) for day in chosen), until}
    pieces: list[tuple[Cases, dict[date, Fates]]] = []
    beside: list[tuple[Invoices, dict[date, Fates]]] = []
    looked_at = False
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
        cases = with_legal_form(cases_of(ledger, known, whole_on=months), known)
        pieces.append((cases, {day: fates_of(known, cases, day) for day in stages}))
        histories = take_histories(ledger, sampled(days, most_issued / n_issues))
        issued = issued_of(ledger, histories)
        beside.append((issued, {day: fates_of(histories, issued, day) for day in stages}))
        if not looked_at and len(cases):  # one ledger is enough, but the first may hold no invoice
            check_inputs(ledger, cases, fit_habits(cases))
            looked_at = True
    progress("invoices and payments", len(ledgers), len(ledgers))
    return GatheredInvoices(*in_one_order(pieces), *in_one_order(beside), chosen, until)


def with_legal_form(cases: Cases, known: OpenItems) -> Cases:
    """The cases with the legal form among what is held of the customers: it is no input, but the hazard is judged by it."""
    forms = known.spine.select("observation", "legal_form").collect("pyarrow").to_native().sort_by("observation")
    return replace(cases, who=cases.who.append_column("legal_form", forms["legal_form"]))


def in_one_order(pieces: Sequence[tuple[Some, Mapping[date, Fates]]]) -> tuple[Some, dict[date, Fates]]:
    """The invoices of several ledgers and their fates by day, in one order, whatever that of the ledgers."""
    invoices, order = joined([piece for piece, _ in pieces])
    return invoices, {day: laid_together([found[day] for _, found in pieces]).take(order) for day in pieces[0][1]}


def laid_together(pieces: Sequence[Fates]) -> Fates:
    """The fates of several pieces, one after the other."""
    return Fates(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("paid", "watched", "counts")))


def _countable(invoices: Invoices, fates: Fates, day: date) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    result: np.ndarray[tuple[int], np.dtype[np.bool_]] = (invoices.column("as_of") <= day_number(day)) & fates.counts
    return result


def issued_by(observations: pa.Table, day: date) -> pa.Table:
    """The observations of that day and before."""
    return observations.filter(pc.less_equal(observations["as_of"], pa.scalar(day, pa.date32())))


def sampled(observations: pa.Table, share: float) -> pa.Table:
    """A fixed share of the observations, chosen by customer and date alone."""
    if share >= 1:
        return observations
    named = pc.binary_join_element_wise(observations["customer_id"], observations["as_of"].cast(pa.string()), "|")
    kept = [zlib.crc32(text.encode()) < share * 2**32 for text in named.to_pylist()]
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
    """The features of a customer that the hazard reads: every number of the catalogue that looks back a year at most.

    What lies further back stands in the record by age bin already.
    """
    numbers = {name: each.window_days or 0 for name, each in features.CATALOGUE.items() if each.kind == "number"}
    return tuple(name for name, days in numbers.items() if days <= YEAR)


def check_inputs(ledger: Ledger, cases: Cases, habits: Mapping[str, Any]) -> None:
    """Inputs of some customers at a date in the middle are the same without what was learned later. Raises LeakFound."""
    days = np.sort(cases.column("as_of"))
    if not len(days):
        return
    middle = date_of(int(days[len(days) // 2]))
    observed = customers_known_at(ledger, middle).slice(0, N_CHECKED)
    few = ledger.aside(ledger)  # forty customers: an engine made for many would plan longer than another one computes
    both = few, known_by(few, middle)
    check_point_in_time(EVERYTHING, *(everything_read(take_cases(each, observed), habits) for each in both))
    check_point_in_time(FACTS, *(facts_at_issue(issued_of(each, take_histories(each, observed))) for each in both))


CATEGORIES = tuple(name for name, each in features.CATALOGUE.items() if each.kind == "category")
EVERYTHING = (*catalogue_of(), *OF_CASE, "ended", *(each.name for each in TWO_YEARS), *CATEGORIES)
"""What the hazards, that of newcomers too, can read of a case."""


def facts_at_issue(issued: Invoices) -> Floats:
    """What is read of the customers of invoices at their issue: a row each, a column for each of `FACTS`."""
    return np.column_stack([np.asarray(issued.who[name].to_numpy(zero_copy_only=False), dtype=np.float64) for name in FACTS])


def everything_read(cases: Cases, habits: Mapping[str, Any]) -> Floats:
    """One row a case, a column for each of `EVERYTHING`; texts by their checksum."""
    who = cases.who
    means = [np.asarray(who[each.name].to_numpy(zero_copy_only=False), dtype=np.float64) for each in TWO_YEARS]
    texts = [np.array([zlib.crc32(str(text).encode()) for text in who[name].to_pylist()], float) for name in CATEGORIES]
    of_who = np.column_stack([cases.ended, *means, *texts])
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
