"""A server of decisions over a desk and a database of its own, at a door that is open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from deciding import ON
from desks import BookDesk
from doors import Open
from riskscore.stores.database import open_database
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app
from riskscore_serving.office import Rules
from riskscore_serving.settings import Address


@pytest.fixture
def desk() -> BookDesk:
    return BookDesk()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
def door() -> Open:
    return Open(Actor("anna", "analyst"))


@pytest.fixture
def client(desk: BookDesk, engine: sa.Engine, door: Open) -> Iterator[TestClient]:
    app = create_app(lambda: desk, Address(), door, store=lambda: engine, rules=Rules(max_book_age_days=45), today=lambda: ON)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client
