"""Engines: what a connection of ours does not do, and that a plan which is kept answers each customer as if it were new."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from deciding import GRADES, PROVENANCE, RECEIVABLES, LinearModel, shipped
from riskscore.decisions import Asked
from riskscore.scoring import Application, decide_applicant
from riskscore.stores.engines import _Kept, connect, ledger_in_memory, ledger_of


def test_no_progress_bar_stands_between_the_results_on_stdout():
    assert connect().sql("select current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_plans_that_are_kept_answer_each_of_many_at_once_as_if_it_were_alone():
    """On Polars the plans of a snapshot are made once and asked by every thread; DuckDB, which keeps none, says what is right."""

    def decided(application: Application, ledger_of: Any) -> bytes:
        return decide_applicant(
            application, lambda tables: ledger_of(tables, "EUR"), LinearModel(), GRADES, shipped(),
            receivables=RECEIVABLES, provenance=PROVENANCE,
        ).to_bytes()  # fmt: skip

    accounts = {"period_end": date(2025, 12, 31), "published_on": date(2026, 3, 1), "currency": "EUR", "equity": Decimal(900_000)}
    applications = [
        Application(
            applicant_id=f"applicant-{number}", country=country, asked=Asked(Decimal(25_000 + number), 30), legal_form=form,
            industry=industry, statements=[accounts] * (number % 2), monthly_purchases=Decimal(40_000 + 1_000 * number),
        )
        for number, (country, form, industry) in enumerate(
            [("DE", "GmbH", "C10"), ("CN", None, None), ("US", "Inc", "F41"), ("DE", "e.K.", "F41"), ("FR", "SA", None)]
        )
    ]  # fmt: skip
    right = [decided(application, ledger_of) for application in applications]
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: decided(applications[number % 5], ledger_in_memory), range(25)))

    assert len(set(right)) == 5
    assert said == right * 5


def test_no_row_stays_with_a_plan_whether_it_answers_or_fails():
    rows = pl.DataFrame({"x": [1, 2]})
    kept = _Kept(lambda frame: frame.select(y=nw.col("x") + 1), [dict(rows.schema)])

    assert kept([rows])["y"].to_list() == [2, 3]
    with pytest.raises(pl.exceptions.PolarsError):
        kept([rows.rename({"x": "z"})])
    assert kept._rows == [None]
    assert kept([rows.head(1)])["y"].to_list() == [2]
