"""What a delivery came to: per source and for the book, as a value that can be shown, stored or checked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from riskscore.stores.ledgers.pasts import Past
from riskscore.stores.ledgers.reception import Reading
from riskscore.stores.ledgers.reports import ColumnReport


@dataclass(frozen=True)
class Read:
    """One source of a delivery: what was read of it, and what became of that.

    columns: what was understood, with samples (text, value). ignored: columns nothing reads. money: per currency, as text.
    """

    name: str
    table: str
    sha256: str
    rows: int
    left_out: int
    accepted: int
    quarantined: int
    exact_duplicates: int
    money: dict[str, str]
    columns: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Receipt:
    """What became of a delivery.

    published: whether readers see a new version of the book. already: sources that were in it before. refused: why nothing
    would be published, where only a check was asked for; refused_status: with which exit status ingest would say so, 0 where it
    would publish. rejects: by reason, with examples. pasts: what it tells otherwise of the past, per source of the book. book:
    the manifest of the version, without its files.
    """

    published: bool
    reads: list[Read] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    rejects: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    pasts: Sequence[Past] = ()
    refused: str | None = None
    refused_status: int = 0
    book: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def read_of(reading: Reading) -> Read:
    """The line of a receipt for one source."""
    account, understanding = reading.account, reading.understanding
    return Read(
        name=reading.name,
        table=reading.table,
        sha256=reading.sha256,
        rows=account.read.rows,
        left_out=reading.left_out,
        accepted=account.accepted.rows,
        quarantined=account.quarantined.rows,
        exact_duplicates=account.repeated.rows,
        money=account.read.stated(),
        columns=[_column(report) for report in understanding.reports.values()] if understanding else [],
        ignored=understanding.ignored() if understanding else [],
    )


def _column(report: ColumnReport) -> dict[str, Any]:
    return {
        "table": report.table,
        "column": report.column,
        "from": report.source,
        "rows": report.n_rows,
        "empty": report.n_empty,
        "refused": report.n_refused,
        "samples": report.samples,
    }
