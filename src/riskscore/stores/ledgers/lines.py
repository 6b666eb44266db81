"""Bytes to lines: decoded as declared, in blocks of whole lines, with a digest of exactly the bytes that were read."""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from riskscore.errors import InputRefused

BLOCK = 4 * 1024 * 1024
"""Bytes read at a time; memory follows from it, results do not."""

LONGEST_RUN = 16 * 1024 * 1024
"""Characters without a line end after which a file is not lines of text at all."""


class ReadOnce(io.RawIOBase):
    """A file that takes the digest and the count of what is read from it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._digest = hashlib.sha256()
        self.position = 0

    def readable(self) -> bool:
        """Whether it can be read: it can."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        """Fill the buffer; see io.RawIOBase."""
        n = self._file.readinto(buffer)
        self._digest.update(memoryview(buffer)[:n])
        self.position += n
        return n

    def sha256(self) -> str:
        """Digest of everything read so far."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file below too."""
        self._file.close()
        super().close()


def blocks_of_lines(raw: ReadOnce, name: str, encoding: str, *, packed: bool, may_lack_end: bool) -> Iterator[tuple[str, bool]]:
    """Text of whole lines with their line ends, and whether the file ends with it.

    A byte-order mark is not part of the text. Raises InputRefused with the byte where the text is not of that encoding, where the
    last line has no end (a cut file looks like that) unless it may lack one, and where packed bytes do not unpack.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    waiting: list[str] = []
    fed = 0
    for block in _unpacked(raw, name) if packed else _plain(raw):
        text = _decode(decoder, block, fed, name, encoding)
        text = text.removeprefix("\ufeff") if fed == 0 else text
        fed += len(block)
        head, end, tail = text.rpartition("\n")
        if end:
            yield "".join([*waiting, head, end]), False
            waiting = []
        waiting.append(tail)
        if sum(map(len, waiting)) > LONGEST_RUN:
            raise InputRefused(
                f"{name}: {LONGEST_RUN} characters without a line end: these are not lines of text. Nothing was written."
            )
    tail = "".join([*waiting, _decode(decoder, b"", fed, name, encoding, final=True)])
    if tail and not may_lack_end:
        raise InputRefused(
            f"{name}: the last line has no line end, so the file may be cut short (it ends in {tail[-30:]!r}). Nothing was "
            "written. "
            "Export it again; where exports always end so, declare unterminated_last_line = true."
        )
    yield tail, True


def _plain(raw: ReadOnce) -> Iterator[bytes]:
    while block := raw.read(BLOCK):
        yield block


def _unpacked(raw: ReadOnce, name: str) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=io.BufferedReader(raw, BLOCK)) as unpacked:
            while block := unpacked.read(BLOCK):
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputRefused(
            f"{name}: the gzip file is cut or damaged ({error}). Nothing was written. Deliver it again."
        ) from error


def _decode(decoder: codecs.IncrementalDecoder, block: bytes, fed: int, name: str, encoding: str, *, final: bool = False) -> str:
    try:
        return decoder.decode(block, final)
    except UnicodeDecodeError as error:
        offset = fed + len(block) - len(error.object) + error.start
        what = f"0x{error.object[error.start]:02x} is not valid {encoding}"
        raise _undecodable(name, offset, what) from error
    except UnicodeError as error:  # what UTF-16 and UTF-32 raise where the byte-order mark is missing
        raise _undecodable(name, fed, f"not valid {encoding} ({error})") from error


def _undecodable(name: str, offset: int, what: str) -> InputRefused:
    return InputRefused(
        f"{name} byte {offset}: {what}, so names and ids would be corrupted. Nothing was written. "
        "Declare the encoding the export has (encoding = ...); it is never guessed."
    )
