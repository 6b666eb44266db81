"""Grades that are kept: worse at once, better only when it is clear; never better than the probability says."""

import itertools
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from databases import postgresql
from deciding import GOOD, GRADES, ON, PROVENANCE, RECEIVABLES, LinearModel, features_of, policy, positions_of, shipped
from riskscore.decisions import GradeBefore, from_record, grade_before
from riskscore.grades import IN_DEFAULT
from riskscore.policy.recommendation import credit_days
from riskscore.scoring import decide_rows, replay
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database
from riskscore_pipelines.explaining import explanation_of

probabilities = st.floats(0, 1, allow_nan=False)
befores = st.none() | st.integers(1, 10)
margins = st.floats(0, 0.9, allow_nan=False)
MADE = replace(PROVENANCE, before="a" * 64)
"""Made with a run before."""


def decided(before=None, made=PROVENANCE, params=None, **values):
    (found,) = decide_rows(
        features_of("acme", **{**GOOD, **values}), positions_of("acme"), LinearModel(), GRADES, params or shipped(),
        receivables=RECEIVABLES, provenance=made, before={} if before is None else {"acme": before},
    )  # fmt: skip
    return found


class TestTheScale:
    @pytest.mark.parametrize(
        ("pd", "before", "grade"),
        [
            pytest.param(0.039, 5, 5, id="within the grade it had"),
            pytest.param(0.041, 5, 6, id="worse at once"),
            pytest.param(0.039, 6, 6, id="better, but not clearly: 4 % less a fifth is 3.2 %"),
            pytest.param(0.032, 6, 5, id="clearly better"),
            pytest.param(0.017, 6, 5, id="clearly better by one, not clearly by two"),
            pytest.param(0.015, 6, 4, id="clearly better by two"),
            pytest.param(0.039, None, 5, id="nothing is known of before"),
            pytest.param(0.039, IN_DEFAULT, 6, id="after a default the better grade must be clear too"),
        ],
    )
    def test_a_better_grade_needs_a_probability_clearly_below_its_bound(self, pd, before, grade):
        assert GRADES.kept(pd, before, 0.2) == grade

    @given(probabilities, befores, margins)
    def test_it_is_never_better_than_the_probability_says(self, pd, before, margin):
        assert GRADES.kept(pd, before, margin) >= GRADES.grade(pd)
        assert GRADES.kept(pd, before, 0.0) == GRADES.grade(pd)

    @given(probabilities, probabilities, befores, margins)
    def test_a_worse_probability_never_has_a_better_one(self, one, other, before, margin):
        low, high = sorted((one, other))

        assert GRADES.kept(low, before, margin) <= GRADES.kept(high, before, margin)

    @given(probabilities, st.integers(1, 10), st.integers(1, 10), margins)
    def test_a_worse_grade_before_never_leads_to_a_better_one(self, pd, one, other, margin):
        low, high = sorted((one, other))

        assert GRADES.kept(pd, low, margin) <= GRADES.kept(pd, high, margin)

    @given(st.lists(st.floats(0.0321, 0.0479), min_size=2, max_size=40))
    def test_a_probability_that_moves_about_a_bound_changes_it_once(self, months):
        grades = [5]
        for pd in months:
            grades.append(GRADES.kept(pd, grades[-1], 0.2))

        assert sum(one != other for one, other in itertools.pairwise(grades)) <= 1

    def test_a_scale_that_holds_worse_grades_back_too_would_be_seen(self):
        # The planted fault: a band on both sides keeps a good grade that the probability no longer has.
        def both_sides(pd, before):
            return before if abs(GRADES.grade(pd) - before) == 1 and 0.032 < pd < 0.048 else GRADES.grade(pd)

        assert both_sides(0.041, 5) < GRADES.grade(0.041)


