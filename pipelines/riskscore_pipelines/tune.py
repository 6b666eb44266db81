"""`riskscore tune`: a recipe for this book, found on months that will not judge it; a text for people to sign."""

import json as jsonlib
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from riskscore.errors import UsageRefused
from riskscore.recipe import parse, to_text
from riskscore.stores.files import appearing_at
from riskscore.stores.ledgers import open_book
from riskscore.stores.models import Registry
from riskscore.stores.models.trials import Tuned, search
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore.training import gather
from riskscore.training.tuning import Proving
from riskscore_pipelines.train import BookLedgers, watched

app = typer.Typer()

HELP = """Search a recipe for this book, and write it as a text to sign.

The shipped recipe needs no tuning. The search has a fixed budget and seed, and tries recipes on early months only: the months by
which riskscore train will judge the model are not looked at. How large the trees may be follows from the number of customers that
paid materially late. Every trial is a run in MLflow. Nothing is used until somebody puts the text into models/late_payment/.

Example:  riskscore tune --book book --trials 30 --out recipe.toml
"""


@app.command(help=HELP)
def tune_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    out: Annotated[Path, typer.Option(help="The text to write; must not exist.")] = Path("recipe.toml"),
    trials: Annotated[int, typer.Option(min=1, max=1000, help="How many recipes to try.")] = 30,
    seed: Annotated[int | None, typer.Option(min=0, help="Equal seeds give equal recipes; default: the recipe's seed.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Use no fact after this day; default: the book's last.")
    ] = None,
    model: Annotated[str, typer.Option(help="Which recipe to begin with: a folder of signed texts.")] = "late_payment",
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Search, write the text, say what it is worth."""
    if out.exists():
        raise UsageRefused(f"{out} is there already; a signed text is not overwritten. Name another file with --out.")
    workplace = Workplace()
    opened = open_book(book or workplace.book)
    day = opened.day_to_learn_until(until.date() if until else None)
    base = parse(find_text(f"{model}/recipe.toml", workplace.models).read_text(encoding="utf-8"))
    registry = Registry.of(workplace)
    registry.experiment()  # a wrong address shows before anything is computed
    with watched() as progress:
        gathered = gather(BookLedgers(opened), base, until=day, progress=progress)
        tuned = search(
            registry, Proving(gathered.rows, base), n_trials=trials, seed=base.seed if seed is None else seed,
            book_digest=opened.digest, told=progress,
        )  # fmt: skip
    text = to_text(tuned.recipe, heading_of(tuned, base.digest))
    if parse(text) != tuned.recipe:
        raise AssertionError("the text does not say what was found")
    with appearing_at(out) as draft:
        draft.write_text(text, encoding="utf-8")
    if as_json:
        shown = {
            "out": str(out), "recipe": tuned.recipe.digest, "recipe_before": base.digest, "log_loss": tuned.loss,
            "log_loss_before": tuned.loss_before, "beyond_noise": tuned.beyond_noise, "trials": tuned.n_trials,
            "pruned": tuned.n_pruned, "parts": tuned.n_parts, "by": tuned.by,
            "customers_with_event": tuned.n_customers_with_event,
            "ahead": None if tuned.ahead is None else [tuned.ahead.value, tuned.ahead.low, tuned.ahead.high],
            "run_id": tuned.run_id,
        }  # fmt: skip
        print(jsonlib.dumps(shown, indent=1))
    else:
        print(verdict_of(tuned))
        print(f"{out}: to be read, signed and put into models/{model}/; nothing uses it before.")


PARTS = {"months": "blocks of later months", "customers": "parts of the customers, each learned on the others"}


def verdict_of(tuned: Tuned) -> str:
    """What the search is worth, in a sentence or two."""
    tried = f"{tuned.n_trials} recipes tried ({tuned.n_pruned} stopped early) on early rows, in {tuned.n_parts} {PARTS[tuned.by]}"
    if tuned.ahead is None:
        return f"{tried}: none was better than the recipe as it is (log loss {tuned.loss_before:.4f}). Keep it."
    ahead = f"{tuned.ahead.value:+.4f} ({tuned.ahead.low:+.4f} to {tuned.ahead.high:+.4f})"
    worth = "beyond noise" if tuned.beyond_noise else "noise could explain that, so keep the recipe as it is unless you know more"
    return f"{tried}: log loss {tuned.loss:.4f} against {tuned.loss_before:.4f}, a difference of {ahead}: {worth}."


def heading_of(tuned: Tuned, before: str) -> str:
    """What the text says of itself."""
    return (
        f"How the late-payment model is learned: found by a search, from recipe {before[:12]}.\n{verdict_of(tuned)}\n"
        "The best of many looks better than it is: what it is worth riskscore train shows, on months the search did not see.\n"
        "Read it, sign it, put it into models/; an unknown key is refused. The reference of every key: docs/reference/recipe.md"
    )
