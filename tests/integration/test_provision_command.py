"""`riskscore provision` on a book: golden values, the bridge closes, an expired overlay is named, file and page show the same."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from finance import LATE, company_of, with_linear_model
from riskscore.portfolio import AGEING
from riskscore.stores.signed_texts import shipped_models
from riskscore_pipelines.main import main

SHIPPED = (shipped_models() / "late_payment" / "provision.toml").read_text(encoding="utf-8")
RATES = ("0.003", "0.016", "0.036", "0.066", "0.106")
GIVEN = "".join(
    f'[[rate]]\nbucket = "{bucket}"\nrate = "{rate}"\nfrom = 2026-01-01\nsource = "IFRS 9 IE example 12"\nreason = "golden"\n'
    for bucket, rate in zip(AGEING, RATES, strict=True)
)
ENDED = """
[[overlay]]
factor = "3"
owner = "Ms Orr"
reason = "flood"
from = 2022-01-01
until = 2022-12-31
"""


@pytest.fixture(scope="module")
def company(finance_company: Path) -> Path:
    return finance_company


@pytest.fixture
def ask(company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `riskscore provision` prints in the company's folder, with a model done by hand."""
    with_linear_model(monkeypatch)
    monkeypatch.chdir(company)

    def run(*options: str) -> str:
        capsys.readouterr()
        assert main(["provision", *options]) == 0
        return capsys.readouterr().out

    return run


