"""The payment hazard and the model of newcomers before the gate: ruined ones are held, as good ones pass, silence is told apart."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from gating import TERMS
from gating import evidence as of_customers
from riskscore.promotion import Evidence, PartEvidence, compare, compare_parts
from riskscore.promotion.gate import level_of
from riskscore.promotion.parts import FEWEST_CUSTOMERS, FEWEST_OF_EITHER, check_hazard_gain, shared_by_both

LATE, VERY_LATE, NEW = "hazard/late_0", "hazard/late_30", "newcomers"


def answers(seed=0, n_customers=400, n_each=6, noise=0.3, better=0.0, level=-0.5):
    """Questions about customers with a hidden quality; both sides see it with noise, the challenger with less by `better`."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_customers), n_each)
    quality = random.normal(level, 1.2, n_customers)[who] + random.normal(0, 0.5, len(who))
    said = [expit(quality + spread * random.normal(size=len(who))) for spread in (noise, noise - better)]
    outcome = (random.random(len(who)) < expit(quality)).astype(float)
    return PartEvidence(who.astype(np.int64), outcome, *said, np.zeros(len(who), dtype=bool))


def dealt_out_anew(evidence, seed=5):
    """The challenger's chances shuffled: as a whole the same, of no use for any single question."""
    return replace(evidence, challenger=np.random.default_rng(seed).permutation(evidence.challenger))


def without(evidence, side):
    return replace(evidence, **{side: np.full(len(evidence.outcome), np.nan)})


@pytest.mark.parametrize("part", [LATE, VERY_LATE, NEW])
def test_a_part_as_good_passes_and_one_whose_chances_are_shuffled_is_held(part):
    level = -3.0 if part == VERY_LATE else -0.5
    sound = {LATE: answers(), VERY_LATE: answers(seed=1, level=-2.5), NEW: answers(seed=2, n_each=1)}
    ruined = {**sound, part: dealt_out_anew(answers(seed=3, level=level))}

    assert all(check.passed for check in compare_parts(sound, TERMS).checks)
    held = [check.name for check in compare_parts(ruined, TERMS).checks if not check.passed]
    assert held == [f"{part}_worse"]


def test_the_upper_end_of_what_is_lost_is_held_against_the_margin():
    evidence = answers()
    worse = replace(evidence, challenger=expit(1.2 * logit(evidence.champion)))
    (check,) = compare_parts({LATE: worse}, TERMS).checks
    narrow, wide = (
        TERMS.model_copy(update={"no_worse": TERMS.no_worse.model_copy(update={"log_loss": margin})})
        for margin in (check.end - 1e-6, check.end + 1e-6)
    )

    assert check.value < check.end
    assert not compare_parts({LATE: worse}, narrow).checks[0].passed
    assert compare_parts({LATE: worse}, wide).checks[0].passed


def test_newcomers_have_a_margin_of_their_own():
    parts = compare_parts({LATE: answers(), NEW: answers()}, TERMS)

    assert [check.bound for check in parts.checks] == [0.02, 0.10]


@pytest.mark.parametrize(
    ("lack", "basis", "passed"),
    [
        pytest.param(("challenger",), "challenger_lacks", False, id="only-the-challenger-lacks-it"),
        pytest.param(("champion",), "champion_lacks", True, id="only-the-champion-lacks-it"),
        pytest.param(("champion", "challenger"), "neither", True, id="both-lack-it"),
    ],
)
def test_what_was_not_judged_is_said_and_holds_only_a_challenger_that_alone_lacks_it(lack, basis, passed):
    evidence = answers()
    for side in lack:
        evidence = without(evidence, side)
    parts = compare_parts({LATE: evidence}, TERMS)

    assert (parts.rows[0].basis, parts.rows[0].n_rows) == (basis, 0)
    assert np.isnan(parts.checks[0].value)
    assert parts.checks[0].passed == passed
    assert parts.answers == {LATE: None}


def test_two_that_were_asked_other_questions_are_not_called_equal():
    evidence = answers()
    first = np.arange(len(evidence.outcome)) < len(evidence.outcome) // 2
    apart = replace(
        evidence,
        champion=np.where(first, evidence.champion, np.nan),
        challenger=np.where(first, np.nan, evidence.challenger),
    )
    parts = compare_parts({NEW: apart}, TERMS)

    assert parts.rows[0].basis == "nothing_shared"
    assert not parts.checks[0].passed


