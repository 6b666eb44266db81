"""The parts of a fit, each against a second way of getting the same number."""

import numpy as np
import pytest
from scipy.special import expit, logit

from modelling import FEATURES, Named, invented, small
from riskscore.errors import ModelRefused
from riskscore.model.fit import fit_formula
from riskscore.model.formula import bent, contribution_of, shrunken
from riskscore.model.inputs import describe_inputs, fit_shrinkage, level_log_odds, training_matrix
from riskscore.model.logistic import BOUNDS, fit_logistic
from riskscore.model.members import fit_logistic_member, fit_rate_member, fit_trees
from riskscore.model.rows import Rows

FREE = (-np.inf, np.inf)


def problem(n=600, d=5, seed=0):
    random = np.random.default_rng(seed)
    common = random.normal(size=(n, 1))
    inputs = 0.7 * common + random.normal(size=(n, d))
    outcome = (random.random(n) < expit(-1 + inputs[:, 0] + 0.4 * inputs[:, 1])).astype(float)
    return inputs, outcome


def test_without_bounds_it_is_ridge_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    inputs, outcome = problem()
    ours = fit_logistic(inputs, outcome, ridge=2.0, bounds=[FREE] * 5)
    theirs = LogisticRegression(C=0.5, tol=1e-10, solver="newton-cholesky").fit(inputs, outcome)

    assert ours.coefficients == pytest.approx(theirs.coef_[0], abs=1e-6)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-6)


def test_with_bounds_no_allowed_step_makes_it_better():
    inputs, outcome = problem(seed=3)
    bounds = [BOUNDS["falls"], BOUNDS["rises"], BOUNDS["rises"], BOUNDS["falls"], BOUNDS["none"]]
    fit = fit_logistic(inputs, outcome, ridge=1.0, bounds=bounds)
    residual = expit(fit.intercept + inputs @ fit.coefficients) - outcome
    slope = inputs.T @ residual + fit.coefficients

    # The conditions of Karush, Kuhn and Tucker: flat where free, pushing against the bound where it binds.
    assert abs(residual.sum()) < 1e-4
    for coefficient, gradient, (low, high) in zip(fit.coefficients, slope, bounds, strict=True):
        if coefficient == 0.0 and low == 0.0:
            assert gradient >= -1e-4
        elif coefficient == 0.0 and high == 0.0:
            assert gradient <= 1e-4
        else:
            assert low <= coefficient <= high
            assert abs(gradient) < 1e-4
    assert fit.coefficients[0] == 0.0  # the strongest input is declared the wrong way round, so it may say nothing


def test_an_offset_is_added_as_it_is():
    inputs, outcome = problem()
    plain = fit_logistic(inputs, outcome, ridge=1e-9, bounds=[FREE] * 5)
    moved = fit_logistic(inputs, outcome, ridge=1e-9, bounds=[FREE] * 5, offset=0.5 * inputs[:, 0])

    assert moved.coefficients[0] == pytest.approx(plain.coefficients[0] - 0.5, abs=1e-6)


def test_a_level_without_history_says_nothing_and_a_large_one_what_it_is():
    outcome = np.concatenate([np.repeat([1.0, 0.0], [400, 600]), np.repeat([1.0, 0.0], [100, 900])])
    column = ["steel"] * 1000 + ["food"] * 1000 + ["rare"]
    levels = level_log_odds(column, np.append(outcome, 0.0), np.ones(2001))

    assert levels["steel"] == pytest.approx(logit(0.4) - logit(0.25), abs=0.03)
    assert levels["food"] == pytest.approx(logit(0.1) - logit(0.25), abs=0.06)
    assert -0.07 < levels["rare"] < 0


def test_a_level_is_believed_by_its_customers_not_by_its_rows():
    once = level_log_odds(["a"] * 10 + ["b"] * 90, np.repeat([1.0, 0.0], [10, 90]), np.ones(100))
    rows = level_log_odds(["a"] * 120 + ["b"] * 90, np.repeat([1.0, 0.0], [120, 90]), np.repeat([1 / 12, 1.0], [120, 90]))

    assert rows == pytest.approx(once)


def test_a_customers_own_outcome_never_encodes_its_category():
    rows = invented()
    inputs = describe_inputs(rows, FEATURES)
    shrinkage = fit_shrinkage(rows, "late_share_30_365d", "n_matured_30d")
    place = [each.name for each in FEATURES].index("industry")
    one = rows.customers == 5
    other_life = Rows(rows.features, np.where(one, 1 - rows.outcome, rows.outcome))

    before = training_matrix(rows, inputs, shrinkage)[one, place]
    after = training_matrix(other_life, inputs, shrinkage)[one, place]

    assert (before == after).all()


