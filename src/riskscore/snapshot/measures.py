"""Measures: integers added up per observation in one pass over a frame, and the guarded arithmetic that turns them into ratios.

Integers are summed and divided once at the end, so that shuffled rows, other buckets and other engines give the same bits.
"""

from typing import Any

import narwhals.stable.v2 as nw

from riskscore.tables import Frame

Expr = nw.Expr
ZERO = nw.lit(0)


def integer(expression: Expr) -> Expr:
    """The expression as a 64-bit integer, whatever wider type an engine sums into."""
    return expression.cast(nw.Int64)


def real(expression: Expr) -> Expr:
    """The expression as a 64-bit float."""
    return expression.cast(nw.Float64)


def when(condition: Expr, value: Expr, otherwise: Expr | None = None) -> Expr:
    """The value where the condition holds, else null (or `otherwise`). A condition that is not known does not hold."""
    chosen = nw.when(condition).then(value)
    return chosen if otherwise is None else chosen.otherwise(otherwise)


def per(numerator: Expr, denominator: Expr) -> Expr:
    """The quotient as a float; null where the denominator is zero, negative or not known.

    Engines answer x/0 with infinity, null or an error: the guard makes it null everywhere.
    """
    return when(denominator > 0, real(numerator) / real(when(denominator > 0, denominator, nw.lit(1))))


class Measures:
    """The aggregates asked of one frame, by name. Asking for one returns the column that will hold it."""

    def __init__(self) -> None:
        self._totals: dict[str, Expr] = {}
        self._extremes: dict[str, Expr] = {}

    def total(self, name: str, what: Expr, where: Expr | None = None) -> Expr:
        """The sum of whole numbers over the rows where the condition holds; 0 where there are none."""
        chosen = what if where is None else when(where, what, ZERO)
        return self._keep(self._totals, name, integer(chosen.sum()))

    def count(self, name: str, where: Expr) -> Expr:
        """How many rows satisfy the condition; 0 where there are none."""
        return self.total(name, nw.lit(1), where)

    def largest(self, name: str, what: Expr, where: Expr | None = None) -> Expr:
        """The maximum over the rows where the condition holds; null where there are none."""
        return self._keep(self._extremes, name, (what if where is None else when(where, what)).max())

    def smallest(self, name: str, what: Expr, where: Expr | None = None) -> Expr:
        """The minimum over the rows where the condition holds; null where there are none."""
        return self._keep(self._extremes, name, (what if where is None else when(where, what)).min())

    def median(self, name: str, what: Expr, where: Expr) -> Expr:
        """The median of whole numbers over the rows where the condition holds; null where there are none."""
        return self._keep(self._extremes, name, when(where, what).quantile(0.5, interpolation="linear"))

    def p80(self, name: str, what: Expr, where: Expr) -> Expr:
        """The 80th percentile of whole numbers, rounded up: four in five rows do not exceed it; null where there are none."""
        # Between ranks a percentile lies on a fifth. Engines differ in its last bit, not in the number of fifths.
        between = when(where, what).quantile(0.8, interpolation="linear")
        fifths = integer((between * 5.0 + 0.5).floor())
        return self._keep(self._extremes, name, -(-fifths // 5))

    def distinct(self, name: str, what: Expr, where: Expr) -> Expr:
        """How many different values the rows hold where the condition holds; 0 where there are none."""
        flagged = when(where, what)
        # Null counts as a value of its own in some engines, so it is taken out by counting it.
        return self._keep(self._totals, name, integer(flagged.n_unique()) - integer(flagged.is_null().cast(nw.Int64).max()))

    def taken(self, spine: Frame, frame: Frame) -> Frame:
        """The spine with every measure beside it: one grouping of the frame, whatever the number of measures."""
        return self.beside(spine, self.summed(frame))

    def summed(self, frame: Frame) -> Frame:
        """Every measure of each observation that has a row in the frame."""
        wanted: dict[str, Any] = {**self._totals, **self._extremes}
        return frame.group_by("observation").agg(**wanted)

    def beside(self, spine: Frame, sums: Frame) -> Frame:
        """The spine with what was `summed` beside it; observations without a row have what their measures say of none."""
        joined = spine.join(sums, on="observation", how="left")
        return joined.with_columns(**{name: nw.col(name).fill_null(0) for name in self._totals}) if self._totals else joined

    def _keep(self, where: dict[str, Expr], name: str, aggregate: Expr) -> Expr:
        if name in self._totals or name in self._extremes:
            raise ValueError(f"two measures are called {name}")
        where[name] = aggregate
        return nw.col(name)
