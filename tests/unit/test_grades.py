"""Score and grade: one scale, bounds that belong to the better grade, and intervals too wide to name one."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelling import GRADES_TEXT, shipped_grades
from riskscore import grades
from riskscore.errors import UsageRefused
from riskscore.grades import score_of

probabilities = st.floats(0, 1)


@pytest.mark.parametrize(
    ("pd", "score"),
    [
        pytest.param(1 / 51, 600, id="odds of 50 are 600"),
        pytest.param(1 / 101, 640, id="twice the odds are 40 points more"),
        pytest.param(1 / 26, 560, id="half the odds are 40 points less"),
        pytest.param(0.0, 900, id="never late is the top"),
        pytest.param(1.0, 300, id="surely late is the bottom"),
        pytest.param(1e-12, 900, id="clipped above"),
        pytest.param(1 - 1e-12, 300, id="clipped below"),
    ],
)
def test_the_score_is_golden(pd, score):
    assert score_of(pd) == score


@pytest.mark.parametrize("grade", range(1, 9))
def test_a_bound_belongs_to_the_better_grade(grade):
    bound = shipped_grades().bounds[grade - 1]

    assert shipped_grades().grade(math.nextafter(bound, 0)) == grade
    assert shipped_grades().grade(bound) == grade
    assert shipped_grades().grade(math.nextafter(bound, 1)) == grade + 1


def test_one_grade_is_about_forty_points_where_defaults_are_rare():
    scores = [score_of(bound) for bound in shipped_grades().bounds[:4]]

    assert all(abs(better - worse - 40) <= 1 for better, worse in pairwise(scores))


@given(probabilities, probabilities)
def test_a_higher_probability_never_has_the_better_score_or_grade(one, other):
    low, high = sorted((one, other))

    assert score_of(low) >= score_of(high)
    assert shipped_grades().grade(low) <= shipped_grades().grade(high)


@pytest.mark.parametrize(
    ("low", "high", "withheld"),
    [
        pytest.param(0.006, 0.009, False, id="one grade"),
        pytest.param(0.006, 0.02, False, id="two grades"),
        pytest.param(0.005, 0.02, True, id="three grades"),
        pytest.param(0.0, 1.0, True, id="anything"),
    ],
)
def test_a_grade_is_withheld_when_the_interval_spans_more_than_two(low, high, withheld):
    assert shipped_grades().is_withheld(low, high) is withheld


@pytest.mark.parametrize("pd", [-0.01, 1.01, math.nan])
def test_what_is_no_probability_has_neither_score_nor_grade(pd):
    with pytest.raises(ValueError, match="between 0 and 1"):
        score_of(pd)
    with pytest.raises(ValueError, match="between 0 and 1"):
        shipped_grades().grade(pd)


@pytest.mark.parametrize(
    ("line", "instead", "named"),
    [
        pytest.param('"0.5", "1"', '"1", "0.5"', "must rise", id="bounds that fall"),
        pytest.param('"16", "32"', '"16"', "percent_up_to", id="seven bounds"),
        pytest.param("horizon_days", "horizont_days", "horizont_days: unknown key", id="a key misspelt"),
    ],
)
def test_grades_that_are_not_right_are_refused_with_the_name_of_the_key(line, instead, named):
    with pytest.raises(UsageRefused, match=named):
        grades.parse(GRADES_TEXT.replace(line, instead))
