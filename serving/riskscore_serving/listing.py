"""The list of a book: begun as soon as the book is open, and made once, by a thread of its own, for all who will ask for it.

Until it is there, whoever asks is told how far it is.
"""

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from threading import Thread
from time import monotonic, sleep
from typing import Protocol

from sqlalchemy.engine import Engine

from riskscore.stores.overview import Line, Listed
from riskscore_serving.problems import Refusal
from riskscore_serving.waiting import waiting

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks for a newer desk. The reception looks when it is asked, and at night nobody may ask for hours."""

PATIENCE = 3.0
"""Seconds a request waits for the list; what is left of `office.WORK_PATIENCE` is for its page."""

NOT_YET = (
    "The list of this book is being prepared: {made:,} of {of:,} customers so far. Ask again; "
    "whoever asks about one customer is answered meanwhile."
)


class Listing(Protocol):
    """The part of a desk that lists its customers; see `riskscore.stores.desk.Desk`."""

    @property
    def n_customers(self) -> int:
        """How many customers the book has."""

    def listed(self, store: Callable[[], Engine] | None = None) -> Iterator[Sequence[Line]]:
        """Every customer in one line, some at a time."""


class Making:
    """One list on its way. n_made: the lines there are so far. lines: all of them, or what stopped it."""

    def __init__(self, desk: Listing, store: Callable[[], Engine], is_busy: Callable[[], bool]) -> None:
        self._is_busy = is_busy
        self.n_made = 0
        self.is_wanted = True
        self.lines: Future[Listed] = Future()
        self.lines.set_running_or_notify_cancel()  # so that a request which waits no longer does not cancel it for the others
        # A daemon: a server that is told to stop does not wait for a list.
        Thread(target=self._make, args=(desk, store), name="listing", daemon=True).start()

    def _make(self, desk: Listing, store: Callable[[], Engine]) -> None:
        lines: list[Line] = []
        since = monotonic()
        try:
            for piece in desk.listed(store):
                if not self.is_wanted:
                    return  # whoever still waits is told to ask again
                lines += piece
                self.n_made = len(lines)
                self._give_way(monotonic() - since)
                since = monotonic()
            self.lines.set_result(Listed(lines))
        except Exception as error:  # noqa: BLE001  whatever it is, whoever asks is told
            self.lines.set_exception(error)

    def _give_way(self, most: float) -> None:
        """Let somebody who is being decided have the interpreter, for as long as the portion took: half of it is for the list."""
        until = monotonic() + most
        while self._is_busy() and monotonic() < until:
            sleep(0.01)

    @property
    def failed(self) -> bool:
        """Was it given up?"""
        return self.lines.done() and self.lines.exception() is not None


class Lister:
    """Has the list of the desk that is asked about, one at a time: of a newer desk instead of the one before. On the event loop.

    store: gives the database. is_busy: is somebody being decided just now? It keeps no desk: a list is dropped with its desk.
    """

    def __init__(self, store: Callable[[], Engine], is_busy: Callable[[], bool]) -> None:
        self._store, self._is_busy = store, is_busy
        self._making: Making | None = None
        self._of: weakref.ref[Listing] | None = None

    async def keep_up(self, open_desk: Callable[[], Awaitable[Listing]]) -> None:
        """Begin the list of the desk that is open, and of every one that follows it, before anybody asks; until it is cancelled.

        A list that failed is not begun again until somebody asks for it: no broken book is read over and over for nobody.
        """
        while True:
            try:
                desk = await open_desk()
                if not self._is_of(desk):
                    self._begin(desk)
                del desk  # an old book is not kept while nobody looks
            except Exception as error:  # noqa: BLE001  whoever asks meets it as well and is told; here it is looked again
                log.debug("no desk to list: %s", type(error).__name__)
            await asyncio.sleep(LOOK_EVERY)

    async def lines(self, desk: Listing) -> Listed:
        """The list of the desk. Raises Refusal until it is there, and what its making raised: who asks next has it made anew."""
        making = self._making
        if making is None or making.failed or not self._is_of(desk):
            making = self._begin(desk)
        with waiting(PATIENCE) as left:
            try:
                return await asyncio.wait_for(asyncio.wrap_future(making.lines), left)
            except TimeoutError:
                says = NOT_YET.format(made=making.n_made, of=desk.n_customers)
                raise Refusal("overloaded", says, headers={"Retry-After": "10"}) from None

    def stop(self) -> None:
        """Nobody waits for what is being made any more."""
        if self._making is not None:
            self._making.is_wanted = False
        self._making = None

    def _is_of(self, desk: Listing) -> bool:
        return self._of is not None and self._of() is desk

    def _begin(self, desk: Listing) -> Making:
        self.stop()
        making = self._making = Making(desk, self._store, self._is_busy)
        self._of = weakref.ref(desk, self._drop)
        return making

    def _drop(self, of: "weakref.ref[Listing]") -> None:
        if of is self._of:
            self.stop()
