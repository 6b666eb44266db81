"""The recipe: strict text in, a value with a digest out."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from modelling import GRADES_TEXT, RECIPE_TEXT, shipped
from riskscore import features, grades, recipe
from riskscore.errors import UsageRefused
from riskscore.model.bundle import canonical
from riskscore.outcomes import Outcome
from riskscore.training.learning import chosen_features


def test_the_shipped_recipe_predicts_the_outcome_of_the_specification():
    assert shipped().definition == Outcome(
        horizon_days=180,
        days_past_due=60,
        min_amount=Decimal(500),
        min_billing_share=Decimal("0.01"),
        late_share=Decimal("0.10"),
        late_days=30,
    )


def test_the_shipped_trees_are_small_enough_to_explain_fast():
    assert all(size.leaves <= 8 and size.depth <= 3 for size in shipped().members.trees.sizes)


def test_the_shipped_recipe_names_only_features_there_are():
    chosen = chosen_features(shipped())

    assert {feature.name for feature in chosen} <= set(features.CATALOGUE)
    assert len(chosen) >= 70


def test_comments_and_the_order_of_keys_do_not_change_the_digest():
    shuffled = RECIPE_TEXT.replace("folds = 4                      # blocks", "folds = 4 # other words: blocks")
    assert shuffled != RECIPE_TEXT
    head, cuts, rest = re.split(r"(?=^\[cuts\])|(?=^\[features\])", shuffled, flags=re.MULTILINE)

    assert recipe.parse(head + rest + "\n" + cuts).digest == shipped().digest


def test_another_number_is_another_digest():
    assert recipe.parse(RECIPE_TEXT.replace("days_past_due = 60 ", "days_past_due = 61 ")).digest != shipped().digest


@pytest.mark.parametrize(
    ("line", "instead", "named"),
    [
        pytest.param("horizon_days = 180", "horizon_dayz = 180", "outcome.horizon_dayz: unknown key", id="a key misspelt"),
        pytest.param("seed = 20260630\n", "", "seed: field required", id="a key left out"),
        pytest.param("folds = 4", "folds = 0", "cuts.folds:", id="a number out of range"),
        pytest.param("folds = 4", 'folds = "4"', "cuts.folds:", id="text where a number belongs"),
        pytest.param('late_share = "0.10"', 'late_share = "1.10"', "outcome.late_share:", id="a share above one"),
        pytest.param('weight = "0.50"', 'weight = "0.51"', "members: the weights", id="weights that sum to more than one"),
        pytest.param("from_customers = 0,", "from_customers = 5,", "sizes must start", id="tree sizes with a hole"),
        pytest.param('name = "late_payment"', "name = ", "not TOML", id="not TOML at all"),
    ],
)
def test_a_recipe_that_is_not_right_is_refused_with_the_name_of_the_key(line, instead, named):
    assert line in RECIPE_TEXT

    with pytest.raises(UsageRefused, match=re.escape(named)):
        recipe.parse(RECIPE_TEXT.replace(line, instead))


def test_a_recipe_that_a_run_keeps_is_the_one_that_was_signed():
    kept = recipe.parse_kept(canonical(shipped().model_dump(mode="json")), recipe.Recipe, "recipe.json of run 7")

    assert kept == shipped()
    assert kept.digest == shipped().digest


def test_a_recipe_kept_by_a_program_that_read_other_keys_is_refused_with_the_name_of_the_key():
    kept = canonical({**shipped().model_dump(mode="json"), "horoscope": 1})

    with pytest.raises(UsageRefused, match=r"recipe\.json of run 7: horoscope: unknown key\. .* use that one"):
        recipe.parse_kept(kept, recipe.Recipe, "recipe.json of run 7")


def test_a_feature_the_catalogue_does_not_have_is_refused_by_name():
    with pytest.raises(UsageRefused, match="no such feature in the catalogue: horoscope"):
        chosen_features(recipe.parse(RECIPE_TEXT.replace("leave_out = []", 'leave_out = ["horoscope"]')))


def test_a_feature_that_a_member_needs_cannot_be_left_out():
    with pytest.raises(UsageRefused, match="n_matured_30d is left out and used at once"):
        chosen_features(recipe.parse(RECIPE_TEXT.replace("leave_out = []", 'leave_out = ["n_matured_30d"]')))


@pytest.mark.parametrize(
    ("n_customers", "leaves"),
    [
        pytest.param(0, 4, id="none"),
        pytest.param(149, 4, id="just below the step"),
        pytest.param(150, 8, id="on the step"),
        pytest.param(151, 8, id="just above it"),
        pytest.param(10**6, 8, id="a great many"),
    ],
)
def test_the_trees_grow_with_the_customers_that_have_an_event(n_customers, leaves):
    assert shipped().members.trees.size_for(n_customers).leaves == leaves


def test_grades_and_recipe_speak_of_the_same_horizon():
    assert timedelta(days=grades.parse(GRADES_TEXT).horizon_days) == timedelta(days=shipped().outcome.horizon_days)
