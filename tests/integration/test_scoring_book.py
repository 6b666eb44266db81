"""The verbs that decide, on a small company's book with a model that was really trained: score, explain, policy."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pytest

from modelling import RECIPE_TEXT
from riskscore.scoring import replay
from riskscore.stores import decisions as log
from riskscore.stores import desk, runs
from riskscore.stores.database import open_database
from riskscore.stores.desk import in_force
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.signed_texts import shipped_models
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.explain import decision_about
from riskscore_pipelines.main import main
from simulated import world_of

pytestmark = pytest.mark.slow

LESS_EVIDENCE = (
    ("customers_with_event = 30", "customers_with_event = 8"),
    ("customers_without_event = 30", "customers_without_event = 8"),
    ("fold_customers_with_event = 15", "fold_customers_with_event = 5"),
    ("warm_up_days = 150", "warm_up_days = 90"),
    ("folds = 4", "folds = 2"),
)


ON = date(2023, 6, 30)


def quiet(*_: object) -> None:
    """Nobody listens to the progress."""


def workplace_in(folder: Path) -> Workplace:
    return Workplace(
        book=folder / "book", database=f"sqlite:///{folder / 'riskscore.db'}", mlflow=f"sqlite:///{folder / 'mlflow.db'}",
        models=folder / "models", approved=folder / "approved_models",
    )  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder: a book of 120 customers over 18 months, and an approved model."""
    folder = tmp_path_factory.mktemp("company")
    world = world_of()
    write_exports(world, folder / "exports")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    recipe = RECIPE_TEXT
    for line, less in LESS_EVIDENCE:
        assert line in recipe
        recipe = recipe.replace(line, less)
    (folder / "models" / "late_payment").mkdir(parents=True)
    (folder / "models" / "late_payment" / "recipe.toml").write_text(recipe, encoding="utf-8")
    # So few customers show no lead over the rules of thumb beyond chance, so two people release the model.
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert main(["train"]) == 0
        assert main(["promote", "1", "--by", "ann", "--release", "few customers"]) == 0
        assert main(["approve", "1", "--by", "bo", "--release", "few customers"]) == 0
    return folder


@pytest.fixture
def riskscore(
    company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in the company's folder: exit status, standard output, standard error."""
    monkeypatch.chdir(company)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(list(arguments))
        return status, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def scored(company: Path) -> Path:
    """The scores file of a first run, by a process of its own."""
    run_elsewhere(company, "score", "--out", "first.csv")
    return company / "first.csv"


def run_elsewhere(folder: Path, *arguments: str, **environment: str) -> None:
    command = [sys.executable, "-m", "riskscore_pipelines", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **environment}, timeout=240)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_customer_has_one_row_and_one_record(riskscore, company, scored):
    rows = read(scored)
    book = open_book(company / "book")

    assert [row["customer_id"] for row in rows] == book.customer_ids()
    assert {row["as_of"] for row in rows} == {book.last_known_on.isoformat()}
    assert {"scored", "referred"} <= {row["status"] for row in rows}
    with closing_engine(company) as engine:
        assert log.verify(engine) >= len(rows)
        for row in rows[:5]:
            assert log.find(engine, row["decision_id"]).decision.customer_id == row["customer_id"]


def closing_engine(folder: Path):
    engine = open_database(f"sqlite:///{folder / 'riskscore.db'}")
    engine.close = engine.dispose
    return closing(engine)


def test_scoring_again_in_other_parts_records_nothing_and_gives_the_same_bytes(riskscore, company, scored, monkeypatch):
    monkeypatch.setattr(runs, "CUSTOMERS_AT_ONCE", 7)
    status, out, _ = riskscore("score", "--out", "again.csv", "--json")
    summary = json.loads(out)

    assert status == 0
    assert summary["newly_recorded"] == 0
    assert (company / "again.csv").read_bytes() == scored.read_bytes()
    assert sum(summary["status"].values()) == summary["customers"] == len(read(scored))
    assert sum(summary["grade"].values()) == summary["customers"]
    assert set(summary["money"]["EUR"]) == {"exposure", "overdue", "limit_now", "limit_recommended"}
    assert {"snapshot", "features", "model", "policy", "record"} <= set(summary["stages"])


