"""From a run that moves too much to one that is published: the commands, the server and the reports meanwhile, two people."""

import json
import shutil

import pytest

from deciding import GRADES, PROVENANCE, LinearModel
from finance import POLICY, quiet, simulated_company
from riskscore.policy import parse
from riskscore.stores import approvals
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed
from riskscore.stores.ledgers import open_book
from riskscore.stores.workplace import Workplace
from riskscore_pipelines import report, score
from riskscore_pipelines.finance import material
from riskscore_pipelines.main import main
from riskscore_serving import reception
from riskscore_serving.reception import Reception

pytestmark = pytest.mark.slow

A_DIGIT_OFF = """
[[limit.digits]]
from = 2020-01-01
value = 1
unit = "digits"
source = "planted"
reason = "planted"

[[need.days_late]]
from = 2020-01-01
value = 365
unit = "days"
source = "planted"
reason = "planted"
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A working folder with a book and its published run."""
    folder = simulated_company(tmp_path_factory.mktemp("company"))
    engine = open_database(f"sqlite:///{folder / 'riskscore.db'}")
    approvals.approve_first(engine, "late_payment", "1", PROVENANCE.model, by="Ann")
    engine.dispose()
    return folder


@pytest.fixture
def company(first, tmp_path, monkeypatch):
    """That folder, a copy of its own for each test; the policy that decides is the one a test signs."""
    folder = tmp_path / "company"
    shutil.copytree(first, folder)
    monkeypatch.chdir(folder)
    sign(monkeypatch, "")
    return folder


def sign(patch, more):
    """Let this policy decide from now on, in every verb and in the server."""
    model = LinearModel()
    model.horizon_days = GRADES.horizon_days

    def in_force(_workplace, _engine, on, *, model_name):
        return Signed(model, GRADES, parse(POLICY + more, on=on))

    for where in (score, report, material, reception):
        patch.setattr(where, "in_force", in_force)


@pytest.fixture
def riskscore(company, capsys):
    def run(*arguments):
        capsys.readouterr()
        status = main(list(arguments))
        return status, *capsys.readouterr()

    return run


def test_an_equal_run_is_published_and_writes_its_file(riskscore, company):
    assert riskscore("score", "--out", "scores.csv")[0] == 0
    first_bytes = (company / "scores.csv").read_bytes()

    assert riskscore("score", "--out", "scores.csv")[0] == 0
    assert (company / "scores.csv").read_bytes() == first_bytes
    assert riskscore("release")[1] == "No run is held.\n"


@pytest.mark.parametrize(("lang", "said"), [("en", "Drift: "), ("zh", "漂移：")])
def test_drift_is_told_at_the_end_of_a_run_in_words_and_in_figures(riskscore, lang, said):
    assert said in riskscore("score", "--out", "scores.csv", "--lang", lang)[1]
    drift = json.loads(riskscore("score", "--out", "scores.csv", "--json")[1])["drift"]

    assert drift["customers"] > 90
    assert set(drift["features"]) < set(LinearModel().feature_names)
    assert drift["shifted"]  # the stand-in learned from one customer, two hundred times


def test_a_run_under_a_policy_that_moves_limits_is_held_until_two_people_release_it(riskscore, company, monkeypatch):
    sign(monkeypatch, A_DIGIT_OFF)
    status, out, err = riskscore("score", "--out", "scores.csv")

    assert (status, out) == (8, "")
    assert "is kept and not published" in err
    assert err.count("\n") == 1
    assert not (company / "scores.csv").exists()
    short = err.split("run ", 1)[1][:12]

    # Nobody is shown it meanwhile.
    for verb in (("report", "--html", "report.html"), ("score", "--out", "scores.csv"), ("provision", "--out", "ecl.csv")):
        assert riskscore(*verb)[0] == 8, verb
    assert list(company.glob("*.csv")) == list(company.glob("*.html")) == []

    listed, shown = riskscore("release")[1], riskscore("release", short)[1]
    assert short in listed
    assert "HELD: " in shown
    assert "Moved most" in shown
    (plain,) = json.loads(riskscore("release", short, "--json")[1])
    assert plain["moved"]
    assert plain["report"]["largest"]

    assert riskscore("release", short, "--by", "Ann")[0] == 2
    assert riskscore("release", "--by", "Ann", "--reason", "why")[0] == 2
    status, out, _ = riskscore("release", short, "--by", "Ann", "--reason", "policy of 1 July")
    assert (status, "Somebody else: riskscore release" in out) == (0, True)
    assert riskscore("release", short, "--by", "ann", "--reason", "mine")[0] == 2
    assert riskscore("score", "--out", "scores.csv")[0] == 8
    status, out, _ = riskscore("release", short, "--by", "Bo", "--reason", "read")
    assert (status, "Released by Ann and Bo" in out) == (0, True)

    assert riskscore("score", "--out", "scores.csv")[0] == 0
    assert (company / "scores.csv").is_file()
    assert riskscore("provision", "--out", "ecl.csv")[0] == 0
    assert riskscore("verify", "--replays", "0", "--book", "book")[0] == 0


def test_the_server_refers_everybody_while_the_run_over_its_book_is_held(riskscore, company, monkeypatch):
    sign(monkeypatch, A_DIGIT_OFF)
    desks = Reception(Workplace(), company / "book")
    customer = open_book(company / "book").customer_ids()[0]
    assert desks.desk().doubt is None
    status, _, err = riskscore("score", "--out", "scores.csv")
    assert status == 8
    short = err.split("run ", 1)[1][:12]

    held = desks.desk()
    assert held.doubt == "run_held"
    assert held.decide(customer).referral.reasons[0] == "run_held"

    for who in ("Ann", "Bo"):
        riskscore("release", short, "--by", who, "--reason", "why")
    assert desks.desk().doubt is None


def test_a_company_without_the_bounds_in_its_own_gate_is_told_which_are_missing(riskscore, company):
    own = company / "models" / "late_payment"
    own.mkdir(parents=True)
    shipped = report_gate()
    own.joinpath("gate.toml").write_text(
        shipped.split("[runs]")[0] + "[validity]" + shipped.split("[validity]")[1], encoding="utf-8"
    )
    status, _, err = riskscore("score", "--out", "scores.csv")

    assert status == 2
    assert "runs" in err
    assert not (company / "scores.csv").exists()


def report_gate():
    from gating import GATE_TEXT

    return GATE_TEXT


def test_a_run_of_an_earlier_day_is_compared_with_none_of_a_later_one(riskscore, company):
    earlier = open_book(company / "book").last_known_on.replace(day=1)
    status, _, err = riskscore("score", "--as-of", earlier.isoformat(), "--out", "earlier.csv")

    assert (status, err) == (0, "")
    engine = open_database(Workplace().database)
    accounts = material.accounts_of(Workplace(), None, earlier, told=quiet, model="late_payment", texts="late_payment")
    assert log.is_complete(engine, accounts.provenance.run_id)
    engine.dispose()
