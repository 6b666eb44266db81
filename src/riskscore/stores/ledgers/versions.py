"""The next version of a book, drafted: rows judged, tables written, every row and cent counted again."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from riskscore.errors import RiskscoreError
from riskscore.stores.ledgers.accounting import Account, refuse_above_limit, refuse_contradicted, settle, settle_standing
from riskscore.stores.ledgers.book import Book
from riskscore.stores.ledgers.candidates import open_candidates
from riskscore.stores.ledgers.crosschecks import judge, open_workspace
from riskscore.stores.ledgers.families import refuse_cycles
from riskscore.stores.ledgers.manifests import entry_of, manifest_of, outcome_of, settings_of
from riskscore.stores.ledgers.pasts import Past, compare_pasts
from riskscore.stores.ledgers.quarantine import rejects_of, write_quarantine
from riskscore.stores.ledgers.reception import Delivery, Progress, Reading
from riskscore.stores.ledgers.rewrites import refuse_needless, refuse_rewrites
from riskscore.stores.ledgers.shifts import refuse_shift
from riskscore.stores.ledgers.writing import n_buckets_for, write_customers, write_tables

MEMORY = ("128MB", "256MB", "512MB", "1GB")
"""What the engine may use: enough for ordinary ledgers of any length; more only where wide rows turn out not to fit."""


@dataclass(frozen=True)
class Version:
    """A drafted version. refusal: why it may not be published, if anything forbids it. pasts: what it tells otherwise."""

    manifest: dict[str, Any]
    rejects: Mapping[str, dict[str, Any]]
    refusal: RiskscoreError | None
    pasts: Sequence[Past]


def draft_version(
    delivery: Delivery, before: Book | None, readings: list[Reading], staged: Mapping[str, Path], draft: Path, progress: Progress
) -> Version:
    """Write the next version under `draft/version`: what the book held before and what is new, judged together.

    Raises InputRefused where families run in circles, StorageFailed where the book is damaged, RiskscoreError where a row is
    lost.
    """
    plan = Plan(before, readings, delivery)
    for memory in MEMORY[:-1]:
        try:
            return _attempt(delivery, before, plan, staged, draft, memory, progress)
        except duckdb.OutOfMemoryException:
            shutil.rmtree(draft / "version", ignore_errors=True)
    return _attempt(delivery, before, plan, staged, draft, MEMORY[-1], progress)


def _attempt(
    delivery: Delivery,
    before: Book | None,
    plan: "Plan",
    staged: Mapping[str, Path],
    draft: Path,
    memory: str,
    progress: Progress,
) -> Version:
    plan.begin()
    settings = settings_of(delivery.mapping)
    version = draft / "version"
    with open_workspace(draft / "work", memory) as connection:
        progress("judging rows beside each other", 0, None)
        there = open_candidates(connection, staged, plan.new, before, plan.old)
        judge(connection, there, reporting_currency=settings["reporting_currency"], rate_days=settings["rate_days"])
        refuse_cycles(connection)
        progress("writing tables", 0, None)
        n_buckets = n_buckets_for(sum(_count(connection, name) for name in ("invoices", "settlements")))
        files = write_tables(connection, version, there, n_buckets)
        files.append(write_customers(connection, version))
        files.append(write_quarantine(connection, version, staged.get("rejects"), plan.entries, before))
        progress("counting again what was written", 0, None)
        settle(connection, version, files, plan.accounts, plan.tables)
        if before is not None:
            settle_standing(connection, version, files, before.manifest, set(plan.old.values()))
        rejects = rejects_of(connection, version, set(plan.new.values()))
        progress("comparing what both versions say of the past", 0, None)
        pasts = compare_pasts(connection, there, plan.entries) if before is not None else []
        refusal = _refusal(connection, delivery, plan, before, rejects, there, pasts)
        manifest = manifest_of(connection, version, files, plan.settled(), settings, there, n_buckets, pasts)
    return Version(manifest, rejects, refusal, pasts)


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

    def begin(self) -> None:
        """Forget what an earlier attempt found out about the rows of the new readings."""
        for reading in self._readings.values():
            reading.account = Account(read=reading.account.read)

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


TO_DO = {
    "no_rate": ". Deliver a rates table with the others, or declare dated [[rates]] in the mapping; a rate is in force for "
    "{rate_days} days (rate_days), so that a longer history needs several",
    "orphan": ". Deliver those invoices too; where they are there, see that both tables put invoice_id together alike",
    "conflicting_duplicate": ". One id names several rows: join the columns that tell them apart",
}
"""What to do about rows set aside for a reason, where the row alone does not say it: it stands behind an example."""


def _refusal(
    connection: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    plan: Plan,
    before: Book | None,
    rejects: Mapping[str, dict[str, Any]],
    there: set[str],
    pasts: Sequence[Past],
) -> RiskscoreError | None:
    """What forbids publishing: too much set aside, amounts that moved too far, or another past than the book tells."""
    worst = max(rejects.items(), key=lambda item: item[1]["rows"], default=None)
    hint = ""
    if worst is not None:
        reason, first = worst[0], worst[1]["examples"][0]
        place = "; ".join(part for part in (first["column"], first["detail"]) if part)
        example = f"{first['source']} line {first['line']} ({place}): {_one_line(first['raw'])}"
        todo = TO_DO.get(reason, "").format(rate_days=delivery.mapping.rate_days)
        hint = f"Most often: {reason} ({worst[1]['rows']}), e.g. {example}{todo}"
    try:
        refuse_above_limit(plan.accounts, plan.tables, delivery.mapping.limits, hint)
        if before is not None:
            refuse_contradicted(connection, before.manifest, delivery.mapping.limits)
        if not delivery.accept_shift:
            refuse_shift(connection, delivery.mapping.limits.amount_shift)
        if delivery.accept_rewrite is None:
            refuse_rewrites(connection, there, plan.entries, pasts, delivery.mapping.limits)
        else:
            refuse_needless(pasts, delivery.mapping.limits)
    except RiskscoreError as refusal:
        return refusal
    return None


def _one_line(raw: str) -> str:
    return "".join(letter if letter.isprintable() else "·" for letter in raw)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.sql(f"select count(*) from accepted_{table}").fetchall()[0][0])
