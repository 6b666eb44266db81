"""The demo: one small company from exports to report, and the same answers whichever door one asks at."""

import csv
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from riskscore.errors import UsageRefused
from riskscore.stores.approvals import approval_in_force
from riskscore.stores.database import open_database
from riskscore.stores.ledgers import open_book
from riskscore_pipelines.demo import UNREAD, Done, as_plain, make_way, run_demo, show
from riskscore_pipelines.main import main
from riskscore_pipelines.reporting import figures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    # Small, yet with enough late payers to learn from.
    return run_demo(tmp_path_factory.mktemp("company") / "demo", n_customers=250, n_months=24, seed=7)


def test_everything_that_is_promised_is_there(done: Done) -> None:
    assert all(path.stat().st_size > 1000 for path in done.files.values())
    assert {path.name for path in done.out.iterdir()} >= {"exports", "book", "riskscore.db", "mlflow.db", "approved_models"}


def test_no_row_of_the_exports_is_lost(done: Done) -> None:
    for source in open_book(done.out / "book").manifest["sources"]:
        assert source["rows"] == source["accepted"] + source["quarantined"] + source["exact_duplicates"], source["name"]


def test_planted_errors_are_set_aside_with_a_reason(done: Done) -> None:
    assert done.receipt.rejects
    assert sum(delivery.rows_in for delivery in done.facts.deliveries) == sum(done.written.rows.values())


def test_ageing_ties_to_the_control_total_and_to_the_decisions(done: Done) -> None:
    facts = done.facts

    assert facts.ageing[-1].total == done.material.standing.portfolio.receivables
    assert figures.headline(facts.customers).exposure == facts.ageing[-1].total


def test_parquet_and_csv_say_the_same(done: Done) -> None:
    rows = pq.read_table(done.files["scores.parquet"]).to_pylist()
    with done.files["scores.csv"].open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.DictReader(file))

    assert [row["customer_id"] for row in rows] == [row["customer_id"] for row in told]
    assert [row["decision_id"] for row in rows] == [row["decision_id"] for row in told]
    assert len(rows) == done.summary.statuses.total()


def test_the_riskiest_are_large_sorted_and_have_a_reason_a_limit_and_terms(done: Done) -> None:
    riskiest = figures.riskiest_large(done.facts.customers)
    referred = {line.customer_id for line in riskiest if line.status == "referred"}

    assert 5 <= len(riskiest) <= 10
    assert [line.pd for line in riskiest] == sorted((line.pd for line in riskiest), reverse=True)
    assert all(line.reasons for line in riskiest)
    assert all(line.customer_id in referred or (line.limit is not None and line.terms and line.binding_cap) for line in riskiest)


def test_the_report_shows_what_was_recorded(done: Done) -> None:
    recorded = {row["customer_id"]: row["decision_id"] for row in pq.read_table(done.files["scores.parquet"]).to_pylist()}

    assert {decision.customer_id: decision.decision_id for decision in done.material.decisions} == recorded
    page = done.files["report.html"].read_text("utf-8")
    assert all(line.name.replace("&", "&amp;") in page for line in figures.riskiest_large(done.facts.customers))


def test_one_customer_alone_is_answered_as_in_the_book(
    done: Done, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = figures.riskiest_large(done.facts.customers, 1)[0]
    monkeypatch.chdir(done.out)
    assert main(["explain", "--book", "book", line.customer_id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["pd"] == line.pd
    assert Decimal(told["exposure"]) == line.exposure


def test_what_decides_was_measured_on_its_own_ledger_and_says_that_nobody_read_it(
    done: Done, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(done.out)
    on = done.measured.on
    assert main(["policy", "diff", str(on - timedelta(days=1)), str(on), "--json"]) == 0
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert main(["policy", "show", "--on", str(on), "--json"]) == 0
    digest = json.loads(capsys.readouterr().out)["digest"]
    assert main(["policy", "measure", "--json"]) == 0
    left = json.loads(capsys.readouterr().out)["proposals"]

    assert {each["key"] for each in changes} == {each.key for each in done.measured.proposals} >= {"grade.multiple"}
    assert all("taken unread for the demo" in each["signed_by"] for each in changes)
    assert digest == done.summary.provenance.policy
    assert left == {}
    assert done.summary.unmeasured is None
    assert done.facts.unmeasured is None


def test_a_model_that_is_not_ahead_of_the_rules_scores_by_the_path_of_every_held_one_and_the_demo_says_so(
    done: Done, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_database(f"sqlite:///{done.out / 'riskscore.db'}")
    in_force = approval_in_force(engine, "late_payment")
    engine.dispose()
    show(done)
    shown = capsys.readouterr().out

    assert done.learned.held, "so few customers show no lead beyond chance"
    assert done.learned.approved_by is None
    assert in_force.digest == done.summary.provenance.model
    assert (in_force.first, in_force.release_reason) == (False, UNREAD)
    assert in_force.comparison is not None
    assert "which chance explains" in shown
    assert "A company would be left with the rules until two people release it" in shown


def test_what_is_printed_names_the_riskiest_the_figures_and_the_files(done: Done, capsys: pytest.CaptureFixture[str]) -> None:
    show(done)
    shown = capsys.readouterr().out

    assert figures.riskiest_large(done.facts.customers, 1)[0].name in shown
    assert all(
        word in shown for word in ("AUC", "Brier", "report.html", "scores.csv", "riskscore explain", "riskscore policy diff")
    )


def test_the_summary_for_programs_is_json(done: Done) -> None:
    plain = json.loads(json.dumps(as_plain(done)))

    assert set(plain["stages"]) == {"simulate", "ingest", "measure", "train", "score", "report"}
    assert "grade.multiple" in plain["measured"]
    assert all(stage["rows_per_second"] > 0 for stage in plain["stages"].values())
    assert plain["figures"][0]["name"] == "auc"


def test_an_earlier_demo_is_replaced_and_nothing_else_is_touched(tmp_path: Path) -> None:
    make_way(tmp_path / "demo")
    (tmp_path / "demo" / "book").mkdir()
    make_way(tmp_path / "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == [".riskscore-demo"]

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "ledger.csv").write_text("precious")
    with pytest.raises(UsageRefused, match="not a demo's"):
        make_way(tmp_path / "mine")
    assert (tmp_path / "mine" / "ledger.csv").read_text() == "precious"