def test_ifrs_9_example_12_through_the_command(tmp_path, monkeypatch, capsys):
    """15.0, 7.5, 4.0, 2.5 and 1.0 million by days past due on 30 June 2026: 580,000."""
    company_of(
        tmp_path,
        customers="customer_id,country,onboarded_on\nacme,DE,2020-01-02",
        invoices="""invoice_id,customer_id,issued_on,due_on,amount,currency
            a,acme,2026-06-01,2026-07-31,15000000,EUR
            b,acme,2026-05-04,2026-06-15,7500000,EUR
            c,acme,2026-04-01,2026-05-15,4000000,EUR
            d,acme,2026-03-02,2026-04-15,2500000,EUR
            e,acme,2026-01-02,2026-02-16,1000000,EUR""",
        settlements="settlement_id,invoice_id,kind,settled_on,amount\nz,a,payment,2026-06-30,0.0001",
    )
    (tmp_path / "models" / "late_payment").mkdir(parents=True)
    (tmp_path / "models" / "late_payment" / "provision.toml").write_text(SHIPPED + GIVEN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert main(["provision", "--no-model", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert Decimal(found["provision"]) == 580_000
    assert found["reconciles"]


@pytest.mark.parametrize(
    ("unpaid", "text", "told"),
    [("", "", "followed €100 to that day"), ("old,acme,2023-02-01,2023-03-01,50,EUR", "", None), ("", GIVEN, None)],
    ids=["all paid in the end", "one unpaid for a year", "rates given"],
)
def test_a_provision_of_nothing_is_told_by_how_much_it_is_borne_out(tmp_path, monkeypatch, capsys, unpaid, text, told):
    """Invoice a was paid 120 days late, b 40 days late, c after 3 days; d is open and overdue."""
    company_of(
        tmp_path,
        customers="customer_id,country,onboarded_on\nacme,DE,2020-01-02",
        invoices=f"""invoice_id,customer_id,issued_on,due_on,amount,currency
            a,acme,2025-02-01,2025-03-01,100,EUR
            b,acme,2025-06-01,2025-07-01,100,EUR
            c,acme,2026-02-01,2026-03-01,100,EUR
            d,acme,2026-05-01,2026-06-01,100,EUR
            {unpaid}""".rstrip(),
        settlements="""settlement_id,invoice_id,kind,settled_on,amount
            z,a,payment,2025-06-29,100
            y,b,payment,2025-08-10,100
            x,c,payment,2026-03-04,100
            w,d,payment,2026-06-30,0.0001""",
    )
    (tmp_path / "models" / "late_payment").mkdir(parents=True)
    (tmp_path / "models" / "late_payment" / "provision.toml").write_text(SHIPPED + text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert main(["provision", "--no-model", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    warned = [line for line in found["warnings"] if "every rate is 0%" in line]

    assert (Decimal(found["provision"]) == 0) is (told is not None)
    assert [told in line for line in warned] == ([True] if told else [])


def test_the_bridge_closes_and_the_amounts_add_up(ask):
    found = json.loads(ask("--json"))

    assert found["reconciles"]
    assert Decimal(found["unexplained_share"]) <= Decimal("0.01")
    assert Decimal(found["bridge"]["booked"]) == Decimal(found["provision"]) > 0
    assert Decimal(found["gross"]) + Decimal(found["credits"]) == Decimal(found["ledger_balance"])
    assert sum(Decimal(row["provision"]) for row in found["matrix"]) == Decimal(found["provision"])
    assert Decimal(found["model_expected_loss"]) > 0


def test_what_is_lost_of_who_pays_late_moves_the_model_and_not_the_provision(ask, monkeypatch):
    before = json.loads(ask("--json"))
    with_linear_model(monkeypatch, LATE)
    after = json.loads(ask("--json"))

    assert after["provision"] == before["provision"]
    assert after["reconciles"]
    assert Decimal(after["model_expected_loss"]) < Decimal(before["model_expected_loss"])


def test_what_became_of_open_money_adds_up_to_it(ask):
    for row in json.loads(ask("--json"))["rolls"]:
        parts = sum(Decimal(row[name]) for name in ("waiting", "rolled", "written_off", "settled"))
        assert parts == Decimal(row["opened"])
        assert Decimal(row["settled"]) >= 0


def test_an_overlay_past_its_day_is_named_and_changes_nothing(ask, company):
    before = json.loads(ask("--json"))
    own = company / "models" / "late_payment" / "provision.toml"
    own.parent.mkdir(parents=True)
    try:
        own.write_text(SHIPPED + ENDED, encoding="utf-8")
        after = json.loads(ask("--json"))
        own.write_text(SHIPPED + ENDED.replace("until = 2022", "until = 2023"), encoding="utf-8")
        in_time = json.loads(ask("--json"))
        alone = json.loads(ask("--json", "--history-only"))
    finally:
        own.unlink()

    assert after["provision"] == before["provision"]
    assert [line for line in after["warnings"] if "Ms Orr" in line and "31 Dec 2022" in line]
    assert Decimal(in_time["provision"]) > Decimal(in_time["by_history"]) == Decimal(alone["provision"])


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "From the model's expected loss to the provision"), ("zh", "从模型预期损失到坏账准备")]
)
def test_terminal_and_page_say_the_same_in_both_languages(ask, company, lang, words):
    shown = ask("--lang", lang, "--html", "provision.html")
    page = (company / "provision.html").read_text(encoding="utf-8")

    assert words in shown
    assert words.replace("'", "&#39;") in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_workbook_has_a_sheet_for_each_table_and_ties_to_the_json(ask, company):
    found = json.loads(ask("--json", "--out", "provision.xlsx"))
    book = openpyxl.load_workbook(company / "provision.xlsx")
    header, *rows = book["provision"].iter_rows(values_only=True)
    place = header.index("provision")

    assert book.sheetnames == ["provision", "bridge", "rolls", "customers"]
    assert round(Decimal(sum(row[place] for row in rows)), 2) == Decimal(found["provision"])
    header, *rows = book["customers"].iter_rows(values_only=True)
    assert len(rows) == 120
    assert round(Decimal(sum(row[header.index("expected_loss")] for row in rows)), 2) == Decimal(found["model_expected_loss"])


def test_a_text_that_is_not_sound_is_one_line_and_exit_status_2(company, monkeypatch, capsys):
    own = company / "models" / "late_payment" / "provision.toml"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(SHIPPED.replace("[cover]", "[cover]\ncolour = 1"), encoding="utf-8")
    monkeypatch.chdir(company)
    try:
        status = main(["provision"])
    finally:
        own.unlink()
    said = capsys.readouterr().err

    assert status == 2
    assert said.count("\n") == 1
    assert "cover.colour: unknown key" in said
