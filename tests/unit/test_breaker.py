"""A model is taken to be silent after several answers in a row that did not come, and asked again by one request now and then."""

import pytest

from riskscore_serving.breaker import IN_A_ROW, TRIED_EVERY, Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def silence(breaker: Breaker, clock: Clock, n: int = 1) -> None:
    """So many requests, one after the other, each waiting for a second and a half in vain."""
    for _ in range(n):
        since, clock.now = clock.now, clock.now + 1.5
        breaker.was_silent(since)


def test_several_silences_in_a_row_open_it_and_fewer_do_not(breaker: Breaker, clock: Clock) -> None:
    silence(breaker, clock, IN_A_ROW - 1)
    before = breaker.may_ask(), breaker.is_open
    silence(breaker, clock)

    assert before == (True, False)
    assert (breaker.may_ask(), breaker.is_open) == (False, True)


def test_an_answer_between_two_silences_starts_the_count_again(breaker: Breaker, clock: Clock) -> None:
    silence(breaker, clock, IN_A_ROW - 1)
    breaker.answered()
    silence(breaker, clock, IN_A_ROW - 1)

    assert breaker.may_ask()


def test_many_who_were_not_answered_in_the_same_moment_count_once(breaker: Breaker, clock: Clock) -> None:
    since, clock.now = clock.now, clock.now + 1.5
    for _ in range(20):
        breaker.was_silent(since)

    assert not breaker.is_open


def test_one_asks_again_after_a_while_and_an_answer_lets_everybody_ask(breaker: Breaker, clock: Clock) -> None:
    silence(breaker, clock, IN_A_ROW)
    clock.now += TRIED_EVERY - 0.1
    too_early = breaker.may_ask()
    clock.now += 0.1
    asked = [breaker.may_ask() for _ in range(5)]
    breaker.answered()

    assert not too_early
    assert asked == [True, False, False, False, False]
    assert all(breaker.may_ask() for _ in range(5))


def test_whoever_tries_in_vain_sends_nobody_after_them_for_a_while(breaker: Breaker, clock: Clock) -> None:
    silence(breaker, clock, IN_A_ROW)
    clock.now += TRIED_EVERY
    assert breaker.may_ask()
    silence(breaker, clock)
    clock.now += TRIED_EVERY - 0.1

    assert (breaker.may_ask(), breaker.is_open) == (False, True)
