"""A registry that holds one training, not approved; for each test a fresh database and no local copies."""

import pytest

from modelling import BOOK, CARDS, shipped_grades, small, trained
from registering import NAME
from riskscore.stores.database import open_database
from riskscore.stores.models import Registry, record
from riskscore.stores.models import approved as approved_module
from riskscore.stores.workplace import Workplace


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
    monkeypatch.setattr(approved_module, "_tried", set())
    monkeypatch.setattr(approved_module, "from_files", reached.append)
    monkeypatch.setattr(approved_module, "try_in_child", reached.append)
    return reached
