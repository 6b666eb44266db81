"""Bytes that nobody approved: swapped, flipped, cut, evil or hanging, they are refused before they can do harm."""

import base64
import contextlib
import json
import pickle
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelling import trained
from registering import NAME, bundle_folder
from riskscore.errors import ModelRefused
from riskscore.model import to_files
from riskscore.model.bundle import canonical, make_files, sha256
from riskscore.model.formula import FORMULA_FILES
from riskscore.stores import model_child
from riskscore.stores.approvals import approve_first
from riskscore.stores.model_child import try_in_child
from riskscore.stores.models import approved as approved_module
from riskscore.stores.models import load_approved
from riskscore.stores.models.approved import keep_copy
from riskscore.stores.models.registry import read_bundle

pytestmark = pytest.mark.slow


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


def test_a_child_parses_the_same_bytes_once_and_others_each_time(parsed):
    good, other = to_files(trained().model), rebuilt(**{"booster.txt": b"another"})
    hidden = good | {"booster.txt": b"another"}  # under the manifest of the good one
    for files in (good, dict(reversed(good.items())), other, good, hidden, other):
        approved_module._try_once(files)

    assert parsed == [good, other, hidden]


def test_what_a_child_refused_is_tried_again(monkeypatch):
    monkeypatch.setattr(approved_module, "_tried", set())
    for _ in range(2):
        with pytest.raises(ModelRefused):
            approved_module._try_once(rebuilt(**{"booster.txt": b"not a model at all"}))


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
