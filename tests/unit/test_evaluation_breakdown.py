"""Judging against a known limit, by segment and on four hold-outs: each figure where it can be worked out, each guard with its fault."""

import numpy as np
import pytest
from scipy.special import expit, logit

from modelling import FEATURES, invented, small
from riskscore.evaluation import HOLDOUTS, LeakFound, attained, check_below_limit, four_holdouts, judge_segments
from riskscore.model.rows import FAMILY, Rows
from riskscore.training import breakdown
from riskscore.training.breakdown import judge_holdouts, segments_of


def a_world(n_customers=1500, rows_each=3, seed=3):
    """Customers with chances that are known, and what came of them."""
    random = np.random.default_rng(seed)
    customers = np.repeat(np.arange(n_customers), rows_each)
    chance = expit(random.normal(-1.5, 1.2, n_customers))[customers]
    return chance, (random.random(len(customers)) < chance).astype(float), customers


def judged(pd, **said):
    chance, outcome, customers = a_world()
    return attained(pd, chance, np.full(len(pd), outcome.mean()), outcome, customers, seed=1, **said)


def test_the_prior_attains_nothing_and_the_limit_all():
    chance, outcome, _ = a_world()

    assert judged(np.full(len(chance), outcome.mean())).share.value == pytest.approx(0)
    assert judged(chance).share.value == pytest.approx(1)
    assert judged(chance).short_of.value == pytest.approx(0)


def test_a_duller_model_attains_less():
    chance, _, _ = a_world()
    duller = judged(expit(0.7 * logit(chance) - 0.3))

    assert 0 < duller.share.low < duller.share.value < 1
    assert duller.short_of.low > 0


def test_a_model_at_the_limit_or_short_of_it_passes():
    chance, _, _ = a_world()

    check_below_limit(judged(chance))
    check_below_limit(judged(np.full(len(chance), 0.2)))


def test_a_planted_look_at_the_outcome_is_found_by_the_limit():
    chance, outcome, _ = a_world()
    leaking = expit(logit(chance) + 0.5 * (outcome - chance))

    with pytest.raises(LeakFound, match="the least that anybody could reach"):
        check_below_limit(judged(leaking))


@pytest.mark.parametrize(("n_customers", "leaks"), [(1, False), (2, False), (29, False), (30, True)])
def test_of_few_customers_a_lead_over_the_limit_may_be_luck(n_customers, leaks):
    chance, outcome, customers = a_world(n_customers)
    lucky = expit(logit(chance) + 0.5 * (outcome - chance))  # nearer to what came, row by row
    found = attained(lucky, chance, np.full(len(chance), 0.2), outcome, customers, seed=1)

    assert found.short_of.high < 0
    assert found.n_customers == n_customers
    if leaks:
        with pytest.raises(LeakFound):
            check_below_limit(found)
    else:
        check_below_limit(found)


def test_the_noise_of_counted_paths_is_taken_off_the_limit():
    chance, outcome, customers = a_world()
    n_paths = 64
    counted = np.random.default_rng(9).binomial(n_paths, chance) / n_paths
    prior = np.full(len(chance), outcome.mean())

    raw = attained(chance, counted * (1 - 2e-3) + 1e-3, prior, outcome, customers, seed=1)
    corrected = attained(chance, counted, prior, outcome, customers, seed=1, n_paths=n_paths)
    assert raw.share.value > 1
    assert abs(corrected.share.value - 1) < abs(raw.share.value - 1)


def test_a_segment_that_is_treated_wrongly_shows_it():
    chance, outcome, customers = a_world()
    kind = ["a" if each % 2 else "b" for each in customers]
    wrong = np.where(np.array(kind) == "b", expit(logit(chance) - 1), chance)
    right, bad = judge_segments(wrong, outcome, customers, {"kind": kind}, seed=1, n_resamples=50)

    assert (right.segment, right.n_customers) == ("a", 750)
    assert abs(right.figures["calibration_intercept"].value) < 0.2
    assert bad.figures["calibration_intercept"].low > 0.5
    assert bad.observed > bad.mean_pd


