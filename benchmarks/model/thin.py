"""Thin ledgers: what a training makes of 40, 100, 250 and 500 customers, and where it says that it cannot.

    python benchmarks/bench_model.py --only thin [--quick]

Small worlds of the simulator, several each. A training must either refuse with the numbers, or give a model whose log loss out of
time is not above that of the shrunken customer rate, nor of the plain share of late payers known before each block, by more than
noise: the intervals come from drawing the same customers for both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from riskscore import grades, recipe, training
from riskscore.errors import TooFewEvents
from riskscore.evaluation import Measured, Resamples, paired_difference
from riskscore.simulation import simulate
from riskscore.stores.engines import ledger_of
from riskscore.stores.signed_texts import find_text

COMMAND = "python benchmarks/bench_model.py --only thin"
SIZES, SEEDS = (40, 100, 250, 500), (3, 5, 9)
N_MONTHS = 36


@dataclass(frozen=True)
class Thin:
    """One small world. refused: the sentence of the refusal, or null.

    over_rate, over_prior: log loss of the model less that of the other, below 0 is better.
    """

    n_customers: int
    seed: int
    refused: str | None
    with_event: int
    leaves: int
    auc: float
    over_rate: Measured | None
    over_prior: Measured | None


def rows(quick: bool) -> list[dict[str, Any]]:
    """One row of the table a size."""
    found = []
    for n in SIZES[1:3] if quick else SIZES:
        worlds = [measured(n, seed) for seed in (SEEDS[:1] if quick else SEEDS)]
        trained = [each for each in worlds if each.refused is None]
        refused = [each for each in worlds if each.refused is not None]
        told = [f"refused: {each.refused}" for each in refused[:1]]
        told += [
            f"seed {each.seed}: {each.with_event} with event, {each.leaves} leaves, AUC {each.auc:.3f}, "
            f"less rate {shown(each.over_rate)}, less prior {shown(each.over_prior)}"
            for each in trained
        ]
        worse = [each for each in trained for other in (each.over_rate, each.over_prior) if other is not None and other.low > 0]
        spoken = all(each.refused is None or any(letter.isdigit() for letter in each.refused) for each in worlds)
        found.append(
            {
                "work": f"simulator default, {n} customers: log loss of {len(trained)} trainings, {len(refused)} refused",
                "measured": "; ".join(told),
                "floor": "refused with the numbers, or not above rate and prior beyond noise",
                "peers": "shrunken rate; share of late payers known before each block",
                "passed": spoken and not worse,
                "command": COMMAND,
            }
        )
    return found


def measured(n_customers: int, seed: int) -> Thin:
    """One training on one world of that size, with the shipped recipe."""
    signed = recipe.parse(find_text("late_payment/recipe.toml").read_text(encoding="utf-8"))
    bounds = grades.parse(find_text("late_payment/grades.toml").read_text(encoding="utf-8"))
    world = simulate("default", n_customers=n_customers, n_months=N_MONTHS, seed=seed)
    try:
        gathered = training.gather([ledger_of(dict(world.tables), "EUR")], signed, until=world.end_on)
        done = training.learn(gathered, signed, bounds)
    except TooFewEvents as refusal:
        return Thin(n_customers, seed, str(refusal), 0, 0, float("nan"), None, None)
    judged = done.judged
    prior = known_share(gathered.rows, judged, signed)
    resamples = Resamples(judged.rows.customers, 300, seed)
    ours, rate, constant = (
        resamples.judge(pd, judged.rows.outcome) for pd in (judged.pd["model"], judged.pd["shrunken rate"], prior)
    )
    with_event = gathered.rows.n_customers_with_event
    return Thin(
        n_customers, seed, None, with_event, signed.members.trees.size_for(with_event).leaves, float(ours.figures["auc"][0]),
        paired_difference(ours, rate, "log_loss"), paired_difference(ours, constant, "log_loss"),
    )  # fmt: skip


def known_share(rows: Any, judged: Any, signed: recipe.Recipe) -> Any:
    """For each judged row the share of late payers among the rows known, with the embargo, before its block."""
    said = np.empty(len(judged.rows))
    waited = signed.outcome.horizon_days + signed.cuts.embargo_days
    for first, last, _ in judged.blocks:
        start, end = ((day - training.gathering.EPOCH).days for day in (first, last))
        known = rows.outcome[rows.days + waited <= start]
        said[(judged.rows.days >= start) & (judged.rows.days <= end)] = (known.sum() + 0.5) / (len(known) + 1)
    return said


def shown(each: Measured | None) -> str:
    return "unknown" if each is None else f"{each.value:+.3f} ({each.low:+.3f} to {each.high:+.3f})"
