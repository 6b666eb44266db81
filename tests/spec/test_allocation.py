"""Scarce room goes where it earns most, no budget is broken, and every price is what one more unit would earn."""

from decimal import Decimal

import numpy as np
import pytest

from riskscore import allocation, profit
from riskscore.allocation import Allocation, Budgets, Candidates, Price
from riskscore.errors import UsageRefused
from riskscore.profit import Trade

D = Decimal


def certain(demand: list[float], margin: list[float], pd: list[float] | None = None, **groups) -> Candidates:
    """Customers whose demand is certain: each curve is one straight piece, so that an answer can be worked by hand.

    365 days, no cost of capital, LGD one and nothing of the unused limit drawn: a unit of limit earns margin - PD and loses PD.
    """
    n = len(demand)
    trade = Trade(
        demand=np.array(demand), spread=np.zeros(n), days_outstanding=365.0, margin=np.array(margin), capital_cost=0.0,
        pd=np.array(pd or [0.0] * n), lgd=1.0, drawn_share=0.0,
    )  # fmt: skip
    usual = {
        "ceiling": np.full(n, np.inf), "family": np.array([""] * n), "risk_class": np.array([""] * n), "sector": np.array([""] * n),
        "insurer": np.array([""] * n), "insured_share": np.ones(n),
    }  # fmt: skip
    return Candidates(trade, **{**usual, **{name: np.array(value) for name, value in groups.items()}})


