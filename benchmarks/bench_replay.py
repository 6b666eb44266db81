"""Can a decision be made again years later? A thousand recorded ones, drawn at random, after two changes of the model.

An invented company decides its book at month ends with a first model, and again with a second one; then a third is put in force.
The models are learned by the quick recipe of the tests: how good they are is not the question.
Every drawn decision is made again from the record, the kept texts and the approved bytes of the model of its time, and compared
byte for byte. The planted fault beside it: the same decisions made with the model in force today, which is refused, and seen.

Example:  python benchmarks/bench_replay.py --customers 180 --draw 1000
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from modelling import small_text
from riskscore.decisions import Decision
from riskscore.scoring import replay
from riskscore.simulation import simulate
from riskscore.snapshot import month_ends
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed, in_force
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Delivery, ingest
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.replaying import Replayer
from riskscore.stores.workplace import Workplace

N_MONTHS, N_DECIDED = 22, 4
RIDGE = re.compile(r"(?m)^ridge = 30\.0")
RIDGES = {1: "15.0", 2: "30.0", 3: "60.0"}
"""What the models differ in: they give everybody another probability."""

HELD_FOR_REVIEW = 8
HELD = re.compile(r"run ([0-9a-f]+) as of \S+ is kept and not published")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how many are identical. Exit status 1 where not all are, or where a planted fault is not seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=180)
    parser.add_argument("--draw", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        until = decided_twice(folder, asked.customers, asked.seed)
        sys.exit(again(folder, until, asked.draw, asked.seed))


def decided_twice(folder: Path, n_customers: int, seed: int) -> date:
    """Month ends decided by two models, a third one in force; the last day of the book."""
    world = simulate("default", n_customers=n_customers, n_months=N_MONTHS, seed=seed)
    write_exports(world, folder / "exports")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    recipe = folder / "models" / "late_payment" / "recipe.toml"
    recipe.parent.mkdir(parents=True)
    text = small_text()
    days = month_ends(date(world.end_on.year - 1, 12, 1), world.end_on)[-N_DECIDED - 1 : -1]
    for version, ridge in RIDGES.items():
        recipe.write_text(RIDGE.sub(f"ridge = {ridge}", text), encoding="utf-8")
        verb(folder, "train")
        verb(folder, "promote", str(version), "--by", "ann", "--release", "another ridge")
        verb(folder, "approve", str(version), "--by", "bo", "--release", "another ridge")
        for day in days if version < 3 else ():
            score(folder, day)
    return world.end_on


def score(folder: Path, day: date) -> None:
    """The book decided at that day; a run that moved so much that it is held is released by two people."""
    held = HELD.search(verb(folder, "score", "--as-of", day.isoformat(), "--out", f"{day}.csv", passing={0, HELD_FOR_REVIEW}))
    for name in ("ann", "bo") if held else ():
        verb(folder, "release", held[1], "--by", name, "--reason", "a small company moves much")


def verb(folder: Path, *arguments: str, passing: Collection[int] = (0,)) -> str:
    """One command in that folder; what it said on stderr. passing: the exit statuses that are none of an error."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "riskscore_pipelines", *arguments]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env={**os.environ})
    if done.returncode not in passing:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    print(f"  {time.perf_counter() - started:6.1f} s  {' '.join(arguments[:3])}", flush=True)
    return done.stderr


def again(folder: Path, until: date, n_drawn: int, seed: int) -> int:
    """Make decisions again and compare; 0 where all are identical and every planted fault is seen, else 1."""
    workplace = Workplace(
        book=folder / "book", database=f"sqlite:///{folder / 'riskscore.db'}", mlflow=f"sqlite:///{folder / 'mlflow.db'}",
        models=folder / "models", approved=folder / "approved_models",
    )  # fmt: skip
    engine = open_database(workplace.database)
    signed = in_force(workplace, engine, until, model_name="late_payment")
    assert signed.model is not None
    recorded = [each for _, run in log.between(engine, date(2000, 1, 1), until) for each in run.values()]
    drawn = random.Random(seed).sample(recorded, min(n_drawn, len(recorded)))
    replayer = Replayer(workplace, engine)
    started = time.perf_counter()
    found = [replayer.again(each) for each in drawn]
    seconds = time.perf_counter() - started
    models = {each.provenance.model for each in drawn} - {None}
    refused = sum(not _is_taken(each, signed) for each in drawn)
    planted = sum(_differs(each, signed) for each in drawn)
    identical = sum(each.identical for each in found)
    engine.dispose()
    print(
        f"{len(drawn):,} of {len(recorded):,} decisions of {len(models)} models that are no longer in force made again: "
        f"{identical:,} identical to the byte ({1000 * seconds / len(drawn):.1f} ms each); "
        f"with today's model {refused:,} are refused, and {planted:,} would differ if they were said to be of today's"
    )
    return int(not identical == refused == planted == len(drawn) or signed.model.digest in models)


def _is_taken(decision: Decision, signed: Signed) -> bool:
    """Is it made again with the model in force although it was made with another?"""
    try:
        replay(decision, signed.model, signed.grades, signed.params)
    except ValueError:
        return False
    return True


def _differs(decision: Decision, signed: Signed) -> bool:
    """The planted fault: said to be of the model in force and made again with that one, is it another decision?"""
    assert signed.model is not None
    made = replace(
        decision.provenance, model=signed.model.digest, grades=signed.grades.digest, policy=signed.params.digest
    )  # fmt: skip
    said = replace(decision, provenance=made)
    return replay(said, signed.model, signed.grades, signed.params).to_bytes() != said.to_bytes()


if __name__ == "__main__":
    main()
