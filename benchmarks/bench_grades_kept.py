"""How often the grade of a stable customer changes from month to month, kept against the month before or not; and what each says.

A model is learned on one invented company and asks another one, whose economy never moves, at the end of every month. Stable are
customers to whom nothing material happened in the half year after any of these months. Printed for several margins: changes of
grade per 100 customer-months of stable customers, of everybody, and the realised rate of material lateness by grade.

Example:  python benchmarks/bench_grades_kept.py --customers 300 --seed 31
"""

import argparse
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from riskscore import features, grades, outcomes, positions, recipe, training
from riskscore.model import Model
from riskscore.scoring.answers import Answers
from riskscore.simulation import PRESETS, simulate
from riskscore.snapshot import customers_known_at, month_ends, take_snapshot
from riskscore.stores.engines import ledger_of
from riskscore.tables import Ledger

TEXTS = Path(__file__).resolve().parents[1] / "models" / "late_payment"
CALM = replace(PRESETS["default"], name="calm", macro_shock=0.0)
MARGINS = (0.0, 0.1, 0.2, 0.3)
HORIZON = timedelta(days=180)

Paths = dict[str, list[tuple[float, bool]]]
"""By customer, month after month: its probability, and whether it paid materially late in the half year after."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--months", type=int, default=34)
    parser.add_argument("--seed", type=int, default=31)
    asked = parser.parse_args(arguments)
    bounds = grades.parse((TEXTS / "grades.toml").read_text(encoding="utf-8"))
    model = learned(asked.customers, asked.months, asked.seed, bounds)
    world = simulate(CALM, n_customers=asked.customers, n_months=asked.months, seed=asked.seed + 1)
    ledger = ledger_of(dict(world.tables), "EUR")
    days = month_ends(world.end_on - HORIZON - timedelta(days=365), world.end_on - HORIZON)
    paths = followed(ledger, model, days, world.end_on)
    calm = {who for who, months in paths.items() if not any(late for _, late in months)}
    print(f"{len(paths)} customers, {len(days)} months, {len(calm)} stable customers, seed {asked.seed}")
    for margin in MARGINS:
        report(paths, calm, bounds, margin)


def learned(n_customers: int, n_months: int, seed: int, bounds: grades.Grades) -> Model:
    """The shipped recipe, learned on an invented company."""
    world = simulate("default", n_customers=n_customers, n_months=n_months, seed=seed)
    text = (TEXTS / "recipe.toml").read_text(encoding="utf-8")
    return training.train([ledger_of(dict(world.tables), "EUR")], recipe.parse(text), bounds, until=world.end_on).model


def followed(ledger: Ledger, model: Model, days: Sequence[date], until: date) -> Paths:
    """What the model says of each customer at the end of each month, and what happened."""
    found: Paths = defaultdict(list)
    for on in days:
        asked = customers_known_at(ledger, on)
        snapshot = take_snapshot(ledger, asked)
        frame, standing = features.compute(snapshot), positions.compute(snapshot)
        sound = [
            row["customer_id"] for row in standing.to_pylist() if row["n_paid_invoices"] and not row["in_default"]
        ]  # fmt: skip
        chains = Answers.of(frame, model, sound).chains
        happened = outcomes.observe(ledger, asked, outcomes.Outcome(), until=until)
        late = dict(zip(happened["customer_id"].to_pylist(), happened["outcome"].to_pylist(), strict=True))
        for who, chain in chains.items():
            found[who].append((chain.pd, bool(late[who])))
    return found


def graded(months: Sequence[tuple[float, bool]], bounds: grades.Grades, margin: float) -> list[int]:
    """The grades of one customer, each kept against the one before."""
    found: list[int] = []
    for pd, _ in months:
        found.append(bounds.kept(pd, found[-1] if found else None, margin))
    return found


def report(paths: Paths, calm: set[str], bounds: grades.Grades, margin: float) -> None:
    """One margin: changes per 100 customer-months, and the realised rate by grade."""
    changes: dict[bool, list[int]] = {True: [0, 0], False: [0, 0]}
    by_grade: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for who, months in paths.items():
        found = graded(months, bounds, margin)
        counted = changes[who in calm]
        counted[0] += sum(one != other for one, other in itertools.pairwise(found))
        counted[1] += len(found) - 1
        for grade, (_, late) in zip(found, months, strict=True):
            by_grade[grade][0] += late
            by_grade[grade][1] += 1
    stable, others = ((100 * n / max(all_, 1)) for n, all_ in (changes[True], changes[False]))
    rates = "  ".join(f"{grade}: {100 * late / n:.1f}% of {n}" for grade, (late, n) in sorted(by_grade.items()))
    print(f"margin {Decimal(str(margin))}: {stable:.1f} changes per 100 months stable, {others:.1f} others; {rates}")


if __name__ == "__main__":
    main()
