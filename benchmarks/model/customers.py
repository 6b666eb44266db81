"""Customers: how much of the way to the limit the probability of a customer comes, with a history and without, and what it costs.

    python benchmarks/bench_model.py --only customers [--quick]

The world is simulated, so the best possible forecast is known. Everything is judged on months the model had not seen. `attained`
is (log loss of the prior - of the model) / (of the prior - of the limit); the prior is the share that paid late among the rows
judged, the best constant there is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from riskscore import grades, recipe, training
from riskscore.errors import ModelRefused
from riskscore.evaluation import Measured, Resamples, attained, check_below_limit
from riskscore.model.value import read_columns
from riskscore.simulation import World, simulate
from riskscore.simulation.delinquency import odds_of_delinquency
from riskscore.stores.engines import ledger_of
from riskscore.stores.signed_texts import find_text
from riskscore.training.gathering_invoices import gather_invoices
from riskscore.training.judging import Evaluation, Judged, walk_forward
from riskscore.training.learning import chosen_features

COMMAND = "python benchmarks/bench_model.py --only customers"
SEED = 11
WORLDS = (7, 13, 17, 19)
"""Further worlds: all customers of one share its economy, so that calibration is known only over several."""

SHORT = 90
"""Days of the shorter horizon: the floors were set for three months, the shipped recipe looks six ahead."""

N_PATHS = 256
N_DATES = 4
CALIBRATED = "ECE at most 0.02, slope 0.8 to 1.25"
TRAINING_SECONDS, EXPLAIN_RATIO = 240.0, 3.0


def rows(quick: bool, seed: int = SEED) -> list[dict[str, Any]]:
    """The rows of the table."""
    n_customers, n_months = (400, 30) if quick else (2400, 36)
    world = simulate("default", n_customers=n_customers, n_months=n_months, seed=seed)
    signed = recipe.parse(find_text("late_payment/recipe.toml").read_text(encoding="utf-8"))
    bounds = grades.parse(find_text("late_payment/grades.toml").read_text(encoding="utf-8"))

    def trained() -> tuple[training.Gathered, training.Trained]:
        ledger = ledger_of(dict(world.tables), "EUR")
        gathered = training.gather([ledger], signed, until=world.end_on)
        invoices = gather_invoices([ledger], signed, until=world.end_on)
        return gathered, training.learn(gathered, signed, bounds, invoices=invoices)

    clock, wall = time.process_time(), time.perf_counter()
    gathered, done = trained()
    seconds, wall = time.process_time() - clock, time.perf_counter() - wall
    _, again = trained()
    return [
        *customers_with_history(world, done, signed, quick=quick),
        *customers_within_three_months(world, signed, bounds, quick=quick),
        calibration_over_worlds(done, signed, bounds, quick=quick),
        newcomers(done),
        explaining(done, gathered),
        row(
            "two trainings with one seed, payment hazard included",
            f"{done.model.digest[:16]} and {again.model.digest[:16]}, {len(done.model.part('hazard'))} files of the hazard",
            "the same digest",
            "",
            done.model.digest == again.model.digest and bool(done.model.part("hazard")),
        ),
        row(
            f"training on {world.tables['invoices'].num_rows:,} invoices, payment hazard included",
            f"{seconds:.0f} CPU s, {wall:.0f} s on the clock of this machine, one core",
            f"{TRAINING_SECONDS:.0f} s",
            "",
            seconds <= TRAINING_SECONDS,
        ),
    ]


def customers_with_history(world: World, done: training.Trained, signed: recipe.Recipe, *, quick: bool) -> list[dict[str, Any]]:
    """Share attained at some of the judged dates, and calibration at all of them."""
    limits = Limits.of(world, done.judged, signed, quick=quick)
    figures = done.evaluation.figures["model"]
    ece, slope = figures["ece"], figures["calibration_slope"]
    error = {"limit": limits.ece(limits.chance), "model": limits.ece(limits.said["model"])}
    return [
        limits.attained_row("simulator default, customers with a history: attained, within 180 days", signed),
        row(
            f"simulator default, customers: calibration out of time, one world, within {signed.outcome.horizon_days} days",
            f"ECE {interval(ece)}, slope {interval(slope)}, curve {done.evaluation.calibration}; at the {limits.n_dates} dates "
            f"where the limit is known: {error['model']:.3f}, the limit {error['limit']:.3f}",
            CALIBRATED,
            peers_ece(done.evaluation),
            calibrated(ece, slope),
        )
        | {"beside": True},  # the floor is that of three months; half a year of one economy is told, and judged over five worlds
    ]


def customers_within_three_months(
    world: World, signed: recipe.Recipe, bounds: grades.Grades, *, quick: bool
) -> list[dict[str, Any]]:
    """The share attained and the calibration of the shipped recipe asked about 90 days: the horizon the floors were set for.

    The recipe, the grades and the limit are asked about the same horizon; nothing else of them is changed.
    """
    outcome = signed.outcome.model_copy(update={"horizon_days": SHORT})
    asked, short = signed.model_copy(update={"outcome": outcome}), bounds.model_copy(update={"horizon_days": SHORT})
    judged, evaluation = walked(world, asked, short)
    ece, slope = evaluation.figures["model"]["ece"], evaluation.figures["model"]["calibration_slope"]
    return [
        Limits.of(world, judged, asked, quick=quick).attained_row(
            f"simulator default, customers with a history: attained, within {SHORT} days", asked
        ),
        row(
            f"simulator default, customers: calibration out of time, one world, within {SHORT} days",
            f"ECE {interval(ece)}, slope {interval(slope)}, curve {evaluation.calibration}",
            CALIBRATED,
            peers_ece(evaluation),
            calibrated(ece, slope),
        ),
    ]


def calibrated(ece: Measured, slope: Measured) -> bool:
    return ece.value <= 0.02 and 0.8 <= slope.value <= 1.25


def peers_ece(evaluation: Evaluation) -> str:
    return "; ".join(f"{name} {each['ece'].value:.3f}" for name, each in evaluation.figures.items() if name != "model")


def walked(world: World, signed: recipe.Recipe, bounds: grades.Grades) -> tuple[Judged, Evaluation]:
    """A world walked forward: the judged rows with every predictor's probabilities, and the figures."""
    gathered = training.gather([ledger_of(dict(world.tables), "EUR")], signed, until=world.end_on)
    found = walk_forward(gathered.rows, chosen_features(signed), signed, newcomers=gathered.newcomers)
    return training.judge(found, bounds, signed)


