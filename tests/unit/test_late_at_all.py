"""Is a newcomer's first invoice late at all: asked directly, followed by the curve, and level with the newest weeks."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit

from modelling import small
from newcomers_book import hazard, lessons, newcomers
from riskscore.hazard import Hazard
from riskscore.hazard.bins import EDGES, N_BINS
from riskscore.hazard.fit_late_at_all import fit_late_at_all, late_at_all
from riskscore.hazard.late_at_all import AT_DUE, LateAtAll, asked_of, not_paid_yet, paid_late_with
from riskscore.hazard.lately import Lately, late_lately
from riskscore.hazard.watched import Lessons, Watched

TERMS = small().hazard.newcomers.late_at_all
ALONE = TERMS.model_copy(update={"weight": 1})

curves = st.lists(st.floats(0.01, 0.6), min_size=N_BINS, max_size=N_BINS).map(
    lambda each: np.cumprod(1 - np.array(each))[None, :]
)
chances = st.floats(0.001, 0.999)


@given(curves, chances)
def test_the_curve_is_as_late_as_it_is_told_and_falls(survived, late):
    told = paid_late_with(survived, np.array([late]))

    assert told[0, AT_DUE] == pytest.approx(late)
    assert (np.diff(told, axis=1) <= 1e-12).all()
    assert ((told > 0) & (told <= 1)).all()


@given(curves, chances)
def test_when_it_is_paid_stays_as_the_hazard_says_it_both_in_time_and_late(survived, late):
    told = paid_late_with(survived, np.array([late]))
    in_time, too_late = EDGES <= 0, EDGES >= 0

    assert (1 - told[0, in_time]) / (1 - late) == pytest.approx((1 - survived[0, in_time]) / (1 - survived[0, AT_DUE]))
    assert told[0, too_late] / late == pytest.approx(survived[0, too_late] / survived[0, AT_DUE])


def test_late_at_all_is_known_once_the_due_date_is_over_or_the_money_there():
    fates = Watched(np.array([-3.0, 0.0, 1.0, np.inf, np.inf, 5.0]), np.array([10.0, 10.0, 10.0, 4.0, -2.0, 2.0]))

    assert np.array_equal(late_at_all(fates), [0, 0, 1, 1, np.nan, 1], equal_nan=True)


def test_the_level_counts_what_fell_due_in_the_weeks_before_and_not_on_the_day():
    due, late = np.array([0.0, 10.0, 20.0, 30.0]), np.array([0.0, 1.0, 1.0, 0.0])
    told = late_lately(due, late, np.array([0.0, 21.0, 30.0, 31.0]), 20)

    assert told.n.tolist() == [0, 2, 2, 2]
    assert told.n_late.tolist() == [0, 2, 2, 1]
    assert told.log_odds(0.5) == pytest.approx(logit([(0 + 10) / 20, (2 + 10) / 22, (2 + 10) / 22, (1 + 10) / 22]))


def test_it_says_in_the_mean_what_came_of_the_invoices_it_learned_from():
    _, cases, fates = lessons()
    read = LateAtAll(fit_late_at_all(Lessons(cases, fates), ALONE, 1) | {"level": 0.0})
    known = cases.invoices["new"].to_numpy(zero_copy_only=False) & (cases.age <= 0) & ~np.isnan(late_at_all(fates))
    late, asked = late_at_all(fates)[known], cases.take(known)
    lately = late_lately(asked.column("due"), late, asked.column("as_of"), TERMS.level_days)
    level = float(TERMS.level_share) * lately.log_odds(late.mean())
    chance = 1 / (1 + np.exp(-(read.log_odds(asked) + level)))
    weak = asked_of(asked).numbers[:, 0] >= np.nanmedian(asked_of(asked).numbers[:, 0])

    assert chance.mean() == pytest.approx(late.mean(), abs=1e-6)
    assert chance[weak].mean() == pytest.approx(late[weak].mean(), abs=0.03)
    assert late[weak].mean() > late[~weak].mean() + 0.05, "what is read does tell something"


def test_the_answer_follows_the_newest_weeks_part_of_the_way():
    _, cases, fates = lessons()
    last = (cases.column("due") + fates.watched).max()
    newest = cases.column("due") > last - TERMS.level_days
    worse = Watched(np.where(newest, np.inf, fates.paid), fates.watched)
    now, then = (fit_late_at_all(Lessons(cases, each), ALONE, 1) for each in (worse, fates))

    assert now["level"] > then["level"] + 0.5
    unmoved = TERMS.model_copy(update={"level_share": 0})
    assert fit_late_at_all(Lessons(cases, worse), unmoved, 1)["level"] == 0


def test_an_answer_of_a_later_day_follows_the_book_of_that_day():
    hardly, mostly = Lately(1000.0, 50.0), Lately(1000.0, 950.0)
    told = [hazard().newcomers.survived(newcomers(), each)[:, AT_DUE] for each in (hardly, None, mostly)]

    assert (told[0] < told[1]).all()
    assert (told[1] < told[2]).all()
    each = Lately(np.full(len(newcomers()), 1000.0), np.full(len(newcomers()), 950.0))
    assert hazard().newcomers.survived(newcomers(), each)[:, AT_DUE] == pytest.approx(told[2], abs=0)


def test_a_model_of_before_the_level_was_told_answers_as_it_did():
    files = dict(hazard().files)
    stored = json.loads(files["formula.json"])
    assert stored["newcomers"]["late_at_all"].pop("follows")["days"] == hazard().follows_days == TERMS.level_days
    old = Hazard(files | {"formula.json": json.dumps(stored).encode()})

    assert old.follows_days is None
    assert old.curves(newcomers(), Lately(1000.0, 950.0)).survived == pytest.approx(hazard().curves(newcomers()).survived, abs=0)


def test_too_few_customers_of_a_kind_teach_nothing():
    _, cases, fates = lessons()

    assert fit_late_at_all(Lessons(cases, fates), TERMS, 1) is not None
    assert fit_late_at_all(Lessons(cases, fates), TERMS, 10**4) is None
    assert fit_late_at_all(Lessons(cases, Watched(np.full(len(cases), -9.0), fates.watched)), TERMS, 1) is None


def at_age(cases, age):
    as_of = pa.array((cases.column("due") + age).astype(int), cases.invoices["as_of"].type)
    return replace(cases, invoices=cases.invoices.set_column(cases.invoices.column_names.index("as_of"), "as_of", as_of))


def test_the_curve_of_a_newcomer_holds_the_answer():
    files = dict(hazard().files)
    told = hazard().newcomers.survived(newcomers())[:, AT_DUE]
    stored = json.loads(files["formula.json"])
    stored["newcomers"]["late_at_all"]["intercept"] += 1.0
    weight = stored["newcomers"]["late_at_all"]["weight"]
    moved = Hazard(files | {"formula.json": json.dumps(stored).encode()}).newcomers.survived(newcomers())[:, AT_DUE]

    assert logit(moved) - logit(told) == pytest.approx(weight)


def test_an_invoice_that_has_been_open_for_long_is_likelier_late_and_a_fresh_one_as_it_was_at_issue():
    mean = np.asarray(hazard().habits["mean"])
    long = newcomers().take(newcomers().column("terms") >= 30)
    told = np.column_stack([not_paid_yet(at_age(long, age), mean) for age in (-30, -13, -5, -1)])

    assert (np.diff(told, axis=1) > 0).all()
    assert not_paid_yet(at_age(long, long.column("issued_on") - long.column("due")), mean) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_book_where_nobody_or_everybody_pays_before_the_due_date_leaves_an_answer(chance):
    mean = np.where(EDGES <= 0, chance, 0.2)

    assert np.isfinite(not_paid_yet(newcomers(), mean)).all()


def test_after_the_due_date_the_hazard_alone_speaks():
    files = dict(hazard().files)
    stored = json.loads(files["formula.json"])
    stored["newcomers"]["late_at_all"] = None
    alone = Hazard(files | {"formula.json": json.dumps(stored).encode()}).newcomers
    overdue, open_ = at_age(newcomers(), 3), newcomers()

    assert (hazard().newcomers.survived(overdue) == alone.survived(overdue)).all()
    assert (hazard().newcomers.survived(open_) != alone.survived(open_)).any(axis=1).all()
