"""Lines over equally spaced dates, each named at its end, over thresholds that are named as well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from riskscore.charts.axes import Say, framed, nice_ticks, x_labels, y_of

LABEL_GAP = 14
"""Pixels between two names at line ends: the height of one line of small text."""


@dataclass(frozen=True)
class Series:
    """One line: its name, its class, a value per date (None where there is none), and the dates to mark."""

    name: str
    kind: str
    values: Sequence[float | None]
    marked: frozenset[int] = frozenset()


def line_chart(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    say: Say,
    sentence: str,
    thresholds: Mapping[str, float] | None = None,
    height: int = 210,
) -> Markup:
    """Lines that need not start at zero: the axis spans the values and the thresholds. A missing value breaks the line."""
    thresholds = thresholds or {}
    known = [value for line in series for value in line.values if value is not None] + list(thresholds.values())
    low, high = min(known, default=0.0), max(known, default=1.0)
    ticks = nice_ticks(low, high) if high > low else nice_ticks(low - 1, high + 1)
    drawn = [_threshold(name, y_of(value, ticks, height)) for name, value in thresholds.items()]
    for line in series:
        drawn += _line(line, ticks=ticks, height=height)
    return framed(
        [*drawn, *x_labels(labels, height)],
        ticks=ticks,
        say=say,
        height=height,
        sentence=sentence,
        margin=_names(series, ticks=ticks, height=height),
    )


def _threshold(name: str, y: float) -> Markup:
    return Markup(
        '<line class="threshold" x1="0" x2="100%" y1="{0}" y2="{0}"/>'
        '<text class="threshold" x="100%" y="{1}" text-anchor="end">{2}</text>'
    ).format(y, y - 5, name)


def _line(line: Series, *, ticks: Sequence[float], height: int) -> list[Markup]:
    n = len(line.values)
    path, pen = [], "M"
    dots = []
    for index, value in enumerate(line.values):
        if value is None:
            pen = "M"
            continue
        x, y = round((index + 0.5) / n * 100, 3), y_of(value, ticks, height)
        path.append(f"{pen}{x} {y}")
        pen = "L"
        marked = " marked" if index in line.marked else ""
        dots.append(
            Markup('<circle class="dot {}{}" cx="{}%" cy="{}" r="{}"/>').format(line.kind, marked, x, y, 4 if marked else 2.5)
        )
    # The curve alone is stretched (its x runs to 100); a line keeps its width, dots and text would not keep their shape.
    curve = Markup(
        '<svg viewBox="0 0 100 {0}" preserveAspectRatio="none" width="100%" height="{0}"><path class="line {1}" d="{2}"/></svg>'
    ).format(height, line.kind, " ".join(path))
    return [curve, *dots]


def _names(series: Sequence[Series], *, ticks: Sequence[float], height: int) -> list[Markup]:
    ends: list[tuple[float, Series]] = []
    for line in series:
        last = next((value for value in reversed(line.values) if value is not None), None)
        if last is not None:
            ends.append((y_of(last, ticks, height), line))
    ends.sort(key=lambda end: end[0])
    names, free = [], 0.0
    for y, line in ends:
        at = max(y, free)
        free = at + LABEL_GAP
        names.append(Markup('<text class="name {}" x="8" y="{}" dy=".32em">{}</text>').format(line.kind, round(at, 2), line.name))
    return names
