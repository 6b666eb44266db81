"""Means of ratios over two years' accounts: of what was public on the date, and of one year where there is no other."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from riskscore.hazard.two_years import TWO_YEARS, compute
from riskscore.snapshot import take_snapshot
from riskscore.stores.engines import ledger_of
from riskscore.tables import TABLES

YEARS = (2021, 2022, 2023)
OWED = {2021: 20, 2022: 40, 2023: 80}


def means_on(day, years=YEARS):
    """The means of one customer that owes, of 100 of assets, what `OWED` says; each year is published on the next 31 May."""
    schema = TABLES["statements"].arrow_schema
    columns = {
        "customer_id": ["c1"] * len(years),
        "period_end": [date(each, 12, 31) for each in years],
        "published_on": [date(each + 1, 5, 31) for each in years],
        "known_on": [date(each + 1, 5, 31) for each in years],
        "currency": ["EUR"] * len(years),
        "total_assets": [Decimal("100.00")] * len(years),
        "total_liabilities": [Decimal(f"{OWED[each]}.00") for each in years],
        "ebit": [Decimal("5.00")] * len(years),
        "revenue": [Decimal("50.00")] * len(years),
    }
    table = pa.table({field.name: pa.array(columns.get(field.name, [None] * len(years)), field.type) for field in schema})
    asked = pa.table({"customer_id": ["c1"], "as_of": pa.array([day], pa.date32())})
    snapshot = take_snapshot(ledger_of({"statements": table}, "EUR"), asked)
    return compute(snapshot.spine, snapshot.statements).to_pylist()[0]


@pytest.mark.parametrize(
    ("day", "debt_ratio"),
    [
        pytest.param(date(2024, 6, 1), 0.6, id="the newest two of three"),
        pytest.param(date(2024, 5, 30), 0.3, id="the day before the newest is public: the two before it"),
        pytest.param(date(2022, 6, 1), 0.2, id="one year alone"),
        pytest.param(date(2022, 5, 30), None, id="nothing public yet"),
    ],
)
def test_the_mean_is_of_the_years_public_on_the_day(day, debt_ratio):
    said = means_on(day)["debt_ratio_two_years"]

    assert said == (None if debt_ratio is None else pytest.approx(debt_ratio))


def test_a_ratio_without_its_items_is_null_and_the_others_are_not():
    said = means_on(date(2024, 6, 1))

    assert said["current_ratio_two_years"] is None
    assert said["operating_margin_two_years"] == pytest.approx(0.1)


def test_years_too_far_apart_are_not_averaged():
    assert means_on(date(2024, 6, 1), years=(2021, 2023))["debt_ratio_two_years"] == pytest.approx(0.8)


def test_every_mean_declares_a_direction():
    assert {each.risk for each in TWO_YEARS} <= {"rises", "falls"}
