"""One request has one patience with stores, however many looks it takes; every request has its own."""

import asyncio
from contextvars import Context

import pytest

from riskscore_serving import waiting
from riskscore_serving.waiting import begin

SHIPPED = waiting.PATIENCE  # before any fixture makes servers of tests patient


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; a test lets it pass."""
    now = [0.0]
    monkeypatch.setattr(waiting, "monotonic", lambda: now[0])
    monkeypatch.setattr(waiting, "PATIENCE", 1.7)
    return now


def look(clock: list[float], seconds: float) -> float:
    """Wait so long for a store; what was left before."""
    with waiting.waiting() as left:
        clock[0] += seconds
    return round(left, 6)


def test_an_answer_within_two_seconds_leaves_room_for_the_work_itself() -> None:
    assert SHIPPED <= 1.7


def test_what_one_look_took_the_next_has_no_more(clock: list[float]) -> None:
    begin()

    assert [look(clock, 0.6) for _ in range(4)] == [1.7, 1.1, 0.5, 0.0]


def test_only_waiting_counts(clock: list[float]) -> None:
    begin()
    look(clock, 0.5)
    clock[0] += 100.0

    assert look(clock, 0.1) == 1.2


def test_a_look_that_failed_counts_too(clock: list[float]) -> None:
    def fail() -> None:
        with waiting.waiting():
            clock[0] += 1.0
            raise TimeoutError

    begin()
    with pytest.raises(TimeoutError):
        fail()

    assert look(clock, 0.0) == 0.7


def test_a_task_of_the_request_waits_on_its_account_and_another_request_on_its_own(clock: list[float]) -> None:
    async def request(seconds: float) -> float:
        begin()

        async def part() -> None:
            look(clock, seconds)

        await asyncio.create_task(part())
        return look(clock, 0.0)

    async def both() -> list[float]:
        return [await asyncio.create_task(request(0.4)), await asyncio.create_task(request(0.9))]

    assert asyncio.run(both()) == [1.3, 0.8]


def test_outside_a_request_every_wait_stands_for_itself(clock: list[float]) -> None:
    assert Context().run(lambda: [look(clock, 1.0) for _ in range(2)]) == [1.7, 1.7]
