"""`riskscore dunning` on a book: the list of the day, what was done taken off, in both languages."""

import json
from pathlib import Path

import pytest

from finance import company_of
from riskscore_pipelines.main import main

TABLE = {
    "customers": """customer_id,name,country,onboarded_on
        acme,Acme & Sons,DE,2020-01-02
        best,Best,DE,2020-01-02
        good,Good,DE,2020-01-02""",
    "invoices": """invoice_id,customer_id,issued_on,due_on,amount,currency
        a1,acme,2026-04-01,2026-05-29,600,EUR
        a2,acme,2026-05-04,2026-06-22,400,EUR
        b1,best,2026-05-04,2026-06-15,1000,EUR
        g1,good,2026-06-01,2026-07-15,5000,EUR""",
    "settlements": "settlement_id,invoice_id,kind,settled_on,amount\nz,g1,payment,2026-06-30,0.01",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company_of(tmp_path_factory.mktemp("dunning"), **TABLE)


@pytest.fixture
def ask(company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(company)

    def run(*options: str) -> str:
        capsys.readouterr()
        assert main(["dunning", *options]) == 0
        return capsys.readouterr().out

    return run


def test_the_list_of_the_day(ask):
    found = json.loads(ask("--json"))["actions"]

    assert [(row["customer_id"], row["action"], row["since"], row["amount"], row["invoices"]) for row in found] == [
        ("acme", "letter", "2026-06-28", "1000.00", "a1 a2"),
        ("best", "call", "2026-06-30", "1000.00", "b1"),
    ]


def test_what_was_done_is_not_done_again(ask, company):
    (company / "done.csv").write_text("invoice_id,act,done_on\na1,letter,2026-06-29\nb1,call,2026-06-30\n", encoding="utf-8")
    found = json.loads(ask("--json", "--done", "done.csv"))["actions"]

    assert [(row["customer_id"], row["action"], row["invoices"]) for row in found] == [("acme", "email", "a2")]


@pytest.mark.parametrize(("lang", "words"), [("en", "letter or visit"), ("zh", "函件或上门")])
def test_terminal_page_and_file_in_both_languages(ask, company, lang, words):
    shown = ask("--lang", lang, "--html", "dunning.html", "--out", "dunning.csv")

    assert words in shown
    assert words in (company / "dunning.html").read_text(encoding="utf-8")
    assert (
        (company / "dunning.csv").read_text(encoding="utf-8").splitlines()[1].startswith("acme,Acme & Sons,letter,credit manager")
    )
