"""Charts are text: bars in their order and to scale, text escaped, colours by class only."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import charts
from riskscore.charts.axes import BOTTOM, TOP, y_of


def say(value: float) -> str:
    return f"{value:g}"


def parts(markup: str) -> ET.Element:
    return ET.fromstring(f"<root>{markup}</root>")


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_round_ticks_span_the_values_and_are_few(low: int, span: int) -> None:
    ticks = charts.nice_ticks(low, low + span)

    assert ticks[0] <= low
    assert ticks[-1] >= low + span
    assert 2 <= len(ticks) <= 8


def test_the_highest_tick_lies_at_the_top_and_the_lowest_at_the_foot() -> None:
    assert y_of(100, (0, 50, 100), 200) == TOP
    assert y_of(0, (0, 50, 100), 200) == 200 - BOTTOM


def test_parts_of_a_column_are_stacked_without_gap_or_overlap() -> None:
    drawn = charts.stacked_columns([charts.Column("Jan", [("age0", 60.0), ("age1", 40.0)])], say=say, sentence="s")
    lower, upper = parts(drawn).findall(".//rect")

    assert (lower.get("class"), upper.get("class")) == ("age0", "age1")
    assert float(upper.get("y", 0)) + float(upper.get("height", 0)) == pytest.approx(float(lower.get("y", 0)))
    assert float(upper.get("height", 0)) / float(lower.get("height", 1)) == pytest.approx(40 / 60, abs=0.01)


def test_a_part_of_nothing_is_not_drawn() -> None:
    drawn = charts.stacked_columns([charts.Column("Jan", [("age0", 0.0), ("age1", -5.0)])], say=say, sentence="s")

    assert parts(drawn).findall(".//rect") == []


def test_a_missing_value_breaks_the_line_and_has_no_dot() -> None:
    drawn = charts.line_chart(["a", "b", "c", "d"], [charts.Series("DSO", "main", [1.0, None, 3.0, 4.0])], say=say, sentence="s")
    path = next(path for path in parts(drawn).iter("path")).get("d", "")

    assert path.count("M") == 2
    assert len(parts(drawn).findall(".//circle")) == 3


def test_names_at_line_ends_never_lie_on_each_other() -> None:
    close = [charts.Series(name, "main", [10.0, value]) for name, value in (("a", 20.0), ("b", 20.1), ("c", 20.2))]
    drawn = charts.line_chart(["x", "y"], close, say=say, sentence="s")
    at = sorted(float(text.get("y", 0)) for text in parts(drawn).iter("text") if "name" in text.get("class", ""))

    assert min(b - a for a, b in pairwise(at)) >= 14


def test_a_threshold_is_inside_the_axis_and_named() -> None:
    drawn = charts.line_chart(
        ["x"], [charts.Series("a", "main", [1.0])], say=say, sentence="s", thresholds={"retrain below 9": 9.0}
    )

    assert "retrain below 9" in drawn
    assert ">10<" in drawn


def test_a_curve_runs_from_the_left_foot_to_the_right_top() -> None:
    drawn = charts.unit_square(
        [charts.Curve("main", [(0, 0), (0.5, 0.9), (1, 1)])], say=say, sentence="s", x_name="x", height=122
    )
    path = next(path.get("d", "") for path in parts(drawn).iter("path") if "main" in path.get("class", ""))

    assert path == "M0 100.0 L50.0 19.0 L100 10.0"


def test_an_interval_outside_its_prediction_is_marked_by_class() -> None:
    inside = charts.interval(0.01, 0.02, 0.04, 0.03, scale=(0.001, 1.0), inside=True)
    outside = charts.interval(0.01, 0.02, 0.04, 0.3, scale=(0.001, 1.0), inside=False)

    assert 'class="interval inside"' in inside
    assert 'class="interval outside"' in outside


def test_a_bar_stays_inside_its_cell() -> None:
    assert 'width="100.0%"' in charts.bar(1.7, "risk")
    assert 'class="risk" width="0.0%"' in charts.bar(-0.2, "risk")


def test_one_value_is_no_sparkline() -> None:
    assert charts.sparkline([3.0]) == ""
    assert "<path" in charts.sparkline([3.0, 3.0])


HOSTILE = '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    "drawn",
    [
        charts.stacked_columns([charts.Column(HOSTILE, [("a", 1.0)], title=HOSTILE, top=HOSTILE)], say=say, sentence=HOSTILE),
        charts.line_chart(
            [HOSTILE], [charts.Series(HOSTILE, "main", [1.0])], say=say, sentence=HOSTILE, thresholds={HOSTILE: 1.0}
        ),
        charts.unit_square([charts.Curve("main", [(0, 0), (1, 1)])], say=say, sentence=HOSTILE, x_name=HOSTILE),
        charts.log_scale([(0.1, HOSTILE)], scale=(0.001, 1.0)),
    ],
    ids=["columns", "lines", "curves", "scale"],
)
def test_names_from_the_ledger_cannot_become_markup(drawn: str) -> None:
    assert "<script" not in drawn
    assert "&lt;script" in drawn


def test_no_chart_names_a_colour() -> None:
    drawn = charts.stacked_columns([charts.Column("a", [("g1", 1.0)])], say=say, sentence="s") + charts.bar(0.5, "fill")

    assert not re.search(r"#[0-9a-f]{3,6}|(fill|stroke)=|style=", drawn)
