"""The `riskscore` command: which verbs there are, and what an error looks like.

A verb's module is imported only when the verb is called, so that `riskscore --help` answers at once.
"""

import importlib
import os
import sys
from collections.abc import Sequence

# Before MLflow can be imported anywhere: it would send usage data, and the product never calls home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Several threads on shared cores are slower than one, and one gives the same bits everywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import typer
from typer.core import TyperGroup
from typer.main import get_command

from riskscore import __version__
from riskscore.errors import RiskscoreError

VERBS = {
    "demo": "Simulate an ERP, ingest, train, score and report: the whole path in two minutes.",
    "simulate": "Write the exports of an invented company, and the truth behind them.",
    "ingest": "Read exports through a mapping into a book; set aside what cannot be used, with the reason.",
    "book": "Show what a book holds, and what was set aside.",
    "train": "Learn late payment from a book; log the run and register the model.",
    "models": "List model versions, approvals and headline figures.",
    "score": "Score, explain and price every customer of a book at a date.",
    "explain": "Say why one customer has its score, limit and terms.",
    "report": "Write one self-contained HTML report over a scored book.",
    "portfolio": "Ageing, DSO and its alert, concentration by family at a date.",
    "policy": "Show or check the credit policy in force.",
    "serve": "Answer scores over HTTP on this machine.",
}
"""Verb to its one-line help; the module `riskscore_pipelines.<verb>` holds its `app`."""

EXAMPLES = """
Start with:  riskscore demo

On your own exports:

  riskscore ingest exports/ --mapping canonical --book book

  riskscore train --book book --first

  riskscore score --book book --as-of 2026-06-30 --out scores.csv

Exit status: 0 complete, 2 usage, 3 input refused (nothing written), 4 too much in quarantine (nothing published),
5 model refused, 6 storage failed (resumable), 7 another run holds the lock, 8 held for review, 1 a bug.
"""


class LazyVerbs(TyperGroup):
    """A command group that knows its verbs by name and loads one only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"riskscore_pipelines.{cmd_name}")
        command = get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(
    cls=LazyVerbs,
    help="Which business customers will pay late, how sure that is, why, and how much credit on which terms to give them.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    debug: bool = typer.Option(False, "--debug", help="Show the trace of an error instead of one line."),
) -> None:
    """Late-payment risk, credit limits and terms for business customers."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; an error of ours is one line on stderr and its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        answer = app(args=arguments, prog_name="riskscore", standalone_mode=False)
    except RiskscoreError as error:
        if "--debug" in arguments:
            raise
        print(f"riskscore: {error}", file=sys.stderr)
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    return answer if isinstance(answer, int) else 0


def run() -> None:
    """The console script."""
    sys.exit(main())
