"""From exports to a published book: read, judge, write, account, publish; or refuse, and change nothing."""

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from riskscore.errors import RiskscoreError, StorageFailed
from riskscore.stores.ledgers import layout
from riskscore.stores.ledgers.book import open_book
from riskscore.stores.ledgers.deliveries import items_of
from riskscore.stores.ledgers.manifests import refuse_other_settings, settings_of
from riskscore.stores.ledgers.receipts import Receipt, read_of
from riskscore.stores.ledgers.reception import Delivery, Progress, receive, receive_rates
from riskscore.stores.ledgers.staging import Stage
from riskscore.stores.ledgers.versions import draft_version


def silent(_what: str, _done: int, _whole: int | None) -> None:
    """Tell nobody how far it is."""


def ingest(delivery: Delivery, book: Path, *, progress: Progress = silent) -> Receipt:
    """Publish the delivery, with everything the book held before, as the book's next version: all of it or nothing.

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

    Raises InputRefused and UsageRefused as `ingest` does; a limit that would be broken is told in `refused` and `refused_status`.
    """
    with tempfile.TemporaryDirectory(prefix="riskscore-check-") as folder:
        receipt, _, refusal = _prepare(delivery, book, Path(folder), progress)
    if refusal is None:
        return receipt
    return dataclasses.replace(receipt, refused=str(refusal), refused_status=refusal.exit_status)


def _prepare(
    delivery: Delivery, book: Path, draft: Path, progress: Progress
) -> tuple[Receipt, dict[str, Any] | None, RiskscoreError | None]:
    """The next version, under `draft/version`: its receipt, its manifest (None where nothing is new), and what forbids it."""
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
    version = draft_version(delivery, before, [*readings, *rates], staged, draft, progress)
    shutil.rmtree(draft / "work")
    receipt = Receipt(
        False,
        [read_of(reading) for reading in readings],
        already,
        not_read,
        version.rejects,
        version.pasts,
        book=version.manifest,
    )
    return receipt, version.manifest, version.refusal
