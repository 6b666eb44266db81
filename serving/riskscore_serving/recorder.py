"""The recorder: one thread that commits the answers of many requests at once, so that a durable answer is a cheap one."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Lock, Thread

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from riskscore.errors import NotReproduced, RiskscoreError, StorageFailed
from riskscore.stores.answers import Answer, Recorded, record
from riskscore_serving.problems import Refusal
from riskscore_serving.waiting import waiting

AT_ONCE = 100
WAITING_AT_MOST = 512
Job = tuple[Answer, asyncio.AbstractEventLoop, "asyncio.Future[Recorded]"]


class Recorder:
    """Takes answers to be recorded and says what holds for each, once it is durable.

    store: opens the database or gives the one that is open; called in the recorder's own thread.
    """

    def __init__(self, store: Callable[[], Engine]) -> None:
        self._store = store
        self._jobs: Queue[Job | None] = Queue(WAITING_AT_MOST)
        self._thread: Thread | None = None
        self._lock = Lock()

    async def record(self, answer: Answer) -> Recorded:
        """The answer that holds for the key, durable.

        Raises Refusal where the store does not take it in time. It may still be recorded then: the key will tell.
        """
        self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Recorded] = loop.create_future()
        try:
            self._jobs.put_nowait((answer, loop, future))
        except Full:
            raise Refusal("overloaded", headers={"Retry-After": "1"}) from None
        with waiting() as left:
            try:
                return await asyncio.wait_for(future, left)
            except TimeoutError:
                raise Refusal("storage-unavailable", headers={"Retry-After": "2"}) from None

    def stop(self, patience: float = 5.0) -> None:
        """Record what waits, then end."""
        if self._thread is not None:
            with suppress(Full):  # behind a store that hangs; the thread ends with the process
                self._jobs.put(None, timeout=patience)
            self._thread.join(patience)
            self._thread = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="recorder", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs = [job]
            ending = False
            with suppress(Empty):
                while len(jobs) < AT_ONCE:
                    more = self._jobs.get_nowait()
                    if more is None:
                        ending = True
                        break
                    jobs.append(more)
            self._record(jobs)
            if ending:
                return

    def _record(self, jobs: list[Job]) -> None:
        found: list[Recorded | NotReproduced] | Exception
        try:
            found = record(self._store(), [answer for answer, _, _ in jobs])
        except sa.exc.IntegrityError as error:
            found = StorageFailed(f"the store refused an answer: {type(error.orig).__name__}")
        except RiskscoreError as error:
            found = error
        except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear of it and the thread must live
            found = error
        for place, (_, loop, future) in enumerate(jobs):
            with suppress(RuntimeError):  # the loop of a request that went away
                loop.call_soon_threadsafe(_settle, future, found if isinstance(found, Exception) else found[place])


def _settle(future: "asyncio.Future[Recorded]", found: Recorded | Exception) -> None:
    if future.done():
        return
    if isinstance(found, Exception):
        future.set_exception(found)
    else:
        future.set_result(found)
