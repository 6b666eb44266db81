"""What tests of the stores stand on: an empty database, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from databases import emptied, postgresql
from riskscore.stores.database import open_database


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The SQLAlchemy address of a PostgreSQL server of this file's own."""
    with postgresql() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of both kinds in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'riskscore.db'}"
    return emptied(request.getfixturevalue("server"))


@pytest.fixture
def engine(database_address: str) -> Iterator[sa.Engine]:
    """An empty database that is open, of both kinds in turn."""
    opened = open_database(database_address)
    yield opened
    opened.dispose()
