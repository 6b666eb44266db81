"""The registry and what stands between it and a score: anyone may read a model, only approved bytes may answer."""

import base64
import contextlib
import json
import pickle
import runpy
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gating import compared
from modelling import BOOK, CARDS, FEATURES, invented, shipped_grades, small, trained
from riskscore.errors import ModelExpired, ModelRefused, StorageFailed, UsageRefused
from riskscore.model import to_files
from riskscore.model.bundle import canonical, make_files, sha256
from riskscore.model.formula import FORMULA_FILES
from riskscore.stores import model_child
from riskscore.stores.approvals import approval_in_force, approve, approve_first
from riskscore.stores.database import open_database
from riskscore.stores.model_child import try_in_child
from riskscore.stores.models import Registry, approve_version, load_approved, promote_version, record, roll_back_version
from riskscore.stores.models import approved as approved_module
from riskscore.stores.models.approved import keep_copy, load_version
from riskscore.stores.models.judged import FILE, pseudonyms, read_judged
from riskscore.stores.models.registry import read_bundle
from riskscore.stores.models.trials import search
from riskscore.stores.workplace import Workplace
from riskscore.training import tuning
from riskscore.training.tuning import Proving

NAME = "late_payment"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder whose registry holds one training, not approved."""
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    done = record(registry, trained(), recipe=small(), grades=shipped_grades(), card=CARDS, book=BOOK)
    assert (done.name, done.version, done.digest) == (NAME, "1", trained().model.digest)
    return folder


@pytest.fixture
def workplace(folder, tmp_path):
    """The registry with a fresh database and no local copies."""
    return Workplace(
        database=f"sqlite:///{tmp_path / 'riskscore.db'}",
        mlflow=f"sqlite:///{folder / 'mlflow.db'}",
        approved=tmp_path / "approved",
    )


@pytest.fixture
def engine(workplace):
    engine = open_database(workplace.database)
    yield engine
    engine.dispose()


@pytest.fixture
def parsed(monkeypatch):
    """The bundles that reached a parser, in this process or in a child."""
    reached = []
    monkeypatch.setattr(approved_module, "from_files", reached.append)
    monkeypatch.setattr(approved_module, "try_in_child", reached.append)
    return reached


def run_of(registry):
    (version,) = registry.versions(NAME)
    return registry.client.get_run(version.run_id)


def bundle_folder(folder) -> Path:
    (found,) = folder.rglob("bundle/booster.txt")
    return found.parent


def test_the_run_holds_what_is_needed_to_believe_it(folder):
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    run = run_of(registry)
    artefacts = {each.path for each in registry.client.list_artifacts(run.info.run_id)}
    plots = {Path(each.path).name for each in registry.client.list_artifacts(run.info.run_id, "plots")}

    assert {run.data.tags[name] for name in ("model_digest", "recipe_digest", "book_digest")} == {
        trained().model.digest,
        small().digest,
        "b" * 64,
    }
    assert len(run.data.tags["code_digest"]) == 64
    assert run.data.params["outcome.days_past_due"] == "60"
    for name in ("auc", "pr_auc", "brier", "log_loss", "ece", "calibration_slope"):
        assert run.data.metrics[f"{name}_low"] <= run.data.metrics[name] <= run.data.metrics[f"{name}_high"]
    assert "shrunken_rate/auc" in run.data.metrics
    assert "ahead_of/shrunken_rate/log_loss_high" in run.data.metrics
    assert {"card.md", "card.zh.md", "recipe.json", "grades.json", "training_log.json", "calibration_by_grade.json"} <= artefacts
    assert plots == {"roc.png", "calibration.png", "grades.png", "scores.png", "shap.png"}


def test_the_shap_library_agrees_with_our_contributions(folder):
    log = json.loads(next(folder.rglob("training_log.json")).read_text())

    assert log["shap_distance"] < 1e-9


def test_the_model_card_has_no_blank_left(folder):
    for name in ("card.md", "card.zh.md"):
        text = next(folder.rglob(name)).read_text(encoding="utf-8")

        assert "$" not in text
        assert trained().model.digest in text
        assert f"{trained().evaluation.figures['model']['auc'].value:.3f}" in text


def test_no_name_of_a_customer_is_written_into_the_registry(folder):
    ids = set(trained().judged.rows.features["customer_id"].to_pylist())
    text = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".png").decode(
        errors="replace"
    )

    assert not [each for each in ids if each in text]


def test_anyone_can_load_the_model_with_mlflow_and_gets_the_same_probabilities(folder):
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    frame = trained().newest
    loaded = registry.mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    answer = loaded.predict(frame.select(list(trained().model.feature_names)).to_pandas())
    explanation = trained().model.explain(frame)
    probability = trained().model.probability(explanation.log_odds)

    assert (answer["pd"].to_numpy() == probability.pd).all()
    assert (answer["pd_low"].to_numpy() == probability.low).all()
    assert (answer["pd_high"].to_numpy() == probability.high).all()
    assert (answer["log_odds"].to_numpy() == explanation.log_odds).all()
    assert {each.name for each in loaded.metadata.signature.inputs.inputs} == set(trained().model.feature_names)
    assert loaded.input_example is not None


def test_what_nobody_approved_does_not_score(workplace, engine):
    with pytest.raises(ModelRefused, match="no approved version"):
        load_approved(workplace, engine)


def test_two_people_put_a_version_in_force_and_it_scores_as_trained(workplace, engine):
    promote_version(workplace, engine, compared(engine, "1", trained().model.digest), by="Ann")
    with pytest.raises(UsageRefused, match="second person"):
        approve_version(workplace, engine, NAME, "1", by="Ann")
    approve_version(workplace, engine, NAME, "1", by="Bo")
    model = load_approved(workplace, engine)

    assert model.digest == trained().model.digest
    assert (model.explain(trained().newest).log_odds == trained().model.explain(trained().newest).log_odds).all()


def test_the_local_copy_scores_when_the_registry_is_gone(workplace, engine, tmp_path, monkeypatch):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    load_approved(workplace, engine)
    gone = workplace.model_copy(update={"mlflow": f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}"})
    monkeypatch.setitem(sys.modules, "mlflow", None)  # not even imported

    assert load_approved(gone, engine).digest == trained().model.digest


def test_a_version_the_registry_does_not_have_is_refused(workplace, engine):
    with pytest.raises(ModelRefused, match="does not give its files"):
        load_version(workplace, NAME, "99")


def test_a_registry_that_does_not_answer_is_said_so(workplace, engine):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    nobody = workplace.model_copy(update={"mlflow": "http://127.0.0.1:9"})

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises((StorageFailed, ModelRefused), match=r"127\.0\.0\.1"):
            load_approved(nobody, engine)


def test_moving_an_alias_in_mlflow_changes_nothing_here(workplace, engine):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    before = load_approved(workplace, engine).digest
    Registry.of(workplace).client.set_registered_model_alias(NAME, "champion", "1")
    Registry.of(workplace).client.set_registered_model_alias(NAME, "production", "1")

    assert load_approved(workplace, engine).digest == before


def test_the_registry_says_who_is_champion_and_until_when_and_nobody_here_reads_it_back(workplace, engine):
    promote_version(workplace, engine, compared(engine, "1", trained().model.digest), by="Ann")
    registry = Registry.of(workplace)
    assert registry.aliases(NAME)["challenger"] == "1"
    approval = approve_version(workplace, engine, NAME, "1", by="Bo", valid_days=30, review_days=20)
    tags = run_of(registry).data.tags

    champion = registry.mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    told = champion.predict(trained().newest.select(list(trained().model.feature_names)).to_pandas())

    assert (told["pd"].to_numpy() == trained().model.probability(trained().model.explain(trained().newest).log_odds).pd).all()
    assert registry.aliases(NAME)["champion"] == "1"
    assert "challenger" not in registry.aliases(NAME)
    assert (tags["proposed_by"], tags["approved_by"], tags["expires_on"]) == ("Ann", "Bo", approval.last_day.isoformat())
    registry.withdraw(NAME, "champion")
    assert load_approved(workplace, engine).digest == trained().model.digest


def test_a_model_whose_approval_ran_out_is_not_loaded(workplace, engine):
    approval = approve_first(engine, NAME, "1", trained().model.digest, by="Ann", valid_days=30)

    assert load_approved(workplace, engine, today=approval.last_day).digest == trained().model.digest
    with pytest.raises(ModelExpired, match="ran out"):
        load_approved(workplace, engine, today=approval.last_day + timedelta(days=1))


def test_the_registry_of_one_working_folder_is_not_taken_for_that_of_the_next(tmp_path):
    first, second = (Registry.of(Workplace(mlflow=f"sqlite:///{tmp_path / name}.db")) for name in ("first", "second"))
    assert first.mlflow.get_tracking_uri() == first.uri

    assert Registry.of(Workplace(mlflow=second.uri)).uri == second.uri != first.uri


def test_rolling_back_needs_no_registry(workplace, engine, tmp_path):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    load_approved(workplace, engine)  # the local copy
    approve_again = compared(engine, "2", "2" * 64, trained().model.digest)
    promote_version(workplace, engine, approve_again, by="Ann")
    approve(engine, NAME, "2", "2" * 64, by="Bo")
    gone = workplace.model_copy(update={"mlflow": f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}"})
    roll_back_version(gone, engine, NAME, by="Cy", reason="wrong limits")

    assert approval_in_force(engine, NAME).version == "1"
    assert load_approved(gone, engine).digest == trained().model.digest


def test_what_was_said_of_later_months_is_kept_under_pseudonyms(folder):
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    kept = read_judged(registry.run_bytes(run_of(registry).info.run_id, FILE))
    rows = trained().judged.rows
    who = pseudonyms(rows.features["customer_id"].to_pylist())

    assert kept == dict(zip(zip(who, rows.days.tolist(), strict=True), trained().judged.pd["model"].tolist(), strict=True))
    assert not set(who) & set(rows.features["customer_id"].to_pylist())


def test_bytes_swapped_in_the_artefact_store_are_refused_before_they_are_parsed(workplace, engine, folder, parsed):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    path = bundle_folder(folder) / "booster.txt"
    honest = path.read_bytes()
    try:
        path.write_bytes(honest.replace(b"leaf_value=", b"leaf_value=9", 1))
        with pytest.raises(ModelRefused, match=r"booster\.txt of late_payment version 1 in the registry is not the approved one"):
            load_approved(workplace, engine)
    finally:
        path.write_bytes(honest)
    assert parsed == []


def test_a_whole_other_model_in_its_place_is_refused_before_it_is_parsed(workplace, engine, folder, parsed):
    approve_first(engine, NAME, "1", "0" * 64, by="Ann")

    with pytest.raises(ModelRefused, match=r"manifest\.json"):
        load_approved(workplace, engine)
    assert parsed == []


def test_any_flipped_or_cut_byte_of_the_local_copy_is_refused_before_it_is_parsed(workplace, engine, parsed):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    copy = keep_copy(workplace, NAME, to_files(trained().model))
    random = np.random.default_rng(11)
    names = sorted(to_files(trained().model))
    refused = 0
    for trial in range(220):
        path = copy / names[trial % len(names)]
        honest = path.read_bytes()
        place = int(random.integers(0, len(honest)))
        if trial < 200:
            path.write_bytes(honest[:place] + bytes([honest[place] ^ 1 << trial % 8]) + honest[place + 1 :])
        else:
            path.write_bytes(honest[:place])
        with pytest.raises(ModelRefused):
            load_approved(workplace, engine)
        refused += 1
        path.write_bytes(honest)

    assert refused == 220
    assert parsed == []


EVIL = {
    "model.pkl": b"cos\nsystem\n(S'touch pwned'\ntR.",
    "python_model.pkl": b"\x80\x04cos\nsystem\n",
    "model.joblib": b"\x80\x04c__builtin__\neval\n",
    "model.skops": b"PK\x03\x04",
    "MLmodel": b"flavors:\n  python_function:\n    loader_module: evil\n    code: code\n",
    "code/lightgbm.py": b"open('pwned', 'w').close()\n",
    "code/sitecustomize.py": b"open('pwned', 'w').close()\n",
    "lightgbm.py": b"open('pwned', 'w').close()\n",
    "conftest.py": b"open('pwned', 'w').close()\n",
    "late_payment_model.py": b"open('pwned', 'w').close()\n",
    "conda.yaml": b"dependencies: [evil]\n",
    "requirements.txt": b"evil\n",
}
SCRIPTS = {Path(name).name for name in EVIL if name.endswith(".py")}
WATCHED: list[str] = []
IS_WATCHING: list[bool] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Notes what no load of a model does: unpickle, run a shell, a program but the child's, or Python code that lies beside it."""
    if not IS_WATCHING:
        return
    code = str(getattr(arguments[0], "co_filename", "")) if event == "exec" else ""
    foreign = event == "subprocess.Popen" and list(arguments[1])[:2] != [sys.executable, "-I"]
    if event in {"pickle.find_class", "os.system"} or foreign or Path(code).name in SCRIPTS:
        WATCHED.append(f"{event} {arguments[:1]}")


