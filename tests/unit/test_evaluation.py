"""The figures: right by another library, intervals over customers, tests of grades, and guards that catch planted leaks."""

from datetime import date

import numpy as np
import pytest
from scipy.special import expit, logit

from riskscore.evaluation import (
    METRICS,
    LeakFound,
    Measured,
    Resamples,
    check_categories,
    check_features,
    check_maturity,
    check_time_split,
    judge_grades,
    measure,
    paired_difference,
    reliability,
    roc,
)
from riskscore.evaluation.grading import _holm, jeffreys_interval
from riskscore.evaluation.guards import separation


def drawn(n_customers=300, rows_each=4, seed=0, extreme=1.0):
    """Probabilities, outcomes drawn from them, customers. extreme: how much too far from the middle the probabilities claim to be."""
    random = np.random.default_rng(seed)
    customers = np.repeat(np.arange(n_customers), rows_each)
    truth = expit(random.normal(-1.5, 1.2, n_customers)[customers] + random.normal(0, 0.3, len(customers)))
    outcome = (random.random(len(customers)) < truth).astype(float)
    return np.round(expit(extreme * logit(truth)), 3), outcome, customers


def test_the_figures_are_those_of_scikit_learn():
    from sklearn import metrics
    from sklearn.linear_model import LogisticRegression

    pd, outcome, customers = drawn()
    kept = np.clip(pd, 1e-6, 1 - 1e-6)
    alarms, caught, _ = metrics.roc_curve(outcome, pd)
    line = LogisticRegression(C=1e10, tol=1e-8).fit(logit(kept)[:, None], outcome)

    figures = {name: values[0] for name, values in measure(pd, outcome, customers, np.ones((1, 300))).items()}

    assert tuple(figures) == METRICS
    assert figures["auc"] == pytest.approx(metrics.roc_auc_score(outcome, pd), abs=1e-12)
    assert figures["gini"] == pytest.approx(2 * figures["auc"] - 1, abs=1e-12)
    assert figures["ks"] == pytest.approx(np.max(caught - alarms), abs=1e-12)
    assert figures["pr_auc"] == pytest.approx(metrics.average_precision_score(outcome, pd), abs=1e-12)
    assert figures["brier"] == pytest.approx(metrics.brier_score_loss(outcome, pd), abs=1e-12)
    assert figures["log_loss"] == pytest.approx(metrics.log_loss(outcome, kept), abs=1e-12)
    assert figures["calibration_slope"] == pytest.approx(line.coef_[0, 0], abs=1e-3)


def test_a_customer_drawn_twice_counts_as_two():
    pd, outcome, customers = drawn(n_customers=40)
    twice = customers == 7
    weights = np.ones((1, 40))
    weights[0, 7] = 2

    weighted = measure(pd, outcome, customers, weights)
    repeated = measure(
        np.append(pd, pd[twice]), np.append(outcome, outcome[twice]), np.append(customers, customers[twice]), np.ones((1, 40))
    )

    for name in ("auc", "ks", "pr_auc", "brier", "log_loss"):
        assert weighted[name][0] == pytest.approx(repeated[name][0], abs=1e-12), name


def test_true_probabilities_are_found_calibrated():
    pd, outcome, customers = drawn(n_customers=4000, rows_each=1)
    figures = Resamples(customers, 100, seed=1).judge(pd, outcome).measured()

    assert figures["ece"].value < 0.02
    assert figures["calibration_slope"].low <= 1 <= figures["calibration_slope"].high
    assert figures["calibration_intercept"].low <= 0 <= figures["calibration_intercept"].high


def test_probabilities_that_claim_too_much_have_a_slope_below_one():
    pd, outcome, customers = drawn(n_customers=4000, rows_each=1, extreme=1.6)

    assert Resamples(customers, 100, seed=1).judge(pd, outcome).measured()["calibration_slope"].high < 0.8


def test_rows_of_one_customer_are_not_independent_evidence():
    pd, outcome, customers = drawn(n_customers=200, rows_each=12, seed=4)
    by_customer = Resamples(customers, 200, seed=1).judge(pd, outcome).measured()["auc"]
    by_row = Resamples(np.arange(len(pd)), 200, seed=1).judge(pd, outcome).measured()["auc"]

    assert by_customer.high - by_customer.low > by_row.high - by_row.low


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        pd, outcome, customers = drawn(n_customers=250, rows_each=2, seed=seed)
        brier = Resamples(customers, 120, seed=seed).judge(pd, outcome).measured()["brier"]
        truth = np.mean(pd * (1 - pd))
        inside += brier.low <= truth <= brier.high

    assert 52 <= inside <= 60


