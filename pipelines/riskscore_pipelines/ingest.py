"""`riskscore ingest`: exports in, book out; and before that, on request, what would be understood and set aside."""

import datetime as dt
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from riskscore.errors import UsageRefused
from riskscore.stores.ledgers import Delivery, check, ingest
from riskscore.stores.ledgers.control import read_control
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.ledgers.receipts import Receipt
from riskscore.stores.ledgers.rewrites import acceptance_of
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.shown import columns_of, console, contents_of, pasts_of, progress_bar, rejects_of, sources_of
from riskscore_pipelines.unpaid import told_in

app = typer.Typer()

HELP = """Read exports through a mapping into a book; set aside what cannot be used, with the reason.

Example:  riskscore ingest exports/ --mapping canonical --book book --check
"""


@app.command(help=HELP)
def ingest_verb(
    places: Annotated[
        list[str], typer.Argument(metavar="FILE|DIR|URL...", help="Files, folders, duckdb:/// or postgresql:// addresses.")
    ],
    mapping: Annotated[
        str, typer.Option(help="Name of a mapping (canonical, ibm, udyam, sap_open_items, your own) or a .toml file.")
    ],
    book: Annotated[Path | None, typer.Option(help="Folder of the book.")] = None,
    control: Annotated[Path | None, typer.Option(help="What the sender states: rows, sums, sha256 per file (TOML).")] = None,
    reporting_currency: Annotated[str | None, typer.Option(help="ISO 4217; instead of the mapping's.")] = None,
    extracted_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of the extract; default the mapping's, or today.")
    ] = None,
    only_check: Annotated[
        bool,
        typer.Option("--check", help="Say what would be understood and set aside; write nothing. Same exit status."),
    ] = False,
    accept_shift: Annotated[bool, typer.Option(help="A second person looked at the moved amounts.")] = False,
    accept_rewrite: Annotated[
        str | None, typer.Option(metavar="WHY", help="A second person looked at the rewritten past; recorded with --by.")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who accepts the rewritten past.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The receipt as JSON on stdout.")] = False,
) -> None:
    """Ingest, or check, and say what became of it."""
    workplace = Workplace()
    grammar = load(mapping, workplace.models)
    if reporting_currency is not None:
        grammar = grammar.in_currency(reporting_currency)
    delivery = Delivery(
        places=places,
        mapping=grammar,
        extracted_on=_extracted_on(extracted_on, grammar.extracted_on, grammar.zone),
        control=read_control(control) if control else {},
        accept_shift=accept_shift,
        accept_rewrite=acceptance_of(accept_rewrite, by),
    )
    folder = book or workplace.book
    with progress_bar() as progress:
        receipt = check(delivery, folder, progress=progress) if only_check else ingest(delivery, folder, progress=progress)
    if as_json:
        json.dump(receipt.as_json(), sys.stdout, indent=1, ensure_ascii=False, default=str)
        print()
    else:
        _show(receipt, folder, only_check=only_check)
    if receipt.refused_status:
        raise typer.Exit(receipt.refused_status)


def _show(receipt: Receipt, folder: Path, *, only_check: bool) -> None:
    out = console()
    for name in receipt.already:
        out.print(f"{name}: already ingested, nothing added", markup=False)
    if not receipt.reads:
        return
    if only_check:
        for read in receipt.reads:
            out.print(columns_of(read))
    out.print(sources_of(receipt))
    if receipt.rejects:
        out.print(rejects_of(receipt.rejects))
    if any(past.rewritten or past.booked_late for past in receipt.pasts):
        out.print(pasts_of(receipt.pasts))
    if only_check:
        _tell(receipt.book)
        out.print(receipt.refused or "Nothing speaks against ingesting it. Nothing was written.", markup=False)
        return
    out.print(contents_of(receipt.book))
    out.print(f"{folder}: published, digest {receipt.book['digest'][:12]}", markup=False)
    _tell(receipt.book)


def _tell(manifest: Mapping[str, Any]) -> None:
    """On stderr, what looks paid or unpaid in the book only because the export holds no more."""
    for sentence in told_in(manifest):
        print(f"riskscore: {sentence}", file=sys.stderr)


def _extracted_on(said: str | None, declared: dt.date | None, zone: dt.tzinfo) -> dt.date:
    if said is None:
        return declared or dt.datetime.now(zone).date()
    try:
        return dt.date.fromisoformat(said)
    except ValueError as error:
        raise UsageRefused(f"--extracted-on {said}: not a date. Write it as 2026-06-30.") from error
