"""`riskscore backtest` on a book that has grown since it was scored: the record reproduced, the policies compared, the files written."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deciding import GRADES, LAW, POLICY, LinearModel
from exporting import canonical, deliver
from finance import quiet
from futures import cut_to
from riskscore.decisions import Asked
from riskscore.policy import parse
from riskscore.stores import decisions as log
from riskscore.stores.backtests import Looking, cuts_of
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed
from riskscore.stores.ledgers import open_book
from riskscore.stores.replaying import Replayer
from riskscore.stores.reproducing import reproduce
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.main import main
from simulated import world_of

pytestmark = pytest.mark.slow

FIRST, SECOND, LAST = date(2022, 10, 31), date(2022, 11, 30), date(2022, 12, 31)


def world():
    return world_of(n_customers=20, n_months=13)


def delivered(folder: Path, tables, today: date) -> Path:
    exports = folder / f"exports {today}"
    exports.mkdir(parents=True)
    for name, rows in tables.items():
        pq.write_table(rows, exports / f"{name}.parquet")
    deliver(exports, canonical(), folder / "book", today=today)
    return folder / "book"


def tighter(folder: Path) -> Path:
    text = POLICY.read_text(encoding="utf-8").replace(
        'value = 0.15\nunit = "share of monthly volume"', 'value = 0.05\nunit = "share of monthly volume"'
    )
    (folder / "tighter.toml").write_text(text, encoding="utf-8")
    return folder / "tighter.toml"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book scored at two month ends, the first time before it knew anything later."""
    folder = tmp_path_factory.mktemp("backtest")
    tables = dict(world().tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for on, known in ((FIRST, cut_to(tables, FIRST)), (SECOND, tables)):
            delivered(folder, known, FIRST if on == FIRST else world().end_on)
            assert main(["score", "--no-model", "--as-of", str(on), "--out", f"{on}.csv"]) == 0
    tighter(folder)
    return folder


@pytest.fixture(scope="module")
def answered(company: Path, tmp_path_factory: pytest.TempPathFactory):
    """One run of the command with everything it can write."""
    import contextlib
    import io

    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.chdir(company)
        status = main(
            [
                "backtest", "--no-model", "--policy", "tighter.toml", "--from", "2022-11-01", "--to", str(LAST), "--draws", "99",
                "--lang", "zh", "--html", "backtest.html", "--out", "backtest.csv", "--json",
            ]
        )  # fmt: skip
    return status, json.loads(said.getvalue())


def test_what_was_scored_before_the_book_grew_is_reproduced(answered):
    status, found = answered

    assert status == 0
    assert found["reproduced"]["differ"] == []
    assert found["reproduced"]["decisions"] >= 30
    assert found["reproduced"]["by_other_code"] == 0


def test_the_tighter_policy_gives_less_and_sells_less(answered):
    _, found = answered
    kept, tight = found["policies"]

    assert (kept["policy"], tight["policy"]) == ("in force", "tighter.toml")
    assert [month["decided_on"] for month in found["months"]] == [str(FIRST), str(SECOND)]
    assert all(month["limits"]["tighter.toml"] < month["limits"]["in force"] for month in found["months"])
    assert found["months"][0]["changed"]["tighter.toml"] > 5
    assert tight["more_than_first"]["margin"]["expected"] < 0
    assert tight["measures"]["sales"]["low"] <= tight["measures"]["sales"]["high"] < found["happened"]["sales"]
    assert tight["turned_away"]["orders"] > kept["turned_away"]["orders"]
    assert kept["measures"]["margin"]["seen_only"] == pytest.approx(0.2 * kept["measures"]["sales"]["seen_only"], abs=0.01)


@pytest.mark.parametrize("begins", ["2023-07-01", "2022-11-30"], ids=["after the period", "within the month decided before it"])
def test_a_text_that_begins_later_is_told_and_read_as_it_holds_then_where_asked(begins, company, monkeypatch, capsys):
    monkeypatch.chdir(company)
    later = f'\n[[new_customer.volume_share]]\nfrom = {begins}\nvalue = 0.05\nunit = "share of monthly volume"\nsource = "a"\nreason = "b"'
    (company / "proposed.toml").write_text(POLICY.read_text(encoding="utf-8") + later, encoding="utf-8")
    asked = [
        "backtest",
        "--no-model",
        "--policy",
        "proposed.toml",
        "--from",
        "2022-11-01",
        "--to",
        "2022-11-30",
        "--draws",
        "99",
        "--json",
    ]

    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["months"][0]["changed"]["proposed.toml"] == 0
    assert "proposed.toml: 1 of its entries begin after 2022-10-31, the last day that decides" in err
    assert f"--on {begins}" in err
    assert main([*asked, "--on", begins]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["months"][0]["changed"]["proposed.toml"] > 5
    assert "begin after" not in err


def test_page_and_rows_say_the_same(answered, company):
    _, found = answered
    page = (company / "backtest.html").read_text(encoding="utf-8")
    rows = (company / "backtest.csv").read_text(encoding="utf-8").splitlines()

    assert all(words in page for words in ("信用政策时光机", "tighter.toml", "赊销额", "现行政策"))
    assert rows[0] == "policy,less,measure,low,expected,high,seen_only,happened"
    low = found["policies"][1]["measures"]["sales"]["low"]
    (row,) = [row for row in rows if row.startswith("tighter.toml,,sales,")]
    assert float(row.split(",")[3]) == pytest.approx(low, abs=0.01)


def test_a_changed_decision_is_found_by_its_fields_and_the_status_says_so(company, tmp_path, monkeypatch, capsys):
    database = tmp_path / "planted.db"
    monkeypatch.chdir(company)
    monkeypatch.setenv("RISKSCORE_DATABASE", f"sqlite:///{database}")
    engine = open_database(f"sqlite:///{company / 'riskscore.db'}")
    ((made, logged),) = log.between(engine, FIRST, FIRST)
    texts = {kind: log.text_of(engine, getattr(made, kind)) for kind in ("policy", "grades", "statutes")}
    engine.dispose()
    victim = sorted(logged)[3]
    recommendation = logged[victim].recommendation
    logged[victim] = replace(logged[victim], recommendation=replace(recommendation, limit=recommendation.limit + 1000))
    engine = open_database(f"sqlite:///{database}")
    log.append(engine, list(logged.values()), texts)

    engine.dispose()
    status = main(["backtest", "--no-model", "--from", "2022-11-01", "--to", "2022-11-30", "--draws", "99"])
    shown, err = capsys.readouterr()

    assert status == 1
    assert f"1 of {len(logged)} logged decisions come out differently" in err
    assert f"{logged[victim].decision_id} of {FIRST}, in recommendation" in err
    assert "Logged decisions that come out differently" in shown


def test_an_applicant_is_in_no_book_and_is_made_again_from_its_record(company, tmp_path, monkeypatch):
    monkeypatch.chdir(company)
    engine = open_database(f"sqlite:///{company / 'riskscore.db'}")
    ((made, logged),) = log.between(engine, FIRST, FIRST)
    texts = {kind: log.text_of(engine, getattr(made, kind)) for kind in ("policy", "grades", "statutes")}
    engine.dispose()
    one = logged[min(logged)]
    applicants = [
        replace(one, customer_id=name, case=replace(one.case, customer_id=name), asked=Asked(Decimal(1000)))
        for name in ("fair", "false")
    ]
    proposed = replace(one.recommendation, limit=one.recommendation.limit + 1000)
    applicants[1] = replace(applicants[1], recommendation=proposed)
    engine = open_database(f"sqlite:///{tmp_path / 'applicants.db'}")
    log.append(engine, applicants, texts)

    found = reproduce(Replayer(Workplace(), engine), open_book(company / "book"), FIRST, LAST, code="other", told=quiet)
    engine.dispose()

    assert (found.n_decisions, found.n_other_code) == (2, 2)
    assert [(each.customer_id, each.fields) for each in found.differences] == [("false", ("recommendation",))]


def test_what_came_after_a_month_changes_nothing_decided_at_its_end(tmp_path, company):
    """The book, and one that ends with November: a cut after that sees the difference, so a machine that peeks would."""
    ended = delivered(tmp_path, cut_to(dict(world().tables), SECOND), SECOND)
    law = LAW.read_text(encoding="utf-8")

    def signed(on: date) -> Signed:
        return Signed(LinearModel(), GRADES, parse(POLICY.read_text(encoding="utf-8"), on=on, law=law))

    def said(book: Path, on: date):
        looking = Looking(open_book(book), (on, LAST), {"it": signed}, quiet)
        looking(0, {"it": None})
        return looking.months[0].decided["it"]

    assert said(company / "book", SECOND) == said(ended, SECOND)
    assert said(company / "book", LAST) != said(ended, LAST)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--from", "2022-11-02", "--to", "2022-11-30"), "the period is whole months"),
        (("--from", "2022-11-01", "--to", "2022-11-29"), "the period is whole months"),
        (("--from", "2022-12-01", "--to", "2022-11-30"), "the period is whole months"),
        (("--from", "2022-11-01", "--to", "2029-11-30"), "what came after cannot be replayed"),
        (("--from", "2022-11-01", "--to", "2022-11-30", "--policy", "none.toml"), "none.toml: cannot be read"),
        (
            ("--from", "2022-11-01", "--to", "2022-11-30", "--policy", "tighter.toml", "--policy", "tighter.toml"),
            "is named twice",
        ),
        (("--from", "2022-11-01", "--to", "2022-11-30", "--out", "x.pdf"), "results are written as"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(options, says, company, monkeypatch, capsys):
    monkeypatch.chdir(company)

    assert main(["backtest", "--no-model", *options]) == 2
    assert says in capsys.readouterr().err


def test_cuts_are_the_days_before_months_begin_and_the_last_day():
    assert cuts_of(date(2023, 12, 1), date(2024, 2, 29), LAST.replace(year=2024)) == (
        date(2023, 11, 30), date(2023, 12, 31), date(2024, 1, 31), date(2024, 2, 29),
    )  # fmt: skip