def book(n: int, seed: int = 7) -> Candidates:
    """Invented customers of every kind."""
    draw = np.random.default_rng(seed)
    demand = draw.lognormal(10, 1.0, n)
    trade = Trade(
        demand=demand, spread=draw.uniform(0.2, 1.0, n), days_outstanding=draw.uniform(20, 90, n), margin=draw.uniform(0.03, 0.3, n),
        capital_cost=0.08, pd=draw.beta(0.8, 15, n), lgd=draw.uniform(0.3, 0.8, n),
    )  # fmt: skip
    return Candidates(
        trade,
        ceiling=np.where(draw.random(n) < 0.5, demand * draw.uniform(0.5, 2, n), np.inf),
        family=np.array([f"family {i}" for i in draw.integers(0, max(n * 4 // 5, 1), n)]),
        risk_class=np.array([str(i) for i in draw.integers(1, 10, n)]),
        sector=np.array([f"sector {i}" for i in draw.integers(0, 8, n)]),
        insurer=np.array([f"insurer {i}" if i < 3 else "" for i in draw.integers(0, 5, n)]),
        insured_share=np.full(n, 0.9),
    )


def price_of(found: Allocation, code: str, group: str | None = None) -> Price:
    return next(price for price in found.prices if (price.code, price.group) == (code, group))


class TestWorkedByHand:
    def test_without_budgets_everybody_gets_what_it_would_get_alone(self) -> None:
        found = allocation.allocate(certain([100, 200], [0.2, 0.1], ceiling=[np.inf, 150.0]), Budgets())

        assert found.limits == (D("100.00"), D("150.00"))
        assert found.profit == D("35.00")
        assert found.prices == ()

    @pytest.mark.parametrize(
        ("total", "limits", "price"),
        [
            pytest.param("99", ("99.00", "0.00"), 0.2, id="just-below-the-better-customer"),
            pytest.param("101", ("100.00", "1.00"), 0.1, id="just-above"),
            pytest.param("299", ("100.00", "199.00"), 0.1, id="just-below-enough"),
            pytest.param("301", ("100.00", "200.00"), 0.0, id="more-than-enough"),
            pytest.param("0", ("0.00", "0.00"), 0.2, id="nothing-to-give"),
        ],
    )
    def test_a_total_budget_serves_the_better_margin_first_and_its_price_is_the_next_margin(
        self, total: str, limits: tuple[str, str], price: float
    ) -> None:
        found = allocation.allocate(certain([100, 200], [0.2, 0.1]), Budgets(total=D(total)))

        assert found.limits == tuple(D(limit) for limit in limits)
        assert price_of(found, "total").price == pytest.approx(price)

    def test_a_loss_budget_serves_who_earns_most_per_unit_of_loss(self) -> None:
        # Earned per unit of loss: (.20 - .10) / .10 = 1, (.06 - .01) / .01 = 5. Budget 3: all 200 of the second lose 2, one is left.
        found = allocation.allocate(certain([100, 200], [0.2, 0.06], pd=[0.1, 0.01]), Budgets(expected_loss=D(3)))

        assert found.limits == (D("10.00"), D("200.00"))
        assert found.expected_loss == D("3.00")
        assert price_of(found, "expected_loss").price == pytest.approx(1.0)

    def test_a_family_gets_at_most_its_share_of_all(self) -> None:
        # x <= .25 x (x + 60 + 40) -> x = 33.33: one third of what the others have.
        found = allocation.allocate(
            certain([100, 60, 40], [0.3, 0.2, 0.1], family=["one", "two", "three"]), Budgets(family_share=D("0.25"))
        )
        free = allocation.allocate(
            certain([100, 60, 40], [0.3, 0.2, 0.1], family=["one", "", ""]), Budgets(family_share=D("0.25"))
        )

        assert free.limits == (D("33.33"), D("60.00"), D("40.00"))
        # "two" is over a quarter as well, and with fewer than four families nobody can have a quarter at most.
        assert found.limits == (0, 0, 0)
        assert price_of(free, "family_share", "one").price == pytest.approx(0.3 / 0.75)

    def test_the_price_of_a_share_says_what_one_point_more_would_earn(self) -> None:
        customers = certain([100, 60, 40], [0.3, 0.2, 0.1], sector=["steel", "", ""])

        at, above = (allocation.allocate(customers, Budgets(sector_shares={"steel": D(share)})) for share in ("0.25", "0.2501"))

        per_point = price_of(at, "sector_share", "steel").per_point
        assert per_point == pytest.approx((above.planned_profit - at.planned_profit) * 100, rel=1e-3)

    def test_an_insurer_pays_for_no_more_than_it_committed(self) -> None:
        found = allocation.allocate(
            certain([100, 100], [0.3, 0.2], insurer=["atlas", "atlas"], insured_share=[0.9, 0.9]),
            Budgets(insurer_amounts={"atlas": D(135)}),
        )

        assert found.limits == (D("100.00"), D("50.00"))
        assert price_of(found, "insurer", "atlas").price == pytest.approx(0.2 / 0.9)
        assert price_of(found, "insurer", "atlas").used == pytest.approx(135)

    def test_a_class_is_cut_and_the_others_are_not(self) -> None:
        found = allocation.allocate(
            certain([100, 100, 100], [0.3, 0.2, 0.1], risk_class=["8", "2", "2"]), Budgets(class_shares={"8": D("0.2")})
        )

        assert found.limits == (D("50.00"), D("100.00"), D("100.00"))

    def test_who_earns_nothing_gets_nothing(self) -> None:
        found = allocation.allocate(certain([100, 100], [0.1, 0.2], pd=[0.1, 0.1]), Budgets(total=D(500)))

        assert found.limits == (D("0.00"), D("100.00"))

    def test_limits_are_rounded_down_to_the_cent_and_a_whole_cent_stays(self) -> None:
        found = allocation.allocate(certain([33.339, 20.07], [0.2, 0.2], ceiling=[np.inf, 20.07]), Budgets())

        assert found.limits == (D("33.33"), D("20.07"))

    def test_an_empty_book_has_an_empty_answer(self) -> None:
        found = allocation.allocate(book(0), Budgets(total=D(1), family_share=D("0.2")))

        assert (found.limits, found.profit) == ((), 0)


def budgets_of(customers: Candidates, found: Allocation) -> dict[str, Decimal]:
    """What the limits take of each constraint, counted without the programme."""
    limits = np.array([float(limit) for limit in found.limits])
    groups = {("total", None): limits.sum(), ("expected_loss", None): profit.expected_loss(customers.trade, limits).sum()}
    for code, labels in (
        ("family_share", customers.family),
        ("class_share", customers.risk_class),
        ("sector_share", customers.sector),
    ):
        groups |= {(code, name): limits[labels == name].sum() / max(limits.sum(), 1e-9) for name in set(labels.tolist())}
    groups |= {("insurer", name): 0.9 * limits[customers.insurer == name].sum() for name in set(customers.insurer.tolist())}
    return groups


ALL_AT_ONCE = {
    "family_share": D("0.06"),
    "class_shares": {"9": D("0.08"), "8": D("0.09")},
    "sector_shares": {"sector 0": D("0.05"), "sector 1": D("0.9")},
}


def all_at_once(customers: Candidates) -> Budgets:
    """Every kind of budget, some that bind and some that do not."""
    alone = allocation.allocate(customers, Budgets())
    total = sum(alone.limits)
    amounts = {"insurer 0": (total * D("0.03")).quantize(D(1)), "insurer 1": total}
    return Budgets(
        total=total * D("0.45"),
        expected_loss=(alone.expected_loss * D("0.35")).quantize(D(1)),
        insurer_amounts=amounts,
        **ALL_AT_ONCE,
    )


class TestEveryBudgetAtOnce:
    @pytest.mark.parametrize("n", [60, 400])
    def test_no_budget_is_broken_on_the_curves_themselves(self, n: int) -> None:
        customers = book(n)
        budgets = all_at_once(customers)

        found = allocation.allocate(customers, budgets)

        took = budgets_of(customers, found)
        assert took["total", None] <= float(budgets.total)
        assert took["expected_loss", None] <= float(budgets.expected_loss)
        assert max(share for (code, _), share in took.items() if code == "family_share") <= 0.06 + 1e-6
        assert took["class_share", "9"] <= 0.08 + 1e-6
        assert took["sector_share", "sector 0"] <= 0.05 + 1e-6
        assert took["insurer", "insurer 0"] <= float(budgets.insurer_amounts["insurer 0"])
        assert all(limit <= ceiling for limit, ceiling in zip(found.limits, customers.ceiling, strict=True))

    def test_what_is_left_has_no_price_and_what_has_a_price_is_used_up(self) -> None:
        customers = book(400)

        found = allocation.allocate(customers, all_at_once(customers))

        assert {price.code for price in found.prices if price.price > 0} >= {
            "expected_loss",
            "class_share",
            "sector_share",
            "insurer",
        }
        assert any(price.price == 0 for price in found.prices)
        for price in found.prices:
            assert price.price == 0 or price.used == pytest.approx(price.room, rel=1e-9), price
            assert price.price >= 0

    def test_each_price_is_the_finite_difference_of_solving_again(self) -> None:
        customers = book(400)
        budgets = all_at_once(customers)
        found = allocation.allocate(customers, budgets)

        for field, group in (("expected_loss", None), ("insurer_amounts", "insurer 0")):
            step = D("0.5")

            def planned(change: Decimal, field: str = field, group: str | None = group) -> float:
                held = getattr(budgets, field)
                changed = {**held, group: held[group] + change} if group else held + change
                return allocation.allocate(customers, Budgets(**{**vars(budgets), field: changed})).planned_profit

            rise = (planned(step) - planned(-step)) / float(2 * step)
            code = "insurer" if group else field
            assert rise == pytest.approx(price_of(found, code, group).price, rel=1e-6)

    def test_the_price_of_the_total_is_the_finite_difference_too(self) -> None:
        customers = book(300)
        total = sum(allocation.allocate(customers, Budgets()).limits) * D("0.4")
        found = allocation.allocate(customers, Budgets(total=total))

        more, less = (allocation.allocate(customers, Budgets(total=total + change)).planned_profit for change in (D(1), D(-1)))

        assert (more - less) / 2 == pytest.approx(price_of(found, "total").price, rel=1e-6)

    def test_a_share_price_is_the_finite_difference_in_points(self) -> None:
        customers = book(400)
        found = allocation.allocate(customers, Budgets(sector_shares={"sector 0": D("0.05")}))

        more, less = (
            allocation.allocate(customers, Budgets(sector_shares={"sector 0": D("0.05") + change})).planned_profit
            for change in (D("0.0000001"), D("-0.0000001"))
        )

        assert (more - less) / 0.0000002 / 100 == pytest.approx(price_of(found, "sector_share", "sector 0").per_point, rel=1e-5)

    def test_it_earns_more_than_cutting_everybody_alike(self) -> None:
        customers = book(60)
        budgets = all_at_once(customers)

        cut = float(np.sum(profit.profit(customers.trade, allocation.proportional_cut(customers, budgets))))

        assert float(allocation.allocate(customers, budgets).profit) > 1.05 * cut

    def test_the_proportional_cut_keeps_the_same_budgets(self) -> None:
        customers = book(60)
        budgets = all_at_once(customers)

        cut = allocation.proportional_cut(customers, budgets)

        assert cut.sum() <= float(budgets.total) * (1 + 1e-9)
        assert float(np.sum(profit.expected_loss(customers.trade, cut))) <= float(budgets.expected_loss)
        assert cut[customers.risk_class == "9"].sum() <= 0.08 * cut.sum() * (1 + 1e-9)

    def test_pieces_are_filled_in_the_order_of_their_slopes(self) -> None:
        customers = book(200)
        found = allocation.allocate(customers, all_at_once(customers))
        planned = found.planned_profit

        # Were a worse piece filled before a better one, the plan would promise less than the curves give by far more than chords do.
        assert planned <= float(found.profit) * (1 + 1e-9) + 1
        assert planned >= float(found.profit) * 0.99

    def test_more_pieces_come_closer_to_the_curves(self) -> None:
        customers = book(60)
        budgets = all_at_once(customers)

        rough, usual, fine = (float(allocation.allocate(customers, budgets, pieces=pieces).profit) for pieces in (2, 16, 200))

        assert rough < fine
        assert usual == pytest.approx(fine, rel=2e-3)


class TestSifting:
    def test_solving_in_parts_gives_what_solving_the_whole_gives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        customers = book(700)
        budgets = all_at_once(customers)
        whole = allocation.allocate(customers, budgets)
        monkeypatch.setattr("riskscore.allocation.sifting.AT_ONCE", 500)

        parts = allocation.allocate(customers, budgets)

        assert whole.n_pieces > 20 * 500
        assert parts.n_rounds >= whole.n_rounds
        assert parts.planned_profit == pytest.approx(whole.planned_profit, rel=1e-10)
        assert parts.limits == pytest.approx(whole.limits, abs=D("0.02"))
        binding = [[(price.code, price.group) for price in found.prices if price.price > 0] for found in (whole, parts)]
        assert binding[0] == binding[1]
        assert [price.price for price in parts.prices] == pytest.approx(
            [price.price for price in whole.prices], rel=1e-6, abs=1e-9
        )

    def test_customers_who_are_all_alike_are_no_trap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("riskscore.allocation.sifting.AT_ONCE", 50)
        customers = certain([100.0] * 500, [0.2] * 500)

        found = allocation.allocate(customers, Budgets(total=D(1050)))

        assert sum(found.limits) == D(1050)
        assert price_of(found, "total").price == pytest.approx(0.2)


class TestRefusals:
    @pytest.mark.parametrize(
        "budget",
        [
            {"total": D(-1)}, {"expected_loss": D("-0.01")}, {"total": D("NaN")}, {"insurer_amounts": {"atlas": D(-1)}},
            {"family_share": D(0)}, {"family_share": D("1.01")}, {"class_shares": {"9": D(0)}}, {"sector_shares": {"steel": D(2)}},
        ],
    )  # fmt: skip
    def test_a_budget_that_means_nothing_is_refused(self, budget: dict) -> None:
        with pytest.raises(UsageRefused, match="budgets: "):
            Budgets(**budget)

    def test_a_curve_has_at_least_one_piece(self) -> None:
        with pytest.raises(UsageRefused, match="at least one piece"):
            allocation.allocate(certain([1.0], [0.1]), Budgets(), pieces=0)

    @pytest.mark.parametrize(
        "field", [{"ceiling": [-1.0, 1.0]}, {"ceiling": [np.nan, 1.0]}, {"ceiling": [1.0]}, {"insured_share": [1.1, 0.0]}]
    )
    def test_arrays_that_do_not_fit_are_refused(self, field: dict) -> None:
        with pytest.raises(ValueError, match=r"customer|ceiling"):
            certain([1.0, 2.0], [0.1, 0.1], **field)


class TestPlantedFaults:
    def test_a_price_of_the_wrong_row_would_be_caught_by_the_finite_difference(self) -> None:
        customers = book(400)
        budgets = all_at_once(customers)
        found = allocation.allocate(customers, budgets)

        planned = [
            allocation.allocate(
                customers, Budgets(**{**vars(budgets), "expected_loss": budgets.expected_loss + change})
            ).planned_profit
            for change in (D("0.5"), D("-0.5"))
        ]

        assert planned[0] - planned[1] != pytest.approx(price_of(found, "class_share", "9").price, rel=1e-2)

    def test_a_plan_that_ignored_the_loss_budget_would_break_it(self) -> None:
        customers = book(400)
        budgets = all_at_once(customers)

        blind = allocation.allocate(customers, Budgets(**{**vars(budgets), "expected_loss": None}))

        assert blind.expected_loss > budgets.expected_loss
