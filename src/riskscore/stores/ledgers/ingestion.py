"""From exports to a published book: read, judge, write, account, publish; or refuse, and change nothing."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from riskscore.errors import RiskscoreError, StorageFailed
from riskscore.stores.ledgers import layout
from riskscore.stores.ledgers.accounting import Account, refuse_above_limit, refuse_contradicted, settle, settle_standing
from riskscore.stores.ledgers.book import Book, open_book
from riskscore.stores.ledgers.candidates import open_candidates
from riskscore.stores.ledgers.crosschecks import judge, open_workspace
from riskscore.stores.ledgers.deliveries import items_of
from riskscore.stores.ledgers.families import refuse_cycles
from riskscore.stores.ledgers.manifests import entry_of, manifest_of, outcome_of, refuse_other_settings, settings_of
from riskscore.stores.ledgers.quarantine import rejects_of, write_quarantine
from riskscore.stores.ledgers.receipts import Receipt, read_of
from riskscore.stores.ledgers.reception import Delivery, Progress, Reading, receive, receive_rates
from riskscore.stores.ledgers.shifts import refuse_shift
from riskscore.stores.ledgers.staging import Stage
from riskscore.stores.ledgers.writing import n_buckets_for, write_customers, write_tables


def silent(_what: str, _done: int, _whole: int | None) -> None:
    """Tell nobody how far it is."""


def ingest(delivery: Delivery, book: Path, *, progress: Progress = silent) -> Receipt:
    """Publish the delivery as the next version of the book, with everything the book held before. Readers see all of it or
    nothing.

    A delivery the book has already changes nothing. Raises InputRefused, QuarantineAboveLimit, HeldForReview, RunLocked,
    UsageRefused or StorageFailed; then nothing was published.
    """
    try:
        with layout.locked(book), layout.drafting(book) as draft:
            receipt, manifest, refusal = _prepare(delivery, book, draft, progress)
            if refusal is not None:
                raise refusal
            if manifest is None:
                return receipt
            progress("publishing", 0, None)
            layout.publish(book, draft / "version", manifest)
            return dataclasses.replace(receipt, published=True)
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StorageFailed(
            f"{book}: the disk did not take or give what was asked ({str(error).splitlines()[0]}). Readers still see the "
            "version before. "
            "Make room, or give the folder its rights, and ingest again."
        ) from error
    finally:
        layout.leave_nothing(book)


def check(delivery: Delivery, book: Path, *, progress: Progress = silent) -> Receipt:
    """What `ingest` would do, without writing anything where the book lies: what was understood, and what would be set aside.

    Raises InputRefused and UsageRefused as `ingest` does; a limit that would be broken is told in `refused`.
    """
    with tempfile.TemporaryDirectory(prefix="riskscore-check-") as folder:
        receipt, _, refusal = _prepare(delivery, book, Path(folder), progress)
    return dataclasses.replace(receipt, refused=None if refusal is None else str(refusal))


def _prepare(
    delivery: Delivery, book: Path, draft: Path, progress: Progress
) -> tuple[Receipt, dict[str, Any] | None, RiskscoreError | None]:
    """The next version, written under `draft/version`: its receipt, its manifest (None where nothing is new), and what forbids
    it.
    """
    before = open_book(book) if layout.version_in_force(book) else None
    if before is not None:
        refuse_other_settings(before.manifest, settings_of(delivery.mapping))
    known = {entry["reading"] for entry in before.manifest["sources"]} if before else set()
    items, not_read = items_of(delivery.places, delivery.mapping)
    stage = Stage(draft / "work" / "stage")
    readings, already = receive(delivery, items, stage, known, progress)
    rates = receive_rates(delivery, len(items), stage, known)
    staged = stage.close()
    if not readings:
        return Receipt(False, already=already, not_read=not_read, book=before.manifest if before else {}), None, None
    with open_workspace(draft / "work") as connection:
        plan = Plan(before, [*readings, *rates], delivery)
        progress("judging rows beside each other", 0, None)
        there = open_candidates(connection, staged, plan.new, before, plan.old)
        settings = settings_of(delivery.mapping)
        judge(connection, there, reporting_currency=settings["reporting_currency"], rate_days=settings["rate_days"])
        refuse_cycles(connection)
        progress("writing tables", 0, None)
        version = draft / "version"
        n_buckets = n_buckets_for(sum(_count(connection, name) for name in ("invoices", "settlements")))
        files = write_tables(connection, version, there, n_buckets)
        files.append(write_customers(connection, version))
        files.append(write_quarantine(connection, version, staged.get("rejects"), plan.entries, before))
        progress("counting again what was written", 0, None)
        settle(connection, version, files, plan.accounts, plan.tables)
        if before is not None:
            settle_standing(connection, version, files, before.manifest, set(plan.old.values()))
        rejects = rejects_of(connection, version, set(plan.new.values()))
        refusal = _refusal(connection, delivery, plan, before, rejects)
        manifest = manifest_of(connection, version, files, plan.settled(), settings, there, n_buckets)
    shutil.rmtree(draft / "work")
    reads = [read_of(reading) for reading in readings]
    return Receipt(False, reads, already, not_read, rejects, None, manifest), manifest, refusal


class Plan:
    """Which readings the next version lists, in the order of their digests, so that the order of deliveries leaves no trace.

    old, new: the place in that list of each reading of the book, and of each of this run (by its number).
    """

    def __init__(self, before: Book | None, readings: list[Reading], delivery: Delivery) -> None:
        standing = list(before.manifest["sources"]) if before else []
        run = hashlib.sha256(" ".join(sorted(reading.digest for reading in readings)).encode()).hexdigest()[:16]
        fresh = [entry_of(reading, run, delivery) for reading in readings]
        self.entries = sorted([*standing, *fresh], key=lambda entry: str(entry["reading"]))
        places = {entry["reading"]: place for place, entry in enumerate(self.entries)}
        self.old = {number: places[entry["reading"]] for number, entry in enumerate(standing)}
        self.new = {reading.number: places[reading.digest] for reading in readings}
        self._readings = {places[reading.digest]: reading for reading in readings}

    @property
    def accounts(self) -> Mapping[int, Account]:
        """The account of each new reading."""
        return {place: reading.account for place, reading in self._readings.items()}

    @property
    def tables(self) -> Mapping[int, str]:
        """The table each new reading delivers."""
        return {place: reading.table for place, reading in self._readings.items()}

    def settled(self) -> list[dict[str, Any]]:
        """The list of readings with what became of each."""
        return [
            {**entry, **outcome_of(self._readings[place])} if place in self._readings else entry
            for place, entry in enumerate(self.entries)
        ]


def _refusal(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    plan: Plan,
    before: Book | None,
    rejects: Mapping[str, dict[str, Any]],
) -> RiskscoreError | None:
    """What forbids publishing: too much set aside, or amounts that moved too far."""
    worst = max(rejects.items(), key=lambda item: item[1]["rows"], default=None)
    hint = ""
    if worst is not None:
        reason, first = worst[0], worst[1]["examples"][0]
        place = first["column"] or first["detail"] or ""
        example = f"{first['source']} line {first['line']} ({place}): {_one_line(first['raw'])}"
        hint = f"Most often: {reason} ({worst[1]['rows']}), e.g. {example}"
    try:
        refuse_above_limit(plan.accounts, plan.tables, delivery.mapping.limits, hint)
        if before is not None:
            refuse_contradicted(connection, before.manifest, delivery.mapping.limits)
        if not delivery.accept_shift:
            refuse_shift(connection, delivery.mapping.limits.amount_shift)
    except RiskscoreError as refusal:
        return refusal
    return None


def _one_line(raw: str) -> str:
    return "".join(letter if letter.isprintable() else "·" for letter in raw)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.sql(f"select count(*) from accepted_{table}").fetchall()[0][0])
