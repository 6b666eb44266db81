"""Worse risk is never looked at later, and nothing that was known is lost."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from riskscore import review_calendar
from riskscore.review_calendar import Cadence, Cut, Event, Standing

days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
grades = st.one_of(st.none(), st.integers(1, 10))
months = st.tuples(st.integers(1, 24), st.integers(1, 24), st.integers(1, 24)).map(sorted)
cadences = st.builds(lambda m: Cadence(*m), months)


@given(cadences, days, st.one_of(st.none(), days), st.integers(1, 10), st.integers(1, 10))
def test_a_worse_grade_is_never_reviewed_later(cadence: Cadence, last: date, since: date | None, one: int, other: int) -> None:
    better, worse = sorted((one, other))

    late = review_calendar.next_review_on(Standing("acme", better, last, since), cadence)
    soon = review_calendar.next_review_on(Standing("acme", worse, last, since), cadence)

    assert late is not None
    assert soon is not None
    assert soon <= late


@given(cadences, grades, days, st.lists(st.tuples(st.sampled_from(["write_off", "order_jump"]), days), max_size=5), days)
def test_every_event_known_since_the_review_is_in_the_list_and_none_from_the_future(cadence, grade, last, told, on) -> None:
    events = [Event("acme", trigger, known_on) for trigger, known_on in told]

    found = review_calendar.due_list([Standing("acme", grade, last)], events, on=on, cadence=cadence)

    wanted = sorted(known_on for _, known_on in told if last <= known_on <= on)
    assert len(found[0].triggers if found else ()) == len(wanted)
    assert all(due.due_on <= on for due in found)
    assert bool(found) >= bool(wanted)


@given(cadences, grades, days, days, days)
def test_a_later_day_never_empties_the_list(cadence, grade, last, one, other) -> None:
    before, after = sorted((one, other))
    standing = [Standing("acme", grade, last)]

    assert len(review_calendar.due_list(standing, [], on=before, cadence=cadence)) <= len(
        review_calendar.due_list(standing, [], on=after, cadence=cadence)
    )


@given(grades, st.integers(-40, 40), st.integers(0, 80), st.integers(0, 60))
def test_a_cut_never_gives_more_than_the_old_limit_and_never_less_as_grace_grows(grade, ordered, later, grace) -> None:
    cut = Cut(date(2026, 5, 1), Decimal(100), Decimal(40), grade)
    on = cut.cut_on + timedelta(days=ordered + later)

    shorter, longer = (
        review_calendar.limit_for_order(cut, ordered_on=cut.cut_on + timedelta(days=ordered), on=on, grace_days=days)
        for days in (grace, grace + 1)
    )

    assert cut.new_limit <= shorter <= longer <= cut.old_limit
