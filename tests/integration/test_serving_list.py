"""The list of a book takes as long as it takes, once: nobody else waits for it, and whoever asks is told how far it is."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.testclient import TestClient

from desks import BookDesk
from doors import Open
from riskscore.errors import StorageFailed
from riskscore.stores.overview import Line
from riskscore_serving import listing, office, operating
from riskscore_serving.app import create_app
from riskscore_serving.listing import Lister
from riskscore_serving.office import Rules
from riskscore_serving.settings import Address

FOR_THE_LIST, FOR_ALL = listing.PATIENCE, office.WORK_PATIENCE  # as shipped, before tests are more patient


@dataclass(eq=False)
class LargeDesk(BookDesk):
    """A desk that lists three of its five customers at once and the others when it may. listed_times: how often it began."""

    may_go_on: threading.Event = field(default_factory=threading.Event)
    failing: list[Exception] = field(default_factory=list)
    listed_times: int = 0
    listed_to_the_end: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)

    def listed(self, store: Any = None) -> Iterator[list[Line]]:
        self.listed_times += 1
        try:
            yield self.overview[3:]
            if self.failing:
                raise self.failing.pop()
            yield self.overview[:1]
            self.may_go_on.wait(30)
            yield self.overview[1:3]
            self.listed_to_the_end.set()
        except GeneratorExit:
            self.given_up.set()
            raise


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PATIENCE", 0.3)
    monkeypatch.setattr(listing, "LOOK_EVERY", 0.1)


@pytest.fixture
def desk() -> Iterator[LargeDesk]:
    found = LargeDesk()
    yield found
    found.may_go_on.set()


@pytest.fixture
def open_desks(desk: LargeDesk) -> list[LargeDesk]:
    """The last one is open."""
    return [desk]


def started(open_desk: Callable[[], LargeDesk]) -> TestClient:
    """A server that starts where its block is entered, and stops at its end."""
    app = create_app(open_desk, Address(), Open(), rules=Rules(max_book_age_days=100_000))
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


@pytest.fixture
def client(open_desks: list[LargeDesk]) -> Iterator[TestClient]:
    with started(lambda: open_desks[-1]) as client:
        yield client


def names(answer: Any) -> list[str]:
    return [line["customer_id"] for line in answer.json()["customers"]]


def once_ready(client: TestClient) -> Any:
    for _ in range(100):
        if (answer := client.get("/v1/customers")).status_code == 200:
            return answer
    raise AssertionError(answer.json())


def comes_true(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def is_ready_for_the_first(client: TestClient, desk: LargeDesk, seconds: float = 10.0) -> bool:
    """Was the list made before anybody asked, and does whoever asks first get that one?"""
    desk.may_go_on.set()
    was_made = comes_true(desk.listed_to_the_end.is_set, seconds)
    return was_made and client.get("/v1/customers").status_code == 200 and desk.listed_times == 1


def test_the_list_is_prepared_when_the_server_starts_whether_anybody_asks_or_not(client, desk):
    assert is_ready_for_the_first(client, desk)


def test_the_list_of_a_newer_book_is_prepared_whether_anybody_asks_or_not(client, desk, open_desks):
    desk.may_go_on.set()
    newer = LargeDesk(reporting_currency="CHF")
    open_desks.append(newer)

    assert is_ready_for_the_first(client, newer)
    assert client.get("/v1/customers").json()["currency"] == "CHF"


def test_a_list_that_is_prepared_only_when_asked_for_would_be_seen(desk, monkeypatch):
    # The planted fault of the two tests above.
    async def never(self: Lister, open_desk: Any) -> None:
        """As if nobody looked ahead."""

    monkeypatch.setattr(Lister, "keep_up", never)
    with started(lambda: desk) as client:
        assert not is_ready_for_the_first(client, desk, seconds=1.0)


def test_a_book_that_does_not_open_at_first_is_listed_once_it_does(desk):
    failures = [StorageFailed("the disk is away"), RuntimeError("a bug")]

    def open_desk() -> LargeDesk:
        if failures:
            raise failures.pop()
        return desk

    with started(open_desk) as client:
        assert is_ready_for_the_first(client, desk)


def test_while_a_list_is_prepared_the_server_is_as_ready_as_ever(client, desk, monkeypatch):
    monkeypatch.setattr(operating, "_ask", lambda office: None)
    preparing = comes_true(lambda: desk.listed_times == 1)
    since = time.monotonic()
    answers = [client.get(each).status_code for each in ("/livez", "/readyz", "/v1/customers/acme", "/v1/customers")]

    assert preparing
    assert answers == [200, 200, 200, 503]
    assert time.monotonic() - since < 3


def test_until_the_list_is_there_whoever_asks_is_told_how_far_it_is(client, desk):
    answer = client.get("/v1/customers")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.json()["detail"] == (
        "The list of this book is being prepared: 3 of 5 customers so far. Ask again; whoever asks about one customer is answered "
        "meanwhile."
    )
    desk.may_go_on.set()
    assert names(once_ready(client)) == ["acme", "broke", "newcomer", "person", "slow"]
    assert desk.listed_times == 1


def test_many_who_wait_for_the_list_hold_up_nobody_else(client, desk, monkeypatch):
    """More than there are threads for work: each waits on the loop, and the list is made once for all of them."""
    monkeypatch.setattr(listing, "PATIENCE", 4.0)
    with ThreadPoolExecutor(20) as pool:
        waiting_for_it = [pool.submit(client.get, "/v1/customers") for _ in range(20)]
        time.sleep(0.5)
        since = time.monotonic()
        others = [
            client.get("/v1/policy").status_code,
            client.get("/v1/customers/acme/explanation").status_code,
            client.post("/v1/scores", json={"customer_id": "acme"}).status_code,
        ]
        took, n_waiting = time.monotonic() - since, sum(not each.done() for each in waiting_for_it)
        desk.may_go_on.set()
        answers = {tuple(names(each.result())) for each in waiting_for_it}

    assert (others, n_waiting) == ([200] * 3, 20)
    assert took < 3, "they wait for no list"
    assert answers == {("acme", "broke", "newcomer", "person", "slow")}
    assert desk.listed_times == 1


def test_a_list_gives_way_to_somebody_who_is_being_decided_for_as_long_as_a_portion_took(monkeypatch):
    now, busy_until = [0.0], [float("inf")]
    monkeypatch.setattr(listing, "monotonic", lambda: now[0])
    monkeypatch.setattr(listing, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))

    class Slow(LargeDesk):
        def listed(self, store: Any = None) -> Iterator[list[Line]]:
            for n in range(3):
                now[0] += 2.0
                yield self.overview[n : n + 1]

    def made(busy: float) -> float:
        now[0], busy_until[0] = 0.0, busy
        asyncio.run(Lister(lambda: None, lambda: now[0] < busy_until[0]).lines(Slow()))
        return round(now[0], 1)

    assert [made(busy) for busy in (0.0, 3.0, float("inf"))] == [6.0, 7.0, 12.0]


def test_a_list_that_failed_is_made_anew_for_who_asks_next_and_for_nobody_else(desk):
    desk.failing += [StorageFailed("a file is damaged"), StorageFailed("a file is damaged")]
    desk.may_go_on.set()
    with started(lambda: desk) as client:
        unasked = comes_true(lambda: len(desk.failing) == 1)
        time.sleep(5 * listing.LOOK_EVERY)
        looked_again = desk.listed_times
        first, second = client.get("/v1/customers"), client.get("/v1/customers")

    assert (unasked, looked_again) == (True, 1)
    assert (first.status_code, first.json()["type"]) == (503, "urn:riskscore:problem:storage-unavailable")
    assert (second.status_code, len(names(second)), desk.listed_times) == (200, 5, 3)


def test_a_newer_book_has_its_own_list_and_the_one_before_is_given_up(client, desk, open_desks):
    before = client.get("/v1/customers").status_code
    newer = LargeDesk(reporting_currency="CHF")
    newer.may_go_on.set()
    open_desks.append(newer)
    answer = once_ready(client)
    desk.may_go_on.set()

    assert (before, answer.json()["currency"], len(names(answer))) == (503, "CHF", 5)
    assert desk.given_up.wait(10)
    assert (desk.listed_times, newer.listed_times) == (1, 1)


@pytest.mark.parametrize("is_asked_for", [True, False], ids=["asked-for", "unasked"])
def test_a_server_that_stops_waits_for_no_list(desk, is_asked_for):
    with started(lambda: desk) as client:
        assert comes_true(lambda: desk.listed_times == 1)
        assert not is_asked_for or client.get("/v1/customers").status_code == 503
        making = [each for each in threading.enumerate() if each.name == "listing"]
    desk.may_go_on.set()

    assert [each.daemon for each in making] == [True]
    assert desk.given_up.wait(10)


def test_a_list_is_dropped_with_the_desk_it_is_of():
    lister, desk = Lister(lambda: None, lambda: False), LargeDesk()
    desk.may_go_on.set()
    listed = weakref.ref(asyncio.run(lister.lines(desk)))
    there = listed() is not None
    del desk
    for _ in range(100):
        gc.collect()
        if listed() is None:
            break
        time.sleep(0.05)  # until the thread that made it has ended

    assert there
    assert listed() is None


def test_a_request_waits_for_the_list_and_for_its_page_within_the_deadline():
    assert FOR_THE_LIST + 1 < FOR_ALL < 5
