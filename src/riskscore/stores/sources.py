"""Which code is running: the version of the product and a digest over its sources."""

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from riskscore import __version__


@cache
def code_digest() -> str:
    """SHA-256 over every source file of the library: equal digests, equal code."""
    total = hashlib.sha256()
    root = Path(str(files("riskscore")))
    for path in sorted(root.rglob("*.py")):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def code_version() -> str:
    """The version and the first digits of the digest, e.g. 0.1.0+3f2a91c04b7d: what a decision was made by."""
    return f"{__version__}+{code_digest()[:12]}"
