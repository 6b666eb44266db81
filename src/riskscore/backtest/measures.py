"""What a period came to, in money: sales on credit, margin, losses, receivables, days outstanding, profit."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from riskscore.backtest.orders import Order
from riskscore.backtest.replaying import Period

Floats = NDArray[np.float64]
DAYS_A_YEAR = 365


@dataclass(frozen=True)
class Economics:
    """margin: contribution margin as a share of sales; capital_cost: of a unit tied up for a year. From the policy's text."""

    margin: float
    capital_cost: float


@dataclass(frozen=True)
class Measures:
    """One period under one policy; money in the reporting currency.

    sales: issued in the period. margin: earned on them. losses: written off in the period and not paid later, whenever it was
    sold. receivables: the mean of what was owed at the ends of its months. dso: receivables per sales, times the days of the
    period; NaN without sales. profit: margin less the cost of the capital tied up less losses.
    """

    sales: float
    margin: float
    losses: float
    receivables: float
    dso: float
    profit: float

    def as_array(self) -> Floats:
        """In the order of `NAMES`."""
        return np.array(astuple(self))


NAMES = tuple(Measures.__dataclass_fields__)


def measure(sold: Iterable[Order], period: Period, economics: Economics) -> Measures:
    """What these orders came to in the period; those sold before it count in losses and receivables."""
    first, last = period.cuts[0], period.cuts[-1]
    ends = np.array(period.cuts[1:])
    sales = losses = 0.0
    issued, closed, amounts = [], [], []
    for order in sold:
        if order.issued > last:
            continue
        if order.issued > first:
            sales += order.amount
        for piece in order.pieces:
            if piece.closed > first:
                issued.append(order.issued)
                closed.append(piece.closed)
                amounts.append(piece.amount)
                losses += piece.amount if piece.lost and piece.closed <= last else 0.0
    since, until = np.array(issued, dtype=np.int64)[:, None], np.array(closed, dtype=np.int64)[:, None]
    owed = ((since <= ends) & (until > ends)) * np.array(amounts, dtype=np.float64)[:, None]
    receivables = float(owed.sum(axis=0).mean())
    margin = economics.margin * sales
    tied_up = economics.capital_cost * (1 - economics.margin) * receivables * period.n_days / DAYS_A_YEAR
    dso = receivables / sales * period.n_days if sales > 0 else float("nan")
    return Measures(sales, margin, losses, receivables, dso, margin - tied_up - losses)
