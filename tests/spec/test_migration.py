"""Grade migration: every customer of the first day once, rows that sum to 1, and who is new or gone."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from riskscore.migration import CLASSES, GONE, Graded, migration

GRADED = st.builds(Graded, st.none() | st.integers(1, 10), st.decimals(-1000, 1000, places=2))
BOOKS = st.dictionaries(st.sampled_from("abcdefghij"), GRADED)


def graded(**grades: int | None) -> dict[str, Graded]:
    return {customer: Graded(grade, Decimal(100)) for customer, grade in grades.items()}


def test_who_stands_better_alike_and_worse():
    found = migration(graded(a=4, b=4, c=4, d=4, e=None), graded(a=3, b=4, c=10, e=5, f=2))

    assert found.moved == (1, 1, 1)
    assert found.row("4") | {} == dict.fromkeys((*CLASSES, GONE), 0.0) | {"3": 0.25, "4": 0.25, "10": 0.25, GONE: 0.25}
    assert found.customers["withheld", "5"] == 1
    assert found.new == {"2": 1}
    assert found.exposure["4", "10"] == 100


def test_a_grade_nobody_had_has_no_row():
    assert migration(graded(a=4), graded(a=4)).row("5") == {}


@given(BOOKS, BOOKS)
def test_rows_sum_to_one_and_nobody_is_lost_or_counted_twice(before, after):
    found = migration(before, after)

    for start in CLASSES:
        row = found.row(start)
        assert not row or abs(sum(row.values()) - 1) < 1e-12
    assert sum(found.customers.values()) == len(before)
    assert sum(found.new.values()) == len(after.keys() - before.keys())
    assert sum(found.exposure.values()) == sum(max(each.exposure, Decimal(0)) for each in before.values())


@given(BOOKS)
def test_where_nothing_changes_nobody_moves(book):
    better, _, worse = migration(book, book).moved

    assert (better, worse) == (0, 0)
