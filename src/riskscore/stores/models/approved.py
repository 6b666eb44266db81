"""The approved model: proposed by one person, approved by another, kept as a local copy, parsed only once its digest matched."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import Engine

from riskscore.errors import ModelRefused, StorageFailed
from riskscore.model import Model, from_files
from riskscore.model.bundle import read_manifest, sha256
from riskscore.stores.approvals import Approval, approval_in_force, approve, propose
from riskscore.stores.model_child import try_in_child
from riskscore.stores.models.registry import Registry, read_bundle
from riskscore.stores.workplace import Workplace


def load_approved(workplace: Workplace, engine: Engine, name: str = "late_payment") -> Model:
    """The model in force: its bytes are those two people approved, a child parsed them first, and it passed its self-test.

    The local copy serves; the registry is asked only where there is none, so that scoring does not depend on a server.
    Raises ModelRefused where nothing is approved or the bytes are not the approved ones, StorageFailed where the registry is
    needed and does not answer.
    """
    approval = approval_in_force(engine, name)
    folder = _copy_of(workplace, approval.name, approval.digest)
    if folder.is_dir():
        files = read_bundle(folder)
        check_digest(files, approval.digest, f"the local copy {folder} (delete it to have it fetched again)")
    else:
        files = Registry.of(workplace).files(name, approval.version)
        check_digest(files, approval.digest, f"{name} version {approval.version} in the registry")
        keep_copy(workplace, name, files)
    try_in_child(files)
    return from_files(files)


def promote_version(workplace: Workplace, engine: Engine, name: str, version: str, *, by: str) -> Approval:
    """Propose a registered version for approval, bound to the bytes it has now, once they parse and answer as they should."""
    files = Registry.of(workplace).files(name, version)
    digest = sha256(files["manifest.json"])
    check_digest(files, digest, f"{name} version {version} in the registry")
    try_in_child(files)
    return propose(engine, name, version, digest, by=by)


def approve_version(workplace: Workplace, engine: Engine, name: str, version: str, *, by: str) -> Approval:
    """Approve a proposed version, if its bytes are still those proposed, and keep the local copy that will score.

    Raises UsageRefused where it was not proposed or by the same person, ModelRefused where the bytes changed meanwhile.
    """
    files = Registry.of(workplace).files(name, version)
    digest = sha256(files["manifest.json"])
    check_digest(files, digest, f"{name} version {version} in the registry")
    try_in_child(files)
    approval = approve(engine, name, version, digest, by=by)
    keep_copy(workplace, name, files)
    return approval


def check_digest(files: Mapping[str, bytes], digest: str, where: str) -> None:
    """The manifest has the digest, and every file has the digest the manifest says: every byte is covered, no model is parsed.

    Raises ModelRefused naming the file.
    """
    if sha256(files["manifest.json"]) != digest:
        raise ModelRefused(f"manifest.json of {where} is not the approved one. Nothing was parsed; nothing was scored.")
    for name, wanted in read_manifest(files["manifest.json"])["files"].items():
        if sha256(files[name]) != wanted:
            raise ModelRefused(f"{name} of {where} is not the approved one. Nothing was parsed; nothing was scored.")


def keep_copy(workplace: Workplace, name: str, files: Mapping[str, bytes]) -> Path:
    """Write the local copy of a model: all of it appears at once, under its digest, or nothing does.

    Raises StorageFailed where the disk does not take it.
    """
    folder = _copy_of(workplace, name, sha256(files["manifest.json"]))
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".writing-"))
        for each, content in files.items():
            path = scratch / each
            path.parent.mkdir(exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for written in {(scratch / each).parent for each in files}:
            _sync_folder(written)
        scratch.rename(folder)
        _sync_folder(folder.parent)
    except OSError as error:
        if not folder.is_dir():  # somebody else wrote the same copy meanwhile: equal digests, equal bytes
            raise StorageFailed(f"{folder}: {error.strerror}. Make room, then run it again.") from error
    return folder


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _copy_of(workplace: Workplace, name: str, digest: str) -> Path:
    return workplace.approved / name / digest
