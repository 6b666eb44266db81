"""What each model's limits would have earned on rows whose outcome is known, at the policy's numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from riskscore.evaluation.metrics import Floats
from riskscore.grades import Grades
from riskscore.policy import Case, Params
from riskscore.policy.demand import need_of, trade_of
from riskscore.profit import DAYS_A_YEAR, Trade, exposure, optimum

NO_RISK = 0
MONEY_DIGITS = 2


@dataclass(frozen=True, eq=False)
class Trades:
    """What the profit of a limit depends on, one entry a row, apart from the probability: see `riskscore.profit.Trade`.

    need: the credit the customer's purchases call for, in money. margin, capital_cost, drawn_share are the policy's.
    """

    demand: Floats
    spread: Floats
    days_outstanding: Floats
    lgd: Floats
    need: Floats
    margin: float
    capital_cost: float
    drawn_share: float

    @classmethod
    def of(cls, cases: Sequence[Case], params: Params) -> "Trades":
        """The trades of these cases at the policy's numbers."""
        trades = [trade_of(case, params, Decimal(NO_RISK)) for case in cases]
        columns = {name: _column(trades, name) for name in ("demand", "spread", "days_outstanding", "lgd")}
        return cls(
            **columns,
            need=np.array([float(need_of(case, params)) for case in cases]),
            margin=float(params.profit_margin),
            capital_cost=float(params.profit_capital_cost),
            drawn_share=float(params.profit_drawn_before_default),
        )

    def at(self, pd_a_year: Floats) -> Trade:
        """The trades at these yearly probabilities."""
        return Trade(
            self.demand, self.spread, self.days_outstanding, self.margin, self.capital_cost, pd_a_year, self.lgd, self.drawn_share
        )


@dataclass(frozen=True, eq=False)
class Earned:
    """What rows would have earned within the horizon and the credit used for it, in money, an entry a row; a loss is below 0."""

    profit: Floats
    used: Floats


def earned(trades: Trades, pd: Floats, outcome: Floats, grades: Grades, params: Params) -> Earned:
    """What each row earned within the horizon under the limit its probability leads to.

    The limit is the smaller of the top of the profit curve and the grade's share of the need. The caps that depend on the rest of
    the book are left out: they are the same for both models. outcome: 1.0 where the customer paid materially late; then the
    exposure and the drawn part of the unused limit are lost at the policy's loss given default.
    """
    horizon = grades.horizon_days
    yearly = -np.expm1(DAYS_A_YEAR / horizon * np.log1p(-np.minimum(pd, 1 - 1e-12)))
    multiples = np.array([float(each) for each in params.grade_multiple])
    grade = 1 + np.searchsorted(np.array(grades.bounds), pd, side="left")  # a probability on the bound has the better grade
    limit = np.minimum(optimum(trades.at(yearly)), multiples[grade - 1] * trades.need)
    certain = trades.at(outcome)
    used = exposure(certain, limit)
    lost = certain.loss_rate * (used + trades.drawn_share * (limit - used))
    return Earned(np.round(certain.carry * used * horizon / DAYS_A_YEAR - lost, MONEY_DIGITS), np.round(used, MONEY_DIGITS))


def _column(trades: Sequence[Trade], name: str) -> Floats:
    return np.array([getattr(trade, name) for trade in trades], dtype=np.float64)
