"""`riskscore reproduce`: the training of a run made again. Does the book still give the model that was registered?"""

import json as jsonlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from riskscore.errors import NotReproduced
from riskscore.model import Model
from riskscore.stores.ledgers.book import Book, open_book
from riskscore.stores.models import Registry
from riskscore.stores.models.kept_trainings import KeptTraining, read_training
from riskscore.stores.workplace import Workplace
from riskscore.training import train
from riskscore_pipelines.train import BookLedgers, watched

app = typer.Typer()

HELP = """Train the model of a run again, and say whether it comes out the same to the byte.

Recipe, grades and last day are those the run keeps, not those on disk today. A book that has only grown since gives the same
model: what became known after that day is not used. Where another model comes out, the exit status is 1, and it is said which
files differ and what may explain it: the book, the code, a library. Nothing is registered, approved or changed.

Example:  riskscore reproduce 2 --book book
"""


@dataclass(frozen=True)
class MadeAgain:
    """The training of a run, and the model that came of it now.

    changed: tag of the run to what it was then (null: not noted) and is now.
    """

    kept: KeptTraining
    again: Model
    changed: Mapping[str, tuple[str | None, str]]

    @property
    def same(self) -> bool:
        """Equal digests: every byte of the model is the same."""
        return self.again.digest == self.kept.digest

    @property
    def differing_files(self) -> list[str]:
        """See `KeptTraining.differing_files`."""
        return self.kept.differing_files(self.again.files)


@app.command(help=HELP)
def reproduce_verb(
    run: Annotated[str, typer.Argument(help="Run id, or a version as riskscore models lists it.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    model: Annotated[str, typer.Option(help="Which model, where a version is given.")] = "late_payment",
    jobs: Annotated[int, typer.Option(min=1, help="Buckets of customers worked on at once.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
) -> None:
    """Train again, compare, explain."""
    workplace = Workplace()
    opened = open_book(book or workplace.book)
    registry = Registry.of(workplace)
    kept = read_training(registry, registry.run_id_of(run, model))
    opened.day_to_learn_until(kept.until, "the last day of the run,")
    changed = kept.changed_since(opened.digest)
    for line in announcement(kept, opened, changed):
        print(line, file=sys.stderr)
    with watched() as progress:
        trained = train(BookLedgers(opened), kept.recipe, kept.grades, until=kept.until, jobs=jobs, progress=progress)
    made = MadeAgain(kept, trained.model, changed)
    if as_json:
        print(jsonlib.dumps(as_values(made), indent=1))
    else:
        print("\n".join(verdict(made)))
    if not made.same:
        raise NotReproduced(
            f"run {kept.run_id} made again gives another model: digest {made.again.digest[:12]}, was {kept.digest[:12]}; "
            f"{len(made.differing_files)} files differ. Nothing was registered or changed."
        )


def announcement(kept: KeptTraining, book: Book, changed: Mapping[str, tuple[str | None, str]]) -> list[str]:
    """What is about to be done, and what is known before it that may make it come out differently."""
    of_run = f"{kept.name} version {kept.version}, digest {kept.digest[:12]}, from facts until {kept.until}"
    lines = [f"Run {kept.run_id}: {of_run}. It is trained again; nothing is registered."]
    lines += [f"Not as it was then: {each}." for each in changes(changed)]
    if "book_digest" in changed:
        lines.append(
            f"The book's last fact became known on {book.last_known_on}. Only what was known by {kept.until} is used: a book "
            "that has only grown since gives the same model, one that was corrected may not."
        )
    return lines


ALL_AS_IT_WAS = (
    "nothing that the run notes: book, code, Python and libraries are as they were. What is left is the machine (its processor, "
    "the system's libraries). Try it where the model was trained."
)


def verdict(made: MadeAgain) -> list[str]:
    """What came out, for people: the same model, or which files differ and what may explain it."""
    kept, told = made.kept, changes(made.changed)
    if made.same:
        whose = f"{kept.name} version {kept.version}, run {kept.run_id}"
        lines = [f"The same model: digest {kept.digest}, all {len(kept.files)} files to the byte ({whose})."]
        return [*lines, f"Without effect, though not as it was then: {'; '.join(told)}."] if told else lines
    return [
        f"Another model: digest {made.again.digest}, was {kept.digest}.",
        f"Files that differ: {', '.join(made.differing_files)}.",
        "What may explain it:",
        *(f"  {each}" for each in told or [ALL_AS_IT_WAS]),
    ]


def changes(changed: Mapping[str, tuple[str | None, str]]) -> list[str]:
    """What is another than then, each with both values."""
    return [f"{_called(tag)}: {_short(then)} then, {_short(now)} now" for tag, (then, now) in changed.items()]


def _called(tag: str) -> str:
    """A tag as people call what it tells."""
    names = {"book_digest": "the book", "code_digest": "the code of this program", "python": "Python"}
    return names.get(tag, tag.removeprefix("version."))


def _short(value: str | None) -> str:
    """A digest by its first digits; a version is shorter anyway."""
    return "not noted" if value is None else value[:12]


def as_values(made: MadeAgain) -> dict[str, Any]:
    """The result for programs."""
    kept = made.kept
    return {
        "run_id": kept.run_id,
        "name": kept.name,
        "version": kept.version,
        "until": kept.until.isoformat(),
        "same": made.same,
        "digest": kept.digest,
        "digest_again": made.again.digest,
        "differing_files": made.differing_files,
        "changed": {tag: {"then": then, "now": now} for tag, (then, now) in made.changed.items()},
    }
