"""The model of newcomers: learned from everybody, blind to payments, honest where there is little, and reconciled in the whole."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelling import Named, fitted, invented, small
from riskscore.model.cold import N_CROSS_FOLDS, crossed_log_odds, fit_cold, fit_standalone, lessons_for_newcomers, prior_log_odds
from riskscore.model.formula import Formula, passed_on
from riskscore.model.rows import Rows
from riskscore.model.value import read_columns

ACCOUNTS = (Named("current_ratio", risk="falls"), Named("debt_ratio", risk="rises"), Named("industry", kind="category"))
finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def with_accounts(rows, *, known=True):
    """The invented rows with two ratios that tell of the outcome, or accounts of which nothing is known."""
    noise = np.random.default_rng(5).normal(size=(2, len(rows)))
    frame = rows.features
    for place, (name, slope) in enumerate((("current_ratio", -1.5), ("debt_ratio", 1.5))):
        values = slope * rows.outcome + noise[place]
        frame = frame.append_column(name, pa.array(values if known else [None] * len(rows), pa.float64()))
    return Rows(frame, rows.outcome)


def says(files, rows):
    formula = Formula(files)
    return formula.log_odds(formula.matrix(read_columns(rows.features, ACCOUNTS)))


@given(arrays(float, (3, 4), elements=finite), arrays(float, 3, elements=finite))
def test_what_is_passed_on_is_all_there_was(parts, total):
    given_out = passed_on(total, parts)

    assert np.allclose(given_out.sum(axis=1), total, rtol=1e-12, atol=1e-6)


def test_a_part_that_lowered_the_risk_still_lowers_it():
    assert passed_on(np.array([0.5]), np.array([[1.5, -0.5]])).tolist() == [[0.75, -0.25]]


def test_what_no_part_pulled_toward_is_shared_by_their_sizes():
    against = passed_on(np.array([-0.3]), np.array([[0.2, 0.1]]))
    nothing = passed_on(np.array([0.4]), np.zeros((1, 2)))

    assert against == pytest.approx(np.array([[-0.2, -0.1]]))
    assert nothing == pytest.approx(np.array([[0.2, 0.2]]))


def test_it_reads_no_payment():
    assert set(fitted().newcomer.feature_names) == {"industry"}
    assert set(fitted().newcomer.feature_names) < set(fitted().feature_names)


def test_its_contributions_reconcile_from_a_request_that_knows_nothing_else():
    request = pa.table({"industry": pa.array(["steel", None, "never seen"], pa.string())})
    explanation = fitted().newcomer.explain(request)

    assert np.abs(explanation.base + explanation.contributions.sum(axis=1) - explanation.log_odds).max() <= 1e-9
    assert explanation.log_odds[0] > explanation.log_odds[1]
    assert explanation.log_odds[1] == explanation.log_odds[2]


def test_accounts_tell_newcomers_apart():
    rows = with_accounts(invented())
    said = says(fit_standalone(rows, ACCOUNTS, small().cold, 1), rows)

    assert said[rows.outcome == 1].mean() > said[rows.outcome == 0].mean() + 1


def test_a_book_without_accounts_still_has_a_model_of_newcomers():
    rows = with_accounts(invented(), known=False)
    said = says(fit_standalone(rows, ACCOUNTS, small().cold, 1), rows)

    assert np.isfinite(said).all()
    assert len(np.unique(said)) <= 4  # by industry, of which there are three, or none known


def test_too_few_late_payers_leave_the_prior_of_customers():
    rows = with_accounts(invented())
    few = np.where(np.cumsum(rows.outcome) <= 4, rows.outcome, 0.0)
    quiet = Rows(rows.features, few)
    said = says(fit_standalone(quiet, ACCOUNTS, small().cold, 1), quiet)
    late = np.sum(few * quiet.customer_weight)

    assert (said == prior_log_odds(quiet)).all()
    assert said[0] == pytest.approx(np.log((late + 0.5) / (quiet.n_customers - late + 0.5)))


def test_nobody_late_gives_no_infinite_odds():
    rows = invented()

    assert -10 < prior_log_odds(Rows(rows.features, np.zeros(len(rows)))) < -4


def test_a_training_row_is_told_by_a_model_that_never_saw_its_customer():
    rows = with_accounts(invented())
    recipe = small().model_copy(update={"cold": small().cold.model_copy(update={"features": ["current_ratio", "debt_ratio"]})})
    fold = rows.folds_of_customers(N_CROSS_FOLDS) == 0
    turned = Rows(rows.features, np.where(fold, 1 - rows.outcome, rows.outcome))

    def crossed(learned):
        return crossed_log_odds(learned, None, ACCOUNTS, recipe, Formula(fit_cold(learned, None, ACCOUNTS, recipe)))

    assert (crossed(turned)[fold] == crossed(rows)[fold]).all()
    assert (crossed(turned)[~fold] != crossed(rows)[~fold]).all()


def test_newcomers_are_all_learned_from_and_others_every_third_month():
    rows = invented()
    first = pc.equal(rows.features["as_of"], pc.min(rows.features["as_of"])).to_numpy()
    everyone = lessons_for_newcomers(rows.take(~first), rows.take(first), 3)

    kept = np.unique(everyone.days)
    assert kept.tolist() == [np.unique(rows.days)[0], np.unique(rows.days)[2], np.unique(rows.days)[5]]
    assert (everyone.days == rows.days.min()).sum() == first.sum()
