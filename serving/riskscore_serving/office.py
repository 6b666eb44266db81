"""The office: decides what is asked, with a deadline and in doubt with a referral, and has it recorded."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Engine

from riskscore.decisions import Decision, Doubt
from riskscore.errors import InputRefused, ModelRefused, RiskscoreError, StorageFailed
from riskscore.scoring import Application
from riskscore.stores import answers, decisions
from riskscore_serving.breaker import Breaker
from riskscore_serving.listing import Lister
from riskscore_serving.problems import Refusal
from riskscore_serving.recorder import Recorder
from riskscore_serving.waiting import waiting

log = logging.getLogger(__name__)
T = TypeVar("T")

PATIENCE = 1.5
"""Seconds a model may take for a decision, and a request may wait until it is asked."""

WORK_PATIENCE = 4.3
"""Seconds a request may take for everything that is worked out for it, its waits for stores included: none takes five."""

WORKERS = 4
REMEMBERED = 4_096
"""Answers about customers of the book kept in memory: the same desk and customer give the same bytes."""


UNFINISHED = "It was not finished in time. Look before you ask for a change again: it may have been made."


class Knowing(Protocol):
    """The part of a desk that decides customers of its book; see `riskscore.stores.desk.Desk`."""

    @property
    def as_of(self) -> date:
        """The date it answers for."""

    def decide(self, customer_id: str, doubt: Doubt | None = None) -> Decision | None:
        """The decision about a customer of the book."""


class Deciding(Knowing, Protocol):
    """The part of a desk that decides applicants too."""

    @property
    def texts(self) -> decisions.Texts:
        """The policy and the grades as they were read."""

    @property
    def reporting_currency(self) -> str:
        """ISO 4217 of every amount."""

    def decide_applicant(self, application: Application, doubt: Doubt | None = None) -> Decision:
        """The decision about somebody who is in no book."""


@dataclass(frozen=True)
class Rules:
    """What the operator sets: how old a book may be that customers are decided from."""

    max_book_age_days: int = 45


class Office:
    """Answers one request at a time, on the desk that is open; everything slow is done off the event loop, with a deadline."""

    def __init__(
        self,
        desk: Callable[[], Any],
        store: Callable[[], Engine],
        rules: Rules | None = None,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
        at_hand: Callable[[], Any] = lambda: None,
    ) -> None:
        self.at_hand = at_hand
        self.desk, self.store, self.rules, self.today = desk, store, rules or Rules(), today
        self.recorder = Recorder(store)
        self._n_deciding = 0
        self.lister = Lister(store, lambda: self._n_deciding > 0)
        self.stopping = False
        self._lookers = ThreadPoolExecutor(2 * WORKERS, thread_name_prefix="looking")
        self._deciders = ThreadPoolExecutor(WORKERS, thread_name_prefix="deciding")
        self._working = ThreadPoolExecutor(2 * WORKERS, thread_name_prefix="working")
        self._paging = ThreadPoolExecutor(WORKERS, thread_name_prefix="paging")
        self._free = asyncio.Semaphore(WORKERS)
        self._in_hand: set[answers.Key] = set()
        self._given_up: set[asyncio.Future[Any]] = set()
        self.breaker = Breaker()
        self._remembered: OrderedDict[str, Decision] = OrderedDict()
        self._told: OrderedDict[str, str] = OrderedDict()
        self._remembered_of: Any = None

    async def open_desk(self) -> Any:
        """The desk that is open now. Raises StorageFailed where the book does not answer."""
        if (desk := self.at_hand()) is not None:  # no thread for what is there: changing over costs more than a whole answer
            return desk
        try:
            return await self.within(self.desk)
        except InputRefused as error:
            raise StorageFailed(str(error)) from error

    async def within(self, work: Callable[[], T]) -> T:
        """What the work gives, off the event loop. Raises StorageFailed where the request has waited long enough for stores."""
        with waiting() as left:
            try:
                return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._lookers, work), left)
            except TimeoutError:
                raise StorageFailed("the store did not answer in time") from None

    async def worked(self, work: Callable[[], T], *, is_page: bool = False) -> T:
        """What the work gives, off the event loop. Raises Refusal where it takes too long, or where everybody else's does.

        Work that has begun is not broken off: what it changes may still be changed after the refusal, which says so.
        """
        with waiting(WORK_PATIENCE) as left:
            working = asyncio.get_running_loop().run_in_executor(self._paging if is_page else self._working, work)
            try:
                return await asyncio.wait_for(working, left)
            except TimeoutError:
                raise Refusal("overloaded", UNFINISHED, headers={"Retry-After": "5"}) from None

    def staleness(self, desk: Knowing) -> Doubt | None:
        """Is the book too old to decide its customers from?"""
        return "stale_book" if (self.today() - desk.as_of).days > self.rules.max_book_age_days else None

    async def customer(self, desk: Knowing, customer_id: str) -> Decision | None:
        """The decision about a customer of the book; None where it knows no such customer."""
        if self._remembered_of is not desk:
            self._remembered.clear()
            self._told.clear()
            self._remembered_of = desk
        stale = self.staleness(desk)
        key = f"{stale}\0{customer_id}"
        if (remembered := self._remembered.get(key)) is not None:
            self._remembered.move_to_end(key)
            return remembered
        found = await self._decided(lambda doubt: desk.decide(customer_id, doubt), stale)
        if self._remembered_of is not desk:
            return found  # a newer desk opened meanwhile: its customers are not answered from the book before
        if found is not None and (found.provenance.doubt is None or found.provenance.doubt == stale):
            self._remembered[key] = found
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    async def seen(self, desk: Knowing, customer_id: str) -> Decision | None:
        """The decision to look at, from the memory where it is there; of a book too old to decide from, as the book has it."""
        if self.staleness(desk) is None:
            return await self.customer(desk, customer_id)
        return await self.within(lambda: desk.decide(customer_id))

    def remembers(self, customer_id: str | None) -> bool:
        """Is the decision about this customer of the book there already, on the desk that is at hand?"""
        desk = self.at_hand()
        if desk is None or desk is not self._remembered_of:
            return False
        return f"{self.staleness(desk)}\0{customer_id}" in self._remembered

    def told(self, decision: Decision, tell: Callable[[], str]) -> str:
        """A decision about a customer of the book as it is sent; told in full once, for equal decisions are equal bytes."""
        key = decision.decision_id
        if (told := self._told.get(key)) is None:
            told = self._told[key] = tell()
            while len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        return told

    async def applicant(self, desk: Deciding, application: Application) -> Decision:
        """The decision about an applicant."""
        found = await self._decided(lambda doubt: desk.decide_applicant(application, doubt), None)
        assert found is not None
        return found

    @property
    def model_is_silent(self) -> bool:
        """Does the model no longer answer in time, so that everybody is referred?"""
        return self.breaker.is_open or len(self._given_up) >= WORKERS

    async def _decided(self, decide: Callable[[Doubt | None], Decision | None], doubt: Doubt | None) -> Decision | None:
        """With the model where it answers; without it, and in doubt, where it fails or takes too long. Never an approval then."""
        if len(self._given_up) < WORKERS and self.breaker.may_ask() and await self._has_a_decider():
            since = self.breaker.clock()
            self._n_deciding += 1
            deciding = asyncio.get_running_loop().run_in_executor(self._deciders, decide, doubt)
            deciding.add_done_callback(self._free_again)  # one that hangs keeps its place until it ends
            try:
                found = await asyncio.wait_for(asyncio.shield(deciding), PATIENCE)
            except TimeoutError:
                if not deciding.done():
                    self._given_up.add(deciding)
                self.breaker.was_silent(since)
                log.warning("the model did not answer in time")
            except (StorageFailed, InputRefused):
                raise
            except RiskscoreError as error:
                if not isinstance(error, ModelRefused):
                    raise
                self.breaker.answered()
                log.warning("the model cannot be asked: %s", error.code)
            except Exception as error:  # noqa: BLE001  whatever a model raises: whoever asks is referred, not approved
                self.breaker.answered()
                log.warning("the model failed: %s", type(error).__name__)  # no trace: it may hold the customer's data
            else:
                self.breaker.answered()
                return found
        return await self.within(lambda: decide("model_unavailable"))

    async def _has_a_decider(self) -> bool:
        """Was there a place among the deciders in time? False where each of them waits for a model that was given up.

        Raises Refusal where they are merely busy.
        """
        try:
            await asyncio.wait_for(self._free.acquire(), PATIENCE)
        except TimeoutError:
            if len(self._given_up) >= WORKERS:
                return False
            raise Refusal("overloaded", headers={"Retry-After": "1"}) from None
        return True

    def _free_again(self, deciding: "asyncio.Future[Any]") -> None:
        self._given_up.discard(deciding)
        self._n_deciding -= 1
        self._free.release()
        if not deciding.cancelled():
            deciding.exception()  # of one that nobody waits for any more

    @contextmanager
    def in_hand(self, key: answers.Key) -> Iterator[None]:
        """One request at a time under a key. Raises Refusal where it is being answered just now."""
        if key in self._in_hand:
            raise Refusal("conflict", "This Idempotency-Key is being answered; ask again.", headers={"Retry-After": "1"})
        self._in_hand.add(key)
        try:
            yield
        finally:
            self._in_hand.discard(key)

    async def record(self, answer: answers.Answer) -> answers.Recorded:
        """The answer that holds for the key, durable. Raises Refusal where another request was answered under it."""
        return checked(await self.recorder.record(answer))

    async def answered(self, key: answers.Key, request: str) -> answers.Recorded | None:
        """What was answered under that key before; None where nothing was."""
        found = await self.within(lambda: answers.find(self.store(), key, request))
        return None if found is None else checked(found)

    def close(self) -> None:
        """Record what waits; ask nothing more."""
        self.recorder.stop()
        self.lister.stop()
        for workers in (self._lookers, self._deciders, self._working, self._paging):
            workers.shutdown(wait=False, cancel_futures=True)


def checked(found: answers.Recorded) -> answers.Recorded:
    """The recorded answer. Raises Refusal where it answers another request than this one."""
    if not found.same_request:
        raise Refusal("unprocessable", "This Idempotency-Key was used for another request.")
    return found
