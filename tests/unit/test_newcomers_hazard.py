"""The hazard of newcomers: known by accounts, rating and terms, used until the first payment, and no judge of its own teachers."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelling import small
from newcomers_book import WORLD, hazard, ledger, lessons, newcomers, open_cases
from riskscore.errors import ModelRefused
from riskscore.hazard import from_part, take_cases
from riskscore.hazard.bins import EDGES
from riskscore.hazard.fit_newcomers import evenly_by_customer, fit_newcomers
from riskscore.hazard.inputs import fit_habits
from riskscore.hazard.newcomers import BOOSTERS, HALVES, Half, Known, Newcomers, blind, facts_of, halves_of
from riskscore.hazard.watched import Watched
from riskscore.snapshot import customers_known_at
from simulated import world_of


def with_facts(cases, **facts):
    """The cases, if every customer had these facts."""
    who = cases.who
    for name, value in facts.items():
        who = who.set_column(who.column_names.index(name), name, pa.array(np.full(who.num_rows, float(value))))
    return replace(cases, who=who)


def late(cases, k=0):
    return hazard().curves(cases).late(k)


def test_there_are_newcomers_and_others_on_the_day():
    assert len(newcomers()) >= 3
    assert 0 < open_cases().newcomer.mean() < 0.5
    assert all(half.booster is not None for half in hazard().newcomers.halves)


def test_better_ratios_and_a_better_rating_make_a_newcomer_be_expected_earlier():
    sound = {"debt_ratio": 0.2, "debt_ratio_two_years": 0.2, "current_ratio": 4, "current_ratio_two_years": 4, "rating_notch": 2}
    weak = {
        "debt_ratio": 1.1,
        "debt_ratio_two_years": 1.1,
        "current_ratio": 0.3,
        "current_ratio_two_years": 0.3,
        "rating_notch": 18,
    }

    assert (late(with_facts(newcomers(), **sound)) < late(with_facts(newcomers(), **weak)) - 0.01).all()


@pytest.mark.parametrize(
    "name", ["debt_ratio", "operating_margin", "rating_notch", "return_on_assets_two_years", "debt_ratio_two_years", "altman_z2"]
)
def test_no_fact_contradicts_its_direction_for_being_late_at_all(name):
    known = Known.of(small().cold.features)
    values = np.array([-1.0, 0.1, 0.3, 0.8, 1.5, 6, 15])
    told = np.column_stack([late(with_facts(newcomers(), **{name: value})) for value in values])
    direction = {"rises": 1, "falls": -1}[dict(zip(known.names, known.directions, strict=True))[name]]

    assert (direction * np.diff(told, axis=1) >= -1e-12).all()


def test_it_speaks_only_while_nothing_has_been_settled():
    cases = open_cases()
    new = cases.newcomer
    paid_one = replace(cases, ended=np.maximum(cases.ended, 1))
    before, after = hazard().curves(cases).survived, hazard().curves(paid_one).survived

    assert (before[~new] == after[~new]).all()
    assert (before[new] != after[new]).any(axis=1).all()
    assert (before[new] == hazard().newcomers.survived(cases.take(new))).all()


def test_an_overdue_invoice_is_a_record_though_nothing_was_settled():
    """Of two customers that have settled nothing, the one that owes what is past due is judged by what it shows."""
    cases = open_cases()
    new = cases.newcomer
    exposed = cases.exposed_in.copy()
    exposed[:, EDGES == 30] += 1
    owing = replace(cases, exposed_in=exposed)
    fresh = replace(cases, ended=np.zeros_like(cases.ended), exposed_in=np.where(EDGES <= 0, 3.0, np.zeros_like(exposed)))

    assert new.any()
    assert not owing.newcomer.any()
    assert fresh.newcomer.all(), "what is open and not due yet shows nothing"
    known = replace(owing, ended=np.maximum(cases.ended, 1))
    assert (hazard().curves(owing).survived == hazard().curves(known).survived).all(), "by the hazard of those with a record"


def test_it_is_blind_to_what_customers_paid():
    cases = open_cases()

    assert (hazard().newcomers.survived(cases) == hazard().newcomers.survived(blind(cases))).all()
    never = ledger().frames | {"settlements": ledger().frames["settlements"].filter(nw.col("amount") < 0)}
    day = world_of(**WORLD).end_on - timedelta(days=150)
    unpaid = take_cases(replace(ledger(), frames=never), customers_known_at(ledger(), day))
    known, levels = hazard().newcomers.known, hazard().newcomers.halves[0].levels
    assert (unpaid.ended == 0).all()
    assert np.array_equal(facts_of(cases.who, known, levels), facts_of(unpaid.who, known, levels), equal_nan=True)


def test_what_the_other_hazard_reads_of_a_customer_knows_nothing_of_its_fate():
    """Flip the fates of one half: its own standing is told by the other half, and stays."""
    _, cases, fates = lessons()
    halves = halves_of(cases.who["customer_id"].to_pylist())
    mine = (halves == 0)[cases.observation]
    flipped = Watched(np.where(mine, np.where(fates.paid > 0, -8.0, 40.0), fates.paid), fates.watched)
    habits = fit_habits(cases)
    told, again = (fit_newcomers(cases, each, habits, small()) for each in (fates, flipped))

    assert (told.standing[halves == 0] == again.standing[halves == 0]).all()
    assert np.abs(told.standing[halves == 1] - again.standing[halves == 1]).max() > 0.05
    # The planted fault: told by its own half, a customer's standing would move with its fate.
    known = Known.of(small().cold.features)
    by_own = [
        Half(each.formula["halves"][0], each.files[BOOSTERS[0]], known).standing(
            facts_of(cases.who.filter(pa.array(halves == 0)), known, each.formula["halves"][0]["levels"])
        )
        for each in (told, again)
    ]
    assert np.abs(by_own[0] - by_own[1]).max() > 0.05


def test_with_too_few_customers_the_mean_of_the_book_speaks():
    _, cases, fates = lessons()
    terms = small().hazard.newcomers.model_copy(update={"customers_with_event": 10**5})
    recipe = small().model_copy(update={"hazard": small().hazard.model_copy(update={"newcomers": terms})})
    habits = fit_habits(cases)
    fitted = fit_newcomers(cases, fates, habits, recipe)

    assert set(fitted.files.values()) == {b""}
    assert fitted.formula["late_at_all"] is None
    mean = Newcomers(fitted.formula, habits, list(fitted.files.values())).survived(newcomers())
    assert (np.diff(mean, axis=1) <= 0).all()
    assert mean.min() > 0
    assert (fitted.standing == 0).all()
    for half in fitted.formula["halves"]:
        assert 1 / (1 + np.exp(-np.array(half["logistic"]["bins"]))) == pytest.approx(habits["mean"], abs=1e-3)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=120), st.integers(1, 130))
def test_of_every_customer_about_as_many_are_learned_from(customers, most):
    customers = np.sort(np.array(customers))
    chosen = evenly_by_customer(customers, most)
    taken, there = Counter(customers[chosen].tolist()), Counter(customers.tolist())

    assert chosen.sum() == min(most, len(customers))
    fullest = max(taken.values())
    assert all(taken[who] >= min(fullest - 1, there[who]) for who in there)


def test_a_half_that_answers_otherwise_than_when_it_was_made_is_refused():
    files = dict(hazard().files)
    assert from_part(files) is not None
    for half in HALVES:
        with pytest.raises(ModelRefused, match="exactly the files"):
            from_part({name: content for name, content in files.items() if name != BOOSTERS[half]})
        stored = json.loads(files["formula.json"])
        stored["newcomers"]["halves"][half]["weights"]["trees"] = 0.4
        with pytest.raises(ModelRefused, match="self-test"):
            from_part(files | {"formula.json": json.dumps(stored).encode()})
