"""Drawings in a table cell, beside the number they show: bars, intervals, sparklines. The number speaks; these are silent."""

import math
from collections.abc import Sequence

from markupsafe import Markup


def bar(share: float, kind: str, *, tick: float | None = None) -> Markup:
    """A bar from 0 to `share` (1 is the whole cell), with an optional tick, e.g. the limit of a utilisation."""
    share = min(max(share, 0.0), 1.0)
    mark = Markup('<line x1="{0}%" x2="{0}%" y1="0" y2="12"/>').format(round(tick * 100, 2)) if tick is not None else Markup("")
    return Markup(
        '<svg class="bar" width="100%" height="12" aria-hidden="true">'
        '<rect class="track" width="100%" height="8" y="2"/><rect class="{}" width="{}%" height="8" y="2"/>{}</svg>'
    ).format(kind, round(share * 100, 2), mark)


def _log_share(value: float, scale: tuple[float, float]) -> float:
    floor, ceiling = (math.log10(end) for end in scale)
    share = (math.log10(max(value, scale[0])) - floor) / (ceiling - floor)
    return round(min(share, 1.0) * 100, 2)


def interval(low: float, middle: float, high: float, predicted: float, *, scale: tuple[float, float], inside: bool) -> Markup:
    """What was observed (dot, with its interval) against what was predicted (tick), on a logarithmic scale of probabilities.

    scale: the probabilities at the two ends of the cell; what lies beyond is drawn at the end.
    """
    first, last = (round(math.log10(end)) for end in scale)
    grid = Markup("").join(
        Markup('<line class="grid" x1="{0}%" x2="{0}%" y1="0" y2="20"/>').format(_log_share(10.0**power, scale))
        for power in range(first, last + 1)
    )
    left, right = _log_share(low, scale), _log_share(high, scale)
    return Markup(
        '<svg class="interval {kind}" width="100%" height="20" aria-hidden="true">{grid}'
        '<rect x="{left}%" width="{width}%" y="7" height="6" rx="3"/><circle cx="{middle}%" cy="10" r="4"/>'
        '<line class="predicted" x1="{predicted}%" x2="{predicted}%" y1="3" y2="17"/></svg>'
    ).format(
        kind="inside" if inside else "outside",
        grid=grid,
        left=left,
        width=round(max(right - left, 0.5), 2),
        middle=_log_share(middle, scale),
        predicted=_log_share(predicted, scale),
    )


def log_scale(labels: Sequence[tuple[float, str]], *, scale: tuple[float, float]) -> Markup:
    """The head of a column of intervals: what stands where on their scale."""
    texts = Markup("").join(
        Markup('<text x="{}%" y="12" text-anchor="middle">{}</text>').format(_log_share(value, scale), label)
        for value, label in labels
    )
    return Markup('<svg class="interval" width="100%" height="16" aria-hidden="true">{}</svg>').format(texts)


def sparkline(values: Sequence[float], *, least_span: float = 0.0) -> Markup:
    """A line of 56 by 18 pixels with a dot on the last value. least_span keeps noise small: the scale is never narrower."""
    if len(values) < 2:
        return Markup("")
    low, high = min(values), max(values)
    span = max(high - low, least_span, 1e-12)
    middle = (low + high) / 2
    points = [
        (round(2 + index / (len(values) - 1) * 50, 2), round(9 - (value - middle) / span * 12, 2))
        for index, value in enumerate(values)
    ]
    path = " ".join(f"{'L' if index else 'M'}{x} {y}" for index, (x, y) in enumerate(points))
    return Markup(
        '<svg class="spark" width="56" height="18" aria-hidden="true"><path d="{}"/><circle cx="{}" cy="{}" r="2"/></svg>'
    ).format(path, *points[-1])
