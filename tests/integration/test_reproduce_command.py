"""`riskscore reproduce`: the training of a run made again gives the same model, or it is said what differs and what may explain it."""

import json
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from modelling import WORLD, export, sign_small_texts, small_text, twin
from registering import NAME, bundle_folder
from riskscore.model import from_files
from riskscore.stores.models import Registry, recording
from riskscore.stores.models.registry import read_bundle
from riskscore.stores.workplace import Workplace
from riskscore_pipelines import reproduce
from riskscore_pipelines.main import main
from simulated import world_of

pytestmark = pytest.mark.slow

DAYS_SINCE = 60


def until():
    """The last day of the training; the world goes on after it."""
    return world_of(**WORLD).end_on - timedelta(days=DAYS_SINCE)


def known_then():
    """What the company could have exported on the day of the training."""
    tables = {}
    for name, rows in world_of(**WORLD).tables.items():
        tables[name] = rows.filter(pc.less_equal(rows["rated_on" if name == "rates" else "known_on"], until()))
    closed = tables["disputes"]["closed_on"]
    place = tables["disputes"].column_names.index("closed_on")
    still_open = pc.if_else(pc.less_equal(closed, until()), closed, pa.scalar(None, closed.type))
    tables["disputes"] = tables["disputes"].set_column(place, "closed_on", still_open)
    return tables


