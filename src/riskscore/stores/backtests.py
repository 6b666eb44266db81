"""A past period of a book for the time machine: what each policy decides at the end of each month, by what was known then.

A policy that turned orders away would have seen another ledger afterwards, without those orders and with its own limits on file.
It is asked from that one, on the path of `riskscore score`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from riskscore.backtest import Customer, Granted, Period, Replay, customers_of, day_of
from riskscore.decisions import Decision, GradeBefore, grade_before
from riskscore.errors import TooManyNotScored, UsageRefused
from riskscore.policy import Terms, elastic_of
from riskscore.scoring import decide_rows, receivables_of, too_many_not_scored
from riskscore.stores.desk import Looked, Signed, Told, look_at
from riskscore.stores.ledgers import Book
from riskscore.tables import TABLES

OF_INVOICES = ("invoices", "settlements", "disputes")


@dataclass(frozen=True)
class Decided:
    """What one policy says of one customer at one month's end. grade: null where it is withheld."""

    limit: int
    terms: Terms
    grade: int | None
    binding_cap: str


@dataclass(frozen=True)
class Month:
    """What each policy, by name, decided at the end of a month, by customer; those not scored are left out."""

    on: date
    decided: Mapping[str, Mapping[str, Decided]]


def cuts_of(first: date, last: date, known_to: date) -> tuple[date, ...]:
    """The days at whose end limits are set, and the last day. Raises UsageRefused for a period of no whole months."""
    if first.day != 1 or (last + timedelta(days=1)).day != 1 or last < first:
        raise UsageRefused(
            f"--from {first} --to {last}: the period is whole months, from the first day of one to the last day of one. "
            "Nothing was computed."
        )
    if last > known_to:
        raise UsageRefused(f"--to {last}: the book is known to {known_to}, and what came after cannot be replayed.")
    found, month = [], first
    while month <= last:
        found.append(month - timedelta(days=1))
        month = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (*found, last)


def period_of(cuts: Sequence[date]) -> Period:
    """The period between these days."""
    return Period(tuple(map(day_of, cuts)))


def buyers_of(book: Book, last: date, *, told: Told) -> list[Customer]:
    """Everybody known by the last day of the period, with its orders, sorted by id."""
    found: list[Customer] = []
    for bucket in book.buckets():
        told("reading orders", bucket, len(book.buckets()))
        found += customers_of(book.tables(bucket=bucket), book.reporting_currency)
    return sorted((each for each in found if each.since <= day_of(last)), key=lambda each: each.customer_id)


def other_tables(
    tables: Mapping[str, pa.Table], refused: frozenset[str], limits: Sequence[tuple[str, date, int]], since: date, currency: str
) -> dict[str, pa.Table]:
    """The tables as they would be, had these invoices not been written and these limits been granted.

    limits: customer, day of the decision, amount; they hold from the day after. Limits that were really granted after `since` go,
    but for a customer's first one.
    """
    found = dict(tables)
    names = pa.array(sorted(refused), pa.string())
    for name in OF_INVOICES:
        found[name] = tables[name].filter(pc.invert(pc.is_in(tables[name]["invoice_id"], names)))
    rows = tables["limits"].sort_by([("granted_on", "ascending")])
    seen: set[str] = set()
    kept = []
    for customer, granted_on in zip(rows["customer_id"].to_pylist(), rows["granted_on"].to_pylist(), strict=True):
        kept.append(granted_on <= since or customer not in seen)
        seen.add(customer)
    given = [
        {
            "customer_id": customer, "amount": Decimal(amount), "currency": currency, "known_on": on,
            "granted_on": on + timedelta(days=1),
        }
        for customer, on, amount in limits
    ]  # fmt: skip
    granted = pa.Table.from_pylist(given, schema=TABLES["limits"].arrow_schema)
    found["limits"] = pa.concat_tables([rows.filter(pa.array(kept, pa.bool_())), granted.cast(rows.schema)])
    return found


