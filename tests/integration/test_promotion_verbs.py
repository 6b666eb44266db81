"""From two trainings on a book to a version in force: compared, held, released by two people, rolled back; and an expired one."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from doors import Open
from gating import GATE_TEXT
from leaks import named
from modelling import WORLD, export, sign_small_texts, small_text
from riskscore.stores import desk as desks
from riskscore.stores.approvals import approval_in_force, approvals_of
from riskscore.stores.comparisons import look_number
from riskscore.stores.database import MODEL_COMPARISONS, open_database, reading
from riskscore.stores.ledgers import open_book
from riskscore.stores.models import Registry, approved
from riskscore.stores.models.approved import load_approved
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.main import main
from riskscore_serving.app import create_app
from riskscore_serving.office import Rules
from riskscore_serving.reception import Reception
from riskscore_serving.settings import Address
from simulated import world_of

pytestmark = pytest.mark.slow

NAME = "late_payment"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A working folder with a book, a first version in force and a second one, learned by another recipe, registered.

    On so few customers the first is not ahead of every rule of thumb beyond chance: two people released it.
    """
    folder = tmp_path_factory.mktemp("promoting")
    export(named(dict(world_of(**WORLD).tables)), folder / "exports")
    own = sign_small_texts(folder)
    own.joinpath("gate.toml").write_text(GATE_TEXT.replace("customers_with_event = 20", "customers_with_event = 5"))
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert main(["ingest", "exports", "--mapping", "canonical", "--book", "book"]) == 0
        assert main(["train", "--first", "--by", "Ann"]) == 8
        assert main(["promote", "1", "--by", "Ann", "--release", "the rules alone decide too little"]) == 0
        assert main(["approve", "1", "--by", "Bo", "--release", "until there is a longer history"]) == 0
        own.joinpath("recipe.toml").write_text(small_text().replace("ridge = 30.0", "ridge = 90.0"))
        assert main(["train"]) == 0
    return folder


@pytest.fixture
def here(company, monkeypatch):
    monkeypatch.chdir(company)
    return company


@pytest.fixture
def engine(here):
    engine = open_database(Workplace().database)
    yield engine
    engine.dispose()


def run(capsys, *arguments):
    status = main(list(arguments))
    said = capsys.readouterr()
    return status, said.out, said.err


def test_mlflows_own_client_loads_the_champion_and_says_what_the_service_says(here):
    """Of customers with a history and, asked as such, of newcomers; the folders cold/ and hazard/ travel in the same bundle."""
    registry = Registry.of(Workplace())
    loaded = registry.mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    desk = Reception(Workplace(), here / "book").desk()
    frame = pa.concat_tables(part.features for part in desk.shelf.parts)
    rows = frame.select(list(desk.model.feature_names)).to_pandas()
    said = {newcomer: loaded.predict(rows, params={"newcomer": newcomer})["pd"].tolist() for newcomer in (False, True)}
    app = create_app(lambda: desk, Address(), Open(), rules=Rules(max_book_age_days=36_500))
    answered = {False: {}, True: {}}
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        for place, customer in enumerate(frame["customer_id"].to_pylist()):
            answer, case = client.post("/v1/scores", json={"customer_id": customer}).json(), desk.decide(customer).case
            if answer.get("pd") is not None and not case.in_default:  # of those the answer is 1, whatever a model says
                answered[not case.n_paid_invoices][place] = answer["pd"]
    newcomers = frame.select(list(desk.model.newcomer.feature_names)).slice(0, 40)

    assert len(answered[False]) > 50
    for is_new, of_service in answered.items():
        assert {place: said[is_new][place] for place in of_service} == of_service
    assert said[True][:40] == desk.model.newcomer.probability(desk.model.newcomer.explain(newcomers).log_odds).pd.tolist()
    assert said[True] != said[False]
    bundle = {path.parent.name for path in here.rglob("bundle/*/*.json")}
    assert bundle == {"cold", "hazard"}


def test_a_version_that_is_no_better_is_held_with_everything_that_was_found(here, capsys):
    status, out, err = run(capsys, "promote", "2", "--by", "Ann", "--json")
    facts = json.loads(out)
    checks = {check["name"]: check for check in facts["checks"]}

    assert status == 8, err
    assert "held by the gate (" in err
    assert (facts["verdict"], facts["basis"], facts["look"], facts["level"]) == ("held", "walk_forward", 1, 0.025)
    assert not checks["gain"]["passed"]
    assert checks["limits_above_cap"]["passed"]
    assert {f"ahead_of/shrunken_rate/{metric}" for metric in ("auc", "pr_auc", "brier")} <= set(checks)
    assert checks["not_behind/scorecard/brier"]["value"] is not None
    assert {f"{row['name']}_worse" for row in facts["parts"]} <= set(checks)
    parts = {row["name"]: row for row in facts["parts"]}
    assert (parts["hazard/late_0"]["basis"], checks["hazard/late_0_worse"]["passed"]) == ("walk_forward", True)
    assert facts["blast"]["n_customers"] == open_book(here / "book").n_customers
    assert facts["n_asked_alone"] > 0
    assert {row["dimension"] for row in facts["segments"]} <= {"country", "industry", "size", "history", "legal_person"}


