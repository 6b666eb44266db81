"""The scorecard: evidence by hand, directions kept, gaps and strangers that say nothing, and no class that is turned around."""

import numpy as np
import pytest
from scipy.special import expit, logit

from modelling import FEATURES, invented, scores_of, small
from riskscore.model.fit import fit_formula
from riskscore.model.formula import Formula
from riskscore.model.inputs import LEVEL_STRENGTH
from riskscore.model.scorecard import LEAST_INFORMATION, N_CLASSES, fit_scorecard
from riskscore.model.value import read_columns

RISKS = {feature.name: feature.risk for feature in FEATURES}


def card_of(columns, outcome, weight=None, **risks):
    """The card of some columns; every row is a customer of its own unless said otherwise, no direction unless declared."""
    columns = {name: np.asarray(each) if not isinstance(each, list) else each for name, each in columns.items()}
    said = {name: risks.get(name, "none") for name in columns}
    return fit_scorecard(columns, said, outcome, np.ones(len(outcome)) if weight is None else weight)


def card_of_rows(rows):
    return fit_scorecard(read_columns(rows.features, FEATURES), RISKS, rows.outcome, rows.customer_weight)


def two_groups(n=400, late=(0.1, 0.5)):
    """A category of two equal halves that pay late in those shares exactly."""
    outcome = np.concatenate([np.arange(n // 2) < share * n // 2 for share in late]).astype(float)
    return ["calm"] * (n // 2) + ["wild"] * (n // 2), outcome


def area(log_odds, outcome):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(outcome, log_odds)


def test_evidence_and_information_value_are_those_worked_out_by_hand():
    group, outcome = two_groups()  # 20 of 200 and 100 of 200 late; 30 % of all
    (found,) = card_of({"group": group}, outcome).characteristics
    calm = (20 + 0.3 * LEVEL_STRENGTH) / (200 + LEVEL_STRENGTH)
    wild = (100 + 0.3 * LEVEL_STRENGTH) / (200 + LEVEL_STRENGTH)
    evidence = [logit(calm) - logit(0.3), logit(wild) - logit(0.3)]
    events, others = np.array([calm, wild]), 1 - np.array([calm, wild])
    value = np.sum((events / events.sum() - others / others.sum()) * evidence)

    assert found.evidence[:2] == pytest.approx(evidence, abs=1e-12)
    assert found.information == pytest.approx(value, abs=1e-12)
    assert value == pytest.approx(0.839, abs=0.001)


def test_what_was_never_seen_says_nothing():
    group, outcome = two_groups()
    card = card_of({"group": group}, outcome)

    assert card.log_odds({"group": ["of another trade", None]}).tolist() == [card.intercept, card.intercept]


def test_values_that_are_not_known_are_a_class_of_their_own():
    random = np.random.default_rng(1)
    silent = np.arange(2000) < 500
    outcome = (random.random(2000) < np.where(silent, 0.6, 0.1)).astype(float)
    card = card_of({"share": np.where(silent, np.nan, random.random(2000))}, outcome)
    known, unknown = card.log_odds({"share": np.array([0.5, np.nan])})

    assert expit(unknown) == pytest.approx(0.6, abs=0.05)
    assert expit(known) == pytest.approx(0.1, abs=0.05)


def test_classes_are_of_equal_size_and_an_edge_belongs_to_the_class_below():
    values = np.arange(1000.0)
    (found,) = card_of({"days": values}, (values >= 500).astype(float)).characteristics
    classes = np.searchsorted(found.edges, values, side="left")

    assert len(found.edges) == N_CLASSES - 1
    assert np.bincount(classes).min() >= 99
    at, above = found.read(np.array([found.edges[4], found.edges[4] + 1]))
    assert (at, above) == (found.evidence[4], found.evidence[5])


def test_a_count_of_a_few_values_has_a_class_for_each():
    count = np.repeat([0.0, 1.0, 2.0], [700, 200, 100])
    (found,) = card_of({"count": count}, (np.arange(1000) % 10 < count * 4).astype(float)).characteristics

    assert found.edges.tolist() == [0.0, 1.0]
    assert len(set(found.read(np.array([0.0, 1.0, 2.0])).tolist())) == 3


def test_classes_that_contradict_the_declared_direction_are_pooled():
    random = np.random.default_rng(2)
    days = random.random(4000)
    chance = np.where((days > 0.4) & (days < 0.6), 0.05, 0.1 + 0.5 * days)  # a dip in the middle
    outcome = (random.random(4000) < chance).astype(float)
    free, held, turned = (card_of({"days": days}, outcome, days=risk).characteristics for risk in ("none", "rises", "falls"))
    asked = np.linspace(0, 1, 200)

    assert (np.diff(free[0].read(asked)) < 0).any()  # the planted dip is there for whoever may see it
    assert (np.diff(held[0].read(asked)) >= 0).all()
    assert turned == ()  # what rises says nothing to a card that may only let it fall


def test_pooled_classes_share_what_happened_in_all_of_them():
    values = np.repeat([0.0, 1.0, 2.0], [100, 300, 100])
    outcome = np.concatenate([np.arange(100) < 30, np.arange(300) < 30, np.arange(100) < 50]).astype(float)  # 30, 10, 50 %
    (found,) = card_of({"notches": values}, outcome, notches="rises").characteristics
    overall, pulls = 0.22, 2 * LEVEL_STRENGTH  # one pull a class
    together = logit((60 + overall * pulls) / (400 + pulls)) - logit(overall)

    assert found.evidence[:2] == pytest.approx([together, together], abs=1e-12)


def test_thin_classes_stay_in_their_direction_after_the_pull_to_all():
    """A value of few customers is pulled far: pooled before the pull, it could fall behind its neighbour again."""
    values = np.concatenate([np.zeros(300), np.ones(5), np.full(300, 2.0), np.full(300, 3.0)])
    outcome = np.concatenate([np.arange(300) < 3, np.ones(5), np.arange(300) < 120, np.arange(300) < 130]).astype(float)
    (found,) = card_of({"notches": values}, outcome, notches="rises").characteristics

    assert (np.diff(found.read(np.arange(4.0))) >= 0).all()


def test_no_coefficient_turns_a_class_around():
    """Two measurements of one thing: left free, a logistic subtracts the worse from the better."""
    random = np.random.default_rng(3)
    truth = random.normal(size=3000)
    outcome = (random.random(3000) < expit(1.5 * truth - 1)).astype(float)
    shared = random.normal(size=3000)
    columns = {"better": truth + 0.7 * shared, "worse": 0.4 * truth + shared}
    card = card_of(columns, outcome)

    assert card_of({"worse": columns["worse"]}, outcome).characteristics[0].coefficient > 0  # alone it tells something
    assert [each.name for each in card.characteristics] == ["better"]
    alone = card_of({"better": columns["better"]}, outcome).characteristics[0]
    assert card.characteristics[0].coefficient == pytest.approx(alone.coefficient, rel=1e-6)  # nothing was subtracted from it


def test_what_tells_nothing_is_not_on_the_card():
    random = np.random.default_rng(4)
    truth = random.normal(size=3000)
    outcome = (random.random(3000) < expit(truth)).astype(float)
    columns = {"truth": truth, "noise": random.normal(size=3000), "constant": np.ones(3000), "empty": np.full(3000, np.nan)}
    card = card_of(columns, outcome)

    assert [each.name for each in card.characteristics] == ["truth"]
    assert card.characteristics[0].information > LEAST_INFORMATION


def test_a_card_without_a_characteristic_is_the_share_of_all():
    outcome = np.repeat([0.0, 1.0], [75, 25])
    card = card_of({"constant": np.ones(100)}, outcome)

    assert card.characteristics == ()
    assert expit(card.log_odds({"constant": np.array([9.0])})) == pytest.approx([0.25])


def test_a_customer_with_many_rows_is_not_believed_more():
    group, outcome = two_groups()
    n_rows = np.where(outcome == 1, 12, 1)
    weight = np.repeat(1 / n_rows, n_rows)
    once = card_of({"group": group}, outcome).characteristics[0]
    often = card_of({"group": [each for each, n in zip(group, n_rows, strict=True) for _ in range(n)]}, np.repeat(outcome, n_rows),
                    weight).characteristics[0]  # fmt: skip

    assert often.evidence == pytest.approx(once.evidence, abs=1e-9)


def test_the_same_month_ends_twelve_times_are_no_more_evidence():
    rows = invented()
    columns = read_columns(rows.features, FEATURES)
    often = {name: np.tile(each, 12) if isinstance(each, np.ndarray) else each * 12 for name, each in columns.items()}
    again = fit_scorecard(often, RISKS, np.tile(rows.outcome, 12), np.tile(rows.customer_weight, 12) / 12)

    assert again.log_odds(columns) == pytest.approx(card_of_rows(rows).log_odds(columns), abs=1e-6)


def test_another_order_of_the_rows_gives_the_same_card():
    rows = invented()
    columns = read_columns(rows.features, FEATURES)
    order = np.random.default_rng(5).permutation(len(rows))
    shuffled = {
        name: each[order] if isinstance(each, np.ndarray) else [each[place] for place in order] for name, each in columns.items()
    }
    again = fit_scorecard(shuffled, RISKS, rows.outcome[order], rows.customer_weight[order])

    assert again.log_odds(columns) == pytest.approx(card_of_rows(rows).log_odds(columns), abs=1e-6)


def test_only_the_order_of_a_number_counts():
    rows = invented()
    columns = read_columns(rows.features, FEATURES)
    stretched = {name: np.exp(each) if isinstance(each, np.ndarray) else each for name, each in columns.items()}
    again = fit_scorecard(stretched, RISKS, rows.outcome, rows.customer_weight)

    assert again.log_odds(stretched) == pytest.approx(card_of_rows(rows).log_odds(columns), abs=1e-9)


def test_on_customers_it_never_saw_it_ranks_nearly_as_well_as_the_members():
    learned, later = invented(seed=1), invented(seed=2)
    card = card_of_rows(learned)
    members = area(scores_of(Formula(fit_formula(learned, FEATURES, small())), later), later.outcome)
    asked = area(card.log_odds(read_columns(later.features, FEATURES)), later.outcome)

    assert asked > members - 0.03
    assert asked > 0.7
