"""Newcomers are answered by a hazard of their own where it knows something of them, and by whichever has foretold them better."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pytest

from modelling import small
from newcomers_book import hazard, lessons, newcomers, open_cases
from riskscore.hazard import Curves, Hazard, from_part
from riskscore.hazard.bins import EDGES
from riskscore.hazard.fit import fit_hazard
from riskscore.hazard.formula import with_newcomers_speaking
from riskscore.hazard.newcomers import FACTS
from riskscore.snapshot.calendar import day_number
from riskscore.training.gathering_invoices import catalogue_of
from riskscore.training.invoices import Foretold, foretell_from, goes_by_facts, newcomers_speak, together


def without_facts(cases):
    """The cases of a ledger that holds invoices and payments, and nothing else."""
    who = cases.who
    for name in FACTS & set(who.column_names):
        place = who.column_names.index(name)
        who = who.set_column(place, name, pa.nulls(who.num_rows, who.schema.field(name).type))
    return replace(cases, who=who)


def foretold(by_newcomers, by_history, *, day, facts=True):
    """All cases of newcomers, as if each hazard had said of them how likely they were late."""
    gathered, _, _ = lessons()
    places = np.flatnonzero(gathered.cases.newcomer & (gathered.cases.age < 0))
    age = gathered.cases.age[places]

    def curves(late):
        steps = np.where(EDGES < 0, 1.0, late[:, None])
        return Curves(age, steps, 0.1)

    outcome = np.nan_to_num(gathered.fates[gathered.until].late(0)[places], nan=0.5)
    said = {"right": 0.2 + 0.6 * outcome, "wrong": 0.8 - 0.6 * outcome, "even": np.full(len(places), 0.5)}
    return Foretold(day, places, curves(said[by_newcomers]), curves(said[by_history]), curves(said["even"]), facts)


def speak(parts, *, go_by_facts, day=None):
    gathered, _, _ = lessons()
    return newcomers_speak(gathered, parts, day or gathered.until, go_by_facts, small())


@pytest.mark.parametrize("go_by_facts", [True, False])
def test_who_has_foretold_them_better_answers(go_by_facts):
    gathered, _, _ = lessons()

    assert speak([foretold("right", "wrong", day=gathered.until)], go_by_facts=go_by_facts)
    assert not speak([foretold("wrong", "right", day=gathered.until)], go_by_facts=go_by_facts)


@pytest.mark.parametrize("go_by_facts", [True, False])
def test_where_nothing_is_shown_facts_decide(go_by_facts):
    gathered, _, _ = lessons()

    assert speak([], go_by_facts=go_by_facts) is go_by_facts
    assert speak([None], go_by_facts=go_by_facts) is go_by_facts
    assert speak([foretold("even", "even", day=gathered.until)], go_by_facts=go_by_facts) is go_by_facts


def test_what_came_of_them_counts_only_once_it_was_known():
    gathered, _, _ = lessons()
    early = min(gathered.fates)
    asked = [foretold("wrong", "right", day=gathered.until)]
    known = replace(gathered, fates={early: gathered.fates[early], gathered.until: gathered.fates[gathered.until]})
    nothing = replace(
        known,
        fates={early: replace(gathered.fates[early], watched=np.full(len(gathered.cases), -1e6)), gathered.until: None},
    )

    assert not newcomers_speak(known, asked, gathered.until, True, small())
    assert newcomers_speak(nothing, asked, early, True, small())


def test_early_payers_do_not_count_before_late_ones_of_their_age_are_known():
    gathered, _, _ = lessons()
    early = min(gathered.fates)
    asked = foretold("even", "even", day=gathered.until)
    due = gathered.cases.column("due")[asked.places]
    fresh = np.isin(np.arange(len(gathered.cases)), asked.places[due > day_number(early) - 1])
    then = gathered.fates[early]
    paid_at_once = replace(
        then, paid=np.where(fresh, -1.0, np.inf), watched=np.where(fresh, 0.0, -1e6), counts=np.ones_like(fresh)
    )
    timid = replace(asked.by_newcomers, survived=np.where(EDGES < 0, 1.0, np.full((len(asked.places), 1), 0.9)))
    hasty = replace(asked.by_history, survived=np.where(EDGES < 0, 1.0, np.full((len(asked.places), 1), 0.1)))

    assert fresh.sum() > 2 * small().hazard.newcomers.customers_with_event
    at_first = replace(gathered, fates={early: paid_at_once})
    assert newcomers_speak(at_first, [replace(asked, by_newcomers=timid, by_history=hasty)], early, True, small())


def test_a_book_that_knows_no_fact_of_its_customers_asks_the_hazard_of_customers_with_a_history():
    _, cases, fates = lessons()
    bare = Hazard(fit_hazard(without_facts(cases), fates, catalogue_of(), small()))

    assert goes_by_facts(hazard())
    assert not goes_by_facts(bare)
    assert {term["input"] for half in bare.newcomers.halves for term in half.logistic["terms"]}.isdisjoint(FACTS)


def test_a_country_that_all_share_is_no_fact():
    _, cases, fates = lessons()
    bare = without_facts(cases)
    place = bare.who.column_names.index("country")
    one = replace(bare, who=bare.who.set_column(place, "country", pa.array(["IN"] * bare.who.num_rows)))

    assert not goes_by_facts(Hazard(fit_hazard(one, fates, catalogue_of(), small())))


def test_the_bundle_keeps_who_answers():
    files = hazard().files
    silent = from_part(with_newcomers_speaking(files, False))
    old = {name: value for name, value in json.loads(files["formula.json"]).items() if name != "newcomers_speak"}
    asked = newcomers()

    assert silent is not None
    assert silent.curves(asked).survived == pytest.approx(hazard().by_history(asked).survived, abs=0)
    assert np.abs(silent.curves(asked).survived - hazard().curves(asked).survived).max() > 0.01
    others = open_cases().take(~open_cases().newcomer)
    assert silent.curves(others).survived == pytest.approx(hazard().curves(others).survived, abs=0)
    assert Hazard(files | {"formula.json": json.dumps(old).encode()}).newcomers_speak
    assert with_newcomers_speaking(files, True)["formula.json"] != with_newcomers_speaking(files, False)["formula.json"]


@lru_cache(maxsize=1)
def parts():
    gathered, _, _ = lessons()
    return [foretell_from(gathered, small(), refit) for refit in gathered.refits]


def test_each_half_year_is_answered_by_what_was_known_before_it():
    gathered, _, _ = lessons()
    first, second = parts()
    assert first is not None
    assert second is not None
    failed = replace(first, by_newcomers=replace(first.by_newcomers, survived=np.full_like(first.by_newcomers.survived, 0.999)))
    forecast = together(gathered, [failed, second], small())
    spoke = newcomers_speak(gathered, [failed], second.refit - timedelta(days=1), True, small())
    told = np.concatenate([failed.by_newcomers.late(0), (second.by_newcomers if spoke else second.by_history).late(0)])

    order = np.argsort(np.concatenate([first.places, second.places]), kind="stable")
    assert forecast.curves.late(0) == pytest.approx(told[order], abs=0)
