"""Reading changes nothing: every GET of the matrix, over a database that holds decisions, reviews and accounts."""

import hashlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from deciding import ON
from desks import BookDesk
from doors import Open, account
from riskscore.stores.database import TABLES, open_database, reading
from riskscore_serving.access.matrix import shipped
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app
from riskscore_serving.settings import Address

READS = sorted(path for method, path in shipped().allowed if method == "GET")


@pytest.fixture
def engine(tmp_path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    account(opened, "ann", "admin")
    yield opened
    opened.dispose()


@pytest.fixture
def client(engine: sa.Engine) -> Iterator[TestClient]:
    desk = BookDesk()
    app = create_app(lambda: desk, Address(), Open(Actor("ann", "admin")), store=lambda: engine, today=lambda: ON)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def held(engine: sa.Engine) -> dict[str, str]:
    """A digest of the rows of every table."""
    with reading(engine) as connection:
        rows = {table.name: connection.execute(sa.select(table)).all() for table in TABLES.sorted_tables}
    return {name: hashlib.sha256(repr(sorted(map(repr, found))).encode()).hexdigest() for name, found in rows.items()}


def test_no_read_changes_any_table(client, engine):
    body = client.post("/v1/decisions", json={"customer_id": "acme"}, headers={"Idempotency-Key": "k"}).json()
    names = {"customer_id": "acme", "decision_id": body["provenance"]["decision_id"]}
    before = held(engine)

    answered = {path: client.get(path.format_map(names)).status_code for path in READS}

    assert held(engine) == before
    assert sum(status == 200 for status in answered.values()) > len(READS) / 2, answered
    assert {f"/v1/customers/{{customer_id}}{each}" for each in ("", "/history")} <= {
        path for path, status in answered.items() if status == 200
    }


def test_what_a_write_changes_is_seen(client, engine):
    before = held(engine)
    client.post("/v1/decisions", json={"customer_id": "acme"}, headers={"Idempotency-Key": "k"})

    assert {name for name, digest in held(engine).items() if digest != before[name]} >= {"decisions", "answers", "audit"}
