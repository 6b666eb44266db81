"""What is advised where there is too little to learn from: to wait, to ask a nearer question, or to say what is late here."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from modelling import FEATURES, invented, shipped
from riskscore.errors import TooFewEvents, UsageRefused
from riskscore.grades import parse
from riskscore.model.rows import Rows
from riskscore.snapshot import month_ends
from riskscore.snapshot.calendar import day_number
from riskscore.stores.signed_texts import shipped_models
from riskscore.training.blocks import blocks_of, judged_from, known_before
from riskscore.training.judging import walk_forward
from riskscore.training.learning import check_evidence, check_horizon

GRADES = parse((shipped_models() / "late_payment" / "grades.toml").read_text(encoding="utf-8"))


def people(n_customers: int, n_late: int) -> Rows:
    """Customers on one day, so many of them late later on."""
    who = pa.table(
        {
            "customer_id": [f"C{n:03d}" for n in range(n_customers)],
            "as_of": pa.array([19000] * n_customers, pa.int32()).cast(pa.date32()),
        }
    )
    return Rows.of(who, np.array([1.0] * n_late + [0.0] * (n_customers - n_late)))


@pytest.mark.parametrize(
    ("n_late", "advised"), [(3, "ingest a longer history, or wait"), (177, r"say under \[outcome\] what is materially late")]
)
def test_more_history_is_not_advised_where_everybody_is_late(n_late, advised):
    with pytest.raises(TooFewEvents, match=f"{n_late} paid materially late.*{advised}"):
        check_evidence(people(178, n_late), shipped())


@pytest.mark.parametrize(
    ("n_customers", "advised"), [(59, "only more customers can"), (60, "a longer history, or wait"), (61, "a longer history")]
)
def test_to_a_book_of_few_customers_no_longer_history_is_advised(n_customers, advised):
    with pytest.raises(TooFewEvents, match=f"of {n_customers} customers .*{advised}"):
        check_evidence(people(n_customers, 5), shipped())


def within(days: int):
    return shipped().model_copy(update={"outcome": shipped().outcome.model_copy(update={"horizon_days": days})})


@pytest.mark.parametrize(("horizon", "from_day"), [(180, "2020-07-29"), (90, "2020-01-29"), (365, "2021-07-31")])
def test_the_day_is_told_from_which_on_a_model_can_be_judged(horizon, from_day):
    opened = date(2019, 5, 31)
    day, recipe = judged_from(opened, within(horizon)), within(horizon)

    assert day == date.fromisoformat(from_day)
    for until, enough in ((day, True), (day - timedelta(days=1), False)):
        cuts = np.array([day_number(end) for end in month_ends(opened, until - timedelta(days=horizon))])
        assert any(known_before(cuts, block, recipe).any() for block in blocks_of(cuts, recipe)) is enough


def test_no_day_is_told_where_the_recipe_keeps_too_few_months():
    few = shipped().model_copy(update={"cuts": shipped().cuts.model_copy(update={"months": 6})})

    assert judged_from(date(2019, 5, 31), few) is None


def test_a_history_too_short_to_judge_is_told_until_when_and_of_the_nearer_question():
    with pytest.raises(TooFewEvents, match=r"too short to judge .* from 2025-\d\d-\d\d on.*smaller horizon_days.*grades\.toml"):
        walk_forward(invented(n_cuts=4), FEATURES, shipped())


def test_grades_of_another_horizon_are_told_with_the_files_to_change():
    with pytest.raises(
        UsageRefused, match=r"180 days, the recipe predicts 90.* grades\.toml and recipe\.toml of models/late_payment"
    ):
        check_horizon(within(90), GRADES)
