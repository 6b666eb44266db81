"""What a limit earns, worked by hand: the curve, its top, and the cases where there is no curve to speak of."""

import math
from decimal import Decimal

import numpy as np
import pytest

from riskscore import profit
from riskscore.profit import Trade


def trade(**changes) -> Trade:
    usual = {
        "demand": 100_000,
        "spread": 0.5,
        "days_outstanding": 40,
        "margin": 0.2,
        "capital_cost": 0.08,
        "pd": 0.05,
        "lgd": 0.5,
    }
    return Trade(**{**usual, **changes})


class TestTheCurve:
    def test_a_certain_demand_below_the_limit_earns_its_carry_and_risks_what_may_still_be_drawn(self) -> None:
        # carry .2 x 365/40 - .08 x .8 = 1.761; PD LGD = .025; half of the unused 60,000 is drawn before default.
        certain = trade(demand=40_000, spread=0.0)

        assert float(certain.carry) == pytest.approx(1.761)
        assert float(profit.profit(certain, 100_000)) == pytest.approx(1.761 * 40_000 - 0.025 * (40_000 + 0.5 * 60_000))

    def test_expected_exposure_is_the_lognormal_mean_cut_at_the_limit(self) -> None:
        # Median demand 88,249.69 (mean over e^(s^2/2)); at that limit z = 0: 100,000 Phi(-.5) + 88,249.69 / 2.
        used = profit.exposure(trade(), 100_000 / math.exp(0.125))

        assert float(used) == pytest.approx(100_000 * 0.3085375387 + 88_249.69026 / 2, rel=1e-9)

    def test_expected_exposure_is_never_above_the_limit_or_the_mean_demand(self) -> None:
        limits = np.array([0.0, 1.0, 50_000.0, 100_000.0, 1e6, 1e12])

        used = profit.exposure(trade(), limits)

        assert np.all(used <= np.minimum(limits, 100_000))
        assert used[0] == 0
        assert used[-1] == pytest.approx(100_000)

    def test_a_demand_next_to_nothing_is_met_whole(self) -> None:
        assert float(profit.exposure(trade(demand=1e-300), 1e9)) == 1e-300
        assert float(profit.beyond(trade(demand=1e-300), 1e9)) == 0

    def test_one_function_serves_one_and_many(self) -> None:
        many = trade(pd=np.array([0.01, 0.05, 0.2]))

        one_by_one = [float(profit.optimum(trade(pd=pd))) for pd in (0.01, 0.05, 0.2)]

        assert profit.optimum(many).tolist() == one_by_one

    @pytest.mark.parametrize(
        ("mean", "deviation", "spread"),
        [
            pytest.param(100.0, 0.0, 0.0, id="never-varies"),
            pytest.param(0.0, 0.0, 0.0, id="nothing-bought"),
            pytest.param(100.0, 100.0, 0.8325546, id="as-much-again"),
        ],
    )
    def test_the_spread_matches_the_first_two_moments(self, mean: float, deviation: float, spread: float) -> None:
        assert profit.spread_of(mean, deviation) == pytest.approx(spread)

    @pytest.mark.parametrize(
        ("terms_and_delay", "demand"),
        [
            pytest.param("39", "1300000", id="just-below"),
            pytest.param("40", "1333333.33", id="net-30-and-10-days-late"),
            pytest.param("41", "1366666.67", id="just-above"),
        ],
    )
    def test_demand_is_monthly_purchases_times_days_over_thirty(self, terms_and_delay: str, demand: str) -> None:
        found = profit.demand_for(Decimal(1_000_000), Decimal(terms_and_delay))

        assert found.quantize(Decimal("0.01")) == Decimal(demand)


