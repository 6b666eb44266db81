"""What the curves say of open invoices: expected days and dates that agree with the curve, however old the invoice."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.hazard import Curves
from riskscore.hazard.bins import EDGES, FARTHEST, N_BINS, survival
from riskscore.hazard.readouts import LATE, days_column
from riskscore_pipelines.forecast import HELP

ROOT = Path(__file__).resolve().parents[2]


def constant(age, a_day):
    """An invoice of that age, paid on each day to come with the same chance."""
    survived = (1 - a_day) ** np.maximum(EDGES[None, :] - age, 0.0)
    return Curves(np.array([float(age)]), survived, np.log1p(-a_day))


def summed(curves):
    """The chance to be unpaid at the end of every day to come, until nothing is left to add."""
    days = np.arange(3000.0)
    many = Curves(np.repeat(curves.age, len(days)), np.repeat(curves.survived, len(days), axis=0), curves.pace)
    return float(many.late(curves.age + days).sum())


@pytest.mark.parametrize(
    ("age", "a_day", "days"),
    [
        pytest.param(-90, 0.1, 10.0, id="long-before-the-due-date"),
        pytest.param(0, 0.1, 10.0, id="on-the-due-date"),
        pytest.param(119, 0.04, 25.0, id="the-day-before-the-last-edge"),
        pytest.param(120, 0.04, 25.0, id="on-the-last-edge"),
        pytest.param(121, 0.04, 25.0, id="the-day-after"),
        pytest.param(236, 0.01, 100.0, id="236-days-late"),
        pytest.param(365, 0.01, 100.0, id="a-year-late"),
        pytest.param(3000, 0.01, 100.0, id="eight-years-late"),
    ],
)
def test_who_pays_with_one_chance_in_n_each_day_is_expected_in_n_days(age, a_day, days):
    assert constant(age, a_day).expected_days()[0] == pytest.approx(days, rel=1e-9)


def test_expected_days_by_hand():
    """118 days late: open tomorrow with a chance of a half, the day after of a quarter, then half as likely each day."""
    survived = np.where(EDGES == 120, 0.25, 1.0)[None, :]

    # 1 (today) + 1/2 + 1/4 + 1/8 + ...
    assert Curves(np.array([118.0]), survived, np.log(0.5)).expected_days()[0] == pytest.approx(2.0)


hazards = st.lists(st.floats(0.01, 0.9), min_size=N_BINS, max_size=N_BINS)


@given(hazard=hazards, age=st.integers(-90, 500), a_day=st.floats(0.02, 0.5))
def test_the_closed_form_is_the_sum_over_all_days_to_come(hazard, age, a_day):
    ages = np.array([float(age)])
    curves = Curves(ages, survival(np.array([hazard]), ages), np.log1p(-a_day))

    assert curves.expected_days()[0] == pytest.approx(summed(curves), rel=1e-6)


@given(age=st.integers(120, 3000), older=st.integers(1, 400), a_day=st.floats(0.0001, 0.5))
def test_no_invoice_is_expected_sooner_for_being_unpaid_another_day(age, older, a_day):
    first, later = (Curves(np.array([float(each)]), np.ones((1, N_BINS)), np.log1p(-a_day)) for each in (age, age + older))

    assert later.expected_days()[0] >= first.expected_days()[0]
    assert later.age_when(0.5)[0] - later.age[0] == first.age_when(0.5)[0] - first.age[0]


@given(age=st.integers(120, 3000), a_day=st.floats(0.001, 0.5))
def test_beyond_the_last_edge_the_median_and_the_mean_are_those_of_one_chance_a_day(age, a_day):
    """Of a constant chance the median is ln 2 of the mean, to a day."""
    curves = Curves(np.array([float(age)]), np.ones((1, N_BINS)), np.log1p(-a_day))
    median, mean = curves.age_when(0.5)[0] - age, curves.expected_days()[0]

    assert np.log(2) * (mean - 1) - 1e-6 <= median <= np.log(2) * mean + 1


def test_what_is_more_than_ten_years_away_is_told_as_not_known():
    days = days_column(np.array([1.0, FARTHEST, FARTHEST + 1, np.inf]))

    assert days.type == pa.float64()
    assert days.to_pylist() == [1.0, float(FARTHEST), None, None]


def test_help_and_guide_name_the_days_that_the_file_holds():
    guide = (ROOT / "docs" / "how-to" / "forecast-cash.md").read_text(encoding="utf-8")
    days = "0, 7, 15, 30, 60 and 90"

    assert tuple(map(int, days.replace(" and", ",").split(", "))) == LATE
    for words in (HELP, guide):
        assert f"to be more than {days} days late" in " ".join(words.split())
