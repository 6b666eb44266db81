"""A customer's record by age bin, beside the same counted invoice by invoice in plain words."""

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from ledger_text import ledger, observations
from riskscore.hazard.bins import EDGES, N_BINS
from riskscore.hazard.cases import HABIT_DAYS, LATE_DAYS, LATELY
from riskscore.hazard.records import take_records
from riskscore.snapshot import customers_known_at, take_open_items
from riskscore.stores.engines import ledger_of
from simulated import world_of

WORLD = {"preset": "default", "n_customers": 60, "n_months": 22, "seed": 8}
SHORT = 90
NAMES = ("settled", "paid_in", "exposed_in", "lately_paid_in", "lately_exposed_in")


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
        "settled": np.zeros(n),
        "paid_in": np.zeros((n, N_BINS)),
        "exposed_in": np.zeros((n, N_BINS)),
        "lately_paid_in": np.zeros((n, len(windows), N_BINS)),
        "lately_exposed_in": np.zeros((n, len(windows), N_BINS)),
    }
    for row in known.items.collect("pyarrow").to_native().to_pylist():
        if not row["sale"]:
            continue
        who, age = row["observation"], row["age"]
        found["settled"][who] += row["settled"]
        waiting = not row["settled"] and row["unpaid"] > 0
        opened = -np.inf
        for place, edge in enumerate(EDGES.tolist()):
            recent = row["settled"] and row["concluded"] < (late if edge > 0 else in_time)
            entered = age - row["issued"] < edge
            paid = recent and entered and opened < row["days_late"] <= edge
            stood = entered and (row["days_late"] > edge if recent else waiting and age >= edge)
            opened = edge
            found["paid_in"][who, place] += paid
            found["exposed_in"][who, place] += paid or stood
            for number, window in enumerate(windows):
                paid_lately = paid and row["concluded"] < window
                stood_lately = entered and (row["days_late"] > edge if row["settled"] else waiting and age >= edge)
                found["lately_paid_in"][who, number, place] += paid_lately
                found["lately_exposed_in"][who, number, place] += paid_lately or (stood_lately and age - edge < window)
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
