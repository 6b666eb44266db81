"""The approved model: proposed by one person, approved by another, kept as a local copy, parsed only once its digest matched."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import Engine

from riskscore.errors import ModelExpired, ModelRefused, StorageFailed
from riskscore.model import Model, from_files
from riskscore.model.bundle import canonical, read_manifest, sha256
from riskscore.stores.approvals import VALID_DAYS, Approval, approval_in_force, approve, propose, roll_back
from riskscore.stores.comparisons import Comparison, keep
from riskscore.stores.model_child import try_in_child
from riskscore.stores.models.registry import Registry, Version, read_bundle
from riskscore.stores.workplace import Workplace

CHAMPION, CHALLENGER = "champion", "challenger"
"""Aliases in the registry, set for people and tools. Moving one there changes nothing here: only an approval does."""


def load_approved(workplace: Workplace, engine: Engine, name: str = "late_payment", *, today: date | None = None) -> Model:
    """The model in force: its bytes are those two people approved, a child parsed them first, and it passed its self-test.

    The local copy serves; the registry is asked only where there is none, so that scoring does not depend on a server.
    today: the day its approval must still hold on; default: this one. Raises ModelRefused where nothing is approved or the bytes
    are not the approved ones, ModelExpired where the approval has run out, StorageFailed where the registry is needed and does
    not answer.
    """
    approval = approval_in_force(engine, name)
    if approval.last_day < (today or datetime.now(UTC).date()):
        raise ModelExpired(
            f"the approval of {name} version {approval.version} ran out on {approval.last_day}. Two people approve it again or "
            f"another one: riskscore promote, riskscore approve."
        )
    return load_of(workplace, approval)


def load_of(workplace: Workplace, approval: Approval) -> Model:
    """The model of an approval, expired or not, verified as `load_approved` does."""
    name = approval.name
    folder = _copy_of(workplace, name, approval.digest)
    if folder.is_dir():
        files = read_bundle(folder)
        check_digest(files, approval.digest, f"the local copy {folder} (delete it to have it fetched again)")
    else:
        files = Registry.of(workplace).files(name, approval.version)
        check_digest(files, approval.digest, f"{name} version {approval.version} in the registry")
        keep_copy(workplace, name, files)
    _try_once(files)
    return from_files(files)


_tried: set[str] = set()
"""Digests of every byte of the bundles that a child of this process has parsed."""


def _try_once(files: Mapping[str, bytes]) -> None:
    """Have a child parse the bytes, unless one has already: then this process has parsed the very same ones since and lives."""
    every_byte = sha256(canonical({name: sha256(content) for name, content in files.items()}))
    if every_byte not in _tried:
        try_in_child(files)
        _tried.add(every_byte)


def load_version(workplace: Workplace, name: str, version: str) -> Model:
    """A registered version, approved or not, to be looked at: whole in itself, parsed by a child first, self-test passed.

    Raises ModelRefused where it is not.
    """
    return from_files(_files_of(workplace, name, version))


def promote_version(
    workplace: Workplace, engine: Engine, comparison: Comparison, *, by: str, release_reason: str | None = None
) -> Approval:
    """Propose the compared version for approval, bound to the bytes and the report of the comparison, which is kept."""
    proposal = propose(engine, keep(engine, comparison), by=by, release_reason=release_reason)
    _announce(workplace, proposal, CHALLENGER, {"proposed_by": proposal.proposed_by, "comparison": comparison.digest})
    return proposal


def approve_version(
    workplace: Workplace,
    engine: Engine,
    name: str,
    version: str,
    *,
    by: str,
    release_reason: str | None = None,
    valid_days: int = VALID_DAYS,
    review_days: int = VALID_DAYS,
) -> Approval:
    """Approve a proposed version, if its bytes are still those proposed, and keep the local copy that will score.

    Raises UsageRefused where it was not proposed or by the same person, ModelRefused where the bytes changed meanwhile,
    HeldForReview where the gate held it and not both people said why it may pass.
    """
    files = _files_of(workplace, name, version)
    digest = sha256(files["manifest.json"])
    keep_copy(workplace, name, files)  # before the approval: from that moment on it has to be there
    approval = approve(engine, name, version, digest, by=by, release_reason=release_reason, valid_days=valid_days)
    announce_approved(workplace, approval, review_days=review_days)
    return approval


def announce_approved(workplace: Workplace, approval: Approval, *, review_days: int = VALID_DAYS) -> None:
    """Say in the registry who approved a version and until when: its card and its validation report are made from there."""
    on = datetime.fromisoformat(approval.recorded_at).date()
    facts = {
        "proposed_by": approval.proposed_by,
        "approved_by": approval.approved_by or "",
        "approved_on": on.isoformat(),
        "review_on": (on + timedelta(days=review_days)).isoformat(),
        "expires_on": approval.last_day.isoformat(),
        "approved_as_first": str(approval.first).lower(),
    }
    _announce(workplace, approval, CHAMPION, facts)
    with contextlib.suppress(StorageFailed):
        Registry.of(workplace).withdraw(approval.name, CHALLENGER)


def roll_back_version(
    workplace: Workplace, engine: Engine, name: str, *, by: str, reason: str, to: str | None = None
) -> tuple[Approval, Approval]:
    """Put an earlier approved version back in force; returns what was in force and what is. Raises as `approvals.roll_back`."""
    was, now = roll_back(engine, name, by=by, reason=reason, to=to)
    _announce(workplace, now, CHAMPION, {"restored_by": by, "restored_because": reason})
    return was, now


def _files_of(workplace: Workplace, name: str, version: str) -> dict[str, bytes]:
    files = Registry.of(workplace).files(name, version)
    check_digest(files, sha256(files["manifest.json"]), f"{name} version {version} in the registry")
    _try_once(files)
    return files


def _announce(workplace: Workplace, row: Approval, alias: str, tags: Mapping[str, str]) -> None:
    # What holds is in our table; a registry that does not answer must not undo or delay it.
    with contextlib.suppress(StorageFailed, ModelRefused):
        registry = Registry.of(workplace)
        version: Version = registry.version(row.name, row.version)
        registry.announce(version, alias, tags)


def check_digest(files: Mapping[str, bytes], digest: str, where: str, *, wanted: str = "the approved one") -> None:
    """The manifest has the digest, and every file has the digest the manifest says: every byte is covered, no model is parsed.

    wanted: what a file that has it is called in the refusal. Raises ModelRefused naming the file that has not.
    """
    if sha256(files["manifest.json"]) != digest:
        raise ModelRefused(f"manifest.json of {where} is not {wanted}. Nothing was parsed; nothing was scored.")
    for name, of_file in read_manifest(files["manifest.json"])["files"].items():
        if sha256(files[name]) != of_file:
            raise ModelRefused(f"{name} of {where} is not {wanted}. Nothing was parsed; nothing was scored.")


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
