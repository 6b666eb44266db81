"""`riskscore reviews` on a book: due by the calendar and by events, on what was known by the day."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from finance import with_linear_model
from riskscore_pipelines.main import main


@pytest.fixture(scope="module")
def company(finance_company: Path) -> Path:
    return finance_company


@pytest.fixture
def ask(company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    with_linear_model(monkeypatch)
    monkeypatch.chdir(company)

    def run(*options: str) -> str:
        capsys.readouterr()
        assert main(["reviews", *options]) == 0
        return capsys.readouterr().out

    return run


def test_the_list_is_in_order_and_everybody_stands_in_it_once(ask):
    found = json.loads(ask("--json", "--ahead", "30"))
    rows = found["reviews"]
    days = [date.fromisoformat(row["due_on"]) for row in rows]

    assert days == sorted(days)
    assert len({row["customer_id"] for row in rows}) == len(rows) <= found["customers"]
    assert found["due_now"] == sum(row["due_on"] <= found["as_of"] for row in rows)
    assert {row["why"] for row in rows} >= {"event"}


def test_looking_further_ahead_adds_reviews_and_changes_none(ask):
    now, later = (json.loads(ask("--json", "--ahead", days))["reviews"] for days in ("0", "60"))

    assert [row["customer_id"] for row in now] == [row["customer_id"] for row in later][: len(now)]


@pytest.mark.parametrize(("lang", "words"), [("en", "limit exceeded"), ("zh", "超出额度")])
def test_terminal_page_and_workbook_in_both_languages(ask, company, lang, words):
    shown = ask("--lang", lang, "--html", "reviews.html", "--out", "reviews.xlsx")
    sheet = openpyxl.load_workbook(company / "reviews.xlsx")["reviews"]
    cells = [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row]

    assert words in (company / "reviews.html").read_text(encoding="utf-8")
    assert any(words in cell for cell in cells)
    assert ("Reviews due" if lang == "en" else "到期复审") in shown
