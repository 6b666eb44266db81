"""The explanation in a terminal, and as one HTML page that needs nothing else."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from riskscore_pipelines.columns import table_of
from riskscore_pipelines.explaining.telling import Explanation, ReasonRow, Step

BAR = 24
HTML_LANG = {"en": "en", "zh": "zh-Hans"}


def print_to(out: Console, told: Explanation) -> None:
    """Print the explanation: the answer, why this score, why this limit, the chain."""
    out.print(Text(told.title, style="bold"), Text(told.as_of), sep="  ")
    out.print(_pairs(told.headline))
    for note in told.notes:
        out.print(Padding(Text(note, style="yellow"), (0, 0, 0, 2)))
    if told.steps:
        out.print(_reasons(told))
        out.print(_waterfall(told))
    if told.caps:
        out.print(_caps(told))
    if told.terms:
        out.print(Text(told.say("why_terms"), style="bold"))
        for line in told.terms:
            out.print(Padding(Text(line), (0, 0, 0, 2)))
    out.print(Text(told.say("chain"), style="bold"))
    out.print(_pairs(told.chain))
    out.print(Text(told.say("made_with"), style="bold"))
    out.print(_pairs(told.made_with))


def html_of(told: Explanation) -> str:
    """The explanation as a page: no script, nothing fetched, readable in print and in the dark."""
    levels = [each for step in told.steps for each in (step.start, step.end)] or [0.0]
    page: str = (
        _environment()
        .get_template("explanation.html.j2")
        .render(told=told, html_lang=HTML_LANG[told.lang], low=min(levels), span=max(max(levels) - min(levels), 1.0))
    )
    return page


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__, "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _pairs(rows: tuple[tuple[str, str], ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(Text(label), Text(value))
    return table


def _reasons(told: Explanation) -> Table:
    table = table_of(told.say("why_score"), "", "", told.say("score_so_far"), "", figures=2)
    for title, rows in ((told.say("adverse"), told.adverse), (told.say("favourable"), _one(told.favourable))):
        table.add_row(Text(title, style="dim"), "", "", "")
        for row in rows:
            table.add_row(Text(row.says), row.code, row.points, row.share)
        if not rows:
            table.add_row(told.say("none"), "", "", "")
    return table


def _one(row: ReasonRow | None) -> tuple[ReasonRow, ...]:
    return () if row is None else (row,)


def _waterfall(told: Explanation) -> Table:
    low = min(min(step.start, step.end) for step in told.steps)
    high = max(max(step.start, step.end) for step in told.steps)
    table = table_of("", told.say("factor"), "", "", told.say("score_so_far"), figures=2)
    for step in told.steps:
        table.add_row(Text(step.label), _bar(step, low, max(high - low, 1.0)), step.change, step.level)
    return table


def _bar(step: Step, low: float, span: float) -> Text:
    left, right = sorted(round((each - low) / span * BAR) for each in (step.start, step.end))
    if left == right:
        return Text(" " * left + "|")
    return Text(" " * left + "█" * (right - left), style="dark_orange" if step.end < step.start else "blue")


def _caps(told: Explanation) -> Table:
    table = table_of(told.say("why_limit"), told.say("rule"), "", told.say("cap"), told.say("because"), figures=0)
    table.columns[2].justify = "right"
    for row in told.caps:
        mark = f" ◀ {told.say('binding')}" if row.binds else ""
        style = "bold" if row.binds else ""
        table.add_row(
            Text(row.rule + mark, style=style), "█" * round(row.share * BAR), Text(row.amount, style=style), Text(row.because)
        )
    return table
