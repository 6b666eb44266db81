"""Failure from accounts alone: one row a firm, ratios by the product's own code, the intercept of the newest firms."""

from datetime import date
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from riskscore.errors import TooFewEvents
from riskscore.model.rows import Rows
from riskscore.recipe import PairTerms, parse_signed
from riskscore.stores.engines import ledger_of
from riskscore.stores.signed_texts import find_text
from riskscore.tables import TABLES
from riskscore.training.firm_ratios import FIRM_RATIOS
from riskscore.training.firms import RATIOS, firm_rows, fit_firms

TERMS = parse_signed(find_text("firms/terms.toml").read_text(encoding="utf-8"), PairTerms, "terms of firms")


def statements(n_firms, *, years=3, seed=4):
    """Accounts of firms whose equity is small where they are weak, and how weak each is."""
    random = np.random.default_rng(seed)
    weak = random.normal(size=n_firms)
    firm = np.repeat(np.arange(n_firms), years)
    last = 2015 + (np.arange(n_firms) % 6)
    year = last[firm] - (years - 1) + np.tile(np.arange(years), n_firms)
    assets = np.full(len(firm), 1000.0)
    owed = 1000 * expit(weak[firm] + random.normal(0, 0.3, len(firm)))
    money = {"total_assets": assets, "total_liabilities": owed, "equity": assets - owed, "current_assets": assets / 2}
    schema = TABLES["statements"].arrow_schema
    columns = {
        "customer_id": [f"f{each:04d}" for each in firm],
        "period_end": [date(each, 12, 31) for each in year],
        "published_on": [date(each + 1, 5, 31) for each in year],
        "known_on": [date(each + 1, 5, 31) for each in year],
        "currency": ["USD"] * len(firm),
        **{name: [Decimal(f"{each:.2f}") for each in values] for name, values in money.items()},
    }
    table = pa.table({field.name: pa.array(columns.get(field.name, [None] * len(firm)), field.type) for field in schema})
    return ledger_of({"statements": table}, "USD"), weak


@lru_cache
def some_firms(n=400, shift=0.0):
    """Rows of firms, later ones failing more often by `shift` log-odds."""
    ledger, weak = statements(n)
    late = np.arange(n) % 6 >= 4
    failed = np.random.default_rng(8).random(n) < expit(-1.5 + 1.5 * weak + shift * late)
    return firm_rows(ledger, {f"f{each:04d}": bool(flag) for each, flag in enumerate(failed)})


def test_a_firm_is_one_row_at_its_newest_accounts():
    ledger, _ = statements(12)
    rows = firm_rows(ledger, {f"f{each:04d}": each == 3 for each in range(10)})

    assert rows.features["customer_id"].to_pylist() == [f"f{each:04d}" for each in range(10)]
    assert rows.features["as_of"].to_pylist()[0] == date(2016, 5, 31)
    assert rows.outcome.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert rows.features["equity_growth"].null_count == 0


def test_the_years_of_one_firm_cannot_be_rows_of_a_model_of_firms():
    # The planted fault: a status on all years of a firm, learned once a year. There is no way to ask for it.
    ledger, _ = statements(20, years=5)
    rows = firm_rows(ledger, {f"f{each:04d}": each < 5 for each in range(20)})

    assert len(rows) == rows.n_customers == 20


def test_weak_accounts_mean_failure_and_the_share_of_failures_is_right():
    rows = some_firms()
    model = fit_firms(rows, TERMS, 1)
    pd = model.probability(rows.features)

    assert pd[rows.outcome == 1].mean() > pd[rows.outcome == 0].mean() + 0.15
    assert pd.mean() == pytest.approx(rows.outcome.mean(), abs=0.05)


def test_ratios_that_no_firm_has_are_not_learned_from():
    known = {each.name for each in fit_firms(some_firms(), TERMS, 1).ratios}

    assert {"debt_ratio", "tangible_equity_ratio"} <= known
    assert "days_payables" not in known
    assert "statement_age_days" not in {each.name for each in RATIOS}


def test_the_intercept_is_that_of_the_newest_firms():
    rows = some_firms(900, shift=-2.0)
    newest = rows.days >= np.quantile(rows.days, 2 / 3)
    model = fit_firms(rows, TERMS, 1)
    observed = rows.outcome[newest].mean()
    without_shift = expit(model.log_odds(rows.features.filter(pa.array(newest)))).mean()

    assert model.curve["c"] < -0.2
    assert abs(model.probability(rows.features.filter(pa.array(newest))).mean() - observed) < abs(without_shift - observed)


def test_too_few_failures_are_said_with_the_numbers():
    rows = some_firms()
    few = Rows(rows.features, np.where(np.cumsum(rows.outcome) <= 7, rows.outcome, 0.0))

    with pytest.raises(TooFewEvents, match="of 400 firms 7 failed; at least 20"):
        fit_firms(few, TERMS, 1)


def test_the_further_ratios_are_those_of_the_newest_accounts_and_null_without_an_item():
    ledger, _ = statements(30)
    rows = firm_rows(ledger, {f"f{each:04d}": each < 5 for each in range(30)})
    debt = np.array(rows.features["debt_ratio"].to_pylist())

    assert rows.features["equity_to_debt"].to_pylist() == pytest.approx((1 / debt - 1).tolist(), abs=1e-3)
    assert rows.features["balance_sheet_total"].to_pylist() == [1000.0] * 30
    assert rows.features["asset_turnover"].null_count == 30
    assert {each.name for each in FIRM_RATIOS} <= {each.name for each in RATIOS}
