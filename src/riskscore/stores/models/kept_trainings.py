"""A training as its run keeps it: read back whole, so that it can be repeated and compared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from riskscore.errors import ModelRefused, NotReproduced
from riskscore.grades import Grades
from riskscore.model.bundle import read_manifest
from riskscore.recipe import Recipe, parse_kept
from riskscore.stores.models.approved import check_digest
from riskscore.stores.models.recording import circumstances
from riskscore.stores.models.registry import Registry


@dataclass(frozen=True)
class KeptTraining:
    """What a run learned by and what came of it.

    name, version: the model it registered. files: the bytes of that model, each with the digest its manifest says; not parsed.
    digest: SHA-256 of the manifest. until: facts that became known after this day were not used. tags: all tags of the run.
    """

    run_id: str
    name: str
    version: str
    digest: str
    files: Mapping[str, bytes]
    recipe: Recipe
    grades: Grades
    until: date
    tags: Mapping[str, str]

    def changed_since(self, book_digest: str) -> dict[str, tuple[str | None, str]]:
        """What a training depends on beside recipe, grades and date, and is another here and now: tag to then and now.

        book_digest: of the book that is learned from now. Then is null where the run did not note it.
        """
        here = circumstances(book_digest)
        return {tag: (self.tags.get(tag), now) for tag, now in here.items() if self.tags.get(tag) != now}

    def differing_files(self, again: Mapping[str, bytes]) -> list[str]:
        """The files of a model that are not byte for byte those of this one, or are only in one of the two; sorted.

        The manifest holds the digest of every other file, so it is not listed where another one is.
        """
        names = sorted(name for name in {*self.files, *again} if self.files.get(name) != again.get(name))
        return [name for name in names if name != "manifest.json"] or names


def read_training(registry: Registry, run_id: str) -> KeptTraining:
    """The training of a run, once every byte of it was found to be the one that was written.

    Raises ModelRefused where there is no such run, it is no training, or its model is gone or was changed; NotReproduced where
    recipe or grades are no longer those it learned by; UsageRefused where another version of the program wrote them;
    StorageFailed where the registry does not answer.
    """
    tags = registry.run(run_id).tags
    digest = tags.get("model_digest")
    if not digest:
        raise ModelRefused(
            f"run {run_id} has noted no digest of a model, so it is no training (a trial of riskscore tune is none). "
            "Name a run as riskscore train printed it, or a version as riskscore models lists it."
        )
    registered = registry.version_of_run(run_id)
    if registered is None:
        raise ModelRefused(f"run {run_id}: its model is no longer registered, so there is nothing to compare another one with.")
    files = registry.files(registered.name, registered.version)
    check_digest(files, digest, f"run {run_id} in the registry", wanted="the one that was trained")
    manifest = read_manifest(files["manifest.json"])
    recipe = _kept(registry, run_id, "recipe.json", manifest["recipe"])
    grades = _kept(registry, run_id, "grades.json", tags.get("grades_digest"))
    return KeptTraining(
        run_id=run_id,
        name=registered.name,
        version=registered.version,
        digest=digest,
        files=files,
        recipe=parse_kept(recipe, Recipe, f"recipe.json of run {run_id}"),
        grades=parse_kept(grades, Grades, f"grades.json of run {run_id}"),
        until=date.fromisoformat(manifest["trained_until"]),
        tags=tags,
    )


def _kept(registry: Registry, run_id: str, name: str, digest: str | None) -> bytes:
    """A signed text as the run keeps it, still the one that was learned by."""
    content = registry.run_bytes(run_id, name)
    if content is None:
        raise ModelRefused(f"run {run_id} lacks {name}, so nobody can say by what it learned. Train the model again.")
    found = _digest_of(content)
    if found != digest:
        raise NotReproduced(
            f"run {run_id}: {name} is not the one it learned by (digest {found[:12]}, was {(digest or 'not noted')[:12]}). "
            "Somebody changed the run after the training. Find out who; nothing was trained."
        )
    return content


def _digest_of(content: bytes) -> str:
    """The digest of a signed text from its JSON alone: keys that a later program adds or drops do not change it."""
    try:
        values = json.loads(content)
    except ValueError:  # no JSON any more: of no text that was signed
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