def test_the_shrinkage_finds_the_prior_that_made_the_shares():
    random = np.random.default_rng(2)
    rows = invented(n_customers=3000, n_cuts=1, seed=4)
    n = random.integers(3, 30, len(rows)).astype(float)
    late = random.binomial(n.astype(int), random.beta(0.15 * 8, 0.85 * 8, len(rows)))
    features = rows.features
    for name, values in (("late_share_30_365d", late / n), ("n_matured_30d", n)):
        features = features.set_column(features.column_names.index(name), name, [values])

    found = fit_shrinkage(Rows(features, rows.outcome), "late_share_30_365d", "n_matured_30d")

    assert found["mean"] == pytest.approx(0.15, abs=0.01)
    assert found["strength"] == pytest.approx(8, rel=0.2)


@pytest.mark.parametrize(
    ("share", "n", "rate"),
    [
        pytest.param(1.0, 0.0, 0.1, id="nothing counted is the book's mean"),
        pytest.param(np.nan, np.nan, 0.1, id="nothing known is the book's mean"),
        pytest.param(1.0, 5.0, 6 / 15, id="five late invoices of five weigh as five of fifteen"),
        pytest.param(0.0, 90.0, 0.01, id="many invoices speak for themselves"),
    ],
)
def test_a_share_on_few_invoices_is_pulled_toward_the_book(share, n, rate):
    assert shrunken(np.array([share]), np.array([n]), 0.1, 10.0)[0] == pytest.approx(rate)


def test_a_long_tail_is_bent_without_losing_order_or_sign():
    values = np.array([-1e9, -5.0, 0.0, 5.0, 1e9])
    curve = bent(values, 5.0)

    assert (np.diff(curve) > 0).all()
    assert curve[2] == 0
    assert curve[3] == pytest.approx(np.log(2))
    assert (bent(values, None) == values).all()


def test_a_value_beyond_the_training_quantile_counts_as_the_quantile():
    term = {"low": -1.0, "high": 1.0, "bend": None, "center": 0.0, "scale": 2.0, "coefficient": 3.0,
            "missing_coefficient": 0.7, "missing_share": 0.1}  # fmt: skip

    assert contribution_of(term, np.array([0.5, 1.0, 1e308]))[1:] == pytest.approx([1.43, 1.43])
    assert contribution_of(term, np.array([np.nan])) == pytest.approx([0.63])


def test_a_feature_that_never_varies_or_is_never_known_has_no_term():
    outcome = np.tile([0.0, 0.0, 1.0], 100)
    matrix = np.column_stack([np.full(300, 4.0), np.full(300, np.nan), np.tile([1.0, 2.0, 3.0], 100)])
    inputs = [{"name": name, "kind": "number", "risk": "none"} for name in ("constant", "empty", "telling")]
    fit = fit_logistic_member(matrix, inputs, outcome, small().members.logistic, 1.0)

    assert [term["input"] for term in fit["terms"]] == ["telling"]


def test_the_rate_alone_is_a_line_that_never_falls():
    share = np.linspace(0.05, 0.6, 200)
    outcome = (np.random.default_rng(0).random(200) < 1 - share).astype(float)  # the more late invoices, the better: nonsense

    assert fit_rate_member(share, outcome)["slope"] == 0.0


def test_the_trees_are_text_without_parameters_counts_or_file_names():
    rows = invented()
    text = fit_formula(rows, FEATURES, small())["booster.txt"].decode()

    assert text.endswith("end of trees\n")
    for word in ("parameters", "num_threads", "feature_importances", "pandas"):
        assert word not in text


def test_trees_of_a_declared_direction_never_fall_along_it():
    import lightgbm

    random = np.random.default_rng(1)
    matrix = random.normal(size=(800, 2))
    outcome = (random.random(800) < expit(-matrix[:, 0] + matrix[:, 1])).astype(float)  # the first lies about its direction
    inputs = [{"name": name, "kind": "number", "risk": "rises"} for name in ("lies", "holds")]
    text = fit_trees(
        matrix, inputs, outcome, small().members.trees, size=small().members.trees.sizes[1], rows_per_customer=1.0, seed=1
    )
    grid = np.column_stack([np.linspace(-3, 3, 50), np.zeros(50)])
    booster = lightgbm.Booster(model_str=text.decode())

    assert (np.diff(booster.predict(grid, raw_score=True, num_threads=1)) >= 0).all()
    assert np.ptp(booster.predict(grid[:, ::-1], raw_score=True, num_threads=1)) > 0


def test_a_frame_that_holds_a_date_twice_is_refused():
    features = invented().features.slice(0, 3)
    doubled = features.take([0, 1, 1])

    with pytest.raises(ValueError, match="one date twice"):
        Rows.of(doubled, [0, 1, 1])


def test_fitting_names_the_feature_that_is_not_in_the_frame():
    with pytest.raises(ModelRefused, match="hold turnover exactly once"):
        fit_formula(invented(), [*FEATURES, Named("turnover")], small())