@dataclass(frozen=True)
class Limits:
    """The judged rows of those dates at which the limit was reckoned: the limit's chance, what predictors said, what came."""

    chance: Any
    said: dict[str, Any]
    outcome: Any
    customers: Any
    n_dates: int
    n_paths: int

    @classmethod
    def of(cls, world: World, judged: Judged, signed: recipe.Recipe, *, quick: bool) -> "Limits":
        """Dates spread evenly over the judged ones; the limit of the outcome that the recipe asks about."""
        dates = sorted(set(judged.rows.features["as_of"].to_pylist()))
        asked = [dates[place] for place in np.linspace(0, len(dates) - 1, 2 if quick else N_DATES).round().astype(int)]
        paths = 64 if quick else N_PATHS
        odds = pa.concat_tables([odds_of_delinquency(world, day, signed.definition, n_paths=paths) for day in asked])
        chance = dict(zip(who_and_when(odds), odds["probability"].to_pylist(), strict=True))
        limit = np.array([chance.get(each, np.nan) for each in who_and_when(judged.rows.features)])
        known = ~np.isnan(limit)
        said = {name: pd[known] for name, pd in judged.pd.items()}
        return cls(limit[known], said, judged.rows.outcome[known], judged.rows.customers[known], len(asked), paths)

    def attained_row(self, work: str, signed: recipe.Recipe) -> dict[str, Any]:
        """The share of the way from the prior to the limit, beside that of every other predictor."""
        prior = np.full(len(self.outcome), self.outcome.mean())
        found = {
            name: attained(pd, self.chance, prior, self.outcome, self.customers, seed=signed.seed, n_paths=self.n_paths)
            for name, pd in self.said.items()
        }
        ours = found["model"]
        return row(
            work,
            f"{interval(ours.share)} (log loss {ours.model:.4f}, prior {ours.prior:.4f}, limit {ours.limit:.4f})",
            "0.75, and not beyond the limit",
            "; ".join(f"{name} {each.share.value:.3f}" for name, each in found.items() if name not in {"model", "uncalibrated"}),
            ours.share.value >= 0.75 and within_limit(ours),
        )

    def ece(self, pd: Any) -> float:
        """The error of calibration on these rows."""
        return float(Resamples(self.customers, 1, SEED).judge(pd, self.outcome).measured()["ece"].value)