class TestDecisions:
    def test_the_grade_before_is_an_input_in_the_record_and_replays_to_the_same_bytes(self):
        kept = decided(GradeBefore(9, 9), MADE)
        again = from_record(json.loads(kept.to_bytes()), MADE)

        assert kept.before == GradeBefore(9, 9, says=decided().grade)
        assert again.to_bytes() == kept.to_bytes()
        assert replay(again, LinearModel(), GRADES, shipped()).to_bytes() == kept.to_bytes()

    def test_a_record_that_lost_the_grade_before_does_not_replay_to_the_same(self):
        # The planted fault.
        close = decided(GradeBefore(6, 6), MADE)
        assert close.before.says < close.grade

        lost = replay(replace(close, before=None), LinearModel(), GRADES, shipped())

        assert lost.to_bytes() != close.to_bytes()

    def test_without_a_run_before_records_and_run_ids_are_what_they_were(self):
        assert "before" not in decided().record
        assert "before" not in PROVENANCE.manifest
        assert replace(PROVENANCE, before="a" * 64).run_id != PROVENANCE.run_id

    def test_without_the_number_in_force_nothing_is_kept(self):
        off = policy(grade_upgrade_margin=None)

        assert decided(GradeBefore(9, 9), MADE, off).grade == decided(params=off).grade

    @pytest.mark.parametrize("days", [0.0, 4.0, 8.0, 12.0, 20.0, 40.0])
    @pytest.mark.parametrize("before", [(1, 1), (3, 4), (5, 6), (8, 9), (10, 10)])
    def test_it_only_tightens_and_the_cautious_limit_stays_below_the_hopeful_one(self, days, before):
        plain = decided(days_beyond_terms_90d=days)
        kept = decided(GradeBefore(*before), MADE, days_beyond_terms_90d=days)

        assert kept.recommendation.limit <= plain.recommendation.limit
        assert credit_days(kept.recommendation.terms) <= credit_days(plain.recommendation.terms)
        assert kept.case.grade <= kept.case.grade_high
        assert kept.recommendation.conservative <= kept.recommendation.aggressive
        assert kept.pd == plain.pd, "the probability itself is what it is"

    @pytest.mark.parametrize("before", [(1, 1), (5, 6), (8, 9)])
    def test_paying_later_never_has_more_whatever_the_grade_before(self, before):
        limits = [
            decided(GradeBefore(*before), MADE, days_beyond_terms_90d=days).recommendation.limit for days in range(0, 60, 5)
        ]

        assert limits == sorted(limits, reverse=True)

    def test_it_is_told_that_a_grade_is_kept(self):
        close = decided(GradeBefore(6, 6), MADE)

        assert any("is kept from before" in note for note in explanation_of(close, None, "en").notes)
        assert any("保持原等级" in note for note in explanation_of(close, None, "zh").notes)


@pytest.fixture
def sqlite(tmp_path: Path):
    opened = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield opened
    opened.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request):
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite")
        return
    with postgresql() as address:
        opened = open_database(address)
        yield opened
        opened.dispose()


def run(engine: sa.Engine, on: date, *, complete: bool = True, **made):
    """A recorded run at that date; its id and its decision."""
    provenance = replace(PROVENANCE, as_of=on, **made)
    standing = positions_of("acme", as_of=on)
    (decision,) = decide_rows(
        features_of("acme", **GOOD), standing, LinearModel() if provenance.model else None, GRADES, shipped(),
        receivables=RECEIVABLES, provenance=provenance,
    )  # fmt: skip
    log.append(engine, [decision])
    if complete:
        log.complete(engine, provenance, 1)
    return provenance.run_id, decision


class TestTheRunBefore:
    def test_it_is_the_last_complete_one_before_the_day_with_these_bounds(self, engine):
        run(engine, ON - timedelta(days=90))
        wanted, decision = run(engine, ON - timedelta(days=60))
        run(engine, ON - timedelta(days=50), complete=False)
        run(engine, ON - timedelta(days=40), grades="9" * 64)
        run(engine, ON - timedelta(days=30), doubt="model_unavailable", model=None)
        run(engine, ON - timedelta(days=20), model=None, recipe=None)
        run(engine, ON)
        found = log.grades_before(engine, ON, GRADES.digest)

        assert found == log.Before(wanted, {"acme": grade_before(decision)})

    def test_one_older_than_a_year_holds_nothing_back(self, sqlite):
        run(sqlite, ON - timedelta(days=400))

        assert log.grades_before(sqlite, ON, GRADES.digest) is None