def test_another_process_place_and_hash_seed_give_the_same_bytes(company, scored):
    run_elsewhere(company, "score", "--out", "elsewhere.csv", PYTHONHASHSEED="123", TZ="Asia/Shanghai", LANG="zh_CN.UTF-8")

    assert (company / "elsewhere.csv").read_bytes() == scored.read_bytes()


def test_one_customer_alone_is_decided_as_in_the_run(company, scored):
    rows = read(scored)
    book = open_book(company / "book")
    with closing_engine(company) as engine:
        signed = in_force(workplace_in(company), engine, book.last_known_on, model_name="late_payment")
        alone = desk.open_desk(book, book.last_known_on, signed, quiet)
        for row in (rows[0], rows[41], rows[-1]):
            decision = alone.decide(row["customer_id"])
            assert decision.to_bytes().decode() == log.find(engine, row["decision_id"]).record
    assert alone.decide("nobody") is None


def test_recorded_decisions_replay_to_the_last_byte(company, scored):
    with closing_engine(company) as engine:
        book = open_book(company / "book")
        signed = in_force(workplace_in(company), engine, book.last_known_on, model_name="late_payment")
        for row in read(scored)[::4]:
            stored = log.find(engine, row["decision_id"])
            again = replay(stored.decision, signed.model, signed.grades, signed.params)
            assert again.to_bytes().decode() == stored.record


def test_chain_of_every_customer_adds_up(company, scored):
    with closing_engine(company) as engine:
        decisions = [log.find(engine, row["decision_id"]).decision for row in read(scored)]
    chains = [decision.chain for decision in decisions if decision.chain]

    assert len(chains) > 100
    for chain in chains:
        assert chain.base + sum(chain.contributions.values()) == pytest.approx(chain.log_odds, abs=1e-9)


@pytest.mark.parametrize(("lang", "said"), [("en", "Why this limit"), ("zh", "额度的原因")])
def test_explanation_shows_the_chain_in_both_languages(riskscore, scored, lang, said):
    row = next(row for row in read(scored) if row["status"] == "scored" and row["grade"] != "10")
    status, out, _ = riskscore("explain", row["customer_id"], "--lang", lang)

    assert status == 0
    assert said in out
    assert row["decision_id"] in out
    assert row["name"] in out


def test_explanation_as_a_page_fetches_nothing_and_escapes_names(riskscore, company, scored):
    row = read(scored)[3]
    status, out, _ = riskscore("explain", row["customer_id"], "--html", "customer.html")
    page = (company / "customer.html").read_text(encoding="utf-8")

    assert (status, out) == (0, "customer.html: written\n")
    assert "<script" not in page
    assert "http://" not in page.replace("http-equiv", "")
    assert "https://" not in page


def test_explanation_as_json_is_the_record(riskscore, company, scored):
    row = read(scored)[0]
    _, out, _ = riskscore("explain", row["customer_id"], "--json")

    with closing_engine(company) as engine:
        assert json.loads(out) == json.loads(log.find(engine, row["decision_id"]).record)


def test_date_that_was_not_scored_is_computed_and_not_recorded(company, scored):
    book = open_book(company / "book")
    earlier = date(2023, 3, 31)
    decision = decision_about(workplace_in(company), book, earlier, read(scored)[0]["customer_id"], told=quiet)

    assert decision.as_of == earlier
    with closing_engine(company) as engine:
        assert log.find(engine, decision.decision_id) is None


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        pytest.param(("score", "--out", "scores.ods"), 2, "results are written as .csv, .parquet, .xlsx", id="unknown-format"),
        pytest.param(("score", "--out", "x.csv", "--model", "absent"), 2, "absent/grades.toml: no such text", id="unknown-model"),
        pytest.param(("score", "--out", "x.csv", "--book", "nowhere"), 3, "there is no book here", id="no-book"),
        pytest.param(("score", "--out", "absent/x.csv"), 2, "there is no folder absent", id="no-folder"),
        pytest.param(("explain", "nobody"), 2, "there is no customer 'nobody' in this book", id="unknown-customer"),
        pytest.param(
            ("explain", "0000100001", "--as-of", "2001-01-01"), 2, "nothing was known of customer", id="before-its-time"
        ),
        pytest.param(("policy", "check", "--on", "1990-01-01"), 2, "has no value in force on 1990-01-01", id="no-policy-yet"),
        pytest.param(("policy", "check", "absent.toml"), 2, "absent.toml: cannot be read", id="no-policy-text"),
    ],
)
def test_mistake_is_one_line_and_its_exit_status(riskscore, scored, arguments, status, said):
    answer, out, err = riskscore(*arguments)

    assert (answer, out) == (status, "")
    assert said in err
    assert err.count("\n") == 1


