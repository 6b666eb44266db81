"""The closed form against a plain grid and a bisection, and what may never happen to a limit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import profit
from riskscore.profit import Trade

GRID = 4_001


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


trades = st.fixed_dictionaries(
    {
        "demand": numbers(0, 1e8),
        "spread": st.one_of(st.just(0.0), numbers(0.01, 2.5)),
        "days_outstanding": numbers(1, 200),
        "margin": st.one_of(st.just(0.0), st.just(1.0), numbers(0, 1)),
        "capital_cost": numbers(0, 0.3),
        "pd": st.one_of(st.just(0.0), st.just(1.0), numbers(1e-6, 1)),
        "lgd": st.one_of(st.just(0.0), st.just(1.0), numbers(0.01, 1)),
        "drawn_share": st.one_of(st.just(0.0), st.just(1.0), numbers(0.01, 1)),
    }
)


def two_hundred_trades() -> Trade:
    """Trades drawn so that the carry sometimes loses against PD times LGD."""
    draw = np.random.default_rng(20260401)
    return Trade(
        demand=draw.uniform(1e3, 1e6, 200),
        spread=draw.uniform(0.05, 1.5, 200),
        days_outstanding=draw.uniform(10, 120, 200),
        margin=draw.uniform(0.01, 0.3, 200),
        capital_cost=draw.uniform(0.02, 0.15, 200),
        pd=draw.beta(0.6, 1.5, 200),
        lgd=draw.uniform(0.2, 1.0, 200),
        drawn_share=draw.uniform(0.05, 1.0, 200),
    )


def grid_argmax(trades: Trade, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best of 4,001 limits from 0 to `reach`, and the step of that grid."""
    steps = np.linspace(0.0, 1.0, GRID)[:, None]
    limits = steps * reach
    best = np.argmax(profit.profit(trades, limits), axis=0)
    return limits[best, np.arange(200)], reach / (GRID - 1)


def bisected(trades: Trade, reach: np.ndarray) -> np.ndarray:
    """Where the slope changes its sign, found without the closed form."""
    low, high = np.zeros_like(reach), reach
    for _ in range(200):
        middle = (low + high) / 2
        rises = profit.slope(trades, middle) > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return low


class TestTheClosedForm:
    def test_it_is_the_argmax_of_a_grid_of_4001_limits_on_200_trades(self) -> None:
        some = two_hundred_trades()
        best = profit.optimum(some)
        reach = np.where(best > 0, 1.7 * best, 10 * np.asarray(some.demand))

        found, step = grid_argmax(some, reach)

        assert 20 < np.sum(best == 0) < 180, "the draw must hold both customers worth a limit and customers that are not"
        assert np.all(np.abs(found - best) <= step)

    def test_no_limit_of_the_grid_earns_more(self) -> None:
        some = two_hundred_trades()
        best = profit.optimum(some)
        reach = np.where(best > 0, 1.7 * best, 10 * np.asarray(some.demand))

        found, _ = grid_argmax(some, reach)

        assert np.all(profit.profit(some, found) <= profit.profit(some, best) * (1 + 1e-12) + 1e-9)

    def test_it_is_where_a_bisection_finds_the_slope_to_vanish(self) -> None:
        some = two_hundred_trades()
        best = profit.optimum(some)

        assert bisected(some, 3 * best + 1) == pytest.approx(best, rel=1e-6, abs=1e-6)

    def test_a_top_with_the_wrong_sign_of_the_half_variance_would_be_caught(self) -> None:
        some = two_hundred_trades()
        best = profit.optimum(some)
        planted = best * np.exp(np.asarray(some.spread) ** 2)

        found, step = grid_argmax(some, np.where(best > 0, 1.7 * best, 1.0))

        assert np.sum(np.abs(found - planted) > step) > 100


class TestWhatMayNeverHappen:
    @given(trades, numbers(0, 1), numbers(0, 1))
    def test_a_worse_pd_never_gets_a_higher_limit(self, fields: dict, one: float, other: float) -> None:
        better, worse = sorted((one, other))

        high = profit.optimum(Trade(**{**fields, "pd": better}))
        low = profit.optimum(Trade(**{**fields, "pd": worse}))

        assert float(low) <= float(high) * (1 + 1e-12)

    @given(trades, numbers(0, 1), numbers(0, 1))
    def test_a_worse_lgd_never_gets_a_higher_limit(self, fields: dict, one: float, other: float) -> None:
        better, worse = sorted((one, other))

        high = profit.optimum(Trade(**{**fields, "lgd": better}))
        low = profit.optimum(Trade(**{**fields, "lgd": worse}))

        assert float(low) <= float(high) * (1 + 1e-12)

    @given(trades, numbers(0, 1e8), numbers(0, 1e8))
    def test_more_demand_never_gets_a_lower_limit(self, fields: dict, one: float, other: float) -> None:
        less, more = sorted((one, other))

        low = profit.optimum(Trade(**{**fields, "demand": less}))
        high = profit.optimum(Trade(**{**fields, "demand": more}))

        assert float(low) <= float(high) * (1 + 1e-12)

    @given(trades, numbers(0, 1e9), numbers(0, 1e9))
    def test_no_limit_earns_more_than_the_top(self, fields: dict, limit: float, other: float) -> None:
        some = Trade(**fields)

        best = float(profit.optimum(some))
        top = profit.profit(some, min(best, 1e12))

        for chosen in (limit, other):
            assert float(profit.profit(some, chosen)) <= float(top) + 1e-9 * max(abs(float(some.carry)) * fields["demand"], 1)
            assert float(profit.regret(some, chosen)) >= 0

    @given(trades, numbers(0, 1e9), numbers(0, 1e9))
    def test_a_higher_limit_never_loses_less_and_never_is_used_less(self, fields: dict, one: float, other: float) -> None:
        some, (low, high) = Trade(**fields), sorted((one, other))

        assert float(profit.exposure(some, low)) <= float(profit.exposure(some, high)) * (1 + 1e-12) + 1e-9
        assert float(profit.expected_loss(some, low)) <= float(profit.expected_loss(some, high)) * (1 + 1e-9) + 1e-6

    @given(trades, numbers(0, 1e6))
    def test_the_slope_is_the_difference_of_the_curve(self, fields: dict, limit: float) -> None:
        some = Trade(**{**fields, "spread": max(fields["spread"], 0.05), "demand": max(fields["demand"], 1e3)})
        step = 1e-3 * max(limit, 1.0)

        rise = (profit.profit(some, limit + step) - profit.profit(some, limit)) / step
        between = sorted((float(profit.slope(some, limit)), float(profit.slope(some, limit + step))))

        noise = 1e-6 * (abs(float(some.carry)) + 1) * max(1.0, fields["demand"] / 1e6)
        assert between[0] - noise <= float(rise) <= between[1] + noise

    @given(numbers(0, 1), numbers(0, 1), st.integers(1, 1000))
    def test_a_yearly_probability_keeps_the_order_and_stays_one(self, one: float, other: float, days: int) -> None:
        low, high = sorted((one, other))

        assert 0.0 <= profit.yearly(low, days) <= profit.yearly(high, days) <= 1.0
