"""Charts as SVG text: pure functions from numbers to markup, with no script and no colour of their own.

Colours come from the page's style sheet by class (orange means more risk, blue less), so that one chart serves light, dark and
print. x is in percent and y in pixels: text never scales. Every chart carries one sentence for those who do not see it; the page
shows the same numbers as a table.
"""

from riskscore.charts.axes import nice_ticks
from riskscore.charts.cells import bar, interval, log_scale, sparkline
from riskscore.charts.columns import Column, stacked_columns
from riskscore.charts.curves import Curve, unit_square
from riskscore.charts.lines import Series, line_chart

__all__ = [
    "Column",
    "Curve",
    "Series",
    "bar",
    "interval",
    "line_chart",
    "log_scale",
    "nice_ticks",
    "sparkline",
    "stacked_columns",
    "unit_square",
]
