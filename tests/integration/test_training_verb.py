"""The verbs train, models, promote and approve, from a book on disk to a version in force; and the public ledgers."""

import json
import re
import shutil

import numpy as np
import pyarrow.csv
import pytest

from modelling import WORLD, export, sign_small_texts
from riskscore.hazard.bins import N_BINS
from riskscore.hazard.newcomers import Newcomers
from riskscore.hazard.readouts import LATE
from riskscore_pipelines.forecasting import WORDS
from riskscore_pipelines.main import main
from simulated import world_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A working folder: an ingested book, and a recipe of its own that a small book can satisfy."""
    folder = tmp_path_factory.mktemp("company")
    export(world_of(**WORLD).tables, folder / "exports")
    sign_small_texts(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert main(["ingest", "exports", "--mapping", "canonical", "--book", "book"]) == 0
    return folder


@pytest.fixture
def here(company, monkeypatch):
    monkeypatch.chdir(company)
    return company


def run(capsys, *arguments):
    status = main(list(arguments))
    said = capsys.readouterr()
    return status, said.out, said.err


def test_from_a_book_to_a_version_in_force(here, capsys):
    status, out, err = run(capsys, "train", "--book", "book", "--first", "--by", "Ann", "--json")
    first = json.loads(out)
    assert status == 0, err
    assert first["approved_by"] == "Ann"
    assert {"auc", "pr_auc", "brier"} <= set(first["ahead_of"]["scorecard"])
    assert first["trueness"]["spiegelhalter"]["n"] == sum(row["n"] for row in first["trueness"]["years"]) > 0
    assert first["figures"]["model"]["auc"]["low"] <= first["figures"]["model"]["auc"]["value"]
    assert set(first["seconds"]) == {"features and outcomes", "invoices and payments", "judging and learning", "writing down"}
    assert "features and outcomes" in err

    status, out, err = run(capsys, "train", "--book", "book", "--first", "--by", "Ann")
    assert status == 2
    assert "--first does not apply" in err

    status, out, err = run(capsys, "train", "--book", "book")
    assert status == 0, err
    assert "It scores nothing yet" in out
    assert "Ahead of the best rule of thumb (scorecard)" not in out
    assert "Ahead of the best rule of thumb" in out
    assert "Beside a scorecard of the same features" in out
    assert "(Spiegelhalter's z" in out
    assert "Predicted over observed by year:" in out
    assert "are forecast by a hazard of their own" in out

    assert run(capsys, "promote", "2", "--by", "Ann")[0] == 0
    assert run(capsys, "approve", "2", "--by", "Ann")[0] == 2
    assert run(capsys, "approve", "2", "--by", "Bo")[0] == 0

    status, out, err = run(capsys, "models", "--json")
    versions = json.loads(out)
    assert [each["in_force"] for each in versions] == [False, True]
    assert versions[0]["digest"] == versions[1]["digest"] == first["digest"]
    assert run(capsys, "models")[0] == 0


def test_a_book_that_is_not_there_is_one_line_and_a_status(here, capsys):
    status, out, err = run(capsys, "train", "--book", "nowhere")

    assert (status, out) == (3, "")
    assert len(err.strip().splitlines()) == 1


def test_a_model_without_signed_texts_is_refused(here, capsys):
    status, _, err = run(capsys, "train", "--book", "book", "--model", "horoscope")

    assert status == 2
    assert "horoscope/recipe.toml" in err


@pytest.mark.realdata
def test_the_ibm_ledger_has_too_few_late_payers_and_the_tool_says_so(public_data, tmp_path, monkeypatch, capsys):
    shutil.copy(public_data / "ibm_receivables" / "invoices.csv", tmp_path / "invoices.csv")
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "ingest", "invoices.csv", "--mapping", "ibm", "--book", "book")[0] == 0
    status, out, err = run(capsys, "train", "--book", "book", "--first", "--by", "Ann")

    assert (status, out) == (5, "")
    assert "of 100 customers with a payment history" in err
    assert "referred instead of scored" in err


@pytest.mark.realdata
def test_the_udyam_ledger_is_learned_from_and_judged_out_of_time(public_data, tmp_path, monkeypatch, capsys):
    shutil.copy(public_data / "udyam_payables" / "invoices.csv", tmp_path / "invoices.csv")
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "ingest", "invoices.csv", "--mapping", "udyam", "--book", "book")[0] == 0
    status, out, err = run(capsys, "train", "--book", "book", "--first", "--by", "Ann", "--json")
    result = json.loads(out)

    assert status == 0, err
    assert result["ahead_of"]["shrunken rate"]["auc"]["low"] > 0
    assert result["ahead_of"]["shrunken rate"]["log_loss"]["high"] < 0
    assert result["figures"]["model"]["ece"]["value"] < 0.03


def test_the_forecast_of_open_invoices_and_of_cash(here, capsys):
    arguments = ["forecast", "--book", "book", "--weeks", "9", "--out"]
    status, out, err = run(capsys, *arguments, "open.csv", "--terms-out", "terms.csv", "--html", "cash.html", "--json")
    told = json.loads(out)
    invoices = pyarrow.csv.read_csv(here / "open.csv")

    assert status == 0, err
    assert invoices.num_rows == told["open_invoices"] > 50
    for currency, weeks in told["weeks"].items():
        assert len(weeks) == 9
        assert all(0 <= week["p10"] <= week["p50"] <= week["p90"] for week in weeks)
        assert 0 < sum(week["mean"] for week in weeks) <= told["open"][currency]
        assert currency in (here / "cash.html").read_text(encoding="utf-8")
    rows = invoices.to_pylist()
    assert all(row["late_0_probability"] >= row["late_15_probability"] >= row["late_60_probability"] for row in rows)
    assert all(row["as_of"] <= row["paid_p10"] <= row["paid_p50"] for row in rows if row["paid_p50"])
    terms = pyarrow.csv.read_csv(here / "terms.csv").to_pylist()
    assert len(terms) > 20
    assert {row["customer_id"] for row in terms} - {row["customer_id"] for row in rows}  # who owes nothing has its terms too
    assert all(0 < row["days_to_pay_p50"] <= row["days_to_pay_p80"] and row["expected_days_to_pay"] >= 1 for row in terms)
    late = [row["expected_days_to_pay"] - row["terms_days"] for row in terms]
    assert -5 < sorted(late)[len(late) // 2] < 30  # most are paid about when they are due
    assert {name for name in rows[0] if name.startswith("late_")} == {f"late_{days}_probability" for days in LATE}

    again = run(capsys, *arguments, "again.csv", "--html", "again.html")
    assert again[0] == 0
    assert (here / "again.csv").read_bytes() == (here / "open.csv").read_bytes()
    assert (here / "again.html").read_bytes() == (here / "cash.html").read_bytes()

    status, out, _ = run(capsys, *arguments, "open.csv", "--lang", "zh")
    assert status == 0
    assert "按周预计回款" in out


def test_the_forecast_of_newcomers_is_that_of_a_hazard_of_their_own(here, capsys, monkeypatch):
    """Without its answer the rows of customers that have not settled an invoice change, and no others."""
    arguments = ["forecast", "--book", "book", "--out"]
    assert run(capsys, *arguments, "told.csv")[0] == 0
    monkeypatch.setattr(Newcomers, "log_odds", lambda _, cases: np.zeros((len(cases), N_BINS)))
    assert run(capsys, *arguments, "silent.csv")[0] == 0
    told, silent = (pyarrow.csv.read_csv(here / name).to_pylist() for name in ("told.csv", "silent.csv"))

    changed = {one["customer_id"] for one, other in zip(told, silent, strict=True) if one != other}
    paid = set(world_of(**WORLD).tables["settlements"]["customer_id"].to_pylist())
    assert changed
    assert {f"{each:010d}" if isinstance(each, int) else each for each in changed}.isdisjoint(paid)
    new = [row["late_0_probability"] for row in told if row["customer_id"] in changed and row["days_past_due"] < 0]
    assert len(set(new)) == len(new) > 1


def test_a_forecast_to_a_file_of_unknown_kind_is_refused_before_the_work(here, capsys):
    status, _, err = run(capsys, "forecast", "--book", "book", "--out", "open.docx")

    assert status == 2
    assert "open.docx" in err


def test_both_languages_of_the_forecast_say_the_same_things():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for key, said in WORDS["en"].items():
        assert sorted(re.findall(r"{\w+}", said)) == sorted(re.findall(r"{\w+}", WORDS["zh"][key])), key
