"""A rehearsal: one customer's ledger as known at a date, to which facts may be added, decided again on the one path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from riskscore import features, plans, positions
from riskscore.decisions import Decision, GradeBefore, Provenance
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.plans import Accounts, Event, Means, Plans, Settle, Target
from riskscore.policy import Params
from riskscore.portfolio import take_open_invoices
from riskscore.scoring import Receivables, decide_rows
from riskscore.snapshot import take_snapshot
from riskscore.stores.engines import ledger_in_memory
from riskscore.tables import STATEMENT_ITEMS
from riskscore.verdicts import wants_accounts

ZERO = Decimal(0)

MARK = "\x1f"
"""Between an id and the number of a trial: a control character, which ingestion lets into no id."""

MARKED = ("customer_id", "invoice_id", "settlement_id")


@dataclass(frozen=True)
class Rehearsal:
    """Decides one customer again as if something had happened on the day of the run. Nothing is recorded.

    tables: the canonical tables of this customer, and the rates. receivables: of the whole book; what the customer owes less
    after the events is taken off. before: its grades in the run before. provenance: of the book as it is, so that without events
    the decision is the one of the book.
    """

    customer_id: str
    tables: dict[str, pa.Table]
    currency: str
    model: Model | None
    grades: Grades
    params: Params
    receivables: Receivables
    provenance: Provenance
    before: GradeBefore | None = None

    @property
    def on(self) -> date:
        """The day of the run."""
        return self.provenance.as_of

    def decide(self, events: Sequence[Event] = ()) -> Decision:
        """The decision if these events had happened on the day: snapshot, features, model, grade and policy as for anybody."""
        return self.decide_each([events])[0]

    def decide_each(self, trials: Sequence[Sequence[Event]]) -> list[Decision]:
        """As `decide` for each of several sets of events, in one pass: the same bytes, at little more than the cost of one.

        Every set gets a ledger of its own beside the others, told apart by a mark on the ids; no row of one meets another's.
        """
        if not trials:
            return []
        marks = [f"{MARK}{number:06d}" if len(trials) > 1 else "" for number in range(len(trials))]
        ledgers = [
            marked(plans.with_facts(self.tables, plans.facts_of(events, self.customer_id, self.on)), mark)
            for events, mark in zip(trials, marks, strict=True)
        ]
        tables = {name: pa.concat_tables([each[name] for each in ledgers]) for name in self.tables if name != "rates"}
        ledger = ledger_in_memory({**tables, "rates": self.tables["rates"]}, self.currency)
        asked = pa.array([self.customer_id + mark for mark in marks])
        snapshot = take_snapshot(ledger, pa.table({"customer_id": asked, "as_of": pa.array([self.on] * len(marks), pa.date32())}))
        frame, standing = self._unmarked(features.compute(snapshot)), self._unmarked(positions.compute(snapshot))
        found = []
        for place in range(len(marks)):  # both are sorted by the ids, and so by the marks
            row = standing.slice(place, 1)
            owed = row["exposure"].to_pylist()[0] or ZERO
            found += decide_rows(
                frame.slice(place, 1), row, self.model, self.grades, self.params,
                receivables=self.receivables.owing(self.customer_id, owed), provenance=self.provenance,
                before={} if self.before is None else {self.customer_id: self.before},
            )  # fmt: skip
        return found

    def _unmarked(self, rows: pa.Table) -> pa.Table:
        place = rows.column_names.index("customer_id")
        return rows.set_column(place, "customer_id", pa.array([self.customer_id] * rows.num_rows, pa.string()))

    @cached_property
    def base(self) -> Decision:
        """The decision as it is."""
        return self.decide()

    def plans(self, target: Target, *, most_replays: int) -> Plans:
        """What would take the customer to the target, the least cost first."""
        return plans.search(target, self.base, self.means, self.params, self.decide_each, most_replays=most_replays)

    @cached_property
    def means(self) -> Means:
        """What the customer could do on the day."""
        open_items = take_open_invoices(ledger_in_memory(self.tables, self.currency), self.on).to_pylist()
        left, currencies = self._left()
        settle = [
            Settle(row["invoice_id"], left[row["invoice_id"]], currencies[row["invoice_id"]], row["opened"], row["days_past_due"])
            for row in open_items
            if row["contested"] == 0
        ]
        return Means(
            on=self.on,
            currency=self.currency,
            invoices=tuple(sorted(settle, key=lambda each: (-each.days_past_due, each.invoice_id))),
            n_disputed=sum(row["contested"] > 0 for row in open_items),
            accounts=self._accounts(),
            wants_accounts=wants_accounts(self.base),
            begun=frozenset(
                row["kind"] for row in self.tables["securities"].to_pylist() if row["valid_from"] == self.on
            ),
        )  # fmt: skip

    def _left(self) -> tuple[dict[str, Decimal], dict[str, str]]:
        """Invoice to what is left of it in its own currency, as known on the day, and to that currency."""
        invoices = {row["invoice_id"]: row for row in self.tables["invoices"].to_pylist()}
        left = {name: row["amount"] for name, row in invoices.items()}
        for row in self.tables["settlements"].to_pylist():
            if row["invoice_id"] in left and max(row["known_on"], row["settled_on"]) <= self.on:
                left[row["invoice_id"]] -= row["amount"]
        return left, {name: row["currency"] for name, row in invoices.items()}

    def _accounts(self) -> Accounts | None:
        """The newest accounts known on the day; of several versions of one year the last one known."""
        known = [row for row in self.tables["statements"].to_pylist() if max(row["known_on"], row["published_on"]) <= self.on]
        if not known:
            return None
        newest = max(known, key=lambda row: (row["period_end"], max(row["known_on"], row["published_on"]), row["published_on"]))
        figures = tuple((name, newest[name]) for name in STATEMENT_ITEMS if newest[name] is not None)
        return Accounts(newest["period_end"], newest["currency"], figures)


def marked(tables: Mapping[str, pa.Table], mark: str) -> dict[str, pa.Table]:
    """The tables with the mark at the end of every id of a customer, an invoice and a settlement; parents keep their ids."""
    if not mark:
        return dict(tables)
    found = {}
    for name, rows in tables.items():
        for column in MARKED:
            if column in rows.column_names and name != "rates":
                ids = pc.binary_join_element_wise(rows[column], mark, "")
                rows = rows.set_column(rows.column_names.index(column), column, ids)  # noqa: PLW2901
        found[name] = rows
    return found
