"""Reading a delivery: every source is understood chunk by chunk and staged, counted while it passes."""

import hashlib
from collections.abc import Callable, Sequence
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from riskscore.stores.ledgers.accounting import Account
from riskscore.stores.ledgers.control import refuse_other_digest, refuse_other_sums
from riskscore.stores.ledgers.deliveries import Item
from riskscore.stores.ledgers.mapping import Mapping
from riskscore.stores.ledgers.reading import Reader
from riskscore.stores.ledgers.rewrites import Acceptance
from riskscore.stores.ledgers.staging import Stage
from riskscore.stores.ledgers.understanding import Understanding
from riskscore.tables import RATES, TABLES

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how far it is and how far it goes (None: nobody knows)."""


@dataclass(frozen=True)
class Delivery:
    """What is to be ingested: where it lies, its grammar, the day of the extract, and what the sender says of it (control).

    accept_shift: a second person looked at amounts that moved further than the mapping allows. accept_rewrite: a second person
    who signs for another past than the book tells, and why.
    """

    places: Sequence[str]
    mapping: Mapping
    extracted_on: date
    control: AbstractMapping[str, Any] = field(default_factory=dict)
    accept_shift: bool = False
    accept_rewrite: Acceptance | None = None

    def stated(self, name: str) -> AbstractMapping[str, Any]:
        """What the sender says of one file."""
        found: AbstractMapping[str, Any] = self.control.get("files", {}).get(name, {})
        return found


@dataclass
class Reading:
    """One source read through one mapping: the unit that is either in a book or not.

    digest: names it; the same bytes read in the same way are the same reading. number: its place in this run.
    """

    digest: str
    name: str
    sha256: str
    size: int | None
    table: str
    number: int
    account: Account = field(default_factory=Account)
    left_out: int = 0
    from_event: int = 0
    understanding: Understanding | None = None


def receive(
    delivery: Delivery, items: Sequence[Item], stage: Stage, known: set[str], progress: Progress
) -> tuple[list[Reading], list[str]]:
    """The readings that are new, staged, and the names of sources the book has already.

    Raises InputRefused where a source is not what was declared, or not what its sender says it is.
    """
    readings: list[Reading] = []
    already: list[str] = []
    read: dict[tuple[str, str], list[Account]] = {}
    for number, item in enumerate(items):
        reader = item.open()
        if reader.size is not None and digest_of(reader.sha256, delivery.mapping, item.number) in known:
            already += [] if reader.name in already else [reader.name]
            continue
        if reader.size is not None:
            refuse_other_digest(delivery.stated(reader.name), reader.name, reader.sha256)
        reading = _receive_one(delivery, item, reader, number, stage, progress)
        read.setdefault((item.where, reader.name), []).append(reading.account)
        # A query has no bytes to compare beforehand: whether its rows are known is seen once they were read.
        if reading.digest in known:
            already.append(reader.name)
        elif reading.digest not in {other.digest for other in readings}:
            readings.append(reading)
    # Several parts of the mapping may have read one file: what its sender states is of the whole of it.
    for (_, name), accounts in read.items():
        refuse_other_sums(delivery.stated(name), name, accounts)
    return readings, already


def receive_rates(delivery: Delivery, number: int, stage: Stage, known: set[str]) -> list[Reading]:
    """The rates the mapping itself declares, staged as rows of `rates`; none where the book has them already."""
    mapping = delivery.mapping
    digest = digest_of(mapping.digest, mapping, -1)
    if not mapping.rates or digest in known:
        return []
    rows = pa.table(
        {
            "currency": [rate.currency for rate in mapping.rates],
            "to_currency": [rate.to_currency for rate in mapping.rates],
            "rate": [float(rate.rate) for rate in mapping.rates],
            "rated_on": [rate.rated_on for rate in mapping.rates],
        },
        schema=RATES.arrow_schema,
    )
    n_rows = rows.num_rows
    rows = rows.append_column("line", pa.array(range(1, n_rows + 1), pa.int64())).append_column(
        "raw", pa.nulls(n_rows, pa.string())
    )
    stage.add(RATES, rows.append_column("known_on_from_event", pa.repeat(pa.scalar(False), n_rows)), number, derived=True)
    return [Reading(digest, "rates of the mapping", mapping.digest, None, "rates", number)]


def digest_of(sha256: str, mapping: Mapping, number: int) -> str:
    """What names a reading: the source's digest, the mapping's, and which part of the mapping read it."""
    return hashlib.sha256(f"{sha256} {mapping.digest} {number}".encode()).hexdigest()


def _receive_one(delivery: Delivery, item: Item, reader: Reader, number: int, stage: Stage, progress: Progress) -> Reading:
    understanding = Understanding(reader, item.source, delivery.mapping, delivery.extracted_on)
    reading = Reading("", reader.name, "", reader.size, item.source.table, number, understanding=understanding)
    for chunk in reader.chunks():
        understood = understanding.read(chunk)
        for name, rows in understood.tables.items():
            stage.add(TABLES[name], rows, number, derived=name != item.source.table)
        stage.reject(understood.rejects, number)
        reading.account.read.take(understood.money, understood.n_rows)
        reading.left_out += understood.n_left_out
        progress(f"reading {reader.name}", reader.position(), reader.size)
    for report in understanding.reports.values():
        report.refuse_if_misunderstood(reader.name, at_end=True)
    reading.sha256 = reader.sha256
    reading.digest = digest_of(reader.sha256, delivery.mapping, item.number)
    return reading
