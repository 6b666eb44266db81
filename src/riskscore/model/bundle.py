"""A model as bytes: a fixed set of text files, a manifest of their digests, and vectors by which a loaded model tests itself.

Other fitted objects may travel with it, each in a folder of its own, under the same manifest: one digest, one approval.

No pickle. LightGBM's text parser can be made to crash or to answer differently by one changed digit, so no byte reaches it
before its digest matched the manifest; that the manifest is the approved one is for `riskscore.stores.models` to check.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from riskscore.errors import ModelRefused
from riskscore.model.formula import FORMULA_FILES, Floats
from riskscore.model.value import Model, Speaker, read_column

FORMAT = 1
BUNDLE_FILES = (*FORMULA_FILES, "manifest.json", "selftest.json")
PARTS = ("hazard",)
"""Which objects may travel with the model; the room that reads one tests it as `self_test` does here."""

PART_FILE = re.compile(rf"({'|'.join(PARTS)})/[a-z][a-z0-9_]*\.(json|txt)")
N_SELFTEST_ROWS = 256
SELFTEST_TOLERANCE = 1e-12


def to_files(model: Model) -> dict[str, bytes]:
    """The files of a model, byte for byte those it was read from."""
    return dict(model.files)


def from_files(files: Mapping[str, bytes]) -> Model:
    """The model in those files, after every digest was compared and the self-test repeated.

    Raises ModelRefused where a file is missing, unknown or not the one of the manifest, and where the answers to the stored
    vectors differ by more than 1e-12 (another library or processor than the model was made with).
    """
    if strange := strangers(files):
        raise ModelRefused(
            f"a model is the files {', '.join(sorted(BUNDLE_FILES))} and those of its parts ({', '.join(PARTS)}); "
            f"missing or unknown: {strange}."
        )
    manifest = read_manifest(files["manifest.json"])
    if strange := sorted(set(files) ^ {*manifest["files"], "manifest.json"}):
        raise ModelRefused(f"the manifest is of other files than these; missing or unknown: {strange}. Nothing was parsed.")
    for name, digest in manifest["files"].items():
        if sha256(files[name]) != digest:
            raise ModelRefused(f"{name} is not the file of this model: its SHA-256 differs from the manifest. It was not parsed.")
    model = Model(files, sha256(files["manifest.json"]), manifest)
    self_test(model)
    return model


def strangers(files: Iterable[str]) -> list[str]:
    """Names that no model has, and those a model must have and this one lacks."""
    found = set(files)
    unknown = {name for name in found - set(BUNDLE_FILES) if not PART_FILE.fullmatch(name)}
    return sorted(unknown | (set(BUNDLE_FILES) - found))


def read_manifest(text: bytes) -> dict[str, Any]:
    """The manifest, once its shape is known to be right. Raises ModelRefused otherwise."""
    try:
        manifest = json.loads(text)
        right = manifest["format"] == FORMAT and strangers(manifest["files"]) == ["manifest.json"]
    except (ValueError, TypeError, KeyError) as error:
        raise ModelRefused("the manifest of the model cannot be read.") from error
    if not right:
        raise ModelRefused("the manifest of the model is of another format than this version reads.")
    result: dict[str, Any] = manifest
    return result


def self_test(model: Model) -> None:
    """The model answers the stored vectors as it did when it was made. Raises ModelRefused where it does not."""
    answers = json.loads(model.files["selftest.json"])["answers"]
    for name, there in _answers(model, model.trained_rows()).items():
        difference = float(np.max(np.abs(there - np.asarray(answers[name])), initial=0.0))
        if not difference <= SELFTEST_TOLERANCE:  # NaN is refused as well
            raise ModelRefused(
                f"self-test: {name} differs by {difference:.3g} from the stored answer; this machine's libraries do not score as "
                "those the model was made with. Install the locked versions, or train and approve a model here."
            )


def make_files(
    formula: Mapping[str, bytes],
    selftest_rows: pa.Table,
    about: Mapping[str, Any],
    parts: Mapping[str, Mapping[str, bytes]] = MappingProxyType({}),
) -> dict[str, bytes]:
    """The files of a new model: its formula, the self-test vectors with its answers, its parts, and the manifest over all.

    about: name, recipe (digest), trained_until (ISO date), horizon_days. parts: the files of the objects that travel with it, by
    the name of the part (see `PARTS`); their own room has made and tested them.
    """
    manifest = {"format": FORMAT, **about, "files": {}}
    model = Model(formula, "", manifest)
    features = {
        name: read_column(selftest_rows, name, kind)
        for name, kind in ((each["name"], each["kind"]) for each in json.loads(formula["features.json"])["inputs"])
    }
    stored = {
        "features": {name: _plain(values) for name, values in features.items()},
        "answers": {name: values.tolist() for name, values in _answers(model, selftest_rows).items()},
    }
    travelling = {f"{part}/{name}": content for part, files in parts.items() for name, content in files.items()}
    files = {**formula, "selftest.json": canonical(stored), **travelling}
    manifest["files"] = {name: sha256(content) for name, content in sorted(files.items())}
    return {**files, "manifest.json": canonical(manifest)}


def canonical(value: Any) -> bytes:
    """JSON in one spelling: sorted keys, no blanks, every float with the digits that give it back exactly; NaN is an error."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()


def sha256(content: bytes) -> str:
    """The digest of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _answers(model: Model, frame: pa.Table) -> dict[str, Floats]:
    return {
        **_answers_of(model, frame),
        **{f"newcomer_{name}": answer for name, answer in _answers_of(model.newcomer, frame).items()},
    }


def _answers_of(speaker: Speaker, frame: pa.Table) -> dict[str, Floats]:
    explanation = speaker.explain(frame)
    probability = speaker.probability(explanation.log_odds)
    return {
        "log_odds": explanation.log_odds,
        "explained": explanation.base + explanation.contributions.sum(axis=1),
        "pd": probability.pd,
        "low": probability.low,
        "high": probability.high,
    }


def _plain(values: Any) -> list[Any]:
    """A column as JSON holds it: null where nothing is known."""
    return [None if isinstance(value, float) and np.isnan(value) else value for value in list(values)]
