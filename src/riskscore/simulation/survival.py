"""How long invoices stay unpaid: a belief about the customer moved forward through run days, month turns and economies."""

from dataclasses import dataclass
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

    def __len__(self) -> int:
        return len(self.today)

    def take(self, rows: Ints) -> "Cases":
        """The cases of those rows."""
        return Cases(
            self.today[rows],
            self.country[rows],
            self.issued[rows],
            self.rolled_due[rows],
            self.amount_logit[rows],
            self.contested[rows],
        )


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
    """P(unpaid more than k days after the rolled due date), by case and k.

    weights: (case, node, regime), the belief; need not sum to one, the answer scales with it.
    factors: exp of what run class, node and regime add to the log-odds: (case or 1, node, regime).
    lateness: ascending k. A k that has passed by `today` has the probability of the whole belief: the invoice is unpaid.
    macro: the index by month of the calendar along one path, known past and assumed future.
    """
    classes = cases.country * N_RUN_CLASSES + run_class
    season = np.asarray(preset.season_hazard)[calendar.calendar_month[: len(macro)]] - preset.macro_on_hazard * macro
    matrices = transition(preset, macro)
    by_dpd = np.asarray(preset.dpd_hazard)
    answers = np.empty((len(cases), len(lateness)))
    # Mass of the belief still unpaid: not contested so far, and contested.
    quiet = weights * ~cases.contested[:, None, None]
    contested = weights * cases.contested[:, None, None]
    ends = cases.rolled_due[:, None] + np.asarray(lateness)
    answers[:] = np.where(ends <= cases.today[:, None], weights.sum(axis=(1, 2))[:, None], np.nan)
    live = np.flatnonzero(ends[:, -1] > cases.today)
    step = 0
    while len(live):
        step += 1
        day = cases.today[live] + step
        month = calendar.month_of[day]
        turning = day == calendar.month_starts[month]
        if turning.any():
            rows, matrix = live[turning], matrices[month[turning]]
            quiet[rows] = quiet[rows] @ matrix
            contested[rows] = contested[rows] @ matrix
        age = day - cases.issued[live]
        young = live[age <= DISPUTE_DAYS]
        if len(young):
            # One of the ten days, each equally likely, given that the earlier ones stayed quiet.
            each = preset.dispute_share / DISPUTE_DAYS
            raised = each / (1 - each * (age[age <= DISPUTE_DAYS] - 1))
            moved = quiet[young] * raised[:, None, None]
            quiet[young] -= moved
            contested[young] += moved
        running = calendar.runs[classes[live], day]
        if running.any():
            rows = live[running]
            dpd = day[running] - cases.rolled_due[rows]
            odds = np.exp(
                cases.amount_logit[rows] + season[month[running]] + by_dpd[np.searchsorted(DPD_EDGES, dpd, side="right")]
            )[:, None, None] * (factors if len(factors) == 1 else factors[rows])
            quiet[rows] /= 1 + odds
            contested[rows] /= 1 + odds * np.exp(preset.dispute_hazard)
        ended = day[:, None] == ends[live]
        if ended.any():
            row, column = np.nonzero(ended)
            at = live[row]
            answers[at, column] = quiet[at].sum(axis=(1, 2)) + contested[at].sum(axis=(1, 2))
            live = live[~ended[:, -1]]
    return answers
