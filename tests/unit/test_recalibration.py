"""Calibration intercept and slope: each draw of customers against a solution of its own on the rows, and none where there is none."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit

from riskscore.evaluation import Resamples
from riskscore.evaluation.recalibration import N_NODES, intercepts_and_slopes

THIRD_DIGIT = 5e-4


def few_events(n_customers, n_events, rows_each=1, seed=0):
    """Probabilities, outcomes and customers; so many customers with an event, drawn among the riskier rows more often."""
    random = np.random.default_rng(seed)
    customers = np.repeat(np.arange(n_customers), rows_each)
    log_odds = random.normal(-2.5, 1.1, len(customers))
    outcome = np.zeros(len(customers))
    outcome[random.choice(len(customers), n_events, replace=False, p=expit(log_odds) / expit(log_odds).sum())] = 1
    return expit(log_odds), outcome, customers


def solved_row_by_row(log_odds, outcome, each):
    """Intercept and slope of one weighting of the rows, by general methods and without any of the shortcuts."""
    intercept = brentq(lambda a: np.sum(each * (outcome - expit(a + log_odds))), -40, 40, xtol=1e-12)
    design = np.column_stack([np.ones(len(log_odds)), log_odds])

    def loss(beta):
        eta = design @ beta
        return np.sum(each * (np.logaddexp(0, eta) - outcome * eta))

    def gradient(beta):
        return design.T @ (each * (expit(design @ beta) - outcome))

    def bend(beta):
        chance = expit(design @ beta)
        return (design * (each * chance * (1 - chance))[:, None]).T @ design

    line = minimize(loss, np.zeros(2), jac=gradient, hess=bend, method="trust-exact", options={"gtol": 1e-9})
    return intercept, line.x[1]


def parted(log_odds, outcome, each):
    """Whether a threshold parts all events drawn from all others drawn."""
    drawn = each > 0
    events, goods = log_odds[drawn & (outcome == 1)], log_odds[drawn & (outcome == 0)]
    return events.min() >= goods.max() or goods.min() >= events.max()


@pytest.mark.parametrize(
    ("n_customers", "n_events", "rows_each"),
    [
        pytest.param(60, 5, 1, id="five-events-of-sixty"),
        pytest.param(200, 20, 1, id="twenty-of-two-hundred"),
        pytest.param(100, 3, 1, id="three-of-a-hundred"),
        pytest.param(80, 12, 6, id="six-rows-a-customer"),
    ],
)
def test_every_draw_has_its_own_full_solution(n_customers, n_events, rows_each):
    pd, outcome, customers = few_events(n_customers, n_events, rows_each)
    weights, log_odds = Resamples(customers, 120, seed=1).weights, logit(pd)
    found = np.column_stack(intercepts_and_slopes(log_odds, outcome, customers, weights))

    n_solved = 0
    for drawn, (intercept, slope) in zip(weights, found, strict=True):
        each = drawn[customers]
        if np.sum(each * outcome) == 0:
            assert np.isnan([intercept, slope]).all()
        elif parted(log_odds, outcome, each):
            assert np.isnan(slope)
        else:
            assert (intercept, slope) == pytest.approx(solved_row_by_row(log_odds, outcome, each), abs=1e-5)
            n_solved += 1
    assert n_solved > 90


@pytest.mark.parametrize("steepness", [pytest.param(1.0, id="slope-near-1"), pytest.param(0.2, id="slope-near-5")])
def test_sharing_rows_out_between_nodes_moves_no_third_digit(steepness):
    random = np.random.default_rng(4)
    customers = np.repeat(np.arange(1500), 4)
    log_odds = np.append(random.normal(-2, 1.3, len(customers) - 2), [-13.8, 13.8])  # the whole range: the coarsest nodes
    outcome = (random.random(len(customers)) < expit(log_odds)).astype(float)
    weights = Resamples(customers, 6, seed=2).weights
    intercepts, slopes = intercepts_and_slopes(steepness * log_odds, outcome, customers, weights)

    assert len(np.unique(log_odds)) > N_NODES
    for drawn, intercept, slope in zip(weights, intercepts, slopes, strict=True):
        exact = solved_row_by_row(steepness * log_odds, outcome, drawn[customers])
        assert (intercept, steepness * slope) == pytest.approx(exact * np.array([1, steepness]), abs=THIRD_DIGIT)


def test_a_segment_of_eleven_customers_with_one_event_above_all_others_has_no_slope():
    pd = np.array([*np.linspace(0.01, 0.1, 10), 0.3])
    outcome = np.array([0.0] * 10 + [1.0])
    figures = Resamples(np.arange(11), 100, seed=1).judge(pd, outcome).measured()

    assert np.isnan([figures["calibration_slope"].value, figures["calibration_slope"].low]).all()
    assert figures["calibration_intercept"].value == pytest.approx(0.194, abs=0.001)  # one event, 0.85 were predicted


@pytest.mark.parametrize(
    ("pd", "outcome"),
    [
        pytest.param([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], id="events-above-all-others"),
        pytest.param([0.1, 0.2, 0.3, 0.4], [1, 1, 0, 0], id="events-below-all-others"),
        pytest.param([0.1, 0.2, 0.2, 0.4], [0, 0, 1, 1], id="touching-in-one-probability"),
        pytest.param([0.2, 0.2, 0.2, 0.2], [0, 1, 0, 1], id="one-probability-for-all"),
    ],
)
def test_no_slope_is_told_where_none_fits_best(pd, outcome):
    intercept, slope = intercepts_and_slopes(logit(np.array(pd)), np.array(outcome, float), np.arange(4), np.ones((1, 4)))

    assert np.isnan(slope[0])
    assert np.isfinite(intercept[0])


@pytest.mark.parametrize("happened", [0.0, 1.0])
def test_a_draw_of_one_kind_of_outcome_has_neither(happened):
    outcome = np.array([happened] * 4 + [1 - happened] * 2)
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 1, 2, 1, 0, 0]], dtype=float)
    found = np.column_stack(intercepts_and_slopes(logit(np.linspace(0.1, 0.6, 6)), outcome[::-1], np.arange(6), weights[:, ::-1]))
    alone = intercepts_and_slopes(logit(np.full(3, 0.2)), np.full(3, happened), np.arange(3), np.ones((1, 3)))

    assert np.isfinite(found[0, 0])
    assert np.isnan([*found[1], *alone[0], *alone[1]]).all()


def test_events_that_are_almost_parted_have_a_steep_slope_and_not_a_wild_one():
    log_odds = np.array([-3.0, -2.0, -1.0, -0.001, 0.0, 1.0, 2.0, 3.0])
    outcome = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    intercept, slope = intercepts_and_slopes(log_odds, outcome, np.arange(8), np.ones((1, 8)))

    assert (intercept[0], slope[0]) == pytest.approx(solved_row_by_row(log_odds, outcome, np.ones(8)), abs=1e-5)
    assert 3 < slope[0] < 30
