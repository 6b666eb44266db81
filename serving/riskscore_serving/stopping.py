"""Stopping without losing a request: unready at once, then no new connections, then what is being answered is finished."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

import uvicorn

from riskscore_serving.office import Office

LINGER = 0.5
"""Seconds in which it still answers after it said that it is no longer ready, so that whoever sends requests here can see it."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Graceful(uvicorn.Server):
    """A server that exits with 0 once everything it had accepted is answered. A second signal does not wait for that."""

    def __init__(self, config: uvicorn.Config, office: Office) -> None:
        super().__init__(config)
        self.office = office
        self._stop_at = float("inf")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals, and do not raise them again afterwards: being told to stop is no failure."""
        before = {each: signal.signal(each, self.handle_exit) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Say that it is not ready, linger, then stop."""
        if self.office.stopping:
            self.force_exit = True
            super().handle_exit(sig, frame)
        self.office.stopping = True
        self._stop_at = monotonic() + LINGER

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: is it time to stop?"""
        return await super().on_tick(counter) or monotonic() >= self._stop_at
