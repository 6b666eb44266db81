"""A model as bytes: the same bytes for the same rows, and not one byte parsed that is not the manifest's."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from modelling import FEATURES, fitted, invented, small
from riskscore.errors import ModelRefused
from riskscore.model import BUNDLE_FILES, from_files, to_files
from riskscore.model import value as value_module
from riskscore.model.bundle import canonical, make_files, sha256
from riskscore.model.fit import fit_formula
from riskscore.model.formula import FORMULA_FILES
from riskscore.model.rows import Rows

ABOUT = {"name": "late_payment", "recipe": "r" * 64, "trained_until": "2025-01-01", "horizon_days": 180}


@pytest.fixture
def parser_never_runs(monkeypatch):
    """Any attempt to read a model from bytes fails the test."""

    def parsed(*_):
        raise AssertionError("bytes reached the parser")

    monkeypatch.setattr(value_module, "Formula", parsed)


def test_a_model_read_again_is_the_same_model():
    again = from_files(to_files(fitted()))
    frame = invented().features

    assert again.digest == fitted().digest
    assert (again.explain(frame).contributions == fitted().explain(frame).contributions).all()


def test_the_files_are_text_and_few():
    files = to_files(fitted())

    assert sorted(files) == sorted(BUNDLE_FILES)
    for content in files.values():
        content.decode("utf-8")


def test_shuffled_rows_give_the_same_bytes():
    rows = invented()
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = Rows.of(rows.features.take(pa.array(order)), rows.outcome[order])

    assert fit_formula(shuffled, FEATURES, small()) == fit_formula(rows, FEATURES, small())


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_with_another_hash_seed_and_thread_count_gives_the_same_bytes(threads):
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from modelling import FEATURES, invented, small\n"
        "from riskscore.model.bundle import canonical, sha256\n"
        "from riskscore.model.fit import fit_formula\n"
        "files = fit_formula(invented(), FEATURES, small())\n"
        "print(sha256(canonical({name: sha256(content) for name, content in files.items()})))\n"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": threads,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TZ": "Asia/Tokyo",
    }
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    here = fit_formula(invented(), FEATURES, small())

    assert answer.stdout.strip() == sha256(canonical({name: sha256(content) for name, content in here.items()}))


def test_another_seed_or_recipe_is_another_digest():
    assert fitted(seed=1).digest != fitted(seed=2).digest


@pytest.mark.usefixtures("parser_never_runs")
@pytest.mark.parametrize("name", [name for name in BUNDLE_FILES if name != "manifest.json"])
def test_a_changed_file_is_refused_before_it_is_parsed(name):
    files = to_files(fitted())
    for place in np.random.default_rng(1).integers(0, len(files[name]), 40):
        changed = bytearray(files[name])
        changed[place] ^= 1 << int(place) % 8

        with pytest.raises(ModelRefused, match="was not parsed"):
            from_files({**files, name: bytes(changed)})


@pytest.mark.usefixtures("parser_never_runs")
def test_a_cut_file_is_refused_before_it_is_parsed():
    files = to_files(fitted())
    for length in np.linspace(0, len(files["booster.txt"]) - 1, 20).astype(int):
        with pytest.raises(ModelRefused, match="was not parsed"):
            from_files({**files, "booster.txt": files["booster.txt"][:length]})


@pytest.mark.usefixtures("parser_never_runs")
@pytest.mark.parametrize(
    "manifest",
    [b"", b"\xff", b"[]", b"{}", b'{"format":2,"files":{}}', b'{"format":1,"files":{"booster.txt":"00"}}'],
    ids=["empty", "no text", "a list", "nothing in it", "another format", "files left out"],
)
def test_a_manifest_that_cannot_be_read_is_refused(manifest):
    with pytest.raises(ModelRefused, match="manifest"):
        from_files({**to_files(fitted()), "manifest.json": manifest})


@pytest.mark.usefixtures("parser_never_runs")
@pytest.mark.parametrize("stranger", ["model.pkl", "code/lightgbm.py", "../booster.txt", "MLmodel", "python_model.pkl"])
def test_a_file_that_does_not_belong_to_a_model_is_refused(stranger):
    with pytest.raises(ModelRefused, match="missing or unknown"):
        from_files({**to_files(fitted()), stranger: b"cos\nsystem\n"})


PART = {"hazard": {"booster.txt": b"tree", "formula.json": b"{}"}}


@pytest.fixture(scope="module")
def with_part():
    """Files of a model with a part, made before any test forbids parsing."""
    rows = invented()
    return make_files(fit_formula(rows, FEATURES, small()), rows.features.slice(0, 3), ABOUT, PART)


def test_a_part_travels_under_the_digest_of_the_model(with_part):
    files = with_part
    model = from_files(files)
    other = make_files(
        {name: files[name] for name in files if name in FORMULA_FILES},
        invented().features.slice(0, 3),
        ABOUT,
        {"hazard": {**PART["hazard"], "formula.json": b"{} "}},
    )

    assert model.part("hazard") == PART["hazard"]
    assert "booster.txt" in model.part("cold")
    assert from_files(other).digest != model.digest


@pytest.mark.usefixtures("parser_never_runs")
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"hazard/booster.txt": b"tres"}, id="another byte in a part"),
        pytest.param({"hazard/more.json": b"{}"}, id="a file the manifest does not name"),
        pytest.param({"hazard/../booster.txt": b"{}"}, id="a name that climbs out"),
        pytest.param({"cold/model.pkl": b"cos"}, id="a kind of file no part has"),
    ],
)
def test_a_changed_part_is_refused_before_anything_is_parsed(with_part, changed):
    with pytest.raises(ModelRefused):
        from_files(with_part | changed)


@pytest.mark.usefixtures("parser_never_runs")
def test_a_model_that_lost_a_file_of_a_part_is_refused(with_part):
    files = dict(with_part)
    del files["hazard/booster.txt"]

    with pytest.raises(ModelRefused, match=r"missing or unknown: \['hazard/booster.txt'\]"):
        from_files(files)


@pytest.mark.usefixtures("parser_never_runs")
def test_a_model_without_one_of_its_files_is_refused():
    files = to_files(fitted())
    del files["calibrator.json"]

    with pytest.raises(ModelRefused, match=r"missing or unknown: \['calibrator.json'\]"):
        from_files(files)


@pytest.mark.parametrize("answer", ["log_odds", "explained", "pd", "low", "high"])
def test_a_machine_that_answers_otherwise_than_the_makers_is_refused(answer):
    files = to_files(fitted())
    stored = json.loads(files["selftest.json"])
    stored["answers"][answer][17] += 1e-11
    files["selftest.json"] = canonical(stored)
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["selftest.json"] = sha256(files["selftest.json"])
    files["manifest.json"] = canonical(manifest)

    with pytest.raises(ModelRefused, match=f"self-test: {answer} differs"):
        from_files(files)


def test_the_self_test_allows_for_nothing_but_rounding():
    rows = invented()
    files = make_files(fit_formula(rows, FEATURES, small()), rows.features.slice(0, 3), ABOUT)

    assert from_files(files).trained_until == "2025-01-01"
    assert len(json.loads(files["selftest.json"])["answers"]["pd"]) == 3


def test_canonical_json_has_one_spelling_and_no_nan():
    assert canonical({"b": 0.1, "a": [1, None, "ü"]}) == '{"a":[1,null,"ü"],"b":0.1}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"pd": float("nan")})
