"""How long the allocation takes, what it earns over a proportional cut, and how true its prices are.

Run `python benchmarks/bench_allocation.py`. The customers are invented from a seed. Time counts one process, without drawing the
customers. The bar: 100,000 customers in under 60 seconds.
"""

import argparse
import resource
import time
from decimal import Decimal

import numpy as np

from riskscore import allocation, profit
from riskscore.allocation import Budgets, Candidates
from riskscore.profit import Trade

BAR_SECONDS = 60.0


def customers(n: int, seed: int) -> Candidates:
    """Invented customers: lognormal demand, thin to fat margins, PD from a beta with a mean of 5 %."""
    draw = np.random.default_rng(seed)
    demand = draw.lognormal(10, 1.2, n)
    trade = Trade(
        demand=demand,
        spread=draw.uniform(0.2, 1.0, n),
        days_outstanding=draw.uniform(20, 90, n),
        margin=draw.uniform(0.03, 0.3, n),
        capital_cost=0.08,
        pd=draw.beta(0.8, 15, n),
        lgd=draw.uniform(0.3, 0.8, n),
    )
    return Candidates(
        trade,
        ceiling=np.where(draw.random(n) < 0.5, demand * draw.uniform(0.5, 2, n), np.inf),
        family=np.array([f"family {i}" for i in draw.integers(0, max(n * 4 // 5, 1), n)]),
        risk_class=np.array([str(i) for i in draw.integers(1, 10, n)]),
        sector=np.array([f"sector {i}" for i in draw.integers(0, 20, n)]),
        insurer=np.array([f"insurer {i}" if i < 3 else "" for i in draw.integers(0, 5, n)]),
        insured_share=np.full(n, 0.9),
    )


def budgets(book: Candidates) -> Budgets:
    """A third of the loss and six tenths of the room that all would take alone, and a bound of every other kind."""
    wanted = book.wanted
    total = Decimal(float(wanted.sum()))
    loss = Decimal(float(profit.expected_loss(book.trade, wanted).sum()))
    return Budgets(
        total=total * Decimal("0.6"),
        expected_loss=loss * Decimal("0.35"),
        family_share=Decimal(max(0.2 if len(wanted) < 1000 else 0.001, 60 / len(wanted) / 10)),
        class_shares={"9": Decimal("0.08"), "8": Decimal("0.10")},
        sector_shares={"sector 0": Decimal("0.03"), "sector 1": Decimal("0.2")},
        insurer_amounts={"insurer 0": total * Decimal("0.05"), "insurer 1": total},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[60, 1_000, 10_000, 100_000])
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    print("customers    pieces  rounds  seconds   earned more than a proportional cut   one more unit of loss budget   binding")
    for n in wanted.sizes:
        book = customers(n, wanted.seed)
        limits = budgets(book)
        start = time.perf_counter()
        found = allocation.allocate(book, limits)
        seconds = time.perf_counter() - start
        cut = float(np.sum(profit.profit(book.trade, allocation.proportional_cut(book, limits))))
        loss_price = next(price.price for price in found.prices if price.code == "expected_loss")
        binding = sum(price.price > 0 for price in found.prices)
        more = float(found.profit) / cut - 1
        print(f"{n:9,} {found.n_pieces:9,} {found.n_rounds:7} {seconds:8.2f} {more:37.1%} {loss_price:30.2f} {binding:9}")
        if n >= 100_000:
            print(f"bar of {BAR_SECONDS:.0f} s: {'kept' if seconds < BAR_SECONDS else 'MISSED'}; "
                  f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")  # fmt: skip
    differences()


def differences() -> None:
    """The price of the loss budget against solving again with a little more and a little less."""
    book = customers(1_000, 2)
    limits = budgets(book)
    found = allocation.allocate(book, limits)
    price = next(price.price for price in found.prices if price.code == "expected_loss")
    step, loss = Decimal("0.5"), limits.expected_loss or Decimal(0)
    more, less = (
        allocation.allocate(book, Budgets(**{**vars(limits), "expected_loss": loss + change})).planned_profit
        for change in (step, -step)
    )
    slope = (more - less) / float(2 * step)
    print(
        f"price of the loss budget {price:.9f}, finite difference {slope:.9f}, relative difference {abs(slope / price - 1):.1e}"
    )


if __name__ == "__main__":
    main()
