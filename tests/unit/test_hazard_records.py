"""A customer's record by age bin, beside the same counted invoice by invoice in plain words."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from ledger_text import ledger, observations
from riskscore.hazard import take_cases
from riskscore.hazard.bins import EDGES, N_BINS
from riskscore.hazard.cases import HABIT_DAYS, LATE_DAYS, LATELY
from riskscore.hazard.records import take_records
from riskscore.snapshot import customers_known_at, take_open_items
from riskscore.stores.engines import ledger_of
from simulated import world_of

WORLD = {"preset": "default", "n_customers": 60, "n_months": 22, "seed": 8}
SHORT = 90
NAMES = ("ended", "paid_in", "exposed_in", "lately_paid_in", "lately_exposed_in")


@cache
def known():
    world = world_of(**WORLD)
    book = ledger_of(dict(world.tables), "EUR")
    days = [world.end_on.replace(year=world.end_on.year - 1), world.end_on]
    return take_open_items(book, pa.concat_tables([customers_known_at(book, day) for day in days]))


def counted(known, in_time, late, windows):
    """By observation what `take_records` counts, asked of every invoice and every bin in turn."""
    n = known.observations.num_rows
    found = {
        "ended": np.zeros(n),
        "paid_in": np.zeros((n, N_BINS)),
        "exposed_in": np.zeros((n, N_BINS)),
        "lately_paid_in": np.zeros((n, len(windows), N_BINS)),
        "lately_exposed_in": np.zeros((n, len(windows), N_BINS)),
    }
    for row in known.items.collect("pyarrow").to_native().to_pylist():
        if not row["sale"]:
            continue
        who, age = row["observation"], row["age"]
        waiting = not row["settled"] and row["unpaid"] > 0
        found["ended"][who] += row["settled"] or (waiting and row["written_off_age"] is not None)
        opened = -np.inf
        for place, edge in enumerate(EDGES.tolist()):
            recent = row["concluded"] is None or row["concluded"] < (late if edge > 0 else in_time)
            entered = age - row["issued"] < edge
            paid = row["settled"] and entered and opened < row["days_late"] <= edge
            stood = entered and (row["days_late"] > edge if row["settled"] else waiting and age >= edge)
            opened = edge
            found["paid_in"][who, place] += paid and recent
            found["exposed_in"][who, place] += (paid or stood) and recent
            for number, window in enumerate(windows):
                paid_lately = paid and row["concluded"] < window
                found["lately_paid_in"][who, number, place] += paid_lately
                found["lately_exposed_in"][who, number, place] += paid_lately or (stood and age - edge < window)
    return found


@pytest.mark.parametrize(("in_time", "late", "windows"), [(HABIT_DAYS, LATE_DAYS, LATELY), (2 * SHORT, SHORT, (7,))])
def test_records_are_those_counted_invoice_by_invoice(in_time, late, windows):
    expected, found = counted(known(), in_time, late, windows), take_records(known(), in_time, late, windows)

    for name in NAMES:
        assert np.array_equal(getattr(found, name), expected[name]), name
    assert found.paid_in.sum() > 100
    assert (found.exposed_in > found.paid_in).any()


def test_who_has_no_invoice_has_an_empty_record():
    page = """
        customers
            customer_id | country
            nobody      | DE
    """
    found = take_records(take_open_items(ledger(page), observations(("nobody", "2025-02-10"))), HABIT_DAYS, LATE_DAYS, LATELY)

    assert found.lately_exposed_in.shape == (1, len(LATELY), N_BINS)
    assert not any(getattr(found, name).any() for name in NAMES)


LOST = """
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        buyer       | lost       | 2023-12-11 | 2024-01-10 | 100
    settlements
        customer_id | invoice_id | settlement_id | settled_on | amount | kind
        buyer       | lost       | 1             | 2024-03-01 | 100    | write_off
"""
GIVEN_UP = date(2024, 3, 1)


@pytest.mark.parametrize(
    ("days_after", "in_time", "after_due"),
    [
        (0, True, True),
        (LATE_DAYS - 1, True, True),
        (LATE_DAYS, True, False),
        (HABIT_DAYS - 1, True, False),
        (HABIT_DAYS, False, False),
    ],
    ids=["on-the-day", "within-a-year", "a-year-after", "within-three-years", "three-years-after"],
)
def test_what_was_written_off_speaks_as_long_as_what_was_paid_late(days_after, in_time, after_due):
    """Who was in trouble two years ago is another customer today, whether the money came late then or never."""
    asked = observations(("buyer", GIVEN_UP + timedelta(days=days_after)))
    found = take_records(take_open_items(ledger(LOST), asked), HABIT_DAYS, LATE_DAYS, LATELY)
    exposed = found.exposed_in[0] > 0

    assert exposed[EDGES <= 0].any() == in_time
    assert exposed[EDGES > 0].any() == after_due
    assert not found.paid_in.any()


@pytest.mark.parametrize(("loser", "newcomer"), [("buyer", False), ("another", True)], ids=["lost-before", "first-invoice"])
def test_who_had_an_invoice_written_off_is_no_newcomer_when_it_buys_again(loser, newcomer):
    """What its record tells after the due date is over by then; that it never paid is known all the same."""
    page = ledger(
        f"""
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            {loser}     | lost       | 2023-12-11 | 2024-01-10 | 100
            buyer       | new        | 2027-02-01 | 2027-03-03 | 100
        settlements
            customer_id | invoice_id | settlement_id | settled_on | amount | kind
            {loser}     | lost       | 1             | 2024-03-01 | 100    | write_off
        """
    )

    assert take_cases(page, observations(("buyer", "2027-02-15"))).newcomer.tolist() == [newcomer]
