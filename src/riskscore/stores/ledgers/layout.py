"""Where a book lies on disk, and how a new version of it becomes the one that readers see.

    BOOK/current.json            names the version in force and the digest of its manifest
    BOOK/v000002-1f3c.../        manifest.json, tables/<name>/bucket=0003/part.parquet
    BOOK/.lock                   held (flock) by the one run that may write

A version is written beside the others under a temporary name, flushed, renamed; then the pointer is replaced in one rename.
A reader therefore sees the version before or the version after, never a part of one.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from riskscore.errors import InputRefused, RunLocked, StorageFailed, UsageRefused

SCHEMA_VERSION = 1
POINTER = "current.json"
MANIFEST = "manifest.json"


def canonical_json(value: object) -> bytes:
    """The one way a value is written as JSON: sorted keys, no spaces to speak of, UTF-8, a line end."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


@contextmanager
def locked(book: Path) -> Iterator[None]:
    """Hold the book's lock. The kernel frees it with the process, so a killed run leaves no stale lock.

    Raises RunLocked at once where another run holds it.
    """
    book.mkdir(parents=True, exist_ok=True)
    with (book / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunLocked(
                f"{book}: another run is writing this book. Nothing was changed. Try again when it has ended."
            ) from error
        yield


@contextmanager
def drafting(book: Path) -> Iterator[Path]:
    """A folder inside the book for what is not published yet; gone afterwards, as are those of runs that were killed."""
    for left in book.glob(".draft-*"):
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=book))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def leave_nothing(book: Path) -> None:
    """Remove the folder of a book that was never published."""
    if version_in_force(book) is None and not _versions(book):
        (book / ".lock").unlink(missing_ok=True)
        with suppress(OSError):  # something of the user's own lies there
            book.rmdir()


def version_in_force(book: Path) -> Path | None:
    """The folder of the version readers see; None where nothing was published. Raises StorageFailed on a broken pointer."""
    pointer = _pointer(book)
    return None if pointer is None else book / str(pointer["version"])


def read_manifest(book: Path) -> tuple[Path, dict[str, Any]]:
    """Folder and manifest of the version in force.

    Raises InputRefused where there is no book, StorageFailed where the manifest is not the published one, UsageRefused where a
    newer program wrote it.
    """
    pointer = _pointer(book)
    if pointer is None:
        raise InputRefused(f"{book}: there is no book here. Make one with: riskscore ingest FILE --mapping NAME --book {book}")
    folder = book / str(pointer["version"])
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise StorageFailed(f"{folder / MANIFEST}: cannot be read ({error.strerror}). Ingest the exports again.") from error
    if hashlib.sha256(content).hexdigest() != pointer["manifest_sha256"]:
        raise StorageFailed(f"{folder / MANIFEST}: is not the manifest that was published. Restore the folder from a backup.")
    manifest: dict[str, Any] = json.loads(content)
    if manifest["schema_version"] > SCHEMA_VERSION:
        raise UsageRefused(
            f"{book}: written by a newer riskscore (book schema {manifest['schema_version']}, this one reads up to "
            f"{SCHEMA_VERSION}). "
            "Install the newer version."
        )
    return folder, manifest


def publish(book: Path, draft: Path, manifest: dict[str, Any]) -> Path:
    """Make the files in `draft` the version readers see, and delete versions older than the one before.

    Every file is flushed before its folder is renamed, the folder before the pointer.
    """
    content = canonical_json(manifest)
    digest = hashlib.sha256(content).hexdigest()
    (draft / MANIFEST).write_bytes(content)
    _flush_tree(draft)
    before = version_in_force(book)
    number = 1 + max((int(path.name[1:7]) for path in _versions(book)), default=0)
    final = book / f"v{number:06d}-{digest[:12]}"
    draft.rename(final)
    _flush(book)
    _replace(book / POINTER, canonical_json({"version": final.name, "manifest_sha256": digest}))
    for old in _versions(book):
        if old not in (final, before):
            shutil.rmtree(old)
    return final


def _pointer(book: Path) -> dict[str, Any] | None:
    path = book / POINTER
    if not path.is_file():
        return None
    try:
        pointer: dict[str, Any] = json.loads(path.read_bytes())
        sound = set(pointer) == {"version", "manifest_sha256"} and "/" not in str(pointer["version"])
    except (ValueError, TypeError):
        sound = False
    if not sound:
        raise StorageFailed(f"{path}: is damaged, so the version in force is not known. Restore it from a backup.")
    return pointer


def _versions(book: Path) -> list[Path]:
    return sorted(book.glob("v[0-9][0-9][0-9][0-9][0-9][0-9]-*"))


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    _flush(path.parent)


def _flush_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        _flush(path)
    _flush(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
