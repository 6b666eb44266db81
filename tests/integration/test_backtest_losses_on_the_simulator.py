"""Losses of the time machine in invented companies that live by other limits: the other world is run, and its ledger read.

The companies fail more often than most (`sme`), and the seeds are of those in which a limit makes a difference to what is lost.
`benchmarks/bench_backtest.py` counts over 50 seeds that were not chosen, with policies in place of fixed limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import pytest

from deciding import case, policy
from riskscore.backtest import Backtest, Customer, Economics, Order, Period, backtest, customers_of, day_of, machine, measure
from riskscore.policy import elastic_of, recommend
from simulated import world_of

pytestmark = pytest.mark.slow

STARTS = [date(2023, month, 1) for month in range(7, 13)] + [date(2024, 1, 1)]
PERIOD = Period(tuple(day_of(start - timedelta(days=1)) for start in STARTS))
MONTHS_BILLED = {"in force": Decimal("1.5"), "tighter": Decimal("0.7"), "looser": Decimal(3)}
"""Limits as multiples of what a customer buys in a month."""


@dataclass(frozen=True)
class Told:
    """lost: by policy, in the world that lived by it. machine: what the machine says, shown the first one's ledger alone."""

    lost: Mapping[str, float]
    machine: Backtest


def sold_under(orders: tuple[Order, ...], limit: float, sold: list[Order]) -> list[Order]:
    """The gate of the worlds, written apart from the one that is tested."""
    for order in orders:
        if sum(each.open_on(order.issued) for each in sold) + order.amount <= limit:
            sold.append(order)
    return sold


def written_off(seed: int, names: set[str]) -> float:
    """What the ledger of a world that sold these invoices wrote off in the period; the invented company gets nothing back."""
    rows = world_of("sme", 40, 24, seed).tables["settlements"].to_pylist()
    return float(
        sum(
            row["amount"] for row in rows
            if row["kind"] == "write_off" and row["invoice_id"] in names and STARTS[0] <= row["settled_on"] < STARTS[-1]
        )
    )  # fmt: skip


def limits_of(orders: tuple[Order, ...], since: int) -> dict[str, int]:
    """Whole limits of two digits, so that no rounding of the policy moves them."""
    month = Decimal(repr(30 * sum(order.amount for order in orders) / max(PERIOD.cuts[-1] - since, 60)))
    return {name: int(float(f"{int(times * month):.1e}")) for name, times in MONTHS_BILLED.items()}


@cache
def told(seed: int) -> Told:
    first = PERIOD.cuts[0]
    everybody = [each for each in customers_of(world_of("sme", 40, 24, seed).tables, "EUR") if each.orders]
    said: dict[str, dict] = {name: {} for name in MONTHS_BILLED}
    sold: dict[str, set[str]] = {name: set() for name in MONTHS_BILLED}
    seen: list[Customer] = []
    for each in everybody:
        limits = limits_of(each.orders, each.since)
        before = sold_under(tuple(order for order in each.orders if order.issued <= first), limits["in force"], [])
        later = tuple(order for order in each.orders if order.issued > first)
        for name, limit in limits.items():
            life = sold_under(later, limit, list(before))
            sold[name] |= {order.name for order in life}
            facts = case(manual_cap=Decimal(limit))
            said[name][each.customer_id] = elastic_of(facts, policy(), recommend(facts, policy()))
            if name == "in force":
                failed = min((piece.closed for order in life for piece in order.pieces if piece.lost), default=each.until)
                seen.append(replace(each, orders=tuple(life), limits=((each.since - 1, float(limit)),), until=failed))
    found = backtest(seen, list(said), lambda *_: said, PERIOD, Economics(0.2, 0.08), n_draws=99, seed=seed)
    return Told({name: written_off(seed, names) for name, names in sold.items()}, found)


def holds(found: Told) -> bool:
    return all(each.measures["losses"].holds(found.lost[each.name]) for each in found.machine.outcomes)


@pytest.mark.parametrize("seed", [1, 10])
def test_what_another_limit_would_have_lost_lies_within_its_bounds(seed):
    found = told(seed)
    in_force, tighter, looser = (each.measures["losses"] for each in found.machine.outcomes)

    assert found.lost["tighter"] <= found.lost["in force"] < found.lost["looser"]
    assert holds(found)
    # What really happened comes out to the cent; a tighter limit hides little; a looser one is known from below by what was seen.
    assert in_force.low == in_force.high == pytest.approx(found.lost["in force"], abs=0.005)
    assert tighter.high - tighter.low <= 0.1 * in_force.seen
    assert looser.low < looser.high


def test_losses_counted_on_whole_invoices_would_be_seen(monkeypatch):
    def whole(sold, period, economics):
        sold = list(sold)
        bad = sum(
            order.amount for order in sold
            if any(piece.lost and period.cuts[0] < piece.closed <= period.cuts[-1] for piece in order.pieces)
        )  # fmt: skip
        return replace(measure(sold, period, economics), losses=bad)

    monkeypatch.setattr(machine, "measure", whole)

    assert not holds(told.__wrapped__(1))
