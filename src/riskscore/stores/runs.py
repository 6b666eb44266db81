"""A run over a whole book: every customer decided, bucket by bucket, in bounded memory."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
from pyarrow import feather

from riskscore.decisions import Decision
from riskscore.errors import StorageFailed, TooManyNotScored
from riskscore.scoring import Receivables, Watch, decide_rows, not_scored, receivables_of, too_many_not_scored, unwatched
from riskscore.stores.desk import Looked, Signed, Told, look_at
from riskscore.stores.ledgers import Book

CUSTOMERS_AT_ONCE = 2_000
"""Decided, recorded and written in such portions: the most work that a killed run does again."""


@dataclass(frozen=True)
class Decided:
    """The decisions of some customers, and their names as known at the date (they stay out of the record)."""

    decisions: list[Decision]
    names: Mapping[str, str | None]


def decide_book(book: Book, as_of: date, signed: Signed, *, told: Told, watch: Watch = unwatched) -> Iterator[Decided]:
    """Decisions for every customer of the book known at the date, a part at a time.

    The book is looked at once: what the features are waits on disk until everybody's balance is known, because one buyer's share
    depends on all of them. Raises TooManyNotScored, before anything is given out, where the computation breaks on more customers
    than the policy lets pass; StorageFailed where the disk does not hold the features.
    """
    provenance = signed.provenance(book, as_of)
    n_buckets = len(book.buckets())
    with tempfile.TemporaryDirectory(prefix="riskscore-") as scratch:
        waiting: list[_Waiting] = []
        broken: list[str] = []
        for bucket in book.buckets():
            told("looking at customers", bucket, n_buckets)
            looked, cannot = look_at(book, as_of, bucket, watch)
            broken += cannot
            waiting += [_Waiting.put(Path(scratch) / f"{bucket}-{number}", each) for number, each in enumerate(looked)]
        n_customers = len(broken) + sum(part.n_customers for part in waiting)
        if too_many_not_scored(len(broken), n_customers, signed.params):
            raise TooManyNotScored(
                f"{len(broken)} of {n_customers} customers could not be computed, more than the policy lets pass. "
                f"The first is {min(broken)}. Nothing was recorded or written; see why with: riskscore --debug explain."
            )
        receivables = receivables_of(part.positions() for part in waiting)
        done = 0
        for part in waiting:
            for piece in part.pieces():
                told("deciding", done, n_customers)
                yield _decided(piece, signed, receivables, book, as_of, watch)
                done += piece.positions.num_rows
        if broken:
            currency = book.reporting_currency
            yield Decided([not_scored(customer, "internal_error", provenance, currency) for customer in sorted(broken)], {})
        told("deciding", n_customers, n_customers)


def _decided(part: Looked, signed: Signed, receivables: Receivables, book: Book, as_of: date, watch: Watch) -> Decided:
    names = dict(zip(part.positions["customer_id"].to_pylist(), part.positions["name"].to_pylist(), strict=True))
    decisions = decide_rows(
        part.features, part.positions, signed.model, signed.grades, signed.params,
        receivables=receivables, provenance=signed.provenance(book, as_of), before=signed.grades_before, watch=watch,
    )  # fmt: skip
    return Decided(decisions, names)


@dataclass(frozen=True)
class _Waiting:
    """Features and positions on disk."""

    path: Path
    n_customers: int

    @classmethod
    def put(cls, path: Path, part: Looked) -> "_Waiting":
        try:
            for name, rows in (("features", part.features), ("positions", part.positions)):
                feather.write_feather(rows, f"{path}.{name}", compression="lz4")
        except OSError as error:
            raise StorageFailed(f"{path.parent}: cannot hold the features of the run ({error}). Make room.") from error
        return cls(path, part.positions.num_rows)

    def positions(self) -> pa.Table:
        return feather.read_table(f"{self.path}.positions")

    def pieces(self) -> Iterator[Looked]:
        frame, standing = feather.read_table(f"{self.path}.features"), self.positions()
        for start in range(0, self.n_customers, CUSTOMERS_AT_ONCE):  # both are sorted by customer
            yield Looked(frame.slice(start, CUSTOMERS_AT_ONCE), standing.slice(start, CUSTOMERS_AT_ONCE))
