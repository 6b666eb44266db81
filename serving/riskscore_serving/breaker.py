"""Whether a model that did not answer in time is worth asking: one slow answer says nothing, several in a row that it hangs."""

from collections.abc import Callable
from time import monotonic

IN_A_ROW = 3
"""Times in a row that a model must stay silent before not everybody asks it any more: a busy machine is slow once or twice."""

TRIED_EVERY = 5.0
"""Seconds after which one request asks a silent model again; everybody else is referred meanwhile without waiting for it."""


class Breaker:
    """Counts how often in a row a model stayed silent. clock: seconds that only rise."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self._silences = 0
        self._silent_at = self._tried_at = float("-inf")

    @property
    def is_open(self) -> bool:
        """Is the model taken to be silent?"""
        return self._silences >= IN_A_ROW

    def may_ask(self) -> bool:
        """Is it worth asking? Of a silent model one request is told so every `TRIED_EVERY` seconds."""
        if not self.is_open:
            return True
        if self.clock() - self._tried_at < TRIED_EVERY:
            return False
        self._tried_at = self.clock()
        return True

    def answered(self) -> None:
        """It answered, or failed, in time."""
        self._silences = 0

    def was_silent(self, since: float) -> None:
        """Somebody who asked at that time was not answered. Many who asked in the same slow moment say it once."""
        if since >= self._silent_at:
            self._silences += 1
            self._silent_at = self._tried_at = self.clock()
