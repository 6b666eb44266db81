"""Cash by week: the mean is exact, the range is in order and as wide as what invoices share makes it."""

import numpy as np
import pytest

from riskscore.hazard import cash
from riskscore.hazard.cash import cash_in

N = 400
PAID_BY = np.tile([0.3, 0.6, 0.8, 0.9], (N, 1))


def said():
    return cash_in(np.full(N, 10.0), np.arange(N), PAID_BY, seed=3)


def width(weeks):
    return float(np.mean(weeks.p90 - weeks.p10))


def test_the_mean_is_what_the_chances_say_and_the_range_lies_around_it_in_order():
    weeks = said()

    assert weeks.mean == pytest.approx(N * 10 * np.array([0.3, 0.3, 0.2, 0.1]))
    assert (weeks.p10 <= weeks.p50).all()
    assert (weeks.p50 <= weeks.p90).all()
    assert (weeks.p10 < weeks.mean).all()
    assert (weeks.mean < weeks.p90).all()


def test_equal_invoices_give_equal_figures():
    assert (said().p90 == said().p90).all()


def test_weeks_hold_what_is_open_at_most():
    sure = cash_in(np.array([100.0]), np.array([0]), np.array([[1.0, 1.0]]), seed=1)

    assert sure.p90.tolist() == [100.0, 0.0]


def test_nothing_open_brings_nothing():
    nothing = cash_in(np.empty(0), np.empty(0, dtype=np.int64), np.empty((0, 3)), seed=1)

    assert nothing.mean.tolist() == nothing.p90.tolist() == [0.0, 0.0, 0.0]


def test_many_customers_do_not_cancel_out(monkeypatch):
    whole = width(said())
    monkeypatch.setattr(cash, "WEEK_SHOCK", 0.0)  # the planted fault: weeks that share nothing but one shift for all of them
    without = width(said())

    assert whole > 1.3 * without