@pytest.fixture(scope="module", autouse=True)
def _hook():
    sys.addaudithook(_watch)


@pytest.mark.parametrize("name", EVIL)
def test_evil_files_beside_a_model_are_neither_read_nor_run(workplace, engine, folder, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    place = bundle_folder(folder) / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(EVIL[name])
    try:
        IS_WATCHING.append(True)
        assert load_approved(workplace, engine).digest == trained().model.digest
    finally:
        IS_WATCHING.clear()
        place.unlink()
        if place.parent.name == "code":
            shutil.rmtree(place.parent)

    assert WATCHED == []
    assert not list(tmp_path.rglob("pwned"))


CARELESS = {
    "unpickles": lambda place: pickle.loads((place / "model.pkl").read_bytes()),
    "imports": lambda place: runpy.run_path(str(place / "lightgbm.py")),
    "starts a program": lambda place: subprocess.run(["touch", "pwned"], check=True),
}


@pytest.mark.parametrize("careless", CARELESS)
def test_a_reader_that_runs_what_lies_beside_a_model_is_seen(workplace, engine, folder, tmp_path, monkeypatch, careless):
    """The planted fault: while it reads a model, it does what model servers have been found to do."""
    monkeypatch.chdir(tmp_path)
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    for name in ("model.pkl", "lightgbm.py"):
        (tmp_path / name).write_bytes(EVIL[name])
    honest = approved_module.check_digest
    monkeypatch.setattr(approved_module, "check_digest", lambda *given: CARELESS[careless](tmp_path) and honest(*given))
    try:
        IS_WATCHING.append(True)
        with contextlib.suppress(Exception):
            load_approved(workplace, engine)
    finally:
        IS_WATCHING.clear()
        seen = WATCHED.copy()
        WATCHED.clear()

    assert seen
    assert list(tmp_path.rglob("pwned"))


def test_without_the_comparison_of_digests_a_flipped_byte_reaches_the_parser(workplace, engine, parsed, monkeypatch):
    """The planted fault of the test of flipped bytes."""
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    copy = keep_copy(workplace, NAME, to_files(trained().model))
    booster = copy / "booster.txt"
    booster.write_bytes(booster.read_bytes().replace(b"leaf_value=", b"leaf_value=9", 1))
    monkeypatch.setattr(approved_module, "check_digest", lambda *_: None)
    load_approved(workplace, engine)

    assert parsed != []


def test_the_copy_of_a_model_holds_its_parts_and_nothing_that_lies_beside_them(workplace, engine, tmp_path):
    files = with_part({"hazard": {"formula.json": b"{}"}})
    copy = keep_copy(workplace, NAME, files)
    (copy / "hazard" / "code.pkl").write_bytes(EVIL["model.pkl"])

    assert read_bundle(copy) == files

    (copy / "hazard").rename(tmp_path / "elsewhere")
    (copy / "hazard").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelRefused, match="no plain file"):
        read_bundle(copy)


