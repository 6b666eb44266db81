"""The payment index at its knots, as the trade publishes them, and between them."""

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from riskscore.features.lateness import payment_index

KNOTS = {0: 80, 15: 70, 22: 60, 30: 50, 60: 40, 90: 30, 120: 20}


def index_of(days):
    frame = nw.from_native(pl.LazyFrame({"days": [float(day) for day in days]}))
    return frame.select(index=payment_index(nw.col("days"))).collect()["index"].to_list()


def test_the_index_is_exact_at_every_knot():
    assert index_of(KNOTS) == list(map(float, KNOTS.values()))


def test_early_payment_is_above_80_and_never_above_100():
    assert index_of([-1, -15, -30, -31, -365]) == [pytest.approx(80 + 20 / 30), 90.0, 100.0, 100.0, 100.0]


def test_beyond_120_days_the_index_falls_below_20_and_never_below_0():
    assert index_of([121, 150, 180, 181, 1000]) == [pytest.approx(20 - 1 / 3), 10.0, 0.0, 0.0, 0.0]


def test_paying_later_never_raises_the_index():
    indices = index_of([step / 4 for step in range(-200, 900)])

    assert indices == sorted(indices, reverse=True)