def test_a_segment_of_few_customers_is_not_shown_and_one_without_events_has_no_slope():
    chance, outcome, customers = a_world()
    kind = np.where(customers < 9, "few", np.where(outcome == 0, "never", "ever")).tolist()
    rows = {each.segment: each for each in judge_segments(chance, outcome, customers, {"kind": kind}, seed=1, n_resamples=20)}

    assert set(rows) == {"never", "ever"}
    assert np.isnan(rows["never"].figures["calibration_slope"].value)
    assert rows["never"].figures["log_loss"].value > 0


def test_no_row_of_a_holdout_shares_time_or_customer_with_what_it_is_held_out_of():
    rows = invented()
    ids = rows.features["customer_id"].to_pylist()
    from_day = int(np.unique(rows.days)[-2])
    learn, parts = four_holdouts(rows.days, ids, from_day, horizon_days=60, embargo_days=1)
    who = {name: set(np.array(ids)[mask]) for name, mask in parts.items()}

    assert tuple(parts) == HOLDOUTS
    assert (learn == parts["in time, known customers"]).all()
    for place in ("in time, other customers", "out of time, other customers"):
        assert not who[place] & set(np.array(ids)[learn])
    for place in ("out of time, known customers", "out of time, other customers"):
        assert (rows.days[parts[place]] >= from_day).all()
    assert (rows.days[learn] + 61 <= from_day).all()
    assert 0.1 < len(who["in time, other customers"]) / len(set(ids)) < 0.3


def in_pairs(rows):
    """The rows with a family for every two customers that follow one another."""
    names = [f"family {number // 2}" for number in rows.customers]
    return Rows(rows.features.append_column(FAMILY, [names]), rows.outcome)


def test_sisters_are_on_one_side_of_every_split_of_customers(monkeypatch):
    rows = in_pairs(invented())
    from_day = int(np.unique(rows.days)[-2])
    learn, parts = four_holdouts(rows.days, rows.families, from_day, horizon_days=60, embargo_days=1)
    names, folds = np.array(rows.families), rows.folds_of_customers(5)
    alone = Rows(rows.features.drop_columns([FAMILY]), rows.outcome).folds_of_customers(5)

    assert not set(names[parts["out of time, other customers"]]) & set(names[learn])
    assert all(len(set(folds[names == each])) == 1 for each in set(names))
    assert any(len(set(alone[names == each])) > 1 for each in set(names))  # the fault: by customer the sisters part

    asked = []
    monkeypatch.setattr(
        breakdown, "four_holdouts", lambda days, who, *_: (asked.append(list(who)), four_holdouts(days, who, *_))[1]
    )
    judge_holdouts(rows, FEATURES, small(), from_day)
    assert asked == [rows.families]


def test_a_planted_memory_of_customers_shows_as_a_gap_between_the_holdouts():
    # The outcome belongs to the customer and to nothing else; a feature that names the customer lets a model learn it by heart.
    rows = invented(n_cuts=8)
    random = np.random.default_rng(2)
    own = (random.random(rows.n_customers) < 0.5).astype(float)[rows.customers]
    place = rows.features.column_names.index("noise_0")
    named = Rows(rows.features.set_column(place, "noise_0", [rows.customers + 0.0]), own)
    recipe = small().model_copy(update={"outcome": small().outcome.model_copy(update={"horizon_days": 60})})
    found = judge_holdouts(named, FEATURES, recipe, int(np.unique(rows.days)[-3]))

    known, other = (found[f"out of time, {who} customers"]["auc"].value for who in ("known", "other"))
    assert known > other + 0.08


def test_history_is_counted_in_invoices():
    rows = invented()
    counted = np.resize([0.0, 1.0, 3.0, 4.0, 12.0, 13.0], len(rows))
    named = segments_of(rows.features.append_column("n_matured_0d", [counted]))

    assert list(named["payment history"][:6]) == ["0", "1-3", "1-3", "4-12", "4-12", "more than 12"]
    assert set(named) == {"payment history", "industry"}
