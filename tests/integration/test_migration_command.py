"""`riskscore migration` on a book: two dates, one model, rows that sum to 1."""

import json
from pathlib import Path

import pytest

from finance import with_linear_model
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
        return main(["migration", *options]), *capsys.readouterr()

    return call


def test_every_row_sums_to_one_and_the_page_says_it_in_chinese(run, company):
    status, out, _ = run("--since", "2023-03-31", "--json", "--lang", "zh", "--html", "migration.html", "--out", "migration.csv")
    found = json.loads(out)
    rows: dict[str, float] = {}
    for row in found["matrix"]:
        rows[row["from"]] = rows.get(row["from"], 0.0) + row["share"]

    assert status == 0
    assert all(abs(total - 1) < 1e-9 for total in rows.values())
    assert found["better"] + found["alike"] + found["worse"] <= sum(row["customers"] for row in found["matrix"]) <= 120
    assert found["worse"] > 0
    assert "等级迁移" in (company / "migration.html").read_text(encoding="utf-8")
    assert (company / "migration.csv").read_text(encoding="utf-8").startswith("from,to,customers,share,exposure\n")


def test_the_first_date_lies_before_the_second(run):
    status, _, err = run("--since", "2030-01-01")

    assert status == 2
    assert "--since 2030-01-01: it must lie before" in err