def test_a_predictor_is_not_ahead_of_itself():
    pd, outcome, customers = drawn()
    replicates = Resamples(customers, 50, seed=1).judge(pd, outcome)

    assert paired_difference(replicates, replicates, "auc") == Measured(0.0, 0.0, 0.0)


def test_a_worse_predictor_is_seen_to_be_worse_on_the_same_draws():
    pd, outcome, customers = drawn(n_customers=800)
    noisy = expit(logit(np.clip(pd, 0.001, 0.999)) + np.random.default_rng(0).normal(0, 1.5, len(pd)))
    resamples = Resamples(customers, 100, seed=1)

    assert paired_difference(resamples.judge(pd, outcome), resamples.judge(noisy, outcome), "auc").low > 0


def test_figures_that_cannot_be_computed_are_not_invented():
    figures = Resamples(np.arange(5), 20, seed=1).judge(np.full(5, 0.1), np.zeros(5)).measured()

    assert np.isnan(figures["auc"].value)
    assert figures["brier"].value == pytest.approx(0.01)


def test_a_figure_that_cannot_be_told_is_a_dash():
    assert Measured(0.8239, 0.79, 0.8567).told(2) == "0.82 (0.79 to 0.86)"
    assert Measured(0.8239, float("nan"), float("nan")).told(2) == "0.82"
    assert Measured(*[float("nan")] * 3).told(3, to="–") == "–"


def test_the_roc_curve_runs_from_corner_to_corner():
    pd, outcome, _ = drawn()
    alarms, caught = roc(pd, outcome)

    assert (alarms[0], caught[0], alarms[-1], caught[-1]) == (0, 0, 1, 1)
    assert (np.diff(alarms) >= 0).all()
    assert (np.diff(caught) >= 0).all()


def test_the_bins_of_the_reliability_plot_hold_every_row():
    pd, outcome, _ = drawn()
    predicted, observed, n = reliability(pd, outcome)

    assert n.sum() == len(pd)
    assert np.sum(predicted * n) == pytest.approx(pd.sum())
    assert np.sum(observed * n) == pytest.approx(outcome.sum())


def test_a_grade_that_pays_as_predicted_holds_and_one_that_does_not_is_named():
    pd = np.repeat([0.02, 0.10], 500)
    outcome = np.zeros(1000)
    outcome[:10] = 1  # 2 % of the first grade, as predicted
    outcome[500:600] = 1  # 20 % of the second, twice as many as predicted

    first, second = judge_grades(np.repeat([5, 7], 500), pd, outcome)

    assert (first.grade, first.n, first.n_events, first.holds) == (5, 500, 10, True)
    assert (second.grade, second.observed, second.holds) == (7, 0.2, False)
    assert second.low < 0.2 < second.high


def test_the_jeffreys_interval_is_golden():
    (row,) = judge_grades(np.full(10, 3), np.full(10, 0.1), np.array([1.0] + [0.0] * 9))

    assert (round(row.low, 4), round(row.high, 4)) == (0.0110, 0.3813)  # Beta(1.5, 9.5)


@pytest.mark.parametrize(
    ("n", "n_events", "pd"),
    [
        pytest.param(40, 0, 1e-5, id="none-of-forty-and-next-to-none-expected"),
        pytest.param(12, 12, 0.99999, id="all-of-twelve-and-next-to-all-expected"),
    ],
)
def test_a_grade_that_could_not_be_nearer_to_what_was_predicted_holds(n, n_events, pd):
    (row,) = judge_grades(np.full(n, 1), np.full(n, pd), np.repeat([1.0, 0.0], [n_events, n - n_events]))

    assert row.holds
    assert row.low <= pd <= row.high
    assert (row.low, row.high) == ((0.0, row.high) if n_events == 0 else (row.low, 1.0))


@pytest.mark.parametrize(("n", "n_events"), [(40, 0), (40, 1), (40, 7), (40, 39), (40, 40), (1, 0), (1, 1)])
def test_the_p_value_is_below_the_level_exactly_outside_the_interval(n, n_events):
    low, high = jeffreys_interval(n_events, n)
    happened = np.repeat([1.0, 0.0], [n_events, n - n_events])
    asked = [0.0, 1e-5, *(end + step for end in (low, high) for step in (-1e-9, 1e-9)), 0.5, 0.99999, 1.0]

    for pd in [each for each in asked if 0 <= each <= 1]:
        (row,) = judge_grades(np.full(n, 1), np.full(n, pd), happened)
        assert row.holds == (low <= pd <= high), pd


