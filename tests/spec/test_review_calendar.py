"""The review calendar on a fake clock: who is due when, what brings it forward, and how long an old limit holds."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from riskscore import review_calendar
from riskscore.errors import UsageRefused
from riskscore.review_calendar import Cadence, Cut, Due, Event, Standing

CADENCE = Cadence()


def day(text: str) -> date:
    return date.fromisoformat(text)


def reviewed(grade: int | None, on: str, name: str = "acme", since: str = "2020-01-01") -> Standing:
    return Standing(name, grade, day(on), day(since))


class TestCadence:
    @pytest.mark.parametrize(
        ("grade", "risk"),
        [(1, "low"), (3, "low"), (4, "medium"), (6, "medium"), (7, "high"), (10, "high"), (None, "high")],
        ids=["best", "last-low", "first-medium", "last-medium", "first-high", "in-default", "withheld"],
    )
    def test_risk_follows_the_grade_and_a_withheld_grade_is_not_safe(self, grade: int | None, risk: str) -> None:
        assert CADENCE.risk(grade) == risk

    @pytest.mark.parametrize(
        ("grade", "last", "due"),
        [
            pytest.param(8, "2026-03-15", "2026-04-15", id="high-monthly"),
            pytest.param(5, "2026-03-15", "2026-06-15", id="medium-quarterly"),
            pytest.param(2, "2026-03-15", "2027-03-15", id="low-yearly"),
            pytest.param(8, "2026-01-31", "2026-02-28", id="the-last-day-of-a-shorter-month"),
            pytest.param(8, "2028-01-31", "2028-02-29", id="of-a-leap-year"),
            pytest.param(2, "2024-02-29", "2025-02-28", id="a-year-after-a-leap-day"),
            pytest.param(5, "2025-11-30", "2026-02-28", id="over-the-year-end"),
            pytest.param(8, "2025-12-31", "2026-01-31", id="december-to-january"),
        ],
    )
    def test_the_next_review_is_so_many_months_on(self, grade: int, last: str, due: str) -> None:
        assert review_calendar.next_review_on(reviewed(grade, last), CADENCE) == day(due)

    @pytest.mark.parametrize(
        ("on", "is_due"),
        [("2026-06-14", False), ("2026-06-15", True), ("2026-06-16", True)],
        ids=["the-day-before", "on-the-day", "the-day-after"],
    )
    def test_a_review_is_due_from_its_day_on(self, on: str, is_due: bool) -> None:
        found = review_calendar.due_list([reviewed(5, "2026-03-15")], [], on=day(on), cadence=CADENCE)

        assert found == ((Due("acme", day("2026-06-15"), "scheduled", "medium"),) if is_due else ())


class TestNewCustomers:
    @pytest.mark.parametrize(("days", "is_due"), [(179, False), (180, True), (181, True)], ids=["day-179", "day-180", "day-181"])
    def test_the_first_review_comes_after_180_days_even_at_low_risk(self, days: int, is_due: bool) -> None:
        since = day("2026-01-05")
        standing = Standing("acme", 2, since, since)

        found = review_calendar.due_list([standing], [], on=since + timedelta(days=days), cadence=CADENCE)

        assert [due.why for due in found] == (["first_review"] if is_due else [])

    def test_after_the_first_review_the_cadence_of_its_risk_holds(self) -> None:
        standing = Standing("acme", 2, day("2026-07-04"), day("2026-01-05"))

        assert review_calendar.next_review_on(standing, CADENCE) == day("2027-07-04")

    def test_a_risky_new_customer_does_not_wait_six_months(self) -> None:
        standing = Standing("acme", 8, None, day("2026-01-05"))

        (found,) = review_calendar.due_list([standing], [], on=day("2026-02-05"), cadence=CADENCE)

        assert (found.due_on, found.why) == (day("2026-02-05"), "never_reviewed")

    def test_who_was_never_delivered_to_and_never_reviewed_is_due_only_by_an_event(self) -> None:
        standing, today = Standing("acme", None, None), day("2026-03-01")
        event = Event("acme", "insolvency_news", today)

        assert review_calendar.next_review_on(standing, CADENCE) is None
        assert review_calendar.due_list([standing], [], on=today, cadence=CADENCE) == ()
        assert [due.why for due in review_calendar.due_list([standing], [event], on=today, cadence=CADENCE)] == ["event"]


class TestEvents:
    def test_an_event_brings_a_review_forward_to_the_day_it_is_known(self) -> None:
        events = [Event("acme", "insurer_cut", day("2026-04-02")), Event("acme", "severely_overdue", day("2026-04-01"))]
        standing = reviewed(2, "2026-03-15")

        before, after = (
            review_calendar.due_list([standing], events, on=day(on), cadence=CADENCE) for on in ("2026-03-31", "2026-04-02")
        )

        assert before == ()
        assert after == (Due("acme", day("2026-04-01"), "event", "low", ("severely_overdue", "insurer_cut")),)

    @pytest.mark.parametrize(
        ("known_on", "is_due"),
        [
            pytest.param("2026-03-14", False, id="known-the-day-before-the-review"),
            pytest.param("2026-03-15", True, id="known-on-the-day-so-perhaps-after-it"),
            pytest.param("2026-03-16", True, id="known-the-day-after"),
        ],
    )
    def test_a_review_answers_what_was_known_before_it(self, known_on: str, is_due: bool) -> None:
        event = Event("acme", "grade_worse", day(known_on))

        found = review_calendar.due_list([reviewed(2, "2026-03-15")], [event], on=day("2026-03-20"), cadence=CADENCE)

        assert bool(found) is is_due

    def test_a_schedule_that_ran_out_earlier_stays_the_reason_and_the_event_is_told_with_it(self) -> None:
        event = Event("acme", "write_off", day("2026-04-20"))

        (found,) = review_calendar.due_list([reviewed(8, "2026-03-15")], [event], on=day("2026-04-25"), cadence=CADENCE)

        assert found == Due("acme", day("2026-04-15"), "scheduled", "high", ("write_off",))

    def test_the_list_is_exact_and_most_overdue_first(self) -> None:
        standings = [
            reviewed(2, "2026-03-01", "low"), reviewed(5, "2026-03-01", "medium"), reviewed(8, "2026-03-01", "high"),
            reviewed(9, "2026-05-20", "fresh"), reviewed(1, "2025-05-31", "yearly"),
        ]  # fmt: skip

        found = review_calendar.due_list(
            standings, [Event("other", "write_off", day("2026-01-01"))], on=day("2026-06-01"), cadence=CADENCE
        )

        assert [(due.customer_id, due.due_on) for due in found] == [
            ("high", day("2026-04-01")), ("yearly", day("2026-05-31")), ("medium", day("2026-06-01")),
        ]  # fmt: skip


class TestGraceForCuts:
    CUT = Cut(day("2026-05-01"), Decimal(100_000), Decimal(40_000), grade=7)

    @pytest.mark.parametrize(
        ("ordered_on", "on", "limit"),
        [
            pytest.param("2026-04-30", "2026-04-30", 100_000, id="before-the-cut"),
            pytest.param("2026-04-30", "2026-05-01", 100_000, id="old-order-on-day-0"),
            pytest.param("2026-04-30", "2026-05-30", 100_000, id="old-order-on-day-29"),
            pytest.param("2026-04-30", "2026-05-31", 100_000, id="old-order-on-day-30"),
            pytest.param("2026-04-30", "2026-06-01", 40_000, id="old-order-on-day-31"),
            pytest.param("2026-05-01", "2026-05-01", 40_000, id="ordered-on-the-day-of-the-cut"),
            pytest.param("2026-05-02", "2026-05-02", 40_000, id="new-order"),
        ],
    )
    def test_old_orders_are_honoured_to_day_30_and_new_ones_limited_at_once(self, ordered_on: str, on: str, limit: int) -> None:
        assert review_calendar.limit_for_order(self.CUT, ordered_on=day(ordered_on), on=day(on)) == limit

    @pytest.mark.parametrize(
        ("grade", "limit"), [(9, 100_000), (10, 40_000), (None, 100_000)], ids=["grade-9", "the-worst-grade", "withheld"]
    )
    def test_the_worst_grade_has_no_grace(self, grade: int | None, limit: int) -> None:
        cut = Cut(day("2026-05-01"), Decimal(100_000), Decimal(40_000), grade)

        assert review_calendar.limit_for_order(cut, ordered_on=day("2026-04-30"), on=day("2026-05-01")) == limit

    @pytest.mark.parametrize(("from_grade", "limit"), [(7, 40_000), (8, 100_000)], ids=["from-this-grade", "from-a-worse-one"])
    def test_the_grade_without_grace_is_the_policys_number(self, from_grade: int, limit: int) -> None:
        dates = {"ordered_on": day("2026-04-30"), "on": day("2026-05-01")}

        assert review_calendar.limit_for_order(self.CUT, **dates, no_grace_from_grade=from_grade) == limit

    def test_the_grace_is_the_policys_number(self) -> None:
        found = [
            review_calendar.limit_for_order(self.CUT, ordered_on=day("2026-04-30"), on=day(on), grace_days=0)
            for on in ("2026-05-01", "2026-05-02")
        ]

        assert found == [100_000, 40_000]


class TestRefusals:
    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param({"high_months": 4}, id="high-risk-less-often-than-medium"),
            pytest.param({"medium_months": 13}, id="medium-less-often-than-low"),
            pytest.param({"high_months": 0}, id="never"),
            pytest.param({"low_up_to": 7}, id="low-beyond-medium"),
            pytest.param({"medium_up_to": 11}, id="no-such-grade"),
            pytest.param({"first_review_days": 0}, id="no-first-review"),
        ],
    )
    def test_a_cadence_that_looks_away_from_risk_is_refused(self, wrong: dict) -> None:
        with pytest.raises(UsageRefused, match="review cadence"):
            Cadence(**wrong)

    @pytest.mark.parametrize("grade", [0, 11])
    def test_a_grade_is_from_1_to_10(self, grade: int) -> None:
        with pytest.raises(ValueError, match="grade"):
            CADENCE.risk(grade)

    def test_a_customer_stands_once(self) -> None:
        with pytest.raises(UsageRefused, match="twice"):
            review_calendar.due_list([reviewed(2, "2026-03-15")] * 2, [], on=day("2026-06-01"), cadence=CADENCE)

    @pytest.mark.parametrize("new", [Decimal(100_000), Decimal(100_001), Decimal(-1)])
    def test_a_cut_lowers_a_limit(self, new: Decimal) -> None:
        with pytest.raises(UsageRefused, match="cut"):
            Cut(day("2026-05-01"), Decimal(100_000), new, 7)