def test_without_an_approved_model_nobody_is_scored_unless_asked_for(riskscore, company, scored, monkeypatch):
    monkeypatch.setenv("RISKSCORE_DATABASE", "sqlite:///empty.db")

    assert riskscore("score", "--out", "none.csv")[0] == 5
    assert not (company / "none.csv").exists()
    assert riskscore("score", "--out", "none.csv", "--no-model")[0] == 0
    rows = read(company / "none.csv")
    assert {row["status"] for row in rows if row["grade"] != "10"} == {"referred"}
    assert {row["model_digest"] for row in rows} == {""}


def test_customer_whose_data_break_the_computation_does_not_stop_the_book(company, scored, monkeypatch):
    book, signed = open_book(company / "book"), in_force(workplace_in(company), None, ON, model_name="late_payment")
    looked, _ = desk.look_at(book, ON, 0)
    (everybody,) = looked
    poison = everybody.positions["customer_id"][5].as_py()

    def look(_ledger, some, *_rest):
        if poison in some:
            raise ZeroDivisionError
        wanted = pa.array(some)
        return desk.Looked(
            *(table.filter(pa.compute.is_in(table["customer_id"], wanted)) for table in (everybody.features, everybody.positions))
        )

    monkeypatch.setattr(desk, "_look", look)
    decided = {each.customer_id: each for part in runs.decide_book(book, ON, signed, told=quiet) for each in part.decisions}

    assert [customer for customer, each in decided.items() if each.status == "not_scored"] == [poison]
    assert decided[poison].not_scored_reason == "internal_error"
    assert len(decided) == everybody.positions.num_rows


def test_run_that_breaks_on_many_customers_publishes_nothing(riskscore, company, scored, monkeypatch):
    def breaks(_):
        raise ZeroDivisionError

    monkeypatch.setattr(desk.features, "compute", breaks)
    monkeypatch.setenv("RISKSCORE_DATABASE", "sqlite:///many.db")
    monkeypatch.setattr(desk, "isolating", lambda customers, work: ([], list(customers)))
    status, _, err = riskscore("score", "--out", "many.csv", "--no-model")

    assert status == 1
    assert "customers could not be computed" in err
    assert not (company / "many.csv").exists()


def test_policy_is_shown_in_both_languages_and_as_json(riskscore):
    assert "新" not in riskscore("policy")[1]
    assert "首次额度" in riskscore("policy", "show", "--lang", "zh")[1]
    shown = json.loads(riskscore("policy", "--json", "--on", "2026-06-30")[1])
    assert shown["in_force"]["new_customer.volume_share"]["value"] == "0.15"


def test_sound_policy_is_said_to_be_sound(riskscore):
    status, out, _ = riskscore("policy", "check", "--on", "2026-06-30")

    assert status == 0
    assert "sound" in out


def test_what_the_book_says_is_measured_and_can_be_signed(riskscore, company):
    status, out, err = riskscore("policy", "measure", "--appetite", "0.5")
    signed = company / "measured.toml"
    signed.write_text((shipped_models() / "late_payment" / "policy.toml").read_text("utf-8") + "\n" + out, encoding="utf-8")

    assert status == 0
    assert "[[need.peak_factor]]" in out
    assert "Read them, correct them, and sign them" in err
    assert riskscore("policy", "check", str(signed), "--on", "2030-01-01")[0] == 0
    shown = json.loads(riskscore("policy", "measure", "--json")[1])
    assert set(shown["proposals"]) == {line[2:-2] for line in out.splitlines() if line.startswith("[[")}
    assert "严重逾期" in riskscore("policy", "measure", "--json", "--lang", "zh")[2]


