"""What every test stands on: the repository, the public data beside it, quiet libraries, bounded examples."""

import os
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

# Set before any library is imported: no telemetry, one thread, no window for plots.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
PUBLIC_DATA = ROOT.parent / "shared" / "data"

# No deadline: on shared cores the clock says nothing about the code. The suite draws the same examples every time, so a commit
# that passes once passes again (see `pytest_collection_finish`); `make hunt` draws new ones, and more. What it finds is written
# down as an `@example`.
settings.register_profile("house", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("hunt", deadline=None, max_examples=200, print_blob=True)
settings.load_profile("house")


PACKAGES = ("riskscore", "riskscore_pipelines", "riskscore_serving")
SCRIPTS = ("__main__", "env")  # they do something when loaded: run a command, migrate a database


def pytest_collection_finish(session: pytest.Session) -> None:
    """Load the whole product before the first test of a worker.

    Hypothesis draws some values from the constants of those modules of ours that are loaded. They would be other values whenever
    other tests had run before in the same worker.
    """
    if not hasattr(session.config, "workerinput"):
        return  # one file alone: what is drawn there depends on that file, and it begins seconds sooner
    for package in PACKAGES:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if module.name.rpartition(".")[2] not in SCRIPTS:
                import_module(module.name)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of public data sets beside the repository; the test is skipped where it is absent."""
    if not PUBLIC_DATA.is_dir():
        pytest.skip("the public data sets are not beside this checkout (../shared/data)")
    return PUBLIC_DATA


@pytest.fixture(autouse=True)
def _no_settings_of_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the `RISKSCORE_*` variables or the MLflow address of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("RISKSCORE_")] + ["MLFLOW_TRACKING_URI"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _patient_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server in the test's own process waits for a busy machine; a test about its patience sets that itself."""
    for name, what in (("office", "PATIENCE"), ("office", "WORK_PATIENCE"), ("listing", "PATIENCE"), ("waiting", "PATIENCE")):
        if module := sys.modules.get(f"riskscore_serving.{name}"):
            monkeypatch.setattr(module, what, 30.0)


@pytest.fixture(scope="session", autouse=True)
def _nothing_leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No name and no secret of the tests is found where none may be, over all tests of this process; see `leaks`."""
    from leaks import Watch, listen, on_watch

    listen()
    with on_watch(Watch(during=lambda: os.environ.get("PYTEST_CURRENT_TEST", "?").partition(" ")[0])) as watch:
        yield
        watch.during = lambda: "any test"
        watch.look_on_disk(tmp_path_factory.getbasetemp())
    assert sorted(set(watch.found)) == [], "a name or a secret of the tests got where none may be"


@pytest.fixture(scope="session")
def finance_company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the decided book of an invented company, made once for all tests of finance's verbs."""
    from finance import simulated_company

    return simulated_company(tmp_path_factory.mktemp("finance"))