@dataclass(frozen=True)
class OtherBook(Book):
    """The book of a policy that turned orders away and set limits of its own."""

    refused: frozenset[str]
    limits: Sequence[tuple[str, date, int]]
    since: date

    def tables(self, *, bucket: int | None = None, customers: Sequence[str] | None = None) -> dict[str, pa.Table]:
        """As of the book, in memory, without what was turned away."""
        found = super().tables(bucket=bucket, customers=customers)
        there = set(found["customers"]["customer_id"].to_pylist()) | set(found["invoices"]["customer_id"].to_pylist())
        mine = [each for each in self.limits if each[0] in there]
        return other_tables(found, self.refused, mine, self.since, self.reporting_currency)


@dataclass
class Looking:
    """Asks policies month by month. signed: by policy, what decides on a day. months: what was decided so far.

    graded: by policy, the grades of the month before, which better ones are kept against.

    Raises TooManyNotScored as a run over the book does.
    """

    book: Book
    cuts: Sequence[date]
    signed: Mapping[str, Callable[[date], Signed]]
    told: Told
    months: list[Month] = field(default_factory=list)
    graded: dict[str, dict[str, GradeBefore]] = field(default_factory=dict)

    def __call__(self, month: int, lives: Mapping[str, Replay]) -> dict[str, Granted]:
        """What each policy decides at the end of the month before, from the ledger its life so far leaves."""
        on = self.cuts[month]
        decided: dict[str, dict[str, Decided]] = {}
        granted: dict[str, Granted] = {}
        shared = None if month else self._look(self.book, on)  # until a policy has done something, all see the same book
        for number, (name, life) in enumerate(lives.items()):
            self.told(f"deciding at {on}", month * len(lives) + number, (len(self.cuts) - 1) * len(lives))
            signed = self.signed[name](on)
            decisions = self._decisions(shared or self._look(self._book_of(name, life), on), on, name, signed)
            with_answer = [each for each in decisions if each.recommendation is not None and each.case is not None]
            decided[name] = {each.customer_id: _said(each) for each in with_answer}
            granted[name] = {
                each.customer_id: elastic_of(each.case, signed.params, each.recommendation)
                for each in with_answer
                if each.case is not None and each.recommendation is not None
            }
        self.months.append(Month(on, decided))
        return granted

    def _book_of(self, name: str, life: Replay) -> OtherBook:
        limits = tuple(
            (customer, month.on, decided.limit) for month in self.months for customer, decided in month.decided[name].items()
        )
        return OtherBook(self.book.folder, self.book.manifest, life.refused_names, limits, self.cuts[0])

    def _decisions(self, looked: tuple[list[Looked], int], on: date, name: str, signed: Signed) -> list[Decision]:
        parts, n_broken = looked
        _refuse_broken(n_broken, n_broken + sum(part.positions.num_rows for part in parts), signed, on)
        receivables = receivables_of(part.positions for part in parts)
        decisions = [
            decision
            for part in parts
            for decision in decide_rows(
                part.features, part.positions, signed.model, signed.grades, signed.params,
                receivables=receivables, provenance=signed.provenance(self.book, on), before=self.graded.get(name, {}),
            )
        ]  # fmt: skip
        self.graded[name] = {each.customer_id: before for each in decisions if (before := grade_before(each)) is not None}
        return decisions

    @staticmethod
    def _look(book: Book, on: date) -> tuple[list[Looked], int]:
        parts: list[Looked] = []
        n_broken = 0
        for bucket in book.buckets():
            looked, broken = look_at(book, on, bucket)
            parts += looked
            n_broken += len(broken)
        return parts, n_broken


def _said(decision: Decision) -> Decided:
    recommendation = decision.recommendation
    assert recommendation is not None
    return Decided(int(recommendation.limit), recommendation.terms, decision.grade, recommendation.binding_cap)


def _refuse_broken(n_broken: int, n_customers: int, made: Signed, on: date) -> None:
    if too_many_not_scored(n_broken, n_customers, made.params):
        raise TooManyNotScored(
            f"{n_broken} of {n_customers} customers could not be computed as of {on}, more than the policy lets pass. "
            f"See why with: riskscore --debug score --as-of {on}."
        )
