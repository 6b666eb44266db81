"""The desk: a book at a date with the model, grades and policy in force, ready to decide a customer on the one path."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import get_args

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Engine

from riskscore import features, grades, policy, positions
from riskscore.decisions import Decision, Doubt, GradeBefore, Provenance
from riskscore.errors import ModelExpired, StorageFailed
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.policy import Params
from riskscore.scoring import (
    Application,
    Receivables,
    Watch,
    catalogue_digest,
    decide_applicant,
    decide_rows,
    isolating,
    not_scored,
    receivables_of,
    unwatched,
)
from riskscore.snapshot import customers_known_at, take_snapshot
from riskscore.stores.approvals import approval_in_force
from riskscore.stores.decisions import Before, Texts, decisions_of, grades_before, is_complete
from riskscore.stores.engines import ledger_in_memory
from riskscore.stores.ledgers import Book
from riskscore.stores.models import load_approved
from riskscore.stores.overview import Line
from riskscore.stores.rehearsal import Rehearsal
from riskscore.stores.signed_texts import find_text
from riskscore.stores.sources import code_version
from riskscore.stores.workplace import Workplace
from riskscore.tables import Ledger

HELD_AT_MOST = 250_000
"""Customers whose features and positions are kept in memory for single questions: about a kilobyte each."""

LISTED_AT_ONCE = 100
"""Customers of the list in one portion: a quarter of a second of work, after which whoever makes it may give way or give up."""

Told = Callable[[str, int, int | None], None]
"""Called with a stage, how much of it is done and how much there is."""


@dataclass(frozen=True)
class Signed:
    """What decides, as signed and approved: the model (null: there is none to ask), the grades and the policy.

    holds_until: the last day the model's approval holds; null without one. why_not: why an approved one is not asked.
    texts: policy and grades as they were read. doubt: why nothing decided with it may be approved; null without doubt.
    before: the grades of the run before, which better ones are kept against; null without one.
    """

    model: Model | None
    grades: Grades
    params: Params
    holds_until: date | None = None
    why_not: str | None = None
    texts: Texts = field(default_factory=dict)
    doubt: Doubt | None = None
    before: Before | None = None

    @property
    def grades_before(self) -> Mapping[str, GradeBefore]:
        """Customer to its grades in the run before."""
        return {} if self.before is None else self.before.grades

    def in_doubt(self, doubt: Doubt) -> "Signed":
        """The same, but nothing decided with it may be approved; a model that cannot be asked is not asked."""
        return replace(self, doubt=doubt, model=None if doubt == "model_unavailable" else self.model)

    def provenance(self, book: Book, as_of: date) -> Provenance:
        """What a decision from this book at this date is made with."""
        return Provenance(
            as_of=as_of,
            book=book.digest,
            model=None if self.model is None else self.model.digest,
            recipe=None if self.model is None else self.model.recipe_digest,
            policy=self.params.digest,
            grades=self.grades.digest,
            catalogue=catalogue_digest(),
            code=code_version(),
            doubt=self.doubt,
            statutes=self.params.statutes_digest,
            before=None if self.before is None else self.before.run_id,
        )


@dataclass(frozen=True)
class Looked:
    """Features and positions of the same customers, a row each."""

    features: pa.Table
    positions: pa.Table


NOTHING = Looked(pa.table({}), pa.table({}))
"""Of a customer whose data break the computation."""


@dataclass(frozen=True)
class Shelf:
    """Features and positions of every customer of a book, computed bucket by bucket: the same bits as of one customer alone."""

    parts: Sequence[Looked]
    places: Mapping[str, tuple[int, int]]
    broken: frozenset[str]

    @classmethod
    def of_parts(cls, parts: Sequence[Looked], broken: Sequence[str]) -> "Shelf":
        """The parts, with the place of each customer in them."""
        places = {
            customer: (number, row)
            for number, part in enumerate(parts)
            for row, customer in enumerate(part.positions["customer_id"].to_pylist())
        }
        return cls(parts, places, frozenset(broken))

    def of(self, customer_id: str) -> Looked | None:
        """The rows of one customer; none where its data break the computation, None where it is not known."""
        if customer_id in self.broken:
            return NOTHING
        if customer_id not in self.places:
            return None
        number, row = self.places[customer_id]
        part = self.parts[number]
        return Looked(part.features.slice(row, 1), part.positions.slice(row, 1))


@dataclass(frozen=True)
class Desk:
    """Decides customers of one book at one date. Nothing is recorded by asking."""

    book: Book
    as_of: date
    signed: Signed
    receivables: Receivables
    shelf: "Shelf | None" = None

    @property
    def model(self) -> Model | None:
        """The approved model; None where everybody is referred."""
        return self.signed.model

    @property
    def params(self) -> Params:
        """The policy in force at the date."""
        return self.signed.params

    @property
    def reporting_currency(self) -> str:
        """ISO 4217 of every amount."""
        return self.book.reporting_currency

    @property
    def book_digest(self) -> str:
        """The digest of the book it answers from."""
        return self.book.digest

    @property
    def doubt(self) -> Doubt | None:
        """Why everybody is referred; null without doubt."""
        return self.signed.doubt

    @property
    def n_customers(self) -> int:
        """How many customers the book has; of some nothing may have been known at the date."""
        return self.book.n_customers

    @cached_property
    def overview(self) -> Sequence[Line]:
        """Every customer in one line, sorted by id; decided when first asked for."""
        return sorted((line for piece in self.listed() for line in piece), key=lambda line: line.customer_id)

    def listed(self, store: Callable[[], Engine] | None = None) -> Iterator[list[Line]]:
        """Every customer in one line, some customers at a time, in no order.

        store: gives the database; where the run that this desk would make is published there, its decisions are read: equal
        manifests are equal bytes, and to read takes a fifth of the time. Where it is not there, or the database does not answer
        when asked for it, they are made. Raises StorageFailed where book or database fail later.
        """
        engine = None if store is None else self._published_in(store)
        for decisions in self._decided() if engine is None else decisions_of(engine, self.provenance, LISTED_AT_ONCE):
            yield [Line.of(decision) for decision in decisions]

    def _published_in(self, store: Callable[[], Engine]) -> Engine | None:
        try:
            engine = store()
            return engine if is_complete(engine, self.provenance.run_id) else None
        except StorageFailed:
            return None

    def _decided(self) -> Iterator[list[Decision]]:
        for parts, broken in self._everybody():
            for part in parts:
                for start in range(0, part.positions.num_rows, LISTED_AT_ONCE):
                    some = Looked(part.features.slice(start, LISTED_AT_ONCE), part.positions.slice(start, LISTED_AT_ONCE))
                    yield self._decide(some, self.signed, self.provenance)
            yield [not_scored(each, "internal_error", self.provenance, self.reporting_currency) for each in sorted(broken)]

    def _everybody(self) -> Iterator[tuple[Sequence[Looked], Collection[str]]]:
        if self.shelf is not None:
            yield self.shelf.parts, self.shelf.broken
            return
        for bucket in self.book.buckets():
            yield look_at(self.book, self.as_of, bucket)

    def _decide(self, looked: Looked, signed: Signed, made: Provenance) -> list[Decision]:
        return decide_rows(
            looked.features, looked.positions, signed.model, signed.grades, signed.params,
            receivables=self.receivables, provenance=made, before=signed.grades_before,
        )  # fmt: skip

    @property
    def texts(self) -> Texts:
        """The policy and the grades as they were read."""
        return self.signed.texts

    @property
    def provenance(self) -> Provenance:
        """What its decisions about customers of the book are made with; applicants are a run of their own."""
        return self._made[self.signed.doubt]

    @cached_property
    def _made(self) -> Mapping[Doubt | None, Provenance]:
        doubts: tuple[Doubt | None, ...] = (self.signed.doubt, *get_args(Doubt))
        return {doubt: self._signed(doubt).provenance(self.book, self.as_of) for doubt in doubts}

    @cached_property
    def _made_of_applicants(self) -> Mapping[Doubt | None, Provenance]:
        return {doubt: replace(made, about="applicants") for doubt, made in self._made.items()}

    def _signed(self, doubt: Doubt | None) -> Signed:
        return self.signed if doubt in {None, self.signed.doubt} else self.signed.in_doubt(doubt)

    def decide(self, customer_id: str, doubt: Doubt | None = None) -> Decision | None:
        """The decision about one customer; None where nothing was known of it at the date.

        doubt: why it is to be referred whatever it says. A customer whose data break the computation is not scored, as in a run
        over the book.
        """
        found = self._looked_at(customer_id)
        if found is None:
            return None
        signed, made = self._signed(doubt), self._made[doubt or self.signed.doubt]
        if found.features.num_rows == 0:
            return not_scored(customer_id, "internal_error", made, self.book.reporting_currency)
        return self._decide(found, signed, made)[0]

    def decide_applicant(self, application: Application, doubt: Doubt | None = None, watch: Watch = unwatched) -> Decision:
        """The decision about somebody who is in no book."""
        signed = self._signed(doubt)

        def ledger_of_one(tables: Mapping[str, pa.Table]) -> Ledger:
            return ledger_in_memory({**tables, "rates": self._rates}, self.book.reporting_currency)

        return decide_applicant(
            application, ledger_of_one, signed.model, signed.grades, signed.params,
            receivables=self.receivables, provenance=self._made_of_applicants[doubt or self.signed.doubt], watch=watch,
        )  # fmt: skip

    def rehearsal(self, customer_id: str) -> Rehearsal | None:
        """What decides one customer again as if something had happened; None where nothing was known of it at the date.

        A customer whose data break the computation breaks it there as well.
        """
        tables = self.book.tables(customers=[customer_id])
        known = customers_known_at(ledger_in_memory(tables, self.book.reporting_currency), self.as_of)
        if customer_id not in known["customer_id"].to_pylist():
            return None
        return Rehearsal(
            customer_id, tables, self.book.reporting_currency, self.signed.model, self.signed.grades, self.signed.params,
            self.receivables, self.provenance, self.signed.grades_before.get(customer_id),
        )  # fmt: skip

    @cached_property
    def _rates(self) -> pa.Table:
        return self.book.tables(customers=[])["rates"]

    def _looked_at(self, customer_id: str) -> "Looked | None":
        """Features and position of a customer; without rows where its data break the computation, None where it is not known."""
        if self.shelf is not None:
            return self.shelf.of(customer_id)
        # One customer's rows in memory: its plans are kept, where an engine over the book's files plans anew, for two seconds.
        ledger = ledger_in_memory(self.book.tables(customers=[customer_id]), self.book.reporting_currency)
        if customer_id not in customers_known_at(ledger, self.as_of)["customer_id"].to_pylist():
            return None
        looked, _ = isolating([customer_id], lambda some: _look(ledger, some, self.as_of, unwatched))
        return looked[0] if looked else NOTHING


def open_desk(book: Book, as_of: date, signed: Signed, told: Told, *, held_at_most: int = HELD_AT_MOST) -> Desk:
    """A desk over the book: what everybody owes at the date is summed first, because one buyer's share depends on it.

    What was looked at for that is kept for single questions, unless the book has more customers than `held_at_most`.
    """
    standing, kept, broken = [], [], []
    for bucket in book.buckets():
        told("adding up the book", bucket, len(book.buckets()))
        looked, cannot = look_at(book, as_of, bucket)
        standing += [each.positions for each in looked]
        kept += looked
        broken += cannot
        if book.n_customers > held_at_most:
            kept.clear()
    shelf = None if book.n_customers > held_at_most else Shelf.of_parts(kept, broken)
    return Desk(book, as_of, signed, receivables_of(standing), shelf)


def look_at(book: Book, as_of: date, bucket: int, watch: Watch = unwatched) -> tuple[list[Looked], list[str]]:
    """Features and positions of a bucket's customers known at the date, and those customers whose data break the computation."""
    ledger = book.ledger(bucket=bucket)
    customers = customers_known_at(ledger, as_of)["customer_id"].to_pylist()
    if not customers:
        return [], []

    def look(some: Sequence[str]) -> Looked:
        return _look(ledger if len(some) == len(customers) else book.ledger(customers=some), some, as_of, watch)

    return isolating(customers, look)