def test_right_grades_are_rarely_rejected():
    random = np.random.default_rng(5)
    rejections = 0
    for _ in range(200):
        pd = np.repeat([0.01, 0.03, 0.08, 0.25], 300)
        rows = judge_grades(np.repeat([4, 5, 7, 8], 300), pd, (random.random(1200) < pd).astype(float))
        rejections += any(not row.holds for row in rows)

    assert rejections <= 18  # 5 % of 200, and three standard deviations


def test_holm_stops_at_the_first_that_stands():
    assert _holm([0.001, 0.03, 0.02, 0.9]) == [True, False, False, False]


def test_a_split_whose_windows_touch_but_do_not_overlap_is_let_through():
    check_time_split(np.array([0, 30]), np.array([211]), horizon_days=180, embargo_days=1)


def test_a_split_that_overlaps_by_one_day_is_caught():
    with pytest.raises(LeakFound, match="overlap"):
        check_time_split(np.array([0, 30]), np.array([210]), horizon_days=180, embargo_days=1)


def test_an_outcome_that_is_not_known_yet_is_caught():
    check_maturity(np.array([19_000.0]), date(2022, 1, 8))
    with pytest.raises(LeakFound, match="1 outcomes are not known yet at 2022-01-07"):
        check_maturity(np.array([19_000.0]), date(2022, 1, 7))


def test_a_copy_of_the_label_among_the_features_is_caught_by_name():
    random = np.random.default_rng(1)
    outcome = (random.random(500) < 0.2).astype(float)
    honest = outcome + random.normal(0, 1.5, 500)
    copy = outcome + random.normal(0, 0.1, 500)

    check_features(np.column_stack([honest]), ["honest"], outcome)
    with pytest.raises(LeakFound, match="feature copied alone tells the outcome"):
        check_features(np.column_stack([honest, -copy]), ["honest", "copied"], outcome)


def test_a_feature_whose_gaps_tell_the_outcome_is_caught():
    outcome = np.repeat([0.0, 1.0], 100)
    values = np.where(outcome == 1, np.nan, 3.0)

    with pytest.raises(LeakFound, match="paid_on's absence"):
        check_features(values[:, None], ["paid_on"], outcome)


def test_a_feature_that_is_never_known_is_no_leak():
    check_features(np.full((10, 1), np.nan), ["empty"], np.repeat([0.0, 1.0], 5))


@pytest.fixture
def customers_of_levels():
    """400 customers of three rows each: outcome, folds and an honest category that tells something, row by row."""
    random = np.random.default_rng(3)
    who = np.repeat(np.arange(400), 3)
    kind = random.choice(["builder", "baker", "printer"], 400)[who]
    outcome = (random.random(1200) < np.where(kind == "builder", 0.4, 0.1)).astype(float)
    return who, outcome, who % 5, kind.tolist()


def test_a_category_that_is_a_copy_of_the_label_is_caught_by_name(customers_of_levels):
    _, outcome, folds, kind = customers_of_levels
    status = np.where(outcome == 1, "insolvent", "active").tolist()
    status[::60] = ["active"] * 20  # a few rows were not corrected yet

    check_categories([kind], ["industry"], outcome, folds)
    with pytest.raises(LeakFound, match="the levels of status alone tell the outcome"):
        check_categories([kind, status], ["industry", "status"], outcome, folds)


def test_a_category_that_is_only_known_of_late_payers_is_caught(customers_of_levels):
    _, outcome, folds, _ = customers_of_levels
    collector = ["agency" if each else None for each in outcome]

    with pytest.raises(LeakFound, match="collector"):
        check_categories([collector], ["collector"], outcome, folds)


def test_a_level_of_its_own_for_every_customer_is_no_copy_of_the_label(customers_of_levels):
    who, outcome, folds, _ = customers_of_levels

    check_categories([[f"name {each}" for each in who]], ["name"], outcome, folds)
    check_categories([[None] * len(who)], ["never known"], outcome, folds)


def test_separation_is_the_auc_in_the_better_direction():
    outcome = np.array([0.0, 0.0, 1.0, 1.0])

    assert separation(np.array([1.0, 2.0, 3.0, 4.0]), outcome) == 1.0
    assert separation(np.array([4.0, 3.0, 2.0, 1.0]), outcome) == 1.0
    assert separation(np.array([1.0, 1.0, 1.0, 1.0]), outcome) == 0.5
    assert separation(np.array([1.0, 2.0]), np.zeros(2)) == 0.5
