"""Calibration: a curve must win on months it has not seen, keeps the order, and the interval is honest about how little is known."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from modelling import shipped, shipped_grades
from riskscore.model.calibration import (
    CURVES,
    allowed_curves,
    choose_curve,
    find_level,
    fit_curve,
    log_loss,
    newest_vintages,
    prequential,
    venn_abers,
)
from riskscore.model.formula import calibrated
from riskscore.model.rows import Rows
from riskscore.training.judging import Judged, judge


def book(n_customers=600, n_cuts=12, seed=0, shift=0.0, slope=1.0):
    """Log-odds a model claims, and outcomes whose true log-odds are slope x claimed + shift."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(-2, 1.2, n_customers * n_cuts)
    outcome = (random.random(len(log_odds)) < expit(slope * log_odds + shift)).astype(float)
    return log_odds, outcome, np.tile(np.arange(n_cuts) * 30, n_customers)


@pytest.mark.parametrize(
    ("n", "allowed"),
    [
        pytest.param(49, ("none", "shift"), id="below fifty: a shift at most"),
        pytest.param(50, ("none", "shift", "platt"), id="from fifty: Platt"),
        pytest.param(499, ("none", "shift", "platt"), id="below five hundred: Platt"),
        pytest.param(500, CURVES, id="from five hundred: three parameters"),
    ],
)
def test_a_richer_curve_needs_more_customers_with_an_event(n, allowed):
    assert allowed_curves(n, shipped().calibration) == allowed


def test_a_model_that_is_right_is_left_alone():
    log_odds, outcome, days = book()

    assert choose_curve(log_odds, outcome, days, 90, allowed=CURVES)[0] in {"none", "shift", "platt"}
    assert fit_curve("platt", log_odds, outcome)["a"] == pytest.approx(1, abs=0.1)


def test_a_model_that_is_off_by_a_constant_is_shifted():
    log_odds, outcome, days = book(shift=0.8)
    kind, losses = choose_curve(log_odds, outcome, days, 90, allowed=CURVES[:2])

    assert kind == "shift"
    assert losses["shift"] < losses["none"]
    assert fit_curve("shift", log_odds, outcome)["c"] == pytest.approx(0.8, abs=0.1)


def test_a_model_that_claims_too_much_is_drawn_together():
    log_odds, outcome, days = book(slope=0.5)
    kind, _ = choose_curve(log_odds, outcome, days, 90, allowed=CURVES[:3])

    assert kind == "platt"
    assert fit_curve("platt", log_odds, outcome)["a"] == pytest.approx(0.5, abs=0.08)


def test_without_earlier_outcomes_nothing_is_used():
    log_odds, outcome, days = book(shift=0.8)

    assert choose_curve(log_odds, outcome, days, 3650, allowed=CURVES) == ("none", {})


def test_no_row_is_calibrated_on_what_was_not_known_at_its_date():
    log_odds, outcome, days = book(shift=0.5)
    before = prequential("platt", log_odds, outcome, days, 90)
    later = days > 180 - 90
    rewritten = np.where(later, 1 - outcome, outcome)
    after = prequential("platt", log_odds, rewritten, days, 90)

    # Outcomes of dates after day 90 are known after day 180 at the earliest.
    assert (before[days <= 180] == after[days <= 180]).all()
    assert (before[days > 210] != after[days > 210]).any()


def test_with_next_to_no_data_the_curve_stays_at_the_identity():
    curve = fit_curve("platt", np.array([-2.0, -1.0]), np.array([0.0, 1.0]))

    assert curve["a"] == pytest.approx(1, abs=0.6)


def test_the_identity_gives_the_probability_of_the_log_odds():
    log_odds = np.linspace(-8, 8, 33)

    assert (calibrated(fit_curve("none", log_odds, log_odds), log_odds) == expit(log_odds)).all()


curves = st.fixed_dictionaries({"a": st.floats(0, 5), "b": st.floats(0, 5), "c": st.floats(-5, 5)})


