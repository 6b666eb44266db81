"""What is told of one decision: the steps of the score add up, the caps are in order, small factors stand together."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.decisions import from_record
from riskscore.phrases.sentences import word
from riskscore.scoring import decide_rows, not_scored
from riskscore_pipelines.explaining import explanation_of


def told(lang="en", model=None, values=None, name="Acme GmbH", **facts):
    decision = decide_rows(
        features_of("acme", **{**GOOD, "days_beyond_terms_90d": 40.0, **(values or {})}), positions_of("acme", **facts),
        model or LinearModel(), GRADES, shipped(), receivables=RECEIVABLES, provenance=PROVENANCE,
    )[0]  # fmt: skip
    return decision, explanation_of(decision, name, lang)


@pytest.mark.parametrize("facts", [{}, {"in_default": True}], ids=["scored", "in-default"])
@pytest.mark.parametrize("base", [-12.0, -3.0, 4.0], ids=["beyond-the-best", "usual", "beyond-the-worst"])
def test_steps_of_the_score_join_and_end_at_the_score(base, facts):
    decision, explanation = told(model=LinearModel(base=base), **facts)
    steps = explanation.steps

    assert all(one.end == pytest.approx(other.start, abs=0.5) for one, other in pairwise(steps))
    assert round(steps[-1].end) == decision.score == int(steps[-1].level)


def test_factors_below_four_points_and_the_calendar_stand_together():
    decision, explanation = told()
    named = [step for step in explanation.steps if step.code]

    assert decision.reasons.by_code["P07"] * 57.7 > 4

    assert [step.code for step in named] == ["P01", "F01"]
    assert all(abs(step.end - step.start) >= 4 for step in named)


def test_caps_are_told_from_the_smallest_and_the_binding_one_is_marked():
    decision, explanation = told()

    assert [cap.binds for cap in explanation.caps].index(True) == 0
    assert sum(cap.binds for cap in explanation.caps) == 1
    assert len(explanation.caps) == len(decision.recommendation.caps)
    assert all(0 <= cap.share <= 1 for cap in explanation.caps)


def test_customer_without_a_name_is_called_by_its_id():
    assert told(name=None)[1].title == "acme"
    assert told()[1].title == "Acme GmbH (acme)"


def test_customer_that_was_not_scored_has_a_reason_and_no_steps():
    explanation = explanation_of(not_scored("acme", "internal_error", PROVENANCE, "EUR"), None, "en")

    assert (explanation.steps, explanation.caps, explanation.adverse) == ((), (), ())
    assert "The computation failed" in explanation.notes[0]


def test_referred_customer_is_told_that_a_person_decides():
    _, explanation = told(n_paid_invoices=0)

    assert explanation.notes[0] == "A person decides; what stands here is a proposal"
    assert ("What this customer's 2 features add", "−0.400000000") in explanation.chain


@pytest.mark.parametrize(
    ("lang", "note"),
    [
        ("en", "The training data held nothing like this: Days late on average"),
        ("zh", "训练数据中没有类似情况：平均晚付天数"),
    ],
)
def test_unfamiliar_values_are_named_in_words(lang, note):
    _, explanation = told(lang, model=LinearModel(seen_to=30.0))

    assert explanation.notes == (note,)


def test_two_unfamiliar_values_of_one_kind_are_named_once_and_one_that_has_no_words_by_its_name():
    decision, _ = told(model=LinearModel(seen_to=30.0))
    names = ("days_beyond_terms_90d", "days_beyond_terms_365d", "days_since_last_payment", "of_an_older_catalogue")

    explanation = explanation_of(replace(decision, unfamiliar=names), None, "zh")

    assert explanation.notes == ("训练数据中没有类似情况：平均晚付天数、久未付款、of_an_older_catalogue",)


def test_both_languages_tell_the_same_figures():
    _, english = told("en")
    _, chinese = told("zh")

    assert [step.level for step in english.steps] == [step.level for step in chinese.steps]
    assert [cap.amount for cap in english.caps] == [cap.amount for cap in chinese.caps]
    assert english.say("score") != chinese.say("score")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_level_is_a_step_of_its_own_and_the_steps_still_add_up(lang):
    levelled = LinearModel(base=-3.0)
    levelled.level = 0.4  # in score points 40 / ln 2 * 0.4, about 23 fewer
    decision, explanation = told(lang, model=levelled)
    _, without = told(lang, model=LinearModel(base=-3.0))

    assert decision.chain.level == 0.4
    assert (word("level", lang), "+0.400000000") in explanation.chain
    assert word("level", lang) not in dict(without.chain)
    steps = {step.label: step.end - step.start for step in explanation.steps}
    assert steps[word("level", lang)] == pytest.approx(-23.08, abs=0.01)
    assert explanation.steps[0].end + sum(steps.values()) == pytest.approx(explanation.steps[-1].end, abs=1)


def test_a_record_holds_a_level_only_where_there_is_one():
    levelled = LinearModel()
    levelled.level = 0.4
    records = [json.loads(told(model=each)[0].to_bytes()) for each in (levelled, LinearModel())]

    assert records[0]["chain"]["level"] == 0.4
    assert "level" not in records[1]["chain"]
    assert [from_record(each, PROVENANCE).chain.level for each in records] == [0.4, 0.0]