def test_two_people_with_a_reason_each_release_what_was_held(here, engine, capsys):
    status, out, err = run(capsys, "approve", "2", "--by", "Bo", "--release", "seen with sales")
    assert status == 8, err
    assert "The gate: held" in out
    assert run(capsys, "promote", "2", "--by", "Ann", "--release", "a simpler model")[0] == 0
    assert run(capsys, "approve", "2", "--by", "Bo")[0] == 8
    assert run(capsys, "approve", "2", "--by", "Ann", "--release", "mine")[0] == 2
    assert approval_in_force(engine, NAME).version == "1"

    status, out, err = run(capsys, "approve", "2", "--by", "Bo", "--release", "seen with sales")
    assert status == 0, err
    row = approval_in_force(engine, NAME)
    assert (row.version, row.proposed_by, row.approved_by, row.release_reason) == ("2", "Ann", "Bo", "seen with sales")
    assert row.last_day == datetime.now(UTC).date() + timedelta(days=400)
    with reading(engine) as connection:
        of_version = sa.select(MODEL_COMPARISONS.c.digest).where(MODEL_COMPARISONS.c.version == "2")
        kept = connection.execute(of_version).scalars().all()
    assert row.comparison in kept
    assert len(kept) == 1  # the same look on the same book twice is one comparison


def test_moving_the_alias_changes_nothing_and_rolling_back_does(here, engine, capsys):
    workplace = Workplace()
    registry = Registry.of(workplace)
    before = load_approved(workplace, engine).digest
    registry.client.set_registered_model_alias(NAME, "champion", "1")
    assert load_approved(workplace, engine).digest == before
    assert "alias champion is on version 1" in run(capsys, "models")[1]

    assert run(capsys, "rollback", "--by", "Cy", "--reason", " ")[0] == 2
    status, out, err = run(capsys, "rollback", "--by", "Cy", "--reason", "limits fell by mistake")
    assert status == 0, err
    assert "version 1" in out
    assert load_approved(workplace, engine).digest != before
    assert registry.aliases(NAME)["champion"] == "1"
    assert [each["in_force"] for each in json.loads(run(capsys, "models", "--json")[1])] == [True, False]


def test_the_very_model_in_force_is_renewed_without_a_new_look(here, engine, capsys):
    before = approval_in_force(engine, NAME)
    a_challenger = (NAME, "f" * 64, before.digest, "e" * 64)
    look = look_number(engine, *a_challenger)
    status, out, err = run(capsys, "promote", before.version, "--by", "Ann", "--json")

    assert status == 0, err
    assert json.loads(out)["basis"] == "same_model"
    assert run(capsys, "approve", before.version, "--by", "Bo")[0] == 0
    assert look_number(engine, *a_challenger) == look

    status, out, err = run(capsys, "approve", before.version, "--by", "Bo Chen")
    assert status == 2, "one proposal, one approval"
    assert "counts no more" in err
    assert len(approvals_of(engine, NAME)) >= 3


def test_an_expired_model_refers_everybody_in_a_run_and_in_the_server(here, capsys, monkeypatch):
    reception = Reception(Workplace(), here / "book")
    assert reception.desk().model is not None

    class Later(datetime):
        """Two years on."""

        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=730)

    monkeypatch.setattr(approved, "datetime", Later)
    monkeypatch.setattr("riskscore_serving.reception.datetime", Later)
    status, out, err = run(capsys, "score", "--book", "book", "--out", "expired.csv", "--json")
    summary = json.loads(out)

    assert status == 0, err
    assert "ran out on" in err
    assert (summary["provenance"]["model"], summary["provenance"]["doubt"]) == (None, "model_unavailable")
    assert summary["status"].get("scored", 0) <= summary["grade"].get("10", 0)  # nobody but who is in default already
    assert reception.desk().model is None
    assert reception.desk().signed.why_not is not None
    assert desks.in_force(Workplace(), None, datetime.now(UTC).date(), model_name=NAME).why_not is None
