"""The log: one line an entry whatever is in it, and traces that say where something broke and not with what."""

import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_UNPRINTED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}
"""Characters that begin a line or colour a terminal: in an entry they would forge another one."""


class OneLine(logging.Formatter):
    """An entry is one line. Of an exception it holds the types and the places; its text may hold a customer or a password."""

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        told = self.formatMessage(record)
        if record.exc_info and record.exc_info[1] is not None:
            told = f"{told} {trace_of(record.exc_info[1])}"
        return told.translate(_UNPRINTED)


def trace_of(error: BaseException) -> str:
    """Types and places of an exception and of what led to it, the innermost place last; never its text."""
    return "; after ".join(_one(each) for each in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _one(error: BaseException) -> str:
    places = " > ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in _frames(error.__traceback__)
    )
    return f"{type(error).__name__} at {places or 'no place'}"


def _frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return list(traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False))


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Have everything that is logged anywhere in this process written so, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
