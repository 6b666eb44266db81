"""Curves inside the unit square: who is found by whom (ROC), and how unequal shares are (Lorenz)."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from riskscore.charts.axes import BOTTOM, Say, framed, y_of

QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Curve:
    """One curve: its class and its points (x and y in 0 to 1, x rising). A legend names it: all curves end in one point."""

    kind: str
    points: Sequence[tuple[float, float]]


def unit_square(curves: Sequence[Curve], *, say: Say, sentence: str, x_name: str, height: int = 250) -> Markup:
    """Curves over the diagonal, which is what chance (or perfect equality) would draw. y runs upwards, both from 0 to 1."""
    foot = height - BOTTOM
    drawn: list[Markup] = [_stretched([(0.0, 0.0), (1.0, 1.0)], "diagonal", height)]
    drawn += [_stretched(curve.points, f"line {curve.kind}", height) for curve in curves]
    anchors = {0.0: "start", 1.0: "end"}
    drawn += [
        Markup('<text class="x" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
            round(x * 100, 2),
            foot + 16,
            anchors.get(x, "middle"),
            say(x) if x != 0.5 else x_name,
        )
        for x in (0.0, 0.5, 1.0)
    ]
    return framed(drawn, ticks=QUARTERS, say=say, height=height, sentence=sentence)


def _stretched(points: Sequence[tuple[float, float]], kind: str, height: int) -> Markup:
    path = " ".join(
        f"{'L' if index else 'M'}{round(x * 100, 3)} {y_of(y, QUARTERS, height)}" for index, (x, y) in enumerate(points)
    )
    return Markup(
        '<svg viewBox="0 0 100 {0}" preserveAspectRatio="none" width="100%" height="{0}"><path class="{1}" d="{2}"/></svg>'
    ).format(height, kind, path)
