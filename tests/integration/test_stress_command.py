"""`riskscore stress` on a book: nothing happens, more happens, and which stress loses a given sum."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from finance import LATE, with_linear_model
from riskscore_pipelines.main import main


@pytest.fixture(scope="module")
def company(finance_company: Path) -> Path:
    return finance_company


@pytest.fixture
def run(company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    with_linear_model(monkeypatch)
    monkeypatch.chdir(company)

    def call(*options: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return main(["stress", *options]), *capsys.readouterr()

    return call


def test_scenarios_lose_more_than_expected_and_the_reverse_comes_back(run):
    found = json.loads(run("--json", "--pd-times", "2")[1])
    losses = {row["scenario"]: Decimal(row["loss"]) for row in found["scenarios"]}
    doubled = losses["asked"]
    back = json.loads(run("--json", "--loss", str(doubled))[1])["reverse"]

    assert losses["none"] == Decimal(found["expected_loss"]) < doubled
    assert all(loss >= losses["none"] for loss in losses.values())
    assert back["pd_times"] == pytest.approx(2, rel=1e-3)


def test_of_those_who_pay_late_only_what_was_signed_is_lost_and_of_those_who_fail_all_that_was(run, monkeypatch):
    before = {
        row["scenario"]: Decimal(row["loss"])
        for row in json.loads(run("--json", "--pd-times", "2", "--top", "3")[1])["scenarios"]
    }
    with_linear_model(monkeypatch, LATE)
    after = {
        row["scenario"]: Decimal(row["loss"])
        for row in json.loads(run("--json", "--pd-times", "2", "--top", "3")[1])["scenarios"]
    }

    assert Decimal("0.4") <= after["none"] / before["none"] + Decimal("0.0001")
    assert after["none"] < before["none"], "0.16 of 0.40, but for who is in default"
    assert after["asked"] - after["none"] > 0


@pytest.mark.parametrize(("lang", "words"), [("en", "families with most at stake"), ("zh", "风险金额最大的集团")])
def test_terminal_page_and_file_in_both_languages(run, company, lang, words):
    status, shown, _ = run("--lang", lang, "--html", "stress.html", "--out", "stress.csv", "--loss", "1")

    assert status == 0
    assert words in shown
    assert words in (company / "stress.html").read_text(encoding="utf-8")
    assert (company / "stress.csv").read_text(encoding="utf-8").startswith("scenario,in_words,loss,more_than_expected\nnone,")


def test_an_industry_nobody_is_in_is_refused(run):
    status, _, err = run("--sector", "mining=2")

    assert status == 2
    assert "no customer is of industry mining. There are:" in err
