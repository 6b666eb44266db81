"""How long one request waits for stores in all: however many looks it takes, whoever asks is told of a dead store in time."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

PATIENCE = 1.7
"""Seconds that one request waits for stores, all its looks and its record together. What is promised is an answer within two."""


class Waited:
    """Seconds that one request has waited so far. One object, so that a task which the request starts counts in it as well."""

    def __init__(self) -> None:
        self.seconds = 0.0


_waited: ContextVar[Waited] = ContextVar("waited")


def begin() -> None:
    """A request begins: it has waited for nothing yet."""
    _waited.set(Waited())


@contextmanager
def waiting(most: float | None = None) -> Iterator[float]:
    """The seconds that are left to wait; what passes inside is counted. Outside a request every wait stands for itself.

    most: of that many seconds in all; null: of those for stores.
    """
    waited = _waited.get(None) or Waited()
    since = monotonic()
    try:
        yield max((PATIENCE if most is None else most) - waited.seconds, 0.0)
    finally:
        waited.seconds += monotonic() - since