def calibration_over_worlds(
    done: training.Trained, signed: recipe.Recipe, bounds: grades.Grades, *, quick: bool
) -> dict[str, Any]:
    """The judged rows of several worlds as one, each world walked forward on its own, beside the error of each."""
    said = {SEED: (done.judged.pd["model"], done.judged.rows)}
    n_customers, n_months = (400, 30) if quick else (2400, 36)
    levels = {SEED: done.evaluation.level_used}
    for seed in WORLDS[:1] if quick else WORLDS:
        world = simulate("default", n_customers=n_customers, n_months=n_months, seed=seed)
        judged, evaluation = walked(world, signed, bounds)
        said[seed], levels[seed] = (judged.pd["model"], judged.rows), evaluation.level_used
    each = {seed: Resamples(rows.customers, 100, seed).judge(pd, rows.outcome).measured() for seed, (pd, rows) in said.items()}
    starts = np.cumsum([0, *(int(rows.customers.max()) + 1 for _, rows in said.values())])
    customers = np.concatenate([rows.customers + start for (_, rows), start in zip(said.values(), starts[:-1], strict=True)])
    pd = np.concatenate([each_pd for each_pd, _ in said.values()])
    outcome = np.concatenate([rows.outcome for _, rows in said.values()])
    together = Resamples(customers, 100, SEED).judge(pd, outcome).measured()
    ece, slope = together["ece"], together["calibration_slope"]
    return row(
        f"simulator default, customers: calibration out of time over {len(said)} worlds",
        f"ECE {interval(ece)}, slope {interval(slope)}",
        CALIBRATED,
        "; ".join(
            f"seed {seed}: ECE {interval(found['ece'])}, slope {found['calibration_slope'].value:.2f}, "
            f"level {'followed' if levels[seed] else 'not followed'}"
            for seed, found in each.items()
        ),
        calibrated(ece, slope),
    )


def who_and_when(table: pa.Table) -> list[tuple[str, Any]]:
    return list(zip(table["customer_id"].to_pylist(), table["as_of"].to_pylist(), strict=True))


def newcomers(done: training.Trained) -> dict[str, Any]:
    """Customers without a settled invoice, against the share of newcomers known to pay late."""
    evaluation = done.evaluation.newcomers
    work = "customers without a settled invoice: log loss of their probability"
    if evaluation is None:
        return row(work, "too few newcomers with and without the outcome", "below the prior", "", passed=False)
    ours, prior = evaluation.figures["model"]["log_loss"], evaluation.figures["prior"]["log_loss"]
    ahead = evaluation.differences["prior"]["log_loss"]
    measured = f"{interval(ours)}, less prior {interval(ahead)}; {evaluation.n_customers} customers"
    return row(work, measured, "below the prior", f"prior {interval(prior)}", ours.value < prior.value)


def explaining(done: training.Trained, gathered: training.Gathered) -> dict[str, Any]:
    """Exact contributions of every row of the book through the whole ensemble, over the trees' own; best of three each."""
    frame, formula = gathered.rows.features, done.model.formula
    matrix = formula.matrix({each["name"]: column for each, column in zip(formula.inputs, _columns(done, frame), strict=True)})
    ratio = best(lambda: done.model.explain(frame)) / best(lambda: formula.tree_contributions(matrix))
    explanation = done.model.explain(frame)
    gap = float(np.abs(explanation.base + explanation.contributions.sum(axis=1) - explanation.log_odds).max())
    measured = f"{ratio:.2f} times pred_contrib on {frame.num_rows:,} rows; contributions off the log-odds by {gap:.0e} at most"
    return row("explaining every row", measured, "3 times, and 1e-9", "", ratio <= EXPLAIN_RATIO and gap <= 1e-9)


def _columns(done: training.Trained, frame: pa.Table) -> list[Any]:
    from riskscore.features import CATALOGUE

    return list(read_columns(frame, [CATALOGUE[name] for name in done.model.feature_names]).values())


def within_limit(found: Any) -> bool:
    """Whether the guard against what cannot be lets it pass."""
    try:
        check_below_limit(found)
    except ModelRefused:
        return False
    return True


def best(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def row(work: str, measured: str, floor: str, peers: str, passed: bool) -> dict[str, Any]:
    return {"work": work, "measured": measured, "floor": floor, "peers": peers, "passed": bool(passed), "command": COMMAND}


def interval(measured: Measured) -> str:
    return f"{measured.value:.3f} ({measured.low:.3f} to {measured.high:.3f})"
