"""Drift of a run against training: silent where nothing moved, loud where something did, from the rows a model keeps."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from modelling import fitted, invented
from riskscore.phrases import word
from riskscore.phrases.terms import COMMA
from riskscore.promotion.drift import N_FEATURES, UNSEEN_SHARE, DriftWatch, Trained, drift_of, drift_over, trained_of
from riskscore.scoring import decide_rows
from riskscore_pipelines.drifting import plain_drift, told_drift

KEPT = 256
"""Rows that a bundle keeps."""

NAMES = tuple(f"number {each}" for each in range(N_FEATURES))
GAPS = (0.0, 0.02, 0.1, 0.3, 0.95)
"""Shares of the values that are not known, a feature each."""


def population(random, n, *, shift=0.0, of=None, gaps=GAPS):
    """Scores and five numbers of n customers: smooth, heavy-tailed, counts and shares with many ties. shift: in deviations."""
    pd = expit(-2 + random.normal(shift if of in (None, "score") else 0.0, 1, n))
    plain = random.normal(shift if of == "numbers" else 0.0, 1, (len(NAMES), n))
    plain[1] = np.exp(plain[1])
    plain[2] = np.floor(np.abs(plain[2]) * 2)
    plain[3] = np.clip(plain[3], 0, None)
    for row, gap in zip(plain, gaps, strict=True):
        row[random.random(n) < gap] = np.nan
    return pd, dict(zip(NAMES, plain, strict=True))


def drift(random, n, **moved):
    pd, numbers = population(random, KEPT)
    now, numbers_now = population(random, n, **moved)
    return drift_of(Trained(pd, numbers, frozenset({"country"})), now, numbers_now, int(random.binomial(n, UNSEEN_SHARE)))


@pytest.mark.parametrize("n", [150, 5000])
def test_where_nothing_moved_fewer_than_one_run_in_a_hundred_says_so(n):
    random = np.random.default_rng(n)
    alarms = sum(bool(drift(random, n).shifted) for _ in range(500))

    assert alarms <= 5


def test_a_score_that_moved_by_half_a_deviation_is_found_in_a_book_of_five_thousand():
    random = np.random.default_rng(1)
    found = sum("score" in drift(random, 5000, shift=0.5, of="score").shifted for _ in range(500))

    assert found >= 475


def test_features_that_moved_are_named_and_the_score_is_not():
    found = drift(np.random.default_rng(2), 5000, shift=1.0, of="numbers").shifted

    assert "score" not in found
    assert {NAMES[0], NAMES[1], NAMES[3]} <= set(found)


def test_a_number_that_is_no_longer_delivered_is_found_whatever_it_was():
    gone = drift(np.random.default_rng(3), 1000, gaps=(1.0, 0.02, 0.1, 0.3, 0.0)).shifted

    assert gone == (NAMES[0], NAMES[4])


def test_more_unseen_categories_than_chance_brings_are_found():
    random = np.random.default_rng(4)
    pd, numbers = population(random, KEPT)
    now, numbers_now = population(random, 1000)
    trained = Trained(pd, numbers, frozenset())
    most = drift_of(trained, now, numbers_now, 0).most_unseen

    assert 20 < most < 40
    assert drift_of(trained, now, numbers_now, most).shifted == ()
    assert drift_of(trained, now, numbers_now, most + 1).shifted == ("unseen",)


def test_nobody_to_look_at_is_no_drift():
    pd, numbers = population(np.random.default_rng(5), KEPT)
    found = drift_of(Trained(pd, numbers, frozenset()), np.empty(0), {}, 0)

    assert found.shifted == ()
    assert np.isnan(found.pd_now)


def test_a_models_own_rows_are_no_drift_and_the_numbers_that_move_it_most_are_looked_at():
    model = fitted()
    trained = trained_of(model)
    same = drift_of(trained, trained.pd, trained.numbers, 0)

    assert len(trained.pd) > 150
    assert trained.categories == {"industry"}
    assert set(trained.numbers) <= set(model.feature_names) - {"industry"}
    assert {"worse_0", "worse_1"} <= set(trained.numbers)
    assert (same.score.psi, same.shifted) == (0.0, ())
    newest = invented().features.slice(0, 900)
    assert drift_of(trained, model.probability(model.explain(newest).log_odds).pd, {}, 0).score.psi < 0.1


def test_a_run_is_looked_at_customer_by_customer_and_newcomers_are_left_out():
    model = LinearModel(seen_to=500.0)
    names = [f"c{each}" for each in range(40)]
    made = {"receivables": RECEIVABLES, "provenance": PROVENANCE}
    old, new = (
        decide_rows(features_of(*names, **GOOD), positions_of(*names, n_paid_invoices=n), model, GRADES, shipped(), **made)
        for n in (40, 0)
    )
    strange = [replace(each, unfamiliar=("industry", "overdue_share")) for each in old[:7]]
    watch = DriftWatch(trained_of(model))
    for decision in [*strange, *old[7:], *new]:
        watch.add(decision)

    assert (watch.drift.n_customers, watch.drift.n_unseen) == (40, 7)
    assert watch.drift.shifted == ("unseen",)
    assert drift_over(model, old).shifted == ()


@pytest.mark.parametrize(
    ("lang", "nothing", "something"), [("en", "Drift: none", "otherwise than in training"), ("zh", "一致", "不同")]
)
def test_drift_is_told_in_both_languages_with_the_names_of_what_shifted(lang, nothing, something):
    random = np.random.default_rng(6)
    pd, numbers = population(random, KEPT)
    trained = Trained(pd, numbers, frozenset())
    now, numbers_now = population(random, 2000, shift=1.0)
    shifted = drift_of(trained, now, numbers_now, 500)

    assert nothing in told_drift(drift_of(trained, pd, numbers, 0), lang)
    said = told_drift(shifted, lang)
    assert something in said
    assert f"{word('drift_score', lang)}{COMMA[lang]}" in said
    assert word("drift_unseen", lang) in said
    assert plain_drift(shifted)["shifted"] == list(shifted.shifted)
    assert json.dumps(plain_drift(drift_of(trained, np.empty(0), {}, 0)), allow_nan=False)