@given(curves, st.floats(-40, 40), st.floats(-40, 40))
def test_no_curve_ever_changes_the_order_of_two_customers(curve, one, other):
    low, high = calibrated(curve, np.array(sorted((one, other))))

    assert low <= high


def test_the_log_loss_of_a_certainty_that_failed_is_large_but_finite():
    assert np.isfinite(log_loss(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()


def steps(interval, log_odds):
    place = np.searchsorted(np.array(interval["breakpoints"]), log_odds, side="right")
    return np.array(interval["p0"])[place], np.array(interval["p1"])[place]


def test_the_interval_is_what_isotonic_regression_says_with_the_newcomer_good_and_bad():
    random = np.random.default_rng(3)
    log_odds = np.sort(random.normal(size=40))
    outcome = (random.random(40) < expit(log_odds)).astype(float)
    interval = venn_abers(log_odds, outcome, np.ones(40))

    for place in (0, 7, 20, 39):
        low, high = steps(interval, log_odds[place : place + 1])
        # One customer more at the very same score: a tie is one point of double weight.
        for label, found in ((0.0, low), (1.0, high)):
            values, weights = outcome.copy(), np.ones(40)
            values[place], weights[place] = (outcome[place] + label) / 2, 2.0
            assert found[0] == pytest.approx(isotonic_regression(values, weights=weights).x[place], abs=1e-9)


def test_the_interval_is_wide_where_few_customers_were_seen():
    widths = []
    for n in (30, 300, 3000):
        log_odds, outcome, _ = book(n_customers=n, n_cuts=1)
        low, high = steps(venn_abers(log_odds, outcome, np.ones(n)), np.linspace(-4, 0, 50))
        widths.append(float(np.mean(high - low)))

    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def surer(newcomers, others):
    """Whether the intervals of newcomers are narrower on average than those of the others."""
    grid = np.linspace(-5, 1, 60)
    widths = [float(np.mean(np.subtract(*steps(interval, grid)[::-1]))) for interval in (newcomers, others)]
    return widths[0] < widths[1]


@pytest.mark.parametrize("seed", range(6))
def test_who_is_judged_on_less_is_never_told_a_narrower_interval(seed):
    log_odds, outcome, _ = book(n_customers=600, n_cuts=6, seed=seed)
    with_history = venn_abers(log_odds, outcome, np.full(3600, 1 / 6))
    log_odds, outcome, _ = book(n_customers=80, n_cuts=1, seed=100 + seed)

    assert not surer(venn_abers(log_odds, outcome, np.ones(80)), with_history)
    # The planted fault: months counted as customers, so that eighty newcomers pass for nearly a thousand.
    months, late = np.repeat(log_odds, 12), np.repeat(outcome, 12)
    assert surer(venn_abers(months, late, np.ones(960)), with_history)


def test_twelve_months_of_one_customer_are_not_twelve_customers():
    log_odds, outcome, _ = book(n_customers=50, n_cuts=1)
    repeated = venn_abers(np.repeat(log_odds, 12), np.repeat(outcome, 12), np.full(600, 1 / 12))
    once = venn_abers(log_odds, outcome, np.ones(50))
    grid = np.linspace(-4, 0, 40)

    assert np.allclose(steps(repeated, grid), steps(once, grid))


def test_the_interval_rises_with_the_log_odds_and_is_in_order():
    log_odds, outcome, _ = book(n_customers=700, n_cuts=3, seed=9)
    low, high = steps(venn_abers(log_odds, outcome, np.full(2100, 1 / 3)), np.linspace(-9, 9, 400))

    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    assert (low <= high).all()
    assert low.min() >= 0
    assert high.max() <= 1


def test_the_interval_is_calibrated_without_assuming_anything_of_the_model():
    # The mean of the lower bound is not above the share that paid late, nor the mean of the upper bound below it.
    random = np.random.default_rng(8)
    log_odds = random.normal(-1.5, 2.0, 4000)
    outcome = (random.random(4000) < expit(0.4 * log_odds - 0.5)).astype(float)  # a model that is badly wrong
    interval = venn_abers(log_odds[:2000], outcome[:2000], np.ones(2000))
    low, high = steps(interval, log_odds[2000:])
    noise = 3 * np.sqrt(0.25 / 2000)

    assert low.mean() - noise <= outcome[2000:].mean() <= high.mean() + noise
    assert abs(expit(log_odds[2000:]).mean() - outcome[2000:].mean()) > noise / 3


def test_equal_scores_have_equal_intervals():
    log_odds = np.repeat([logit(0.1), logit(0.3)], 20)
    outcome = np.tile([0.0, 0.0, 0.0, 1.0], 10)
    interval = venn_abers(log_odds, outcome, np.ones(40))

    assert len(interval["breakpoints"]) <= 1


def rows_of(outcome, n_cuts, n_customers):
    who = np.repeat(np.arange(n_customers), n_cuts)
    day = [date(2024, 1, 31) + timedelta(days=30 * int(cut)) for cut in np.tile(np.arange(n_cuts), n_customers)]
    frame = pa.table({"customer_id": [f"c{each:05d}" for each in who], "as_of": pa.array(day, pa.date32())})
    return Rows.of(frame, outcome)


def level(shift, *, n_customers, n_cuts=1, seed=2, spread=0.15):
    random = np.random.default_rng(seed)
    log_odds = np.repeat(random.normal(-2, 1.2, n_customers), n_cuts)
    late = np.repeat(random.random(n_customers), n_cuts) < expit(log_odds + shift)
    terms = shipped().calibration.model_copy(update={"level_spread": spread})
    return find_level(log_odds, rows_of(late.astype(float), n_cuts, n_customers), terms)


def test_a_drifted_level_is_found_where_many_customers_show_it():
    found = level(-0.3, n_customers=20_000)

    assert found.shift == pytest.approx(-0.3, abs=0.06)
    assert found.low < found.shift < found.high < 0
    assert found.predicted > found.observed
    assert found.n_rows == found.n_customers == 20_000


def test_few_customers_move_the_level_little_and_a_wider_prior_lets_them_move_it_more():
    assert abs(level(-1.0, n_customers=40).shift) < 0.12 < abs(level(-1.0, n_customers=40, spread=1.0).shift)


def test_a_customer_seen_at_three_month_ends_counts_once():
    once, thrice = level(0.5, n_customers=300), level(0.5, n_customers=300, n_cuts=3)

    assert thrice.n_rows == 3 * once.n_rows
    assert (thrice.shift, thrice.low, thrice.high) == pytest.approx((once.shift, once.low, once.high))


def test_the_level_is_set_by_the_newest_month_ends_alone():
    rows = rows_of(np.zeros(600), 12, 50)
    newest = newest_vintages(rows, shipped().calibration)

    assert sorted(set(newest.days)) == sorted(set(rows.days))[-shipped().calibration.level_months :]


def judged_with(levels, truth, n_customers=400):
    """Twelve months judged in four blocks; `levels` is what each block was asked to add, `truth` what would have been right."""
    random = np.random.default_rng(4)
    log_odds = random.normal(-2, 1.2, n_customers * 12)
    block = np.tile(np.arange(12) // 3, n_customers)
    late = random.random(len(log_odds)) < expit(log_odds + np.array(truth)[block])
    rows = rows_of(late.astype(float), 12, n_customers)
    return Judged(rows, log_odds, np.array(levels)[block], {"uncalibrated": expit(log_odds)}, ())


def test_a_level_that_foretold_later_months_better_is_followed():
    judged, evaluation = judge(judged_with([-0.5] * 4, [-0.6] * 4), shipped_grades(), shipped())

    assert evaluation.level_used
    assert evaluation.level_losses["with"] < evaluation.level_losses["without"]
    assert (judged.level == -0.5).all()


def test_a_level_that_lags_behind_a_turning_economy_is_not_followed():
    # The planted fault: the newest known outcomes say "better" while customers are getting worse already.
    judged, evaluation = judge(judged_with([-0.5] * 4, [0.5] * 4), shipped_grades(), shipped())

    assert not evaluation.level_used
    assert (judged.level == 0).all()
    assert evaluation.level_losses["with"] > evaluation.level_losses["without"]