@pytest.mark.parametrize(
    ("n", "n_with", "enough"),
    [
        pytest.param(FEWEST_CUSTOMERS, FEWEST_OF_EITHER, True, id="just-enough"),
        pytest.param(FEWEST_CUSTOMERS - 1, FEWEST_OF_EITHER, False, id="a-customer-too-few"),
        pytest.param(FEWEST_CUSTOMERS, FEWEST_OF_EITHER - 1, False, id="one-with-an-event-too-few"),
        pytest.param(FEWEST_CUSTOMERS, FEWEST_CUSTOMERS - FEWEST_OF_EITHER + 1, False, id="one-without-an-event-too-few"),
    ],
)
def test_below_so_many_customers_of_either_kind_nothing_is_judged(n, n_with, enough):
    who = np.arange(n)
    evidence = PartEvidence(who, (who < n_with).astype(float), np.full(n, 0.4), np.full(n, 0.4), np.ones(n, dtype=bool))

    assert (shared_by_both(evidence)[1] is not None) == enough


def test_questions_after_both_trainings_are_preferred_where_they_are_enough():
    evidence = answers()
    later = evidence.customers >= 300
    many = replace(evidence, after_both=later, challenger=dealt_out_anew(evidence).challenger)
    few = replace(evidence, after_both=evidence.customers >= 395)

    assert shared_by_both(many)[0] == "after_both"
    assert len(shared_by_both(many)[1].outcome) == later.sum()
    assert shared_by_both(few)[0] == "walk_forward"
    assert len(shared_by_both(few)[1].outcome) == len(evidence.outcome)


def test_a_hazard_that_got_worse_after_it_was_judged_is_not_excused_by_its_judging():
    evidence = answers()
    later = evidence.customers >= 300
    spoiled = replace(
        evidence, after_both=later, challenger=np.where(later, dealt_out_anew(evidence).challenger, evidence.champion)
    )

    assert not compare_parts({LATE: spoiled}, TERMS).checks[0].passed


def same_customers(**changed) -> Evidence:
    found = of_customers()
    return replace(found, challenger=found.champion, earned_by_challenger=found.earned_by_champion, **changed)


def passed_by(customers, hazard, look=1):
    parts = compare_parts(hazard, TERMS)
    return {check.name: check.passed for check in compare(customers, TERMS, look=look, parts=parts.answers)}


def test_an_equal_model_of_customers_with_a_better_hazard_passes():
    hazard = {LATE: answers(better=0.3), VERY_LATE: answers(seed=1, level=-2, better=0.3)}
    verdicts = passed_by(same_customers(), hazard)

    assert all(verdicts.values())
    assert {"hazard_gain", "customers_worse"} <= set(verdicts)
    assert "gain" not in verdicts


@pytest.mark.parametrize(
    "hazard",
    [
        pytest.param({}, id="nobody-asked"),
        pytest.param({LATE: answers(better=-0.1), VERY_LATE: answers(seed=1, better=-0.1)}, id="a-worse-hazard"),
        pytest.param({LATE: answers(better=0.3), VERY_LATE: without(answers(), "champion")}, id="one-question-not-compared"),
    ],
)
def test_an_equal_model_of_customers_without_a_better_hazard_is_held_for_its_gain(hazard):
    verdicts = passed_by(same_customers(), hazard)

    assert not verdicts["gain"]
    assert "hazard_gain" not in verdicts


def test_a_better_hazard_does_not_excuse_a_worse_model_of_customers():
    hazard = {LATE: answers(better=0.3), VERY_LATE: answers(seed=1, level=-2, better=0.3)}
    verdicts = passed_by(of_customers(gain=-0.3), hazard)

    assert verdicts["hazard_gain"]
    assert not verdicts["customers_worse"]


def test_a_better_model_of_customers_needs_no_better_hazard():
    assert passed_by(of_customers(gain=0.4), {LATE: answers()})["gain"]


def test_the_two_ways_share_the_level_of_the_look():
    share = float(TERMS.better.hazard_share)
    hazard = {LATE: answers(better=0.3)}
    lows = {level: check_hazard_gain(hazard, TERMS, level).end for level in (level_of(TERMS, 1), level_of(TERMS, 1) * share)}

    assert 0 < share < 1
    assert lows[level_of(TERMS, 1) * share] < lows[level_of(TERMS, 1)]
    none = TERMS.model_copy(update={"better": TERMS.better.model_copy(update={"hazard_share": 0})})
    ends = [compare(of_customers(gain=0.4), terms, look=1)[2].end for terms in (TERMS, none)]
    assert ends[0] < ends[1]  # what is kept for the hazard is asked of the customers, whether a hazard is compared or not


def test_of_hazards_that_are_no_better_hardly_any_is_called_better():
    level = level_of(TERMS, 1) * float(TERMS.better.hazard_share)
    quick = TERMS.model_copy(update={"better": TERMS.better.model_copy(update={"resamples": 300})})
    passed = sum(check_hazard_gain({LATE: answers(seed=seed, n_customers=150)}, quick, level).passed for seed in range(200))

    assert passed <= 4  # 0.5 % each: more than 4 of 200 by chance once in 300
