"""Axes: round numbers to label them with, and the frame that every chart stands in."""

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup

TOP, BOTTOM = 10, 22
"""Pixels above the highest grid line, and below the lowest for the labels of x."""

Say = Callable[[float], str]
"""How a number is written on an axis; the caller knows the language."""


def nice_ticks(low: float, high: float, n: int = 4) -> list[float]:
    """About n round numbers (1, 2, 2.5 or 5 times a power of ten) that span low to high, the ends included.

    >>> nice_ticks(0, 530)
    [0.0, 200.0, 400.0, 600.0]
    >>> nice_ticks(41, 52)
    [40.0, 45.0, 50.0, 55.0]
    >>> nice_ticks(3, 3)
    [3.0, 4.0]
    """
    if high <= low:
        return [float(low), float(low) + 1]
    rough = (high - low) / max(n - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * 0.85)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def y_of(value: float, ticks: Sequence[float], height: int) -> float:
    """The pixel of a value: the highest tick lies at the top, the lowest at the bottom of the plot."""
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(height - BOTTOM - share * (height - TOP - BOTTOM), 2)


def framed(
    plot: Iterable[Markup], *, ticks: Sequence[float], say: Say, height: int, sentence: str, margin: Iterable[Markup] = ()
) -> Markup:
    """The chart: labels of y at the left, grid and plot in the middle, labels of lines at the right.

    Three drawings side by side rather than one, because a drawing without a viewBox cannot say "all but 44 pixels".
    """
    labels = Markup("").join(
        Markup('<text x="38" y="{}" dy=".32em" text-anchor="end">{}</text>').format(y_of(tick, ticks, height), say(tick))
        for tick in ticks
    )
    grid = Markup("").join(
        Markup('<line class="{0}" x1="0" x2="100%" y1="{1}" y2="{1}"/>').format(
            "zero" if tick == 0 else "grid", y_of(tick, ticks, height)
        )
        for tick in ticks
    )
    ends = Markup("").join(margin)
    right = Markup('<svg class="ends" width="92" height="{}">{}</svg>').format(height, ends) if ends else Markup("")
    return Markup(
        '<div class="chart" role="img" aria-label="{}">'
        '<svg class="axis" width="44" height="{}">{}</svg>'
        '<svg class="plot" width="100%" height="{}">{}{}</svg>{}</div>'
    ).format(sentence, height, labels, height, grid, Markup("").join(plot), right)


def x_labels(labels: Sequence[str], height: int) -> list[Markup]:
    """Labels under n equal columns. Every second one counted from the last is marked, and gives way where it is narrow."""
    n = len(labels)
    return [
        Markup('<text class="x{}" x="{}%" y="{}" text-anchor="middle">{}</text>').format(
            " alt" if (n - 1 - index) % 2 else "", round((index + 0.5) / n * 100, 3), height - 5, label
        )
        for index, label in enumerate(labels)
    ]
