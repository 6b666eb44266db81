"""`riskscore verify`: does everything that must always hold still hold?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from riskscore.errors import InputRefused
from riskscore.stores import anchors
from riskscore.stores.database import open_database
from riskscore.stores.invariants import Evidence, Finding, check
from riskscore.stores.ledgers import open_book
from riskscore.stores.replaying import Replayer
from riskscore.stores.workplace import Workplace

app = typer.Typer()

HELP = """Check what must always hold of the record and the book: the eight invariants.

I1 rows and money are conserved, I2 every run has each customer once, I3 published files are whole, I4 decisions made again are
the same bytes, I5 the chains hold and no anchored head is gone, I6 no applicant's name is in the record, I7 the database is
sound, I8 nothing that was acknowledged is lost. Exit status 1 where one does not hold.
--write-anchor notes the heads of the chains in the file of anchors.

Example:  riskscore verify --book book --anchor /mnt/elsewhere/anchors.jsonl
"""


@app.command(help=HELP)
def verify_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it only the database is looked at.")] = None,
    anchor: Annotated[Path | None, typer.Option(help="File of anchored heads, kept elsewhere.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="File with the key that anchors are signed with.")] = None,
    write_anchor: Annotated[bool, typer.Option("--write-anchor", help="Append the heads to --anchor if all holds.")] = False,
    acknowledged: Annotated[Path | None, typer.Option(help="File of decision ids that must be there, one a line.")] = None,
    replays: Annotated[int, typer.Option(min=0, help="How many decisions to make again.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON on stdout.")] = False,
) -> None:
    """Check, and say what does not hold."""
    workplace = Workplace()
    if write_anchor and anchor is None:
        raise InputRefused("verify: --write-anchor needs the file: --anchor FILE.")
    key = None if key_file is None else key_file.read_bytes()
    ids = [] if acknowledged is None else acknowledged.read_text(encoding="utf-8").split()
    engine = open_database(workplace.database)
    try:
        evidence = Evidence(
            engine, Replayer(workplace, engine), None if book is None else open_book(book), anchor, key, ids, replays
        )  # fmt: skip
        findings = check(evidence)
        holds = not any(finding.faults for finding in findings)
        if holds and write_anchor and anchor is not None:
            anchors.anchor(engine, anchor, key=key)
    finally:
        engine.dispose()
    if as_json:
        print(json.dumps({finding.name: list(finding.faults) for finding in findings}, indent=1, ensure_ascii=False))
    else:
        _show(findings)
    raise typer.Exit(0 if holds else 1)


def _show(findings: list[Finding]) -> None:
    for finding in findings:
        print(f"{finding.name} {'holds' if not finding.faults else 'DOES NOT HOLD'}: {finding.says}")
        for fault in finding.faults:
            print(f"   {fault}")
