"""How long invoices stay unpaid: a belief about the customer moved forward through run days, month turns and economies."""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskscore.simulation.calendars import N_RUN_CLASSES, Calendar
from riskscore.simulation.economy import transition
from riskscore.simulation.payments import DISPUTE_DAYS
from riskscore.simulation.presets import DPD_EDGES, Preset
from riskscore.simulation.randomness import Floats, Ints

Economy = Literal["mean", "integrated", "realised"]
"""How a forecast takes the months to come: at the mean of the macro index, integrated over it, or as they came.

Nobody knows them as they came; that is for checking calibration free of the one shock that all invoices share. The mean moves
no chance of lateness by more than .0015 against the integral, and takes a third of the time.
"""

MACRO_NODES = ((-np.sqrt(3.0), 1 / 6), (0.0, 2 / 3), (np.sqrt(3.0), 1 / 6))
"""Three-point Gauss-Hermite rule: exact for polynomials of degree five along one normal direction."""

MONTHS_AHEAD = 12
"""Months over which the macro index is integrated: no invoice is followed further."""


@dataclass(frozen=True)
class Cases:
    """Invoices to forecast, one entry each, all paid by one of the run classes. Days are calendar indices."""

    today: Ints
    """The forecast starts at the end of this day, on which the invoice is unpaid."""
    country: Ints
    issued: Ints
    rolled_due: Ints
    amount_logit: Floats
    contested: NDArray[np.bool_]
    """Whether a dispute is open at the end of `today`."""
    steady: NDArray[np.bool_]
    """Whether the customer's regime never moves."""

    def __len__(self) -> int:
        return len(self.today)

    def take(self, rows: Ints) -> "Cases":
        """The cases of those rows."""
        return Cases(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def economies(preset: Preset, seen: Floats, n_months: int, economy: Economy) -> list[tuple[Floats, float]]:
    """Paths of the macro index over `n_months` that begin as seen, with their weights.

    The unseen part is normal; it is integrated along the leading direction of its covariance, which holds nine tenths of it.
    """
    phi, ahead = preset.macro_persistence, np.arange(1, n_months - len(seen) + 1)
    mean = np.concatenate([seen, seen[-1] * phi**ahead])
    if economy != "integrated" or not len(ahead):
        return [(mean, 1.0)]
    near = ahead[:MONTHS_AHEAD]
    apart, sooner = np.abs(near[:, None] - near[None, :]), np.minimum(near[:, None], near[None, :])
    # The covariance of an AR(1) that starts from a known value.
    spread = preset.macro_shock**2 * phi**apart * (1 - phi ** (2 * sooner)) / (1 - phi**2)
    values, vectors = np.linalg.eigh(spread)
    direction = np.zeros(n_months)
    direction[len(seen) : len(seen) + len(near)] = np.sqrt(values[-1]) * vectors[:, -1]
    return [(mean + node * direction, weight) for node, weight in MACRO_NODES]


def unpaid_probability(
    preset: Preset,
    calendar: Calendar,
    cases: Cases,
    run_class: int | Ints,
    weights: Floats,
    factors: Floats,
    lateness: tuple[int, ...],
    macro: Floats,
) -> Floats:
    """P(unpaid more than k days after the rolled due date), by case and k. The cases' `today` must lie in one month.

    weights: (case, node, regime), the belief; need not sum to one, the answer scales with it.
    factors: the odds that run class, node and regime make: (case or 1, node, regime).
    lateness: ascending k. A k that has passed by `today` has the probability of the whole belief: the invoice is unpaid.
    macro: the index by month of the calendar along one path, known past and assumed future.
    """
    classes = cases.country * N_RUN_CLASSES + run_class
    common = np.asarray(preset.season_hazard)[calendar.calendar_month[: len(macro)]] - preset.macro_on_hazard * macro
    by_dpd = np.asarray(preset.dpd_hazard)
    ends = cases.rolled_due[:, None] + np.asarray(lateness)
    answers = np.where(ends <= cases.today[:, None], weights.sum(axis=(1, 2))[:, None], np.nan)
    # Mass of the belief with the invoice still unpaid: not contested so far, and contested.
    unpaid = np.stack([weights * ~cases.contested[:, None, None], weights * cases.contested[:, None, None]])
    if not len(cases):
        return answers
    # One calendar day at a time, for all cases: those of one run class mostly run on the same days, so most days cost nothing.
    young_until, ending = int(cases.issued.max()) + DISPUTE_DAYS, set(np.unique(ends).tolist())
    for day in range(int(cases.today.min()) + 1, int(ends.max()) + 1):
        month = calendar.month_of[day]
        if day == calendar.month_starts[month]:
            moved = unpaid @ transition(preset, float(macro[month]))
            moved[:, cases.steady] = unpaid[:, cases.steady]
            unpaid = moved
        started = day > cases.today
        if day <= young_until:
            _raise_disputes(preset, unpaid, started, day - cases.issued)
        running = calendar.runs[classes, day] & started & (day <= ends[:, -1])
        if running.any():
            dpd = np.searchsorted(DPD_EDGES, day - cases.rolled_due, side="right")
            own = np.where(running, np.exp(cases.amount_logit + common[month] + by_dpd[dpd]), 0.0)
            odds = own[:, None, None] * factors
            unpaid[0] /= 1 + odds
            unpaid[1] /= 1 + odds * np.exp(preset.dispute_hazard)
        if day in ending:
            row, column = np.nonzero(ends == day)
            row, column = row[started[row]], column[started[row]]
            answers[row, column] = unpaid[:, row].sum(axis=(0, 2, 3))
    return answers


def _raise_disputes(preset: Preset, unpaid: Floats, started: NDArray[np.bool_], age: Ints) -> None:
    """Contest the share of the quiet mass that is contested on this day: one of ten days, each equally likely."""
    young = np.flatnonzero(started & (age <= DISPUTE_DAYS))
    if len(young):
        each = preset.dispute_share / DISPUTE_DAYS
        raised = each / (1 - each * (age[young] - 1))
        moved = unpaid[0, young] * raised[:, None, None]
        unpaid[0, young] -= moved
        unpaid[1, young] += moved
