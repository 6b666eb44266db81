"""The gate: passes what is better, holds what is not, and every check catches the fault it is there for."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit, logit

from deciding import GRADES, case, shipped
from gating import GATE_TEXT as TEXT
from gating import TERMS, evidence
from modelling import fitted, invented
from riskscore.errors import ModelRefused, UsageRefused
from riskscore.evaluation import Measured
from riskscore.promotion import (
    Earned,
    Trades,
    check_parity,
    compare,
    earned,
    judge_segments,
    parse,
    population_stability,
)
from riskscore.promotion.gate import _worsened, check_baseline, check_scorecard, check_segments, check_stability, level_of
from riskscore.promotion.parity import N_TRIED


def verdicts(found, look=1):
    return {check.name: check.passed for check in compare(found, TERMS, look=look)}


def test_a_version_that_sees_more_passes_every_check():
    assert all(verdicts(evidence(gain=0.4)).values())


def test_an_equal_version_is_not_called_better():
    found = verdicts(evidence(gain=0.0))

    assert not found["gain"]
    assert not verdicts(evidence(gain=-0.3))["gain"]


def test_a_version_that_says_the_same_gains_nothing():
    same = evidence()

    assert not verdicts(replace(same, challenger=same.champion))["gain"]


@pytest.mark.parametrize(
    ("fault", "caught"),
    [
        pytest.param({"shift": 0.9}, "intercept_worse", id="says-everybody-is-worse"),
        pytest.param({"stretch": 1.8}, "slope_worse", id="is-far-too-sure"),
        pytest.param({"shift": 0.9}, "ece_worse", id="is-off-by-several-points"),
    ],
)
def test_calibration_that_got_worse_holds_it(fault, caught):
    assert not verdicts(evidence(gain=0.4, **fault))[caught]


def test_a_version_whose_slope_cannot_be_told_is_held():
    found = evidence(gain=0.4)
    parts = replace(found, challenger=np.where(found.outcome == 1, 0.9, 0.1))  # no finite slope fits best
    slope = next(check for check in compare(parts, TERMS, look=1) if check.name == "slope_worse")

    assert not slope.passed
    assert np.isnan([slope.value, slope.end]).all()


@pytest.mark.parametrize(
    ("n_unknown", "passed"), [pytest.param(4, True, id="four-in-a-hundred"), pytest.param(6, False, id="six-in-a-hundred")]
)
def test_draws_without_a_figure_count_as_the_worst_there_is(n_unknown, passed):
    worse = np.array([-0.1] + [np.nan] * n_unknown + [-0.1] * (100 - n_unknown))

    assert _worsened("slope", worse, 0.05).passed is passed


def test_less_profit_holds_a_version_with_better_figures():
    better = evidence(gain=0.4)
    honest = better.earned_by_champion
    loses = replace(better, earned_by_challenger=Earned(honest.profit - 0.3 * np.abs(honest.profit), honest.used))
    lends_half = replace(better, earned_by_challenger=Earned(honest.profit / 2, honest.used / 2))

    assert verdicts(better)["profit"]
    assert not verdicts(loses)["profit"]
    assert verdicts(lends_half)["profit"]  # how much is lent is for the blast radius


def test_too_few_customers_show_nothing():
    found = compare(evidence(n_customers=60, gain=0.4), TERMS, look=1)

    assert [check.name for check in found] == ["customers", "customers_with_event"]
    assert not found[0].passed


def test_each_look_is_paid_for_and_all_looks_together_cost_the_level():
    levels = [level_of(TERMS, look) for look in range(1, 2_000)]

    assert sorted(levels, reverse=True) == levels
    assert sum(levels) == pytest.approx(0.05, rel=1e-3)
    assert sum(levels) < 0.05


def test_a_segment_that_is_worse_off_is_found_and_holds_it():
    found = evidence(gain=0.4)
    french = np.array(found.segments["country"]) == "FR"
    spoiled = replace(found, challenger=np.where(french, expit(1.5 - logit(found.challenger)), found.challenger))
    rows = {row.segment: row for row in judge_segments(spoiled, spoiled.resamples(500))}

    assert [name for name, row in rows.items() if row.worse] == ["FR"]
    assert not check_segments(rows.values()).passed
    assert check_segments(judge_segments(found, found.resamples(500))).passed


def test_a_segment_of_few_says_nothing():
    found = evidence()
    few = ["rare" if each < 20 else "many" for each in found.customers]

    assert [row.segment for row in judge_segments(replace(found, segments={"size": few}), found.resamples(300))] == ["many"]


def test_an_unmoved_population_is_steady_and_a_moved_one_is_not():
    random = np.random.default_rng(3)
    before = expit(random.normal(-2, 1, 4000))
    alarms = sum(
        not check_stability(population_stability(before, expit(random.normal(-2, 1, 150)), least=0.0)).passed for _ in range(300)
    )

    assert alarms <= 3  # 1 in 1,000 by chance
    moved = population_stability(before, expit(random.normal(-1.3, 1, 4000)), least=0.10)
    assert not check_stability(moved).passed
    assert not check_stability(population_stability(before, np.empty(0), least=0.1)).passed


def lead(auc=(0.02, 0.01, 0.03), pr_auc=(0.05, 0.01, 0.09), brier=(-0.003, -0.005, -0.001)):
    """By how much a version is ahead, each with its interval; less is better in Brier, as in the run."""
    return {"auc": Measured(*auc), "pr_auc": Measured(*pr_auc), "brier": Measured(*brier)}


LEVEL = {"auc": (0.0, -0.004, 0.004), "pr_auc": (0.0, -0.02, 0.02), "brier": (0.0, -0.001, 0.001)}
NOT_TOLD = (float("nan"),) * 3


def passed(checks):
    return {check.name.rpartition("/")[2]: check.passed for check in checks}


def test_a_version_ahead_of_a_rule_beyond_chance_in_all_three_passes():
    checks = check_baseline("rule", lead())

    assert [(check.name, check.value, check.end, check.bound, check.passed) for check in checks] == [
        ("ahead_of/rule/auc", 0.02, 0.01, 0, True),
        ("ahead_of/rule/pr_auc", 0.05, 0.01, 0, True),
        ("ahead_of/rule/brier", 0.003, 0.001, 0, True),
    ]


@pytest.mark.parametrize(
    ("metric", "interval"),
    [("auc", (0.02, -0.001, 0.04)), ("pr_auc", (0.05, -0.01, 0.1)), ("brier", (-0.003, -0.007, 0.001))],
    ids=["in-auc-by-chance", "in-pr-auc-by-chance", "in-brier-by-chance"],
)
def test_being_ahead_of_a_rule_by_chance_is_not_being_ahead(metric, interval):
    assert passed(check_baseline("rule", lead(**{metric: interval}))) == {
        "auc": True,
        "pr_auc": True,
        "brier": True,
        metric: False,
    }


def test_a_version_level_with_the_scorecard_passes_and_would_not_beside_a_rule():
    assert all(passed(check_scorecard("scorecard", lead(**LEVEL))).values())
    assert not any(passed(check_baseline("rule", lead(**LEVEL))).values())


@pytest.mark.parametrize(
    ("metric", "interval"),
    [("auc", (-0.02, -0.03, -0.0051)), ("pr_auc", (-0.05, -0.09, -0.0051)), ("brier", (0.003, 0.0001, 0.006))],
    ids=["worse-ranked", "worse-at-the-top-of-the-list", "worse-probabilities"],
)
def test_a_version_clearly_behind_the_scorecard_is_held(metric, interval):
    found = passed(check_scorecard("scorecard", lead(**LEVEL | {metric: interval})))

    assert found == {"auc": True, "pr_auc": True, "brier": True, metric: False}


def test_behind_the_scorecard_beyond_chance_by_what_nobody_would_notice_is_level_with_it():
    at_the_margin = LEVEL | {"auc": (-0.006, -0.007, -0.005), "pr_auc": (-0.006, -0.007, -0.005), "brier": (0.001, 0.0, 0.002)}

    assert all(passed(check_scorecard("scorecard", lead(**at_the_margin))).values())


@pytest.mark.parametrize("metric", ["auc", "pr_auc", "brier"])
def test_a_figure_the_training_did_not_tell_passes_nothing(metric):
    old = lead(**{metric: NOT_TOLD})

    assert not passed(check_baseline("rule", old))[metric]
    assert not passed(check_scorecard("scorecard", old))[metric]


def test_who_pays_late_earns_less_and_at_a_thin_margin_costs():
    trades = Trades.of([case(), case()], shipped())
    safe, late = earned(trades, np.array([0.02, 0.02]), np.array([0.0, 1.0]), GRADES, shipped()).profit

    assert late < safe
    assert safe > 0
    dear = earned(replace(trades, margin=0.02), np.array([0.02, 0.02]), np.array([0.0, 1.0]), GRADES, shipped()).profit
    assert dear[1] < 0 < dear[0]
    worst = earned(trades, np.array([0.9, 0.9]), np.array([0.0, 1.0]), GRADES, shipped()).profit
    assert worst.tolist() == [0.0, 0.0]  # no credit, no loss
    assert Trades.of([case(monthly_purchases=Decimal(0))], shipped()).need.tolist() == [0.0]


def test_a_model_asked_alone_gives_the_bits_of_the_book():
    assert check_parity(fitted(), invented().features) == N_TRIED


def test_a_model_that_looks_at_its_neighbours_is_refused():
    honest = fitted()

    class Leaning:
        """Answers with what the whole frame has in common."""

        def explain(self, frame: pa.Table):
            return honest.explain(frame)

        def probability(self, log_odds):
            return honest.probability(log_odds - log_odds.mean())

    with pytest.raises(ModelRefused, match="parity: probability"):
        check_parity(Leaning(), invented().features)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [('level = "0.05"', 'level = "0.9"'), ('psi = "0.10"', 'psi = "0.10"\nextra = 1'), ("valid_days = 400", "")],
    ids=["out-of-range", "unknown-key", "missing-key"],
)
def test_terms_that_are_not_sound_are_refused_by_key(line, wrong):
    assert line in TEXT
    with pytest.raises(UsageRefused, match="gate: "):
        parse(TEXT.replace(line, wrong))
    assert parse(TEXT + "\n# signed\n").digest == TERMS.digest
