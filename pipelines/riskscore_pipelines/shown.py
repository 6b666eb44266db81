"""How receipts and books look in a terminal, and the progress bar that talks on stderr."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from riskscore.stores.ledgers.pasts import Past
from riskscore.stores.ledgers.receipts import Read, Receipt
from riskscore.stores.ledgers.reception import Progress as Told


def console() -> Console:
    """Standard output; where it is no terminal, wide enough that tables are not broken."""
    found = Console()
    return found if found.is_terminal else Console(width=140)


PATIENCE = 2.0
"""Seconds a person waits without being told what is going on."""


@contextmanager
def progress_bar() -> Iterator[Told]:
    """A bar on stderr that says what is being done; silent where stderr is no terminal."""
    talk = Console(file=sys.stderr)
    begun = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal)
    task = bar.add_task("opening")

    def told(what: str, done: int, whole: int | None) -> None:
        bar.update(task, description=what, completed=done, total=whole)
        if not bar.live.is_started and time.monotonic() - begun > PATIENCE:
            bar.start()

    try:
        yield told
    finally:
        bar.stop()


def columns_of(read: Read) -> Table:
    """What was understood of one source, with samples."""
    table = _table(plain(f"{read.name} as {read.table}"), "column", "from", "samples (text → value)", "empty", "refused")
    for column in read.columns:
        name = column["column"] if column["table"] == read.table else f"{column['table']}.{column['column']}"
        samples = plain(", ".join(text if text == value else f"{text} → {value}" for text, value in column["samples"]))
        table.add_row(name, plain(column["from"]), samples, f"{column['empty']:,}", f"{column['refused']:,}")
    if read.ignored:
        table.caption = plain(f"not read: {', '.join(read.ignored)}")
    return table


def sources_of(receipt: Receipt) -> Table:
    """Rows and money per source, and what became of them."""
    table = _table("Delivery", "source", "table", "rows", "accepted", "set aside", "repeated", "left out", "money read")
    for read in receipt.reads:
        counts = (read.rows, read.accepted, read.quarantined, read.exact_duplicates, read.left_out)
        table.add_row(plain(read.name), read.table, *(f"{n:,}" for n in counts), _money(read.money))
    if receipt.not_read:
        table.caption = plain(f"files the mapping does not read: {', '.join(receipt.not_read)}")
    return table


def rejects_of(rejects: Mapping[str, dict[str, Any]]) -> Table:
    """Rows set aside, by reason, with examples."""
    table = _table("Set aside", "reason", "rows", "for example")
    for reason, found in rejects.items():
        for number, example in enumerate(found["examples"]):
            what = ", ".join(part for part in (example["column"], example["detail"]) if part)
            where = plain(f"{example['source']} line {example['line']}, {what}: {example['raw']}")
            table.add_row(reason if number == 0 else "", f"{found['rows']:,}" if number == 0 else "", where)
    return table


def pasts_of(pasts: Sequence[Past]) -> Table:
    """What a delivery says otherwise than the book did of invoices settled or due before, per source of the book."""
    table = _table("The past, as told now", "source", "known until", "compared", "rewritten", "overdue then", "booked late")
    for past in pasts:
        counts = (past.compared, past.rewritten, past.overdue, past.booked_late)
        table.add_row(plain(past.source), str(past.known_until), *(f"{n:,}" for n in counts))
    return table


def contents_of(manifest: Mapping[str, Any]) -> Table:
    """The tables of a book: rows, dates, money per currency, rows that wait."""
    table = _table(
        f"Book of {manifest['n_customers']:,} customers, in {manifest['reporting_currency']}, known to "
        f"{manifest['last_known_on']}",
        *("table", "rows", "waiting", "from", "to", "money", "known_on = event"),
    )
    for name, rows in manifest["rows"].items():
        if rows or manifest["held"].get(name):
            first, last = manifest["dates"][name]
            assumed = manifest["known_on_from_event"].get(name)
            table.add_row(
                name,
                f"{rows:,}",
                f"{manifest['held'].get(name, 0):,}",
                first or "",
                last or "",
                _money(manifest["money"].get(name, {})),
                "" if assumed is None else f"{assumed:,}",
            )
    return table


def plain(text: str) -> str:
    """The text as data: nothing in it colours the terminal, moves its cursor or ends a line."""
    return escape("".join(letter if letter.isprintable() else "·" for letter in text))


def _money(sums: Mapping[str, str]) -> str:
    return "\n".join(f"{float(amount):,.2f} {currency}" for currency, amount in sums.items())


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left", overflow="fold")
    return table


NUMBERS = frozenset(
    {"rows", "accepted", "set aside", "repeated", "left out", "empty", "refused", "waiting", "money", "money read"}
    | {"compared", "rewritten", "overdue then", "booked late"}
)
