"""`riskscore insurance`: the golden payout, the insurer's calendar, and security that ends, through the command."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from exporting import canonical, deliver
from finance import company_of
from riskscore.stores.ledgers import open_book
from riskscore.tables import TABLES, Table
from riskscore_pipelines.main import main

TABLE = {
    "customers": """customer_id,name,country,onboarded_on
        acme,Acme & Sons,DE,2020-01-02
        best,Best,DE,2020-01-02""",
    "invoices": """invoice_id,customer_id,issued_on,due_on,amount,currency
        a1,acme,2026-03-02,2026-04-15,60000,EUR
        a2,acme,2026-05-04,2026-06-02,40000,EUR
        b1,best,2026-05-04,2026-06-15,1000,EUR""",
    "settlements": "settlement_id,invoice_id,kind,settled_on,amount\nz,b1,payment,2026-06-30,0.01",
    "securities": """customer_id,kind,amount,currency,cover_share,valid_from,valid_until,provider,notice_days,hand_over_days
        acme,insurance,80000,EUR,0.9,2026-01-01,2026-12-31,Atlas,30,60
        best,guarantee,500,EUR,,2026-01-01,2026-06-30,A Bank,,""",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company_of(tmp_path_factory.mktemp("insurance"), **TABLE)


@pytest.fixture
def ask(company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a verb prints in the company's folder."""
    monkeypatch.chdir(company)

    def run(verb: str, *options: str) -> str:
        capsys.readouterr()
        assert main([verb, *options]) == 0
        return capsys.readouterr().out

    return run


def test_golden_payout_100k_lost_80k_insured_at_90_percent(ask):
    acme = next(row for row in json.loads(ask("insurance", "--json"))["customers"] if row["customer_id"] == "acme")

    assert (Decimal(acme["exposure"]), Decimal(acme["insured"]), Decimal(acme["own_risk"])) == (100_000, 72_000, 28_000)


def test_missed_and_due_notices_are_told_with_their_days(ask):
    found = json.loads(ask("insurance", "--json"))["alarms"]

    assert [(row["alarm"], row["invoice_id"], row["by"], row["days_left"]) for row in found] == [
        ("notice_missed", "a1", "2026-05-15", -46),
        ("hand_over_missed", "a1", "2026-06-14", -16),
        ("notice_due", "a2", "2026-07-02", 2),
    ]


def test_invoice_sold_on_longer_terms_than_the_insurer_covers_is_told(tmp_path, monkeypatch, capsys):
    line = "acme,insurance,80000,EUR,0.9,2026-01-01,2026-12-31,Atlas,30,60"
    assert line in TABLE["securities"]
    securities = (
        TABLE["securities"].replace("hand_over_days\n", "hand_over_days,longest_terms_days\n").replace(line, line + ",30")
    )
    company_of(tmp_path, **(TABLE | {"securities": securities.replace("A Bank,,", "A Bank,,,")}))
    monkeypatch.chdir(tmp_path)
    assert main(["insurance", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    alarms = [(row["alarm"], row["by"], row["endangers_cover"]) for row in found["alarms"] if row["alarm"] == "terms_too_long"]
    assert alarms == [("terms_too_long", "2026-04-01", True)]  # 44 days from 2 March; the other one had 29
    assert [row["longest_terms_days"] for row in found["customers"] if row["customer_id"] == "acme"] == [30]


def test_what_was_done_in_time_raises_no_alarm(ask, company):
    (company / "done.csv").write_text("invoice_id,act,done_on\na1,notice,2026-05-15\na1,hand_over,2026-06-15\n", encoding="utf-8")
    found = json.loads(ask("insurance", "--json", "--done", "done.csv"))["alarms"]

    assert [row["alarm"] for row in found] == ["hand_over_missed", "notice_due"]  # handed over a day late: missed it stays


@pytest.mark.parametrize(
    ("text", "words", "status"),
    [
        pytest.param("invoice,act,done_on\n", "line 1: the columns are invoice_id,act,done_on", 3, id="other-columns"),
        pytest.param("invoice_id,act,done_on\na1,letter,2026-05-15\n", "line 2", 3, id="an-act-that-is-none"),
        pytest.param("invoice_id,act,done_on\na1,notice,15.05.2026\n", "line 2: '15.05.2026' is not a date", 3, id="not-a-date"),
        pytest.param("invoice_id,act,done_on\na1,notice,2026-05-15\na1,notice,2026-05-16\n", "line 3: a1 has a notice on two days", 3, id="twice"),
    ],
)  # fmt: skip
def test_a_wrong_file_of_acts_is_refused_by_line(text, words, status, company, monkeypatch, capsys):
    monkeypatch.chdir(company)
    (company / "wrong.csv").write_text(text, encoding="utf-8")

    assert main(["insurance", "--done", "wrong.csv"]) == status
    assert words in capsys.readouterr().err


def test_an_ended_guarantee_leaves_the_loss_given_default_of_the_next_batch(ask, company):
    def lgd(on: str) -> float:
        ask("provision", "--no-model", "--as-of", on, "--out", "provision.xlsx")
        header, *rows = openpyxl.load_workbook(company / "provision.xlsx")["customers"].iter_rows(values_only=True)
        return next(row[header.index("lgd")] for row in rows if row[0] == "best")

    assert lgd("2026-06-30") == pytest.approx(0.4 * (999.99 - 400) / 999.99)
    assert lgd("2026-07-01") == pytest.approx(0.4)


@pytest.mark.parametrize(("lang", "words"), [("en", "notice missed"), ("zh", "错过通知")])
def test_terminal_and_page_say_the_same_in_both_languages(ask, company, lang, words):
    shown = ask("insurance", "--lang", lang, "--html", "insurance.html", "--out", "insurance.xlsx")
    page = (company / "insurance.html").read_text(encoding="utf-8")

    assert words in shown
    assert words in page
    assert "Acme &amp; Sons" in page
    assert openpyxl.load_workbook(company / "insurance.xlsx").sheetnames == ["cover", "alarms", "securities"]


NEWER = {
    "provider", "deductible", "waiting_days", "notice_days", "hand_over_days", "max_extension_days", "longest_terms_days",
}  # fmt: skip


def test_a_book_of_an_older_program_is_read_and_delivered_to(tmp_path, monkeypatch, capsys):
    """Its table of securities lacks the columns that came later: they are null, and the next delivery is laid beside them."""
    now = TABLES["securities"]
    older = Table(now.name, now.meaning, now.key, now.event_on, tuple(each for each in now.columns if each.name not in NEWER))
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "securities", older)
        company_of(tmp_path, **TABLE)
    monkeypatch.chdir(tmp_path)
    assert main(["insurance", "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    (tmp_path / "more").mkdir()
    more = "customer_id,kind,amount,currency,valid_from,provider\nbest,insurance,700,EUR,2026-02-02,Atlas\n"
    (tmp_path / "more" / "securities.csv").write_text(more, encoding="utf-8")
    deliver(tmp_path / "more", canonical(), tmp_path / "book")
    rows = open_book(tmp_path / "book").tables()["securities"].to_pylist()

    assert [fault for fault in before["warnings"] if "acme/2026-01-01" in fault]
    assert before["insured"] == "72000.00"
    assert [(row["customer_id"], row["kind"], row["provider"]) for row in rows] == [
        ("acme", "insurance", None),
        ("best", "guarantee", None),
        ("best", "insurance", "Atlas"),
    ]
