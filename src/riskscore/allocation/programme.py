"""The linear programme of an allocation: curves cut into pieces, and the rows of room that the pieces share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from riskscore.allocation.values import Budgets, Candidates, Code, Texts
from riskscore.profit import Floats, Trade, expected_loss, profit

Ints = NDArray[np.int64]
TOTAL, LOSS = 0, 1


@dataclass(frozen=True, eq=False)
class Programme:
    """The pieces (customer, gain and loss per unit of limit, width) and the rows they share. Money is in `unit`.

    groups: for each kind of group, the row of every customer (-1: none) and how much of a unit of its limit counts there.
    room, share: a row allows room + share x all limits. names: code and group of each row; the first two are total and loss.
    """

    customer: Ints
    gain: Floats
    loss: Floats
    width: Floats
    groups: tuple[tuple[Ints, Floats], ...]
    room: Floats
    share: Floats
    names: tuple[tuple[Code, str | None], ...]
    n_customers: int
    unit: float

    def limits(self, filled: Floats) -> Floats:
        """The limit of each customer when its pieces are filled so far."""
        return np.bincount(self.customer, filled, self.n_customers).astype(np.float64)

    def used_by(self, limits: Floats) -> Floats:
        """What the limits take of each row but the loss."""
        used = np.zeros(len(self.room))
        for rows, weights in self.groups:
            inside = rows >= 0
            used += np.bincount(rows[inside], (weights * limits)[inside], len(used))
        return used

    def used(self, filled: Floats) -> Floats:
        """What the filled pieces take of each row."""
        used = self.used_by(self.limits(filled))
        used[LOSS] += float(self.loss @ filled)
        return used

    def allowed(self, filled: Floats) -> Floats:
        """What each row allows once that much is filled."""
        return self.room + self.share * float(filled.sum())

    def worth(self, prices: Floats) -> Floats:
        """What a unit of each piece earns after it has paid for the room it takes, and been paid for the room it makes."""
        toll = np.full(self.n_customers, -float(self.share @ prices))
        for rows, weights in self.groups:
            toll += np.where(rows >= 0, weights * prices[rows], 0.0)
        return np.asarray(self.gain - self.loss * prices[LOSS] - toll[self.customer])

    def swing(self, radius: Floats) -> Floats:
        """By how much the worth of each piece can change when every price moves by at most its radius."""
        most = np.full(self.n_customers, float(self.share @ radius))
        for rows, weights in self.groups:
            most += np.where(rows >= 0, weights * radius[rows], 0.0)
        return np.asarray(self.loss * radius[LOSS] + most[self.customer])


def build(candidates: Candidates, budgets: Budgets, pieces: int) -> Programme:
    """The programme for these customers and budgets, with so many pieces per curve."""
    ends, trade = _breakpoints(candidates, pieces), candidates.trade
    column = Trade(**{one.name: np.asarray(getattr(trade, one.name))[:, None] for one in fields(Trade)})
    width = np.diff(ends, axis=1)
    real = width > 0
    each = np.where(real, width, 1.0)
    gain, loss = np.diff(profit(column, ends), axis=1) / each, np.diff(expected_loss(column, ends), axis=1) / each
    unit = float(width[real].mean()) if np.any(real) else 1.0
    n = len(candidates.ceiling)
    names: list[tuple[Code, str | None]] = [("total", None), ("expected_loss", None)]
    room, share = [_amount(budgets.total) / unit, _amount(budgets.expected_loss) / unit], [0.0, 0.0]
    groups = [(np.full(n, TOTAL, np.int64), np.ones(n))]
    for code, labels, limits in _kinds(candidates, budgets):
        known = sorted(name for name in limits if name)
        counts_against = candidates.insured_share if code == "insurer" else np.ones(n)
        groups.append((_positions(labels, known, len(names)), counts_against))
        names += [(code, name) for name in known]
        room += [float(limits[name]) / unit if code == "insurer" else 0.0 for name in known]
        share += [0.0 if code == "insurer" else float(limits[name]) for name in known]
    return Programme(
        customer=np.repeat(np.arange(n)[:, None], pieces, axis=1)[real],
        gain=gain[real],
        loss=loss[real],
        width=width[real] / unit,
        groups=tuple(groups),
        room=np.array(room),
        share=np.array(share),
        names=tuple(names),
        n_customers=n,
        unit=unit,
    )


def _kinds(candidates: Candidates, budgets: Budgets) -> tuple[tuple[Code, Texts, Mapping[str, Decimal]], ...]:
    families = np.unique(candidates.family).tolist() if budgets.family_share is not None else []
    return (
        ("family_share", candidates.family, {name: budgets.family_share or Decimal(1) for name in families}),
        ("class_share", candidates.risk_class, budgets.class_shares),
        ("sector_share", candidates.sector, budgets.sector_shares),
        ("insurer", candidates.insurer, budgets.insurer_amounts),
    )


def _positions(labels: Texts, known: list[str], first: int) -> Ints:
    """For each label its place among the known ones, counted from `first`; -1 where it is none of them."""
    if not known:
        return np.full(len(labels), -1, np.int64)
    found = np.minimum(np.searchsorted(known, labels), len(known) - 1)
    return np.where(np.array(known)[found] == labels, found + first, -1)


def _breakpoints(candidates: Candidates, pieces: int) -> Floats:
    """Where each curve is cut, from 0 to what the customer would get alone.

    Equal steps of P(X <= L), because the slope is linear in it: every piece then loses the same fall of slope to its chord.
    """
    trade, wanted = candidates.trade, candidates.wanted[:, None]
    demand, spread = np.asarray(trade.demand)[:, None], np.asarray(trade.spread)[:, None]
    steps = np.linspace(0.0, 1.0, pieces + 1)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.log(wanted) - np.log(demand) + spread * spread / 2) / spread
        inner = demand * np.exp(spread * ndtri(steps * ndtr(z)) - spread * spread / 2)
    curved = (spread > 0) & (demand > 0) & (wanted > 0)
    ends = np.where(curved, np.minimum(inner, wanted), np.where(steps == 1.0, wanted, 0.0))
    ends[:, 0], ends[:, -1] = 0.0, wanted[:, 0]
    return ends


def _amount(value: Decimal | None) -> float:
    return float("inf") if value is None else float(value)