def _look(ledger: Ledger, customers: Sequence[str], as_of: date, watch: Watch) -> Looked:
    days = pa.array([as_of] * len(customers), pa.date32())
    with watch("snapshot", len(customers)):
        snapshot = take_snapshot(ledger, pa.table({"customer_id": pa.array(customers, pa.string()), "as_of": days}))
    with watch("features", len(customers)):
        frame = features.compute(snapshot)
    with watch("positions", len(customers)):
        return Looked(frame, positions.compute(snapshot))


def name_of(book: Book, customer_id: str, as_of: date) -> str | None:
    """The customer's name as known at the date, looked up because records hold none; None where none is known."""
    rows = book.tables(customers=[customer_id])["customers"]
    known = rows.filter(pc.less_equal(rows["known_on"], pa.scalar(as_of))).sort_by("known_on")
    names: list[str | None] = known["name"].to_pylist()
    return names[-1] if names else None


def in_force(workplace: Workplace, engine: Engine | None, on: date, *, model_name: str) -> Signed:
    """The texts in force on a day and the approved model of that name; engine None: decide without a model, refer everybody.

    A model whose approval has run out is not asked: everybody is referred, and `why_not` says so. Raises UsageRefused where a
    text cannot be understood, ModelRefused where no version is approved or its bytes differ.
    """

    def text(name: str) -> str:
        return find_text(f"{model_name}/{name}.toml", workplace.models).read_text(encoding="utf-8")

    law = find_text("statutes.toml", workplace.models).read_text(encoding="utf-8")
    texts: Texts = {"grades": text("grades"), "policy": text("policy"), "statutes": law}
    bounds, params = grades.parse(texts["grades"]), policy.parse(texts["policy"], on=on, law=law)
    if engine is None:
        return Signed(None, bounds, params, texts=texts)
    try:
        model = load_approved(workplace, engine, model_name)
    except ModelExpired as error:
        return Signed(None, bounds, params, why_not=str(error), texts=texts, doubt="model_unavailable")
    before = None if params.grade_upgrade_margin is None else grades_before(engine, on, bounds.digest)
    last_day = approval_in_force(engine, model_name).last_day
    return Signed(model, bounds, params, holds_until=last_day, texts=texts, before=before)