def test_the_policy_with_what_the_book_says_is_written_as_a_new_file_and_decides_from_its_day(riskscore, company):
    shipped = (shipped_models() / "late_payment" / "policy.toml").read_text("utf-8")
    last = open_book(company / "book").last_known_on
    status, out, err = riskscore("policy", "measure", "--out", "proposed.toml")
    written = (company / "proposed.toml").read_text("utf-8")

    assert (status, out) == (0, "")
    assert written.startswith(shipped.rstrip())
    assert written == shipped.rstrip() + "\n\n" + riskscore("policy", "measure")[1]
    assert "riskscore policy diff proposed.toml" in err
    assert str(Path("models") / "late_payment" / "policy.toml") in err
    changes = json.loads(riskscore("policy", "diff", "proposed.toml", "--on", str(last), "--json")[1])["changes"]
    assert {each["key"] for each in changes} == set(json.loads(riskscore("policy", "measure", "--json")[1])["proposals"])
    assert (
        json.loads(riskscore("policy", "diff", "proposed.toml", "--on", str(last - timedelta(days=1)), "--json")[1])["changes"]
        == []
    )

    status, _, err = riskscore("policy", "measure", "--out", "proposed.toml")
    assert (status, "is there already" in err) == (2, True)
    assert (company / "proposed.toml").read_text("utf-8") == written
    assert riskscore("policy", "measure", "--out", "nowhere/proposed.toml")[0] == 2
    assert riskscore("policy", "show", "--out", "other.toml")[0] == 2


def test_numbers_that_were_signed_that_day_already_are_not_signed_again(riskscore, company):
    own = company / "signed.toml"
    own.write_text(
        (shipped_models() / "late_payment" / "policy.toml").read_text("utf-8")
        + f"\n[[need.peak_factor]]\nfrom = {open_book(company / 'book').last_known_on}\nvalue = 1.1\nunit = \"times\"\n"
        + 'source = "committee"\nreason = "as it was"\n', encoding="utf-8",
    )  # fmt: skip
    status, _, err = riskscore("policy", "measure", str(own), "--out", "again.toml")

    assert status == 2
    assert "need.peak_factor claims" in err
    assert not (company / "again.toml").exists()


def test_whoever_scores_by_assumptions_that_deny_many_is_told_and_once_measured_is_not(riskscore, company, monkeypatch):
    told = json.loads(riskscore("score", "--out", "shipped.csv", "--json")[1])
    n_graded = sum(n for grade, n in told["grade"].items() if grade != "none")
    measured = company / "measured" / "late_payment"
    measured.mkdir(parents=True)
    for text in ("recipe", "policy"):
        own = company / "models" / "late_payment" / f"{text}.toml"
        source = own if own.is_file() else shipped_models() / "late_payment" / f"{text}.toml"
        (measured / f"{text}.toml").write_text(source.read_text("utf-8"), encoding="utf-8")
    loss = riskscore("policy", "measure")[1]
    with (measured / "policy.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + loss)

    assert told["unmeasured"]["n_graded"] == n_graded
    assert told["unmeasured"]["n_denied"] > 0.1 * n_graded
    sentence = f"{told['unmeasured']['n_denied']} of {n_graded} customers with a grade"
    assert sentence in " ".join(riskscore("score", "--out", "shipped.csv")[1].split())
    assert "riskscorepolicymeasure" in "".join(riskscore("score", "--out", "shipped.csv", "--lang", "zh")[1].split())
    assert riskscore("report", "--html", "told.html")[0] == 0
    assert sentence in (company / "told.html").read_text("utf-8")
    monkeypatch.setenv("RISKSCORE_MODELS", str(company / "measured"))
    status, _, err = riskscore("score", "--out", "measured.csv")  # many more get credit: two people look at it first
    assert (status, "decided without a person moved" in err or "the sum of all limits moved" in err) == (8, True)
    for who in ("ann", "bo"):
        assert riskscore("release", err.split("run ", 1)[1][:12], "--by", who, "--reason", "measured")[0] == 0
    after = json.loads(riskscore("score", "--out", "measured.csv", "--json")[1])
    assert after["unmeasured"] is None
    assert after["binding_cap"].get("grade", 0) < told["binding_cap"]["grade"]
    assert "customers with a grade" not in " ".join(riskscore("score", "--out", "measured.csv")[1].split())


def test_an_appetite_that_is_no_number_is_refused_in_one_line(riskscore):
    status, out, err = riskscore("policy", "measure", "--appetite", "much")

    assert (status, out) == (2, "")
    assert "an appetite is a share such as 0.5, not 'much'" in err
