"""Probabilities as a whole: right ones are seldom rejected, planted errors are, and a year is told as it was."""

import numpy as np
import pytest
from scipy.special import expit, logit

from riskscore.evaluation import by_year, judge_trueness, spiegelhalter
from riskscore_pipelines.figures import trueness_told

ROWS = 2000


def drawn(seed, n=ROWS):
    """True chances and outcomes drawn from them, each by itself."""
    random = np.random.default_rng(seed)
    chance = expit(random.normal(-2.0, 1.2, n))
    return chance, (random.random(n) < chance).astype(float)


def said(chance, shift=0.0, slope=1.0):
    """What a model says that adds `shift` to the log-odds and stretches them by `slope` around a chance of one in eight."""
    return expit(shift + slope * (logit(chance) + 2) - 2)


def test_the_test_is_that_worked_out_by_hand():
    found = spiegelhalter(np.array([0.1, 0.2]), np.array([0.0, 1.0]))
    # (-.1)(.8) + (.8)(.6) = .40 over the root of .64 x .09 + .36 x .16 = .1152

    assert (found.n, round(found.z, 4), round(found.p_value, 4)) == (2, 1.1785, 0.2386)
    assert not found.rejected


def test_it_is_the_brier_score_less_what_it_should_be():
    chance, outcome = drawn(1)
    excess = np.mean((outcome - chance) ** 2) - np.mean(chance * (1 - chance))
    deviation = np.sqrt(np.sum((1 - 2 * chance) ** 2 * chance * (1 - chance))) / ROWS

    assert spiegelhalter(chance, outcome).z == pytest.approx(excess / deviation, rel=1e-9)


def test_true_probabilities_are_rejected_as_often_as_the_level_says():
    found = [spiegelhalter(*drawn(seed)) for seed in range(600)]
    z = np.array([each.z for each in found])
    rejected = sum(each.rejected for each in found)

    assert 14 <= rejected <= 46  # 5 % of 600, and three standard deviations
    assert abs(z.mean()) < 3 / np.sqrt(600)
    assert 0.9 < z.std() < 1.1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"shift": 0.3}, id="everybody-is-said-to-be-worse"),
        pytest.param({"shift": -0.3}, id="everybody-is-said-to-be-better"),
        pytest.param({"slope": 1.5}, id="far-too-sure"),
    ],
)
def test_a_planted_error_of_calibration_is_rejected(fault):
    caught = 0
    for seed in range(40):
        chance, outcome = drawn(seed, n=5000)
        caught += spiegelhalter(said(chance, **fault), outcome).rejected

    assert caught >= 36


def test_no_row_or_nothing_but_even_odds_is_no_test_and_no_rejection():
    for pd in (np.empty(0), np.full(9, 0.5)):
        found = spiegelhalter(pd, np.zeros(len(pd)))

        assert np.isnan(found.z)
        assert np.isnan(found.p_value)
        assert not found.rejected


def test_certainty_that_was_wrong_is_rejected_and_not_infinite():
    found = spiegelhalter(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 1.0]))

    assert np.isfinite(found.z)
    assert found.rejected


def test_each_year_is_told_by_itself_the_oldest_first():
    pd = np.repeat([0.10, 0.30], [200, 100])
    outcome = np.concatenate([np.arange(200) < 25, np.arange(100) < 20]).astype(float)
    earlier, later = by_year(pd, outcome, np.repeat([2025, 2024], [200, 100]))

    assert (earlier.year, earlier.n, earlier.n_events) == (2024, 100, 20)
    assert (later.year, later.n, later.n_events, later.observed) == (2025, 200, 25, 0.125)
    assert later.predicted == pytest.approx(0.10)
    assert later.ratio == pytest.approx(0.8)
    assert earlier.ratio == pytest.approx(1.5)
    assert later.low < later.ratio < later.high
    assert earlier.low > 1


@pytest.mark.parametrize(
    ("predicted", "within"),
    [(0.0899, False), (0.0901, True), (0.1099, True), (0.1101, False)],
    ids=["below-nine-tenths", "above-nine-tenths", "below-eleven-tenths", "above-eleven-tenths"],
)
def test_a_tenth_off_is_the_most_a_year_may_be(predicted, within):
    (row,) = by_year(np.full(1000, predicted), (np.arange(1000) < 100).astype(float), np.full(1000, 2025))

    assert row.within is within


def test_a_year_without_an_event_has_no_ratio_and_is_not_within():
    (row,) = by_year(np.full(50, 0.02), np.zeros(50), np.full(50, 2025))

    assert np.isnan(row.ratio)
    assert not row.within
    assert row.low == pytest.approx(0.02 / 0.0490, rel=0.01)  # the upper end of Beta(0.5, 50.5)
    assert row.high == np.inf


def test_the_interval_of_a_year_holds_one_about_as_often_as_it_says():
    inside = 0
    for seed in range(300):
        chance, outcome = drawn(seed, n=400)
        (row,) = by_year(chance, outcome, np.full(400, 2025))
        inside += row.low <= 1 <= row.high

    assert inside >= 280  # chances differ from row to row, so the count varies less than the interval allows for


def test_both_answers_are_of_the_same_rows():
    chance, outcome = drawn(3)
    found = judge_trueness(chance, outcome, np.repeat([2024, 2025], ROWS // 2))

    assert found.spiegelhalter == spiegelhalter(chance, outcome)
    assert [row.year for row in found.years] == [2024, 2025]
    assert sum(row.n for row in found.years) == found.spiegelhalter.n


def test_what_a_training_prints_says_the_verdict_and_that_a_year_may_be_off_for_everybody():
    chance, outcome = drawn(3)
    years = np.repeat([2024, 2025], ROWS // 2)
    right, wrong = (trueness_told(judge_trueness(pd, outcome, years)) for pd in (chance, said(chance, shift=1.0)))

    assert "not rejected at 5 %" in right
    assert "together: rejected at 5 %" in wrong
    assert "p below 0.001" in wrong  # and never 0.000
    assert "2024 " in wrong
    assert "it can be off with nothing wrong in the model" in right


def test_a_year_without_an_event_is_printed_as_a_dash():
    none = judge_trueness(np.full(50, 0.02), np.zeros(50), np.full(50, 2025))

    assert "by year: 2025 –." in trueness_told(none)