def forgiven():
    """The same, had forty invoices that nobody paid been paid on the day they were due: other outcomes to learn from."""
    tables = known_then()
    paid, invoices = tables["settlements"], tables["invoices"]
    unpaid = invoices.filter(pc.invert(pc.is_in(invoices["invoice_id"], paid["invoice_id"]))).slice(0, 40).to_pylist()
    payments = [
        {
            "settlement_id": f"late{number}", "invoice_id": each["invoice_id"], "customer_id": each["customer_id"],
            "kind": "payment", "settled_on": each["due_on"], "amount": each["amount"], "known_on": each["due_on"],
        }
        for number, each in enumerate(unpaid)
    ]  # fmt: skip
    return {**tables, "settlements": pa.concat_tables([paid, pa.Table.from_pylist(payments, paid.schema)])}


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A working folder with a training on the book of its day, that book as it has grown since, and one with other outcomes."""
    folder = tmp_path_factory.mktemp("reproducing")
    own = sign_small_texts(folder)
    for book, tables in (("book", known_then()), ("grown", world_of(**WORLD).tables), ("corrected", forgiven())):
        export(tables, folder / f"{book}_exports")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        for book in ("book", "grown", "corrected"):
            assert main(["ingest", f"{book}_exports", "--mapping", "canonical", "--book", book]) == 0
        assert main(["train"]) == 0
    own.joinpath("recipe.toml").write_text(small_text().replace("ridge = 30.0", "ridge = 90.0"))
    own.joinpath("grades.toml").unlink()
    return folder


@pytest.fixture
def here(company, monkeypatch):
    monkeypatch.chdir(company)
    return company


@pytest.fixture
def registered(here):
    """The only version there is."""
    (version,) = Registry.of(Workplace()).versions(NAME)
    return version


@pytest.fixture
def untaught(monkeypatch):
    """No training takes place: what is refused is refused before the work."""
    monkeypatch.setattr(reproduce, "train", lambda *_, **__: pytest.fail("it was trained"))


def run(capsys, *arguments):
    status = main(["reproduce", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


@contextmanager
def changed(path, content):
    """A file with another content for a while; null: it is gone."""
    honest = path.read_bytes()
    path.unlink()
    try:
        if content is not None:
            path.write_bytes(content)
        yield
    finally:
        path.write_bytes(honest)


def kept(folder, name):
    """Where a file of the run lies."""
    (found,) = [path for path in folder.rglob(name) if path.parent.name == "artifacts"]
    return found


def state_of_the_registry():
    registry = Registry.of(Workplace())
    runs = registry.client.search_runs([registry.experiment()])
    return registry.versions(NAME), registry.aliases(NAME), {each.info.run_id: dict(each.data.tags) for each in runs}


def test_the_run_is_made_again_to_the_byte_by_what_it_keeps_and_nothing_is_registered(here, registered, capsys):
    """The recipe on disk is another one by now and the grades are gone."""
    before = state_of_the_registry()
    status, out, err = run(capsys, registered.run_id)

    assert status == 0, err
    assert out == (
        f"The same model: digest {registered.digest}, all {len(read_bundle(bundle_folder(here)))} files to the byte "
        f"(late_payment version 1, run {registered.run_id}).\n"
    )
    assert f"from facts until {registered.trained_until}. It is trained again; nothing is registered." in err
    assert "Not as it was then" not in err
    assert state_of_the_registry() == before


def test_a_book_that_has_grown_since_gives_the_same_model_and_that_it_has_is_said_before(here, registered, capsys, monkeypatch):
    monkeypatch.setattr(recording, "code_digest", lambda: "c0de" * 16)
    status, out, err = run(capsys, "1", "--book", "grown", "--json")
    told = json.loads(out)

    assert status == 0, err
    assert told["same"]
    assert told["digest"] == told["digest_again"] == registered.digest
    assert (told["run_id"], told["until"], told["differing_files"]) == (registered.run_id, registered.trained_until, [])
    assert set(told["changed"]) == {"book_digest", "code_digest"}
    before, _, _ = err.partition("features and outcomes")
    assert "Not as it was then: the book: " in before
    assert "the code of this program: " in before
    assert "c0dec0dec0de now" in before
    assert f"Only what was known by {registered.trained_until} is used" in before


def test_other_outcomes_in_the_book_give_another_model_and_what_may_explain_it_is_said(here, registered, capsys, monkeypatch):
    honest = recording.circumstances
    monkeypatch.setattr(
        "riskscore.stores.models.kept_trainings.circumstances", lambda book: honest(book) | {"version.numpy": "9.9"}
    )
    status, out, err = run(capsys, registered.run_id, "--book", "corrected")
    lines = out.splitlines()

    assert status == 1
    assert lines[0].startswith("Another model: digest ")
    assert lines[0].endswith(f", was {registered.digest}.")
    assert lines[1].startswith("Files that differ: ")
    assert "booster.txt" in lines[1]
    assert "manifest.json" not in lines[1]
    assert lines[2] == "What may explain it:"
    assert [line.split(":")[0] for line in lines[3:]] == ["  the book", "  numpy"]
    assert lines[4].endswith(" then, 9.9 now")
    assert err.splitlines()[-1].startswith(f"riskscore: run {registered.run_id} made again gives another model: digest ")
    assert err.splitlines()[-1].endswith("Nothing was registered or changed.")


def test_where_all_is_as_it_was_the_machine_is_what_is_left(here, registered, capsys, monkeypatch):
    other = from_files(twin(read_bundle(bundle_folder(here)), "2001-01-01"))
    monkeypatch.setattr(reproduce, "train", lambda *_, **__: SimpleNamespace(model=other))
    status, out, _ = run(capsys, registered.run_id)

    assert status == 1
    assert "Files that differ: manifest.json." in out
    assert "What is left is the machine" in out


@pytest.mark.parametrize("name", ["recipe.json", "grades.json"])
@pytest.mark.usefixtures("untaught")
def test_a_text_changed_in_the_run_is_found_before_the_work(here, registered, capsys, name):
    honest = kept(here, name).read_bytes()
    altered = honest.replace(b"180", b"181", 1)
    assert altered != honest

    for content in (altered, b"no JSON"):
        with changed(kept(here, name), content):
            status, out, err = run(capsys, registered.run_id)
        assert (status, out) == (1, "")
        assert f"run {registered.run_id}: {name} is not the one it learned by" in err
        assert "Somebody changed the run after the training" in err

    with changed(kept(here, name), None):
        status, _, err = run(capsys, registered.run_id)
    assert status == 5
    assert f"lacks {name}" in err


@pytest.mark.usefixtures("untaught")
def test_a_model_changed_or_gone_in_the_registry_is_refused(here, registered, capsys):
    path = bundle_folder(here) / "booster.txt"

    with changed(path, path.read_bytes() + b"\n"):
        status, _, err = run(capsys, registered.run_id)
    assert status == 5
    assert f"booster.txt of run {registered.run_id} in the registry is not the one that was trained" in err

    with changed(path, None):
        status, _, err = run(capsys, registered.run_id)
    assert status == 5
    assert "booster.txt is missing" in err


@pytest.mark.usefixtures("untaught")
def test_a_run_whose_version_was_deleted_is_refused(here, registered, capsys):
    client = Registry.of(Workplace()).client
    source = client.get_model_version(NAME, registered.version).source
    client.delete_model_version(NAME, registered.version)
    try:
        status, _, err = run(capsys, registered.run_id)
    finally:
        client.create_model_version(NAME, source, registered.run_id)

    assert status == 5
    assert f"run {registered.run_id}: its model is no longer registered" in err


@pytest.mark.usefixtures("untaught", "here")
def test_a_run_that_is_no_training_is_refused(capsys):
    registry = Registry.of(Workplace())
    with registry.mlflow.start_run(experiment_id=registry.experiment(), run_name="trial 1") as trial:
        registry.mlflow.set_tags({"kind": "tuning"})
    status, out, err = run(capsys, trial.info.run_id)
    registry.client.delete_run(trial.info.run_id)

    assert (status, out) == (5, "")
    assert f"run {trial.info.run_id} has noted no digest of a model, so it is no training" in err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param(("f" * 32,), 5, f"run {'f' * 32}: the registry", id="a-run-nobody-knows"),
        pytest.param(("77",), 5, "late_payment version 77: the registry", id="a-version-nobody-knows"),
        pytest.param(("1", "--model", "horoscope"), 5, "horoscope version 1: the registry", id="a-model-nobody-knows"),
        pytest.param(("1", "--book", "nowhere"), 3, "nowhere", id="a-book-that-is-not-there"),
    ],
)
@pytest.mark.usefixtures("untaught", "here")
def test_what_is_not_there_is_one_line_and_a_status(capsys, arguments, status, words):
    found, out, err = run(capsys, *arguments)

    assert (found, out) == (status, "")
    assert len(err.strip().splitlines()) == 1
    assert words in err
