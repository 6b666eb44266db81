"""A day the book knows nothing of is refused by every verb that asks for one, before anything is computed.

After its last known day every open invoice looks unpaid: a model would learn that nobody pays, a report that everybody is late.
"""

import importlib
from datetime import date, timedelta

import pytest
from typer.main import get_command

from finance import company_of
from riskscore.errors import UsageRefused
from riskscore.snapshot import QUIET_DAYS
from riskscore.stores.ledgers import open_book
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.main import VERBS, main
from riskscore_serving.reception import Reception

LAST = date(2026, 6, 26)  # a Friday
CUSTOMERS = """
    customer_id,name,country,known_on
    acme,Acme,DE,2026-01-01
"""
INVOICES = f"""
    customer_id,invoice_id,issued_on,due_on,amount,currency,known_on
    acme,1,2026-02-01,2026-03-03,100,EUR,2026-02-01
    acme,2,{LAST},2026-07-26,100,EUR,{LAST}
"""
LOOKING = {
    "score": ("--no-model", "--out", "x.csv"),
    "report": ("--no-model", "--html", "x.html"),
    "explain": ("--no-model", "acme"),
    "plans": ("--no-model", "--customer", "acme"),
    "forecast": ("--out", "x.csv"),
    "portfolio": (),
    "provision": ("--no-model",),
    "allocate": (),
    "insurance": (),
    "dunning": (),
    "reviews": ("--no-model",),
    "stress": (),
    "migration": ("--since", "2026-03-31"),
}
LEARNING = {"train": (), "tune": ()}
SERVING = {"serve": ()}
"""It becomes another program, so its date is asked of the reception itself."""


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    return company_of(tmp_path_factory.mktemp("company"), customers=CUSTOMERS, invoices=INVOICES)


@pytest.fixture
def here(company, monkeypatch):
    monkeypatch.chdir(company)
    return company


def options_of(verb):
    app = importlib.import_module(f"riskscore_pipelines.{verb.replace('-', '_')}").app
    app._add_completion = False
    return {option for parameter in get_command(app).params for option in parameter.opts}


def test_every_verb_that_asks_for_a_day_of_the_book_is_asked_here():
    asking = {verb for verb in VERBS if {"--as-of", "--until"} & options_of(verb)}

    assert asking == {*LOOKING, *LEARNING, *SERVING}


@pytest.mark.parametrize("verb", LOOKING)
def test_no_verb_looks_at_a_day_the_book_knows_nothing_of(here, capsys, verb):
    asked = LAST + timedelta(days=QUIET_DAYS + 1)

    assert main([verb, *LOOKING[verb], "--as-of", str(asked)]) == 2

    said = capsys.readouterr().err
    assert f"--as-of {asked}: the book knows nothing after {LAST}, {QUIET_DAYS + 1} days before" in said
    assert "Ingest what happened since" in said
    assert not list(here.glob("x.*"))


@pytest.mark.parametrize("verb", ["portfolio", "dunning"])
def test_a_company_that_ingested_on_friday_may_ask_on_monday_and_is_told(here, capsys, verb):
    assert main([verb, *LOOKING[verb], "--as-of", str(LAST + timedelta(days=3))]) == 0
    assert f"nothing became known in the 3 days after {LAST}" in capsys.readouterr().err

    assert main([verb, *LOOKING[verb]]) == 0
    assert "nothing became known" not in capsys.readouterr().err


def test_the_report_of_such_a_day_says_it_to_whoever_reads_the_page(here):
    assert main(["report", "--no-model", "--as-of", str(LAST + timedelta(days=3)), "--html", "page.html"]) == 0
    assert "Nothing became known after" in (here / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", LEARNING)
def test_not_a_day_beyond_the_book_is_learned_from(here, capsys, verb):
    asked = LAST + timedelta(days=1)

    assert main([verb, "--until", str(asked)]) == 2

    said = capsys.readouterr().err
    assert f"--until {asked}: the book knows nothing after {LAST}" in said
    assert "would be learned as never paid" in said


def test_a_policy_is_measured_on_days_the_book_can_speak_of(here, capsys):
    assert main(["policy", "measure", "--on", str(LAST + timedelta(days=QUIET_DAYS + 1))]) == 2
    assert "--on 2026-07-07: the book knows nothing after 2026-06-26" in capsys.readouterr().err


def test_the_server_opens_no_desk_on_a_day_the_book_knows_nothing_of(here):
    with pytest.raises(UsageRefused, match="--as-of 2027-01-01: the book knows nothing after 2026-06-26"):
        Reception(Workplace(), here / "book", as_of=date(2027, 1, 1), model=None).desk()


@pytest.mark.parametrize(
    ("days", "looked_at", "learned_until"),
    [
        pytest.param(-30, True, True, id="in-the-past"),
        pytest.param(0, True, True, id="the-last-day"),
        pytest.param(1, True, False, id="the-day-after"),
        pytest.param(QUIET_DAYS, True, False, id="as-long-as-a-company-rests"),
        pytest.param(QUIET_DAYS + 1, False, False, id="a-day-longer"),
    ],
)
def test_the_two_rules_at_their_edges(here, days, looked_at, learned_until):
    book, asked = open_book(here / "book"), LAST + timedelta(days=days)

    for rule, granted in ((book.day_to_look_at, looked_at), (book.day_to_learn_until, learned_until)):
        if granted:
            assert rule(asked) == asked
        else:
            with pytest.raises(UsageRefused, match=f"knows nothing after {LAST}"):
                rule(asked)
        assert rule(None) == LAST
