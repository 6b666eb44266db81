"""`riskscore reviews` on a book: due by the calendar and by events, on what was known by the day."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from finance import with_linear_model
from riskscore.review_calendar import Due
from riskscore.scoring import decide_rows
from riskscore_pipelines.finance.reviews_page import Listed, Reviews, page_of, why_of
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


def listed(**known) -> Listed:
    """One review of one customer, on what is known of it: its limit, its last look."""
    looked = known.pop("reviewed_on", None)
    decision = decide_rows(
        features_of("acme", **GOOD), positions_of("acme", **known), LinearModel(), GRADES, shipped(), receivables=RECEIVABLES,
        provenance=PROVENANCE,
    )[0]  # fmt: skip
    return Listed(Due("acme", date(2026, 6, 1), "never_reviewed", "high"), decision, None, looked)


@pytest.mark.parametrize(("lang", "told"), [("en", "pays later than before, limit exceeded"), ("zh", "付款比以往更迟、超出额度")])
def test_several_causes_are_strung_together_as_each_language_does(lang, told):
    due = replace(listed().due, why="event", triggers=("lateness_jump", "limit_exceeded", "lateness_jump"))

    assert why_of(due, lang) == told


@pytest.mark.parametrize(("lang", "words"), [("en", "No limit was ever granted on file"), ("zh", "从未授予过额度")])
def test_a_book_without_any_limit_is_told_why_everybody_is_due(lang, words):
    """A new house without a table of limits would read a list of all its customers and not know why."""

    def notes(*rows: Listed) -> str:
        return " ".join(page_of(Reviews(date(2026, 6, 30), date(2026, 6, 30), "EUR", 1, rows), lang, ()).notes)

    assert words in notes(listed(limit_now=None), listed(limit_now=None))
    assert notes() == notes(listed(limit_now=None), listed(limit_now=None, reviewed_on=date(2026, 1, 1))) == ""
