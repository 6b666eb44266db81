"""The recipe of twelve months and ninety days: the first one's words with another question, and texts shared where it has none."""

import tomllib

import pytest

from modelling import small_text
from riskscore import grades, recipe, training
from riskscore.errors import UsageRefused
from riskscore.stores.engines import ledger_of
from riskscore.stores.signed_texts import find_text, shipped_models
from simulated import world_of

NAME = "late_payment_12_months"


def text(name, model=NAME):
    return find_text(f"{model}/{name}").read_text(encoding="utf-8")


def flat(table, path=()):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, (*path, key))
        else:
            yield ".".join((*path, key)), value


def test_it_differs_from_the_first_recipe_in_its_question_and_the_months_it_needs():
    first, second = (dict(flat(tomllib.loads(text("recipe.toml", model)))) for model in ("late_payment", NAME))

    assert {key: second[key] for key in second if second[key] != first.get(key)} == {
        "name": NAME,
        "outcome.horizon_days": 365,
        "outcome.days_past_due": 90,
        "outcome.late_days": 90,
        "cuts.months": 48,
        "cuts.folds": 2,
    }
    assert first.keys() == second.keys()
    assert grades.parse(text("grades.toml")).horizon_days == recipe.parse(text("recipe.toml")).outcome.horizon_days == 365


def test_texts_that_a_model_does_not_have_are_those_of_late_payment():
    for name in ("policy.toml", "gate.toml", "card.md", "card.zh.md", "delegation.toml", "dunning.toml", "provision.toml"):
        assert find_text(f"{NAME}/{name}") == shipped_models() / "late_payment" / name
    assert find_text(f"{NAME}/grades.toml") == shipped_models() / NAME / "grades.toml"


def test_a_companys_own_text_comes_before_all_others(tmp_path):
    for model in ("late_payment", NAME):
        (tmp_path / model).mkdir()
    shared, own = tmp_path / "late_payment" / "policy.toml", tmp_path / NAME / "policy.toml"
    shared.write_text("shared", encoding="utf-8")

    assert find_text(f"{NAME}/policy.toml", tmp_path) == shared
    own.write_text("own", encoding="utf-8")
    assert find_text(f"{NAME}/policy.toml", tmp_path) == own


@pytest.mark.parametrize(
    "wanted", ["late_paymnt/policy.toml", "late_paymnt/recipe.toml", f"{NAME}/horoscope.toml", "mappings/gate.toml"]
)
def test_a_name_that_is_no_model_borrows_nothing(wanted):
    with pytest.raises(UsageRefused, match=wanted):
        find_text(wanted)


def test_a_year_and_ninety_days_are_counted():
    world = world_of(n_customers=200, n_months=34, seed=5)
    quicker = small_text().replace('name = "late_payment"', f'name = "{NAME}"')
    for line, instead in (
        ("horizon_days = 180", "horizon_days = 365"),
        ("days_past_due = 60 ", "days_past_due = 90 "),
        ("late_days = 30 ", "late_days = 90 "),
    ):
        assert line in quicker
        quicker = quicker.replace(line, instead)
    asked = recipe.parse(quicker)
    gathered = training.gather([ledger_of(dict(world.tables), "EUR")], asked, until=world.end_on)
    learned = training.learn(gathered, asked, grades.parse(text("grades.toml")))

    newest = max(learned.newest["as_of"].to_pylist())
    assert (world.end_on - newest).days >= 365
    assert learned.model.horizon_days == 365
    assert learned.evaluation.figures["model"]["auc"].value > 0.6
