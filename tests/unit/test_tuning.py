"""Tuning: tries recipes on early months alone, asks no more of few late payers than they carry, and writes a text to sign."""

from dataclasses import replace

import numpy as np
import pytest

from modelling import FEATURES, invented, shipped, small, trained
from riskscore import recipe as recipes
from riskscore.errors import TooFewEvents, UsageRefused
from riskscore.recipe import parse, to_text
from riskscore.training import tuning
from riskscore.training.tuning import Proving, Space, propose, to_sign


class Drawn:
    """Chooses within the bounds it is given, and remembers them."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.bounds = {}

    def suggest_int(self, name, low, high):
        self.bounds[name] = (low, high)
        return int(self.random.integers(low, high + 1))

    def suggest_float(self, name, low, high, *, log=False):
        self.bounds[name] = (low, high)
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))) if log else self.random.uniform(low, high))


@pytest.fixture
def early(monkeypatch):
    """Invented rows whose catalogue is known here, with months enough to try on before those that judge."""
    monkeypatch.setattr(tuning, "chosen_features", lambda _recipe: FEATURES)
    rows = invented(n_customers=240, n_cuts=24)
    cuts = small().cuts.model_copy(update={"folds": 2, "fold_months": 3})
    return rows, small().model_copy(update={"cuts": cuts, "baselines": []})


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_tried_can_be_signed_and_read_again(seed):
    space = Space(40 + 60 * seed)
    found = to_sign(shipped(), propose(shipped(), space, Drawn(seed)), space)

    assert parse(to_text(found, "found by a search\nread it")) == found
    assert found.digest == parse(to_text(found, "another heading")).digest
    assert found.members.trees.sizes[-1].from_customers == space.n_customers_with_event
    assert found.members.trees.sizes[0].from_customers == 0


def test_the_shipped_recipe_survives_being_written():
    text = to_text(shipped(), "as it is")

    assert parse(text) == shipped()
    assert text.startswith("# as it is\n")
    assert all("#" in line for line in text.splitlines() if " = " in line and not line.startswith(" "))
    with pytest.raises(UsageRefused, match="colour"):
        parse(text + "colour = 1\n")


@pytest.mark.parametrize(
    ("with_event", "leaves", "depth", "rounds"),
    [(10, 2, 1, 80), (49, 2, 1, 80), (50, 2, 1, 80), (75, 3, 2, 80), (200, 8, 3, 200), (774, 30, 5, 600), (10**6, 31, 5, 600)],
)
def test_few_late_payers_carry_small_trees(with_event, leaves, depth, rounds):
    space = Space(with_event)
    drawn = Drawn(1)
    propose(shipped(), space, drawn)

    assert (space.most_leaves, space.most_depth, space.most_rounds) == (leaves, depth, rounds)
    assert drawn.bounds["leaves"] == (2, leaves)
    assert drawn.bounds["depth"] == (1, depth)


def test_the_months_that_judge_a_model_are_not_looked_at(early):
    rows, base = early
    proving = Proving(rows, base)
    judged = np.unique(rows.days)[-6:]
    latest = max(int(trial.judged.days.max()) for trial in proving.trials)

    assert proving.by == "months"
    assert latest + base.outcome.horizon_days + base.cuts.embargo_days <= judged[0]
    random = np.random.default_rng(5)
    late = rows.days + base.outcome.horizon_days > judged[0]
    spoiled = replace(rows, outcome=np.where(late, random.integers(0, 2, len(rows)).astype(float), rows.outcome))
    assert Proving(spoiled, base).said_by(base).loss == proving.said_by(base).loss
    early_spoiled = replace(rows, outcome=np.where(late, rows.outcome, random.integers(0, 2, len(rows)).astype(float)))
    assert Proving(early_spoiled, base).said_by(base).loss != proving.said_by(base).loss  # the guard can fail


def test_a_recipe_that_learns_nothing_is_behind(early):
    rows, base = early
    proving = Proving(rows, base)
    numb = base.members.logistic.model_copy(update={"ridge": 1e6})
    dull = base.model_copy(update={"members": base.members.model_copy(update={"logistic": numb})})
    ahead = proving.ahead(proving.said_by(base), proving.said_by(dull))

    assert ahead.high < 0
    assert proving.ahead(proving.said_by(base), proving.said_by(base)).value == 0


def test_a_short_history_is_tried_on_customers_it_did_not_learn_from(early, monkeypatch):
    rows, base = early
    short = rows.take(rows.days <= np.unique(rows.days)[15])
    proving = Proving(short, base)
    latest = max(int(trial.judged.days.max()) for trial in proving.trials)

    assert proving.by == "customers"
    assert latest + base.outcome.horizon_days + base.cuts.embargo_days <= np.unique(short.days)[-6:][0]
    for trial in proving.trials:
        assert not set(trial.learned.features["customer_id"].to_pylist()) & set(trial.judged.features["customer_id"].to_pylist())


def test_a_history_without_early_months_needs_no_tuning_and_is_told_so():
    with pytest.raises(TooFewEvents, match="needs no tuning"):
        Proving(trained().judged.rows, small())


def test_every_kind_of_value_of_a_recipe_can_be_written():
    lines = recipes.to_text(shipped(), "x")

    assert 'weight = "0.50"' in lines
    assert "ridge = 30.0" in lines
    assert "{ from_customers = 0, leaves = 4, depth = 2, rounds = 80 }" in lines
