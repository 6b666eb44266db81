"""Columns: amounts side by side, each of one part or of several stacked."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from riskscore.charts.axes import Say, framed, nice_ticks, x_labels, y_of


@dataclass(frozen=True)
class Column:
    """One column: its label, its parts from the bottom up as (class, amount), what hovering says, and a word on top."""

    label: str
    parts: Sequence[tuple[str, float]]
    title: str = ""
    top: str = ""


def stacked_columns(columns: Sequence[Column], *, say: Say, sentence: str, height: int = 210, fill: float = 0.68) -> Markup:
    """Columns that start at zero. fill: the share of its place that a column is wide.

    A negative part (a customer in credit) is not drawn; the label and the table keep it.
    """
    totals = [max(sum(amount for _, amount in column.parts), 0.0) for column in columns]
    ticks = nice_ticks(0, max(totals, default=0.0) or 1.0)
    width = 100 / max(len(columns), 1)
    drawn = []
    for index, (column, total) in enumerate(zip(columns, totals, strict=True)):
        x = round((index + (1 - fill) / 2) * width, 3)
        drawn.append(_stack(column, x=x, width=round(width * fill, 3), ticks=ticks, height=height))
        if column.top:
            drawn.append(
                Markup('<text class="top" x="{}%" y="{}" text-anchor="middle">{}</text>').format(
                    round((index + 0.5) * width, 3), y_of(total, ticks, height) - 5, column.top
                )
            )
    return framed(
        [*drawn, *x_labels([column.label for column in columns], height)], ticks=ticks, say=say, height=height, sentence=sentence
    )


def _stack(column: Column, *, x: float, width: float, ticks: Sequence[float], height: int) -> Markup:
    bars, base = [], 0.0
    for kind, amount in column.parts:
        if amount <= 0:
            continue
        upper, lower = y_of(base + amount, ticks, height), y_of(base, ticks, height)
        bars.append(
            Markup('<rect class="{}" x="{}%" y="{}" width="{}%" height="{}"/>').format(
                kind, x, upper, width, round(lower - upper, 2)
            )
        )
        base += amount
    title = Markup("<title>{}</title>").format(column.title) if column.title else Markup("")
    return Markup("<g>{}{}</g>").format(title, Markup("").join(bars))
