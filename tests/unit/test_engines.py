"""Engines: what a connection of ours does not do, and that a plan which is kept answers each customer as if it were new."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow.compute as pc
import pytest

from deciding import GRADES, PROVENANCE, RECEIVABLES, LinearModel, shipped
from ledger_text import observations, polars_ledger
from riskscore import features, positions
from riskscore.decisions import Asked
from riskscore.scoring import Application, decide_applicant
from riskscore.simulation import simulate
from riskscore.snapshot import take_snapshot, with_kinship
from riskscore.snapshot.items import _as_they_stood
from riskscore.stores.engines import _Kept, connect, ledger_in_memory, ledger_of
from riskscore.tables import DRAWN, drawn

ASKED = """
from ledger_text import observations, tables_of
from riskscore import features
from riskscore.snapshot import take_snapshot, with_kinship
from riskscore.stores.engines import ledger_in_memory, ledger_of

page = "customers\\ncustomer_id | country\\nacme | DE"
for engine in (ledger_in_memory, ledger_of):
    features.compute(take_snapshot(engine(tables_of(page), "EUR"), observations(("acme", "2025-02-10"))))
"""


def test_a_process_that_keeps_plans_ends_without_a_word():
    tests = str(Path(__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, {tests!r})\n{ASKED}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("", "")


def test_no_progress_bar_stands_between_the_results_on_stdout():
    assert connect().sql("select current_setting('enable_progress_bar')").fetchall() == [(False,)]


@pytest.mark.parametrize(
    ("kept", "rounds"), [pytest.param(ledger_in_memory, 5, id="on Polars"), pytest.param(ledger_of, 2, id="on DuckDB")]
)
def test_plans_that_are_kept_answer_each_of_many_at_once_as_if_it_were_alone(kept, rounds):
    """The plans of a snapshot are made once and asked by every thread; an engine that keeps none says what is right."""

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
    right = [decided(application, polars_ledger) for application in applications]
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: decided(applications[number % 5], kept), range(5 * rounds)))

    assert len(set(right)) == 5
    assert said == right * rounds


def test_no_row_stays_with_a_plan_whether_it_answers_or_fails():
    rows = pl.DataFrame({"x": [1, 2]})
    kept = _Kept(lambda frame: frame.select(y=nw.col("x") + 1), [dict(rows.schema)])

    assert kept([rows])["y"].to_list() == [2, 3]
    with pytest.raises(pl.exceptions.PolarsError):
        kept([rows.rename({"x": "z"})])
    assert kept._rows == [None]
    assert kept([rows.head(1)])["y"].to_list() == [2]


ON = date(2023, 12, 31)


@cache
def company():
    return dict(simulate("default", n_customers=30, n_months=24, seed=3).tables)


def of_customer(customer, without=()):
    """What the company's ledger holds of one customer, less some tables."""
    tables = {name: table for name, table in company().items() if name not in without}
    mine = {name: table.filter(pc.equal(table["customer_id"], customer)) for name, table in tables.items() if name != "rates"}
    return {**tables, **mine}


def answers(ledger, *asked):
    snapshot = take_snapshot(ledger, observations(*asked))
    return features.compute(snapshot).to_pylist(), positions.compute(snapshot).to_pylist()


@pytest.mark.parametrize(
    "without",
    [(), ("invoices",), ("settlements",), ("disputes", "ratings"), ("statements", "limits", "securities"), ("customers",)],
    ids=lambda names: "without " + " and ".join(names) if names else "everything",
)
def test_a_customer_of_whom_little_is_known_gets_the_same_bits_where_steps_are_left_out(without):
    customer = company()["invoices"]["customer_id"][0].as_py()
    tables = of_customer(customer, without)

    assert answers(ledger_in_memory(tables, "EUR"), (customer, ON)) == answers(polars_ledger(tables), (customer, ON))


def test_rows_put_aside_are_on_the_other_engine_and_answer_with_the_same_bits():
    book = with_kinship(ledger_of(company(), "EUR"), company()["customers"])
    few = book.aside(book)
    asked = [(customer, ON) for customer in company()["customers"]["customer_id"].unique().to_pylist()[:5]]

    assert all(isinstance(frame.to_native(), pl.LazyFrame) for frame in few.frames.values())
    assert few.frames.keys() == book.frames.keys()
    assert answers(few, *asked) == answers(book, *asked)


def rows_of_no_rows(steps):
    """How many rows each step that was taken makes where its first frame has none."""
    return {step: step(frames[0].head(0), *frames[1:]).collect().shape[0] for step, frames in steps if step in DRAWN}


def steps_over_the_company():
    taken = []

    def prepared(step, *frames):
        taken.append((step, frames))
        return step(*frames)

    customers = company()["customers"]["customer_id"].unique().to_pylist()
    answers(replace(polars_ledger(company()), prepare=prepared), *((each, ON) for each in customers))
    return taken


def test_a_step_that_draws_its_rows_makes_none_of_none():
    found = rows_of_no_rows(steps_over_the_company())

    assert len(found) >= 18
    assert set(found.values()) == {0}


def test_a_planted_step_that_makes_rows_of_its_second_frame_is_seen():
    @drawn
    def beside(items, spine):
        return spine.join(items, on="observation", how="left")

    frames = next(frames for step, frames in steps_over_the_company() if step is _as_they_stood)
    items, spine = _as_they_stood(*frames), frames[1]
    try:
        assert rows_of_no_rows([(beside, (items, spine))])[beside] > 0
    finally:
        DRAWN.discard(beside)
