"""A page of finance: figures, notes and tables in one language; a terminal and a browser show the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from riskscore import charts
from riskscore.phrases import Lang, say
from riskscore.stores.files import appearing_at
from riskscore_pipelines.columns import table_of
from riskscore_pipelines.reporting.dress import font, style
from riskscore_pipelines.reporting.formats import HTML_LANG

BAR = 20


@dataclass(frozen=True)
class Figure:
    """A key figure: what it is, its value, and what to read beside it. warns: it should be looked at."""

    label: str
    value: str
    note: str = ""
    warns: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table. figures: how many columns from the right are numbers. total: a last row that adds up what is above it.

    bars: for each row the length of a bar, 0 to 1; below zero: to be seen as a risk. note: how to read it. empty: what to say
    where there are no rows.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: int
    note: str = ""
    total: tuple[str, ...] = ()
    bars: tuple[float, ...] = ()
    empty: str = ""


@dataclass(frozen=True)
class Page:
    """Everything that is shown. notes: sentences to be read first; made_with: the texts and digests behind it."""

    lang: Lang
    title: str
    subtitle: tuple[str, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    made_with: tuple[tuple[str, str], ...] = ()


def print_to(out: Console, page: Page) -> None:
    """Print the page: what to look at first, then the tables."""
    out.print(Text(page.title, style="bold"), Text(" · ".join(page.subtitle)), sep="  ")
    for figure in page.figures:
        out.print(
            Text(f"  {figure.label}: "), Text(figure.value, style="bold red" if figure.warns else "bold"), Text(figure.note)
        )
    for note in page.notes:
        out.print(Padding(Text(note, style="yellow"), (0, 0, 0, 2)))
    for sheet in page.sheets:
        _print_sheet(out, sheet)


def write_page(page: Page, path: Path) -> None:
    """Write the page as one HTML file, whole or not at all. Raises StorageFailed where the disk does not take it."""
    with appearing_at(path) as draft:
        draft.write_text(html_of(page), encoding="utf-8")


def html_of(page: Page) -> str:
    """The page as HTML text: no script, nothing fetched, readable in print and in the dark."""
    text: str = (
        _environment()
        .get_template("page.html.j2")
        .render(page=page, say=say, html_lang=HTML_LANG[page.lang], css=style(), font=font(), bar=_bar)
    )
    return text


def widths(amounts: Sequence[float]) -> tuple[float, ...]:
    """Amounts as lengths of bars: the largest is 1; signs stay."""
    most = max((abs(amount) for amount in amounts), default=0.0) or 1.0
    return tuple(amount / most for amount in amounts)


def _bar(share: float) -> str:
    return charts.bar(min(abs(share), 1.0), "risk" if share < 0 else "fill")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__, "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _print_sheet(out: Console, sheet: Sheet) -> None:
    table = table_of(sheet.title, *sheet.headings, *([""] if sheet.bars else []), figures=sheet.figures + bool(sheet.bars))
    if sheet.bars:
        table.columns[-1].justify = "left"
    for place, row in enumerate(sheet.rows):
        bar = [Text("█" * round(abs(sheet.bars[place]) * BAR), style=_colour(sheet.bars[place]))] if sheet.bars else []
        table.add_row(*map(Text, row), *bar)
    if sheet.total:
        table.add_section()
        table.add_row(*(Text(cell, style="bold") for cell in sheet.total), *([""] if sheet.bars else []))
    if sheet.rows:
        table.caption = sheet.note or None
        out.print(table)
    elif sheet.empty:
        out.print(Text(f"{sheet.title}: {sheet.empty}"))


def _colour(share: float) -> str:
    return "dark_orange" if share < 0 else "blue"