def with_part(parts):
    files = to_files(trained().model)
    formula = {name: files[name] for name in FORMULA_FILES}
    about = {name: value for name, value in json.loads(files["manifest.json"]).items() if name not in {"files", "format"}}
    return make_files(formula, trained().newest.slice(0, 3), about, parts)


def test_a_link_in_place_of_a_file_is_not_followed(workplace, engine, tmp_path):
    approve_first(engine, NAME, "1", trained().model.digest, by="Ann")
    copy = keep_copy(workplace, NAME, to_files(trained().model))
    (copy / "booster.txt").rename(tmp_path / "elsewhere.txt")
    (copy / "booster.txt").symlink_to(tmp_path / "elsewhere.txt")

    with pytest.raises(ModelRefused, match="no plain file"):
        load_approved(workplace, engine)


def rebuilt(**changed):
    """A bundle whose manifest agrees with changed files: what only the child and the self-test can catch."""
    files = to_files(trained().model) | changed
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {name: sha256(files[name]) for name in manifest["files"]}
    return files | {"manifest.json": canonical(manifest)}


def test_a_sound_model_passes_its_trial():
    try_in_child(to_files(trained().model))


@pytest.mark.parametrize(
    "booster",
    [
        pytest.param(b"tree\nnum_class=1\n", id="cut short"),
        pytest.param(b"", id="empty"),
        pytest.param(b"not a model at all", id="no model"),
    ],
)
def test_bytes_that_break_the_parser_break_only_the_child(booster):
    with pytest.raises(ModelRefused):
        try_in_child(rebuilt(**{"booster.txt": booster}))


