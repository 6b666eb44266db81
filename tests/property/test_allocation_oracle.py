"""The programme against a closed form that knows no pieces, and what may never happen to an allocation."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from riskscore import allocation, profit
from riskscore.allocation import Budgets, Candidates
from riskscore.profit import Trade


def book(n: int, seed: int) -> Candidates:
    draw = np.random.default_rng(seed)
    demand = draw.lognormal(10, 1.0, n)
    trade = Trade(
        demand=demand, spread=draw.uniform(0.2, 1.0, n), days_outstanding=draw.uniform(20, 90, n), margin=draw.uniform(0.03, 0.3, n),
        capital_cost=0.08, pd=draw.beta(0.8, 15, n), lgd=draw.uniform(0.3, 0.8, n),
    )  # fmt: skip
    none = np.array([""] * n)
    return Candidates(
        trade, ceiling=np.where(draw.random(n) < 0.3, demand * draw.uniform(0.3, 2, n), np.inf), family=none, risk_class=none,
        sector=np.array([f"sector {i}" for i in draw.integers(0, 4, n)]), insurer=none, insured_share=np.zeros(n),
    )  # fmt: skip


def limits_at(customers: Candidates, loss_price: float, total_price: float) -> np.ndarray:
    """What each customer gets when loss and room cost that much: P(X > L) = ((1 + lambda) kappa PD LGD + mu) / g(lambda)."""
    trade = customers.trade
    loss = (1 + loss_price) * trade.loss_rate
    kappa = np.asarray(trade.drawn_share)
    tail = np.clip((kappa * loss + total_price) / np.maximum(trade.carry - (1 - kappa) * loss, 1e-12), 0.0, 1.0)
    spread = np.asarray(trade.spread)
    top = np.where(
        tail < 1, np.asarray(trade.demand) * np.exp(-spread * ndtri(np.clip(tail, 1e-12, 0.999999)) - spread**2 / 2), 0.0
    )
    return np.minimum(top, customers.wanted)


def dearest(customers: Candidates, spent, budget: float, **fixed: float) -> tuple[float, np.ndarray]:
    """The price at which what is spent meets the budget, by bisection; `fixed` names the price that stays."""
    name = "total_price" if "loss_price" in fixed else "loss_price"
    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        over = spent(limits_at(customers, **{name: middle}, **fixed)) > budget
        low, high = (middle, high) if over else (low, middle)
    return high, limits_at(customers, **{name: high}, **fixed)


@pytest.mark.parametrize("seed", range(4))
def test_a_loss_budget_gives_the_limits_of_the_closed_form_at_its_price(seed: int) -> None:
    customers = book(80, seed)
    alone = float(np.sum(profit.expected_loss(customers.trade, customers.wanted)))
    price, limits = dearest(
        customers, lambda limits: float(np.sum(profit.expected_loss(customers.trade, limits))), 0.4 * alone, total_price=0.0
    )
    best = float(np.sum(profit.profit(customers.trade, limits)))

    found = allocation.allocate(customers, Budgets(expected_loss=Decimal(0.4 * alone)), pieces=200)

    assert float(found.profit) == pytest.approx(best, rel=1e-4)
    assert float(found.profit) <= best * (1 + 1e-9)
    assert found.prices[0].price == pytest.approx(price, rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_a_total_budget_gives_the_limits_of_the_closed_form_at_its_price(seed: int) -> None:
    customers = book(80, seed)
    budget = 0.4 * float(np.sum(customers.wanted))
    price, limits = dearest(customers, lambda limits: float(np.sum(limits)), budget, loss_price=0.0)
    best = float(np.sum(profit.profit(customers.trade, limits)))

    found = allocation.allocate(customers, Budgets(total=Decimal(budget)), pieces=200)

    assert float(found.profit) == pytest.approx(best, rel=1e-4)
    assert float(found.profit) <= best * (1 + 1e-9)
    assert found.prices[0].price == pytest.approx(price, rel=0.02)


cuts = st.decimals("0.05", "1.2", places=2)


@given(st.integers(0, 10_000), cuts, cuts, st.decimals("0.05", "0.9", places=2))
@settings(max_examples=15)
def test_budgets_hold_and_more_of_one_never_earns_less(seed: int, total: Decimal, loss: Decimal, share: Decimal) -> None:
    customers = book(25, seed)
    alone = allocation.allocate(customers, Budgets())
    scarce = Budgets(
        total=sum(alone.limits) * total,
        expected_loss=alone.expected_loss * loss,
        sector_shares={"sector 0": share, "sector 1": share},
    )

    found = allocation.allocate(customers, scarce)
    richer = allocation.allocate(customers, Budgets(**{**vars(scarce), "expected_loss": scarce.expected_loss * 2}))

    given_out = np.array([float(limit) for limit in found.limits])
    assert sum(found.limits) <= scarce.total
    assert found.expected_loss <= scarce.expected_loss + Decimal("0.01")
    for sector in ("sector 0", "sector 1"):
        assert given_out[customers.sector == sector].sum() <= float(share) * given_out.sum() + 0.3
    assert np.all(given_out <= customers.wanted + 0.01)
    assert richer.planned_profit >= found.planned_profit * (1 - 1e-9) - 1e-6


@given(st.integers(0, 10_000), st.decimals("0.1", "0.9", places=2))
@settings(max_examples=15)
def test_no_cut_of_everybody_alike_earns_more(seed: int, loss: Decimal) -> None:
    customers = book(25, seed)
    alone = allocation.allocate(customers, Budgets())
    scarce = Budgets(expected_loss=alone.expected_loss * loss, sector_shares={"sector 0": Decimal("0.3")})

    cut = float(np.sum(profit.profit(customers.trade, allocation.proportional_cut(customers, scarce))))

    assert float(allocation.allocate(customers, scarce).profit) >= cut * 0.995
