"""Writes the reference pages from the code: `make docs`. A test says when a page and the code no longer agree.

python docs/generate.py [FOLDER]
"""

import contextlib
import io
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["COLUMNS"] = "100"  # before the help is written: the pages must not depend on who runs this

import pages_of_decisions
import pages_of_the_api

from riskscore import errors
from riskscore import recipe as recipes
from riskscore.features import CATALOGUE
from riskscore.promotion import parse as parse_gate
from riskscore.recipe import keys_of
from riskscore.stores.ledgers.reference import data_dictionary, quarantine_page
from riskscore.stores.signed_texts import find_text
from riskscore_pipelines.main import VERBS, main, usage

NOTE = "Made from the code by `make docs`; do not edit.\n"


def cli() -> str:
    """Every verb with its help."""
    parts = ["# The command\n", NOTE, "```text\n" + usage() + "```\n"]
    for verb, what in VERBS.items():
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            main([verb, "--help"])
        text = "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())
        parts.append(f"## riskscore {verb}\n\n{what}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def exit_codes() -> str:
    """What a script may rely on."""
    rows = [
        "| status | error | meaning |",
        "|-|-|-|",
        "| 0 | | complete |",
        "| 1 | | a bug: run again with `--debug` and report the trace |",
    ]
    kinds = sorted(errors.RiskscoreError.__subclasses__(), key=lambda kind: (kind.exit_status, kind.code))
    rows += [f"| {kind.exit_status} | `{kind.code}` | {' '.join((kind.__doc__ or '').split())} |" for kind in kinds]
    rows += ["| 130, 143 | | stopped by a signal; the run can be resumed |"]
    return f"# Exit statuses\n\n{NOTE}\nAn error is one line on stderr; results are on stdout.\n\n" + "\n".join(rows) + "\n"


def features() -> str:
    """The catalogue of features, by group."""
    groups = list(dict.fromkeys(feature.group for feature in CATALOGUE.values()))
    preface = (
        f"{len(CATALOGUE)} features, each computed from what was known at a date. *Risk* is the declared direction: a model may "
        "not learn the opposite. Null is not zero; the meaning says what null stands for.\n"
    )
    parts = ["# Features\n", NOTE, preface]
    for group in groups:
        rows = ["| feature | unit | risk | window | reason | meaning |", "|-|-|-|-|-|-|"]
        rows += [
            f"| `{feature.name}` | {feature.unit} | {feature.risk} | {f'{feature.window_days} d' if feature.window_days else ''} "
            f"| {feature.reason} | {' '.join(feature.meaning.split())} |"
            for feature in CATALOGUE.values()
            if feature.group == group
        ]
        parts.append(f"## {group.replace('_', ' ').capitalize()}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def recipe() -> str:
    """Every key of the recipe, with the shipped values."""
    return recipes.reference(recipes.parse(find_text("late_payment/recipe.toml").read_text(encoding="utf-8")))


def gate() -> str:
    """Every term of the promotion gate, with the shipped values."""
    preface = (
        "`models/late_payment/gate.toml` says when a newly trained model may replace the one in force. It is signed text: every "
        "key must be there, and an unknown key is refused by name. How the gate works: "
        "[the promotion gate](../explanation/the-promotion-gate.md).\n"
    )
    terms = keys_of(parse_gate(find_text("late_payment/gate.toml").read_text(encoding="utf-8")))
    return "\n".join(["# The terms of the gate", "", NOTE, preface, *terms]) + "\n"


PAGES = {
    "gate.md": gate,
    "api.md": lambda: pages_of_the_api.api_page(NOTE),
    "recipe.md": recipe,
    "cli.md": cli,
    "exit-codes.md": exit_codes,
    "features.md": features,
    "canonical-tables.md": data_dictionary,
    "quarantine.md": quarantine_page,
    "policy.md": pages_of_decisions.policy,
    "scores-file.md": pages_of_decisions.scores_file,
    "reason-codes.md": pages_of_decisions.reason_codes,
}


def write(folder: Path) -> list[Path]:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, page in PAGES.items():
        (folder / name).write_text(page(), "utf-8")
        written.append(folder / name)
    return written


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "reference"):
        print(path)
