"""The registry: an MLflow server or its SQLite file, asked for versions and bytes. MLflow is imported when it is first needed."""

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from riskscore.errors import ModelRefused, StorageFailed
from riskscore.model import BUNDLE_FILES
from riskscore.model.bundle import read_manifest
from riskscore.stores.workplace import Workplace

BUNDLE = "bundle"
"""The folder of our files inside the registered model."""

EXPERIMENT = "riskscore"
LENGTH_OF_A_RUN_ID = 32
SQLITE = "sqlite:///"
LARGEST_FILE = 256 * 1024 * 1024  # bytes; a model of ours has less than one per cent of it


@dataclass(frozen=True)
class Version:
    """One registered version: digest of its manifest as the run noted it, and the headline figures of the run."""

    name: str
    version: str
    run_id: str
    digest: str
    trained_until: str
    figures: Mapping[str, float]
    registered_at: str


@dataclass(frozen=True)
class Run:
    """One run: its tags and its metrics."""

    tags: Mapping[str, str]
    metrics: Mapping[str, float]


class Registry:
    """Runs and versions at one tracking address. Every answer of MLflow's is bytes or figures, never code."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @classmethod
    def of(cls, workplace: Workplace) -> "Registry":
        """The registry of the working folder; `MLFLOW_TRACKING_URI`, where set, wins."""
        uri = os.environ.get("MLFLOW_TRACKING_URI") or workplace.mlflow
        if uri.startswith(SQLITE):  # MLflow keeps a store open by its address: a relative one would outlive its folder
            uri = SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute())
        return cls(uri)

    @cached_property
    def mlflow(self) -> Any:
        """The library, pointed at this address. It would send usage data and log at length; both are off before its import."""
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own classes; none of it can be acted on here
            import mlflow
            import mlflow.pyfunc

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        told = os.environ.get("MLFLOW_TRACKING_URI")
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        if told is None:  # MLflow writes it there; the next working folder of this process would be taken for this one
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        return mlflow

    @cached_property
    def client(self) -> Any:
        """MLflow's client; a new SQLite file gets its tables here."""
        mlflow = self.mlflow
        with storage_errors(self.uri), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its tables use what SQLAlchemy means to drop
            return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def experiment(self) -> str:
        """The id of our experiment, made where there is none; beside a SQLite file its artefacts lie in a folder."""
        with storage_errors(self.uri):
            there = self.client.get_experiment_by_name(EXPERIMENT)
            if there is not None:
                return str(there.experiment_id)
            folder = None
            if self.uri.startswith(SQLITE):
                database = Path(self.uri.removeprefix(SQLITE)).resolve()
                folder = (database.parent / f"{database.stem}-artifacts").as_uri()
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=folder))

    def versions(self, name: str) -> list[Version]:
        """Every registered version of a name, oldest first."""
        with storage_errors(self.uri):
            found = self.client.search_model_versions(f"name = '{name}'")
            return [self._described(each) for each in sorted(found, key=lambda each: int(each.version))]

    def files(self, name: str, version: str) -> dict[str, bytes]:
        """The bytes of a registered version, as they lie there now, not looked into.

        Raises ModelRefused where the version or one of its files is not there, StorageFailed where the registry does not answer.
        """
        from mlflow.exceptions import MlflowException

        with storage_errors(self.uri), tempfile.TemporaryDirectory() as scratch:
            try:
                source = self.client.get_model_version_download_uri(name, version)
                folder = Path(
                    self.mlflow.artifacts.download_artifacts(artifact_uri=f"{source}/artifacts/{BUNDLE}", dst_path=scratch)
                )
            except (MlflowException, OSError) as error:
                raise ModelRefused(f"{name} version {version}: the registry at {self.uri} does not give its files.") from error
            return read_bundle(folder)

    def run_json(self, run_id: str, name: str) -> Any:
        """A JSON file that a training wrote beside its model, e.g. calibration_by_grade.json; None where there is none."""
        content = self.run_bytes(run_id, name)
        return None if content is None else json.loads(content)

    def run_bytes(self, run_id: str, name: str) -> bytes | None:
        """A file that a training wrote beside its model, as it lies there; None where there is none."""
        from mlflow.exceptions import MlflowException

        with storage_errors(self.uri), tempfile.TemporaryDirectory() as scratch:
            if name not in {each.path for each in self.client.list_artifacts(run_id)}:
                return None
            try:
                return Path(
                    self.mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=scratch)
                ).read_bytes()
            except (MlflowException, OSError) as error:
                raise StorageFailed(f"the registry at {self.uri} does not give {name} of run {run_id}.") from error

    def run(self, run_id: str) -> Run:
        """A run. Raises ModelRefused where there is none of that id."""
        from mlflow.exceptions import MlflowException

        with storage_errors(self.uri):
            try:
                found = self.client.get_run(run_id)
            except MlflowException as error:
                raise ModelRefused(f"run {run_id}: the registry at {self.uri} does not know it.") from error
            return Run(dict(found.data.tags), dict(found.data.metrics))

    def version(self, name: str, version: str) -> Version:
        """One registered version. Raises ModelRefused where there is none of that number."""
        from mlflow.exceptions import MlflowException

        with storage_errors(self.uri):
            try:
                return self._described(self.client.get_model_version(name, version))
            except MlflowException as error:
                raise ModelRefused(f"{name} version {version}: the registry at {self.uri} does not know it.") from error

    def run_id_of(self, named: str, model: str) -> str:
        """The run that somebody named by its id, or by the number of a version of that model; an id is not looked up.

        Raises ModelRefused where there is no version of that number.
        """
        return self.version(model, named).run_id if named.isdigit() and len(named) < LENGTH_OF_A_RUN_ID else named

    def version_of_run(self, run_id: str) -> Version | None:
        """The version that a run registered, the run being there; null where it registered none, or none is left."""
        with storage_errors(self.uri):
            found = self.client.search_model_versions(f"run_id = '{run_id}'")
            return self._described(found[0]) if found else None

    def announce(self, version: Version, alias: str, tags: Mapping[str, str]) -> None:
        """Say in the registry what a version is: for people and tools that look there. Nothing of ours reads the alias back."""
        with storage_errors(self.uri):
            self.client.set_registered_model_alias(version.name, alias, version.version)
            for name, value in tags.items():
                self.client.set_tag(version.run_id, name, value)

    def withdraw(self, name: str, alias: str) -> None:
        """Take an alias away; where nothing has it, nothing happens."""
        with storage_errors(self.uri):
            self.client.delete_registered_model_alias(name, alias)

    def aliases(self, name: str) -> dict[str, str]:
        """Alias to version, as the registry has them now. Empty where the name is not registered."""
        with storage_errors(self.uri):
            found = self.client.search_registered_models(f"name = '{name}'")
            return {alias: str(version) for each in found for alias, version in each.aliases.items()}

    def _described(self, version: Any) -> Version:
        run = self.client.get_run(version.run_id)
        return Version(
            name=version.name,
            version=str(version.version),
            run_id=version.run_id,
            digest=run.data.tags.get("model_digest", ""),
            trained_until=run.data.tags.get("trained_until", ""),
            figures=dict(run.data.metrics),
            registered_at=str(version.creation_timestamp),
        )


def read_bundle(folder: Path) -> dict[str, bytes]:
    """The files of a model in a folder, as its manifest names them; what else lies there is not looked at.

    Raises ModelRefused where one is missing, is not a plain file, or is far too large, and where the manifest is no manifest.
    """
    files = {name: _plain_file(folder, name) for name in BUNDLE_FILES}
    parts = [name for name in read_manifest(files["manifest.json"])["files"] if name not in files]
    return files | {name: _plain_file(folder, name) for name in parts}


def _plain_file(folder: Path, name: str) -> bytes:
    path = folder / name
    linked = path.is_symlink() or (path.parent != folder and path.parent.is_symlink())
    if linked or not path.is_file() or path.stat().st_size > LARGEST_FILE:
        raise ModelRefused(f"{name} is missing or is no plain file of a sensible size. Nothing was parsed.")
    return path.read_bytes()


@contextmanager
def storage_errors(uri: str) -> Iterator[None]:
    """What goes wrong with the registry, as our error."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageFailed(f"model registry {uri}: {cause}. Check the address, then run it again.") from error
