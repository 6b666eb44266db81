"""The verbs train, models, promote and approve, from a book on disk to a version in force; and the public ledgers."""

import json
import re
import shutil

import numpy as np
import pyarrow.csv
import pytest

from modelling import WORLD, export, sign_small_texts
from riskscore.errors import TooFewEvents
from riskscore.hazard import Lately, paid_lately
from riskscore.hazard.bins import N_BINS
from riskscore.hazard.newcomers import Newcomers
from riskscore.hazard.readouts import LATE
from riskscore.snapshot import customers_known_at, take_histories
from riskscore.stores.engines import ledger_of
from riskscore.stores.ledgers import open_book
from riskscore_pipelines import train
from riskscore_pipelines.forecasting import WORDS, gather
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
    """So few customers show no lead over every rule of thumb beyond chance: the first version is held, and two people release it."""
    status, out, err = run(capsys, "train", "--book", "book", "--first", "--by", "Ann", "--json")
    first = json.loads(out)
    assert status == 8, err
    assert first["approved_by"] is None
    assert "ahead_of/days_beyond_terms_365d/auc" in first["held"]
    assert "late_payment version 1 is registered and not approved" in err
    assert "ahead of days beyond terms 365d in AUC by" in err
    assert "which chance explains" in err
    assert "riskscore score --no-model refers everybody" in err
    assert "riskscore promote 1 --by NAME --release REASON" in err
    assert {"auc", "pr_auc", "brier"} <= set(first["ahead_of"]["scorecard"])
    assert first["trueness"]["spiegelhalter"]["n"] == sum(row["n"] for row in first["trueness"]["years"]) > 0
    assert first["figures"]["model"]["auc"]["low"] <= first["figures"]["model"]["auc"]["value"]
    assert set(first["seconds"]) == {"features and outcomes", "invoices and payments", "judging and learning", "writing down"}
    assert "features and outcomes" in err
    assert "min_amount" not in err

    assert run(capsys, "score", "--book", "book", "--out", "scores.csv")[0] == 5
    assert run(capsys, "approve", "1", "--by", "Bo", "--release", "alone")[0] == 2
    assert run(capsys, "promote", "1", "--by", "Ann")[0] == 8
    assert run(capsys, "approve", "1", "--by", "Bo", "--release", "of one only")[0] == 8
    assert run(capsys, "promote", "1", "--by", "Ann", "--release", "the rules decide too little")[0] == 0
    assert run(capsys, "approve", "1", "--by", "Bo", "--release", "until there is a longer history")[0] == 0

    status, out, err = run(capsys, "train", "--book", "book", "--first", "--by", "Ann")
    assert status == 2
    assert "--first does not apply" in err

    status, out, err = run(capsys, "train", "--book", "book")
    assert status == 0, err
    assert "It scores nothing yet" in out
    assert "Beside the strongest rule of thumb in AUC (" in out
    assert "(scorecard)" not in out
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


def test_a_first_version_that_is_ahead_of_every_rule_is_approved_in_one_step(tmp_path, monkeypatch, capsys):
    export(world_of("sme", 300, 26, 43).tables, tmp_path / "exports")
    sign_small_texts(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "ingest", "exports", "--mapping", "canonical", "--book", "book")[0] == 0
    status, out, err = run(capsys, "train", "--book", "book", "--first", "--by", "Ann")

    assert status == 0, err
    assert ": ahead beyond noise." in out
    assert "Approved as the first version by Ann: it scores from now on." in out
    (version,) = json.loads(run(capsys, "models", "--json")[1])
    assert version["status"] == "in force: approved by Ann, first version"


def test_a_book_that_is_not_there_is_one_line_and_a_status(here, capsys):
    status, out, err = run(capsys, "train", "--book", "nowhere")

    assert (status, out) == (3, "")
    assert len(err.strip().splitlines()) == 1


def test_an_amount_that_means_little_in_the_currency_of_the_book_is_told_before_anything_is_learned(
    here, tmp_path, monkeypatch, capsys
):
    own = sign_small_texts(tmp_path)
    text = own.joinpath("recipe.toml").read_text("utf-8")
    own.joinpath("recipe.toml").write_text(text.replace('min_amount = "500"', 'min_amount = "3"'), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("learn", "record"):
        monkeypatch.setattr(train, name, stopped)
    status, out, err = run(capsys, "train", "--book", str(here / "book"))
    (line,) = (line for line in err.splitlines() if "min_amount" in line)

    assert (status, out) == (5, "")
    assert line.startswith("riskscore: min_amount = 3 of the recipe is 0.")
    assert "models/late_payment/recipe.toml" in line


def stopped(*_: object, **__: object) -> None:
    raise TooFewEvents("far enough for this test")


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
    told = forecast(capsys, here, "told.csv")
    monkeypatch.setattr(Newcomers, "log_odds", lambda _, cases: np.zeros((len(cases), N_BINS)))
    changed = changed_customers(told, forecast(capsys, here, "silent.csv"))

    assert changed
    assert {f"{each:010d}" if isinstance(each, int) else each for each in changed}.isdisjoint(payers())
    new = [row["late_0_probability"] for row in told if row["customer_id"] in changed and row["days_past_due"] < 0]
    assert len(set(new)) == len(new) > 1


def test_the_forecast_of_newcomers_is_level_with_how_the_whole_book_was_paid_lately(here, capsys, monkeypatch):
    """Every bucket is asked on the date of the forecast; had all that fell due been late, newcomers would be later, and no others."""
    asked = []

    def all_late(known, day, window):
        found = paid_lately(known, day, window)
        asked.append((day, window, found.n))
        return Lately(found.n, found.n)

    told = forecast(capsys, here, "told.csv")
    monkeypatch.setattr(gather, "paid_lately", all_late)
    worse = forecast(capsys, here, "worse.csv")

    last = open_book(here / "book").last_known_on
    ledger = ledger_of(open_book(here / "book").tables(), "EUR")
    whole = paid_lately(take_histories(ledger, customers_known_at(ledger, last)), last, 45)
    assert {each[:2] for each in asked} == {(last, 45)}
    assert sum(n for _, _, n in asked) == whole.n > 100
    changed = changed_customers(told, worse)
    assert {f"{each:010d}" if isinstance(each, int) else each for each in changed}.isdisjoint(payers())
    pairs = [(one, other) for one, other in zip(told, worse, strict=True) if one["customer_id"] in changed]
    assert any(other["late_0_probability"] > one["late_0_probability"] for one, other in pairs)
    assert all(other["late_0_probability"] >= one["late_0_probability"] for one, other in pairs)


def forecast(capsys, here, name):
    """The rows of open invoices that the verb writes."""
    assert run(capsys, "forecast", "--book", "book", "--out", name)[0] == 0
    return pyarrow.csv.read_csv(here / name).to_pylist()


def changed_customers(told, again):
    return {one["customer_id"] for one, other in zip(told, again, strict=True) if one != other}


def payers():
    """Customers that have ever settled an invoice."""
    return set(world_of(**WORLD).tables["settlements"]["customer_id"].to_pylist())


def test_a_forecast_to_a_file_of_unknown_kind_is_refused_before_the_work(here, capsys):
    status, _, err = run(capsys, "forecast", "--book", "book", "--out", "open.docx")

    assert status == 2
    assert "open.docx" in err


def test_both_languages_of_the_forecast_say_the_same_things():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for key, said in WORDS["en"].items():
        assert sorted(re.findall(r"{\w+}", said)) == sorted(re.findall(r"{\w+}", WORDS["zh"][key])), key
