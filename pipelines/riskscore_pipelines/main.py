"""The `riskscore` command: which verbs there are, how one is run, and what an error looks like.

The verbs are dispatched by hand: a verb's module is imported only when it is called, so that `riskscore --help` answers at
once and imports no engine. Each verb is a Typer app of its own in `riskscore_pipelines.<verb>`.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

# Before MLflow can be imported anywhere: it would send usage data, and the product never calls home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Several threads on shared cores are slower than one, and one gives the same bits everywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from riskscore import __version__
from riskscore.errors import RiskscoreError, UsageRefused

VERBS = {
    "demo": "Simulate an ERP, ingest, train, score and report: the whole path in two minutes.",
    "simulate": "Write the exports of an invented company, and the truth behind them.",
    "ingest": "Read exports through a mapping into a book; set aside what cannot be used, with the reason.",
    "book": "Show what a book holds, and what was set aside.",
    "tune": "Search a recipe for a book on early months; write it as a text to sign.",
    "train": "Learn late payment from a book; log the run and register the model.",
    "promote": "Propose a registered model version for approval.",
    "approve": "Approve a proposed model version; the second of two people.",
    "validate": "Write the validation report of a model, built from its run alone.",
    "reproduce": "Train the model of a run again, and say whether it comes out the same to the byte.",
    "rollback": "Put the model version that was in force before back in force.",
    "models": "List model versions, approvals and headline figures.",
    "score": "Score, explain and price every customer of a book at a date.",
    "release": "Look at a run that was held, and publish it; the work of two people.",
    "explain": "Say why one customer has its score, limit and terms.",
    "plans": "What a customer could do today to get a better grade, limit or terms.",
    "report": "Write one self-contained HTML report over a book at a date.",
    "forecast": "Say when open invoices will be paid, and what cash the weeks ahead will bring.",
    "portfolio": "Ageing, DSO and its alert, concentration by family at a date.",
    "allocate": "Limits that earn most under scarce budgets, and what more of each is worth.",
    "provision": "The IFRS 9 provision at a date, and the bridge to the model's expected loss.",
    "insurance": "What is insured and secured at a date, and which notices are due or missed.",
    "dunning": "Whom to remind today, by which step, and whose it is.",
    "reviews": "Who is to be looked at again by a date, and why.",
    "stress": "What the receivables lose under stress, and which stress loses a given sum.",
    "migration": "Where the customers of each grade stand later.",
    "backtest": "What another policy would have brought in a past period, with bounds.",
    "policy": "Show or check the credit policy in force, or compare two.",
    "serve": "Answer scores over HTTP.",
    "verify": "Check what must always hold of the record and the book.",
    "replay": "Make a recorded decision again, with the model and the texts of its time.",
    "export-chain": "Write the record as JSON lines, to be checked without this product.",
    "erase": "Erase what an applicant told about itself; the decision stays.",
    "accounts": "Say who may ask the server, in which role; give and revoke tokens.",
}
"""Verb to its one-line help; the module `riskscore_pipelines.<verb>` holds its `app`."""

NO_OPENMP = (
    "LightGBM does not find the system's OpenMP runtime (libgomp). Install it: apt-get install libgomp1 on Debian and Ubuntu, "
    "dnf install libgomp on Fedora, brew install libomp on macOS. Then run this again."
)

HELP = """Usage: riskscore [--debug] VERB [OPTIONS]

Which business customers will pay late, how sure that is, why, and how much credit on which terms to give them.

Verbs:
{verbs}

Options:
  --debug    Show the trace of an error instead of one line.
  --version  Print the version and stop.
  --help     Show this message; after a verb, the help of that verb.

Start with:
  riskscore demo

On your own exports:
  riskscore ingest exports/ --mapping canonical --book book
  riskscore train --book book --first
  riskscore score --book book --as-of 2026-06-30 --out scores.csv
  riskscore report --book book --as-of 2026-06-30 --html report.html

Exit status:
  0 complete                                  5 model refused, or too little to learn from
  1 a bug, or made again it differs           6 storage failed (the run can be resumed)
  2 usage, configuration or a signed text     7 another run holds the lock
  3 input refused, nothing written            8 held for review by two people
  4 too much in quarantine, nothing published
"""


def usage() -> str:
    """The text of `riskscore --help`."""
    width = max(map(len, VERBS))
    return HELP.format(verbs="\n".join(f"  {verb:{width}}  {what}" for verb, what in VERBS.items()))


def run_verb(verb: str, arguments: Sequence[str]) -> int:
    """Run one verb and give its exit status. Raises UsageRefused for a verb that is not, our own errors as they come."""
    if verb not in VERBS:
        near = get_close_matches(verb, VERBS, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "'riskscore --help' lists the verbs."
        raise UsageRefused(f"there is no verb '{verb}'. {hint}")

    from typer import Abort, TyperException
    from typer.main import get_command

    try:
        app = importlib.import_module(f"riskscore_pipelines.{verb.replace('-', '_')}").app
        app.rich_markup_mode = None  # plain help: the same in a terminal, a pipe and the reference pages
        app._add_completion = False  # noqa: SLF001  it would complete one verb and not the command
        answer = get_command(app).main(args=list(arguments), prog_name=f"riskscore {verb}", standalone_mode=False)
    except Abort as error:
        raise KeyboardInterrupt from error
    except TyperException as error:
        sentence = error.format_message().rstrip(".")
        raise UsageRefused(f"{verb}: {sentence}. See 'riskscore {verb} --help'.") from error
    except OSError as error:
        if "libgomp" in str(error) or "libomp" in str(error):
            raise UsageRefused(NO_OPENMP) from error
        raise
    return answer if isinstance(answer, int) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; an error is one line on stderr and its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    match arguments:
        case [] | ["--help" | "-h" | "help", *_]:
            print(usage(), end="")
            return 0
        case ["--version", *_]:
            print(__version__)
            return 0
    try:
        return run_verb(arguments[0], arguments[1:])
    except KeyboardInterrupt:
        return 130
    except RiskscoreError as error:
        if debug:
            raise
        print(f"riskscore: {error}", file=sys.stderr)
        return error.exit_status
    except Exception as error:
        if debug:
            raise
        print(
            f"riskscore: a bug: {type(error).__name__}: {error}. Run it again with --debug and report the trace.", file=sys.stderr
        )
        return 1


def run() -> None:
    """The console script."""
    sys.exit(main())