def test_a_child_that_is_killed_is_a_refusal(monkeypatch):
    monkeypatch.setattr(model_child, "START", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    with pytest.raises(ModelRefused, match="killed the process that parsed it"):
        try_in_child(to_files(trained().model))


def test_a_child_that_hangs_is_a_refusal(monkeypatch):
    monkeypatch.setattr(model_child, "START", "import time; time.sleep(60)")
    monkeypatch.setattr(model_child, "SECONDS", 0.5)

    with pytest.raises(ModelRefused, match="not parsed within"):
        try_in_child(to_files(trained().model))


def test_a_model_that_fails_its_self_test_fails_in_the_child_with_the_reason():
    stored = json.loads(to_files(trained().model)["selftest.json"])
    stored["answers"]["pd"][0] = 0.999

    with pytest.raises(ModelRefused, match="self-test: pd differs"):
        try_in_child(rebuilt(**{"selftest.json": canonical(stored)}))


def test_the_child_reads_exactly_what_it_was_sent():
    sent = {name: base64.b64encode(content).decode() for name, content in to_files(trained().model).items()}

    assert {name: base64.b64decode(content) for name, content in sent.items()} == to_files(trained().model)


def test_a_search_gives_the_same_recipe_for_the_same_seed_and_writes_every_trial_down(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "chosen_features", lambda _recipe: FEATURES)
    base = small().model_copy(update={"baselines": []})
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}")

    def found(seed):
        proving = Proving(invented(n_customers=160, n_cuts=24), base)
        return search(registry, proving, n_trials=4, seed=seed, book_digest="b" * 64, told=lambda *_: None)

    one, again = found(3), found(3)
    assert (one.recipe.digest, one.loss) == (again.recipe.digest, again.loss)
    assert one.loss <= one.loss_before
    experiment = registry.experiment()
    children = registry.client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{one.run_id}'")
    assert len(children) == 5  # the recipe as it is, and four trials
    assert all("log_loss" in run.data.metrics for run in children)
    assert registry.versions(NAME) == []  # nothing is registered by a search


def test_a_newcomer_is_told_a_wider_interval_than_a_customer_with_a_history():
    log_odds = np.linspace(-4, 2, 60)
    said = [speaker.probability(log_odds) for speaker in (trained().model.newcomer, trained().model)]
    widths = [float(np.mean(each.high - each.low)) for each in said]

    assert widths[0] >= widths[1]
