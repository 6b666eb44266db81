"""How invoices beyond the last bin go on: counted by the days they were open there, with the last two bins where they are few."""

import numpy as np
import pyarrow as pa
import pytest

from riskscore.hazard.issued import Invoices
from riskscore.hazard.watched import PACE_PAYMENTS, Watched, pace_beyond

BEFORE = -0.02


def invoices(*cases: tuple[str, float]) -> Invoices:
    """Cases of these invoices at these days past due."""
    rows = {
        "invoice_id": [name for name, _ in cases],
        "as_of": pa.array([int(age) for _, age in cases], pa.int64()),
        "due": pa.array([0] * len(cases), pa.int64()),
    }
    return Invoices(pa.table(rows), np.zeros(len(cases), dtype=np.int64), pa.table({"customer_id": ["acme"]}))


def fates(*told: tuple[float, float]) -> Watched:
    """The age at payment (infinite: none was seen) and the age to which it was watched, of each case."""
    return Watched(np.array([paid for paid, _ in told]), np.array([to for _, to in told]))


def test_without_a_day_beyond_the_last_bin_the_last_two_bins_speak():
    assert pace_beyond(invoices(("1", -30), ("2", 60)), fates((40, 200), (np.inf, 120)), BEFORE) == BEFORE


def test_dead_invoices_slow_it_and_each_speaks_once():
    """Forty invoices that lay open for two years: at the pace of the last two bins all but none of them would have been paid."""
    dead = [(str(number), age) for number in range(40) for age in (-30, 120, 400)]

    pace = pace_beyond(invoices(*dead), fates(*[(np.inf, 850.0)] * len(dead)), BEFORE)

    assert pace == pytest.approx(-PACE_PAYMENTS / (PACE_PAYMENTS / 0.02 + 40 * 730))
    assert np.log(0.5) / pace > 10 * 365 > np.log(0.5) / BEFORE


def test_many_payments_are_believed_against_the_last_two_bins():
    """Eight thousand invoices, paid one in a hundred a day: the pull toward .02 is gone."""
    rng = np.random.default_rng(1)
    paid = 120 + rng.exponential(100, 8000)
    told = fates(*[(age, 320.0) if age <= 320 else (np.inf, 320.0) for age in paid])

    assert pace_beyond(invoices(*[(str(number), 90.0) for number in range(8000)]), told, BEFORE) == pytest.approx(-0.01, rel=0.05)


def test_a_payment_that_was_not_seen_in_time_is_none():
    """Paid after the last day learned from: open to it, as far as anybody knew."""
    late = fates((400.0, 300.0))

    assert pace_beyond(invoices(("1", 10)), late, BEFORE) == pace_beyond(invoices(("1", 10)), fates((np.inf, 300.0)), BEFORE)