class TestTheTop:
    def test_the_top_is_where_the_customer_wants_more_as_often_as_the_loss_on_unused_limit_allows(self) -> None:
        best = profit.optimum(trade())

        assert float(profit.beyond(trade(), best)) == pytest.approx(0.5 * 0.025 / (1.761 - 0.5 * 0.025))

    def test_the_top_is_rounded_down_to_the_cent(self) -> None:
        exact = float(profit.optimum(trade()))

        found = profit.optimal_limit(trade())

        assert found is not None
        assert Decimal(exact) - Decimal("0.01") < found <= Decimal(exact)

    @pytest.mark.parametrize(
        ("pd", "sold_on_credit"),
        [
            pytest.param(0.9999, True, id="loss-just-below-the-carry"),
            pytest.param(1.0, False, id="loss-at-the-carry"),
        ],
    )
    def test_sell_against_prepayment_when_the_loss_eats_the_carry(self, pd: float, sold_on_credit: bool) -> None:
        # 73 days: .1 x 5 - 0 = .5 of carry against PD x .5.
        thin = trade(margin=0.1, days_outstanding=73, capital_cost=0.0, pd=pd, lgd=0.5)

        assert (profit.optimal_limit(thin) > 0) is sold_on_credit

    @pytest.mark.parametrize(
        ("changes", "limit"),
        [
            pytest.param({"demand": 0}, Decimal(0), id="nothing-demanded"),
            pytest.param({"demand": 0, "pd": 0}, Decimal(0), id="nothing-demanded-and-no-risk"),
            pytest.param({"spread": 0}, Decimal(100_000), id="certain-demand"),
            pytest.param({"spread": 0, "pd": 0}, Decimal(100_000), id="certain-demand-and-no-risk"),
            pytest.param({"pd": 0}, None, id="no-risk-so-only-caps-limit"),
            pytest.param({"lgd": 0}, None, id="nothing-lost-so-only-caps-limit"),
            pytest.param({"drawn_share": 0}, None, id="unused-limit-costs-nothing"),
            pytest.param({"margin": 0}, Decimal(0), id="nothing-earned"),
            pytest.param({"pd": 1, "lgd": 1, "margin": 0.1}, Decimal(0), id="certain-loss-of-everything"),
        ],
    )
    def test_the_cases_at_the_edge(self, changes: dict, limit: Decimal | None) -> None:
        assert profit.optimal_limit(trade(**changes)) == limit

    def test_regret_is_what_the_choice_gives_away(self) -> None:
        best = profit.optimum(trade())

        assert float(profit.regret(trade(), best)) == 0
        assert float(profit.regret(trade(), 0.0)) == pytest.approx(float(profit.profit(trade(), best)))
        assert float(profit.regret(trade(pd=0), 50_000)) == pytest.approx(
            1.761 * (100_000 - float(profit.exposure(trade(), 50_000)))
        )

    @pytest.mark.parametrize(
        "changes",
        [pytest.param({}, id="usual"), pytest.param({"spread": 0.0}, id="certain"), pytest.param({"pd": 0.6}, id="risky")],
    )
    def test_the_flat_region_gives_away_exactly_the_tolerance_at_both_edges(self, changes: dict) -> None:
        some = trade(**changes)
        allowed = 0.02 * float(profit.profit(some, profit.optimum(some)))

        low, high = profit.flat_region(some, 0.02)

        assert float(low) < float(profit.optimum(some)) < float(high)
        assert float(profit.regret(some, low)) == pytest.approx(allowed, rel=1e-6)
        assert float(profit.regret(some, high)) == pytest.approx(allowed, rel=1e-6)

    def test_the_flat_region_has_no_upper_edge_where_an_unused_limit_costs_nothing(self) -> None:
        low, high = profit.flat_region(trade(pd=np.array([0.0, 0.05]), lgd=np.array([0.5, 0.5])), 0.05)

        assert math.isinf(high[0])
        assert math.isfinite(high[1])
        assert float(profit.regret(trade(pd=0.0), low[0])) == pytest.approx(0.05 * 1.761 * 100_000, rel=1e-6)

    def test_the_flat_region_of_a_trade_that_earns_nothing_is_no_limit_at_all(self) -> None:
        low, high = profit.flat_region(trade(margin=0.0), 0.05)

        assert (float(low), float(high)) == (0.0, 0.0)


class TestRefusals:
    @pytest.mark.parametrize(
        "field", ["demand", "spread", "days_outstanding", "margin", "capital_cost", "pd", "lgd", "drawn_share"]
    )
    @pytest.mark.parametrize("value", [-0.01, math.nan, math.inf])
    def test_a_number_that_means_nothing_is_refused_by_name(self, field: str, value: float) -> None:
        with pytest.raises(ValueError, match=field):
            trade(**{field: value})

    @pytest.mark.parametrize("field", ["margin", "pd", "lgd", "drawn_share"])
    def test_a_share_above_one_is_refused_and_one_is_not(self, field: str) -> None:
        trade(**{field: 1.0})

        with pytest.raises(ValueError, match=field):
            trade(**{field: 1.0001})

    def test_exposure_turns_over_in_more_than_no_time(self) -> None:
        with pytest.raises(ValueError, match="days_outstanding"):
            trade(days_outstanding=0)

    @pytest.mark.parametrize("limit", [-0.01, math.inf, math.nan])
    def test_a_limit_is_finite_and_not_negative(self, limit: float) -> None:
        with pytest.raises(ValueError, match="limit"):
            profit.profit(trade(), limit)

    @pytest.mark.parametrize("tolerance", [0.0, 1.0])
    def test_a_tolerance_is_a_share(self, tolerance: float) -> None:
        with pytest.raises(ValueError, match="tolerance"):
            profit.flat_region(trade(), tolerance)

    @pytest.mark.parametrize(("mean", "deviation"), [(-1.0, 0.0), (1.0, -1.0), (math.inf, 1.0)])
    def test_moments_are_finite_and_not_negative(self, mean: float, deviation: float) -> None:
        with pytest.raises(ValueError, match="deviation"):
            profit.spread_of(mean, deviation)

    def test_purchases_are_not_negative(self) -> None:
        with pytest.raises(ValueError, match="purchases"):
            profit.demand_for(Decimal("-0.01"), Decimal(30))

    @pytest.mark.parametrize(("pd", "days"), [(-0.01, 180), (1.01, 180), (0.5, 0)])
    def test_a_yearly_probability_needs_a_probability_and_a_horizon(self, pd: float, days: int) -> None:
        with pytest.raises(ValueError, match="horizon"):
            profit.yearly(pd, days)
