"""Files that are there whole or not at all: written beside their place, flushed, renamed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from riskscore.errors import StorageFailed

OWNER_ONLY = 0o600
"""A result says who owes what: other users of the machine do not read it unless its owner lets them."""


@contextmanager
def appearing_at(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder; when the block ends well, what was written there appears at `path` in one rename.

    Raises StorageFailed where the disk does not take it; then `path` is what it was before, and nothing is left beside it.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".writing")
    except OSError as error:
        raise StorageFailed(f"{path}: cannot be written ({error.strerror}). Nothing was written.") from error
    os.close(handle)
    draft = Path(name)
    try:
        draft.chmod(OWNER_ONLY)
        yield draft
        _flush(draft)
        draft.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise StorageFailed(f"{path}: cannot be written ({error.strerror or error}). Make room, then run it again.") from error
    finally:
        draft.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
