"""Tables and queries of a database are ingested like files; the database is only read."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from databases import postgresql
from exporting import LENIENT, canonical, deliver, reasons, rows_of
from riskscore.errors import InputRefused
from riskscore.stores.ledgers import open_book
from riskscore.stores.ledgers.databases import without_secrets
from riskscore.stores.ledgers.mapping import Mapping, parse

QUERY = f"""
summary = "open items by query"
reporting_currency = "EUR"
timezone = "Europe/Berlin"
{LENIENT}
[[source]]
table = "invoices"
query = "select inv as no, cust, issued, due, amount, booked_at from billing.items where amount > 0 order by inv"

[source.columns]
invoice_id = "no"
customer_id = "cust"
issued_on = "issued"
due_on = "due"
amount = "amount"
currency = {{ constant = "EUR" }}
known_on = "booked_at"
"""

TABLE = """
create schema billing;
create table billing.items (inv text, cust varchar(20), issued date, due date, amount numeric(12, 2), booked_at timestamp with time zone);
insert into billing.items values
    ('0012', E'back\\\\slash, "quoted"', '2025-03-01', '2025-04-01', 1234.50, '2025-03-30 23:30:00+00'),
    ('0013', 'NULL', '2025-03-01', '2025-04-01', 0.07, '2025-03-01 10:00:00+00'),
    ('0014', NULL, '2025-03-01', '2025-04-01', 5, '2025-03-01 10:00:00+00'),
    ('0015', 'left out', '2025-03-01', '2025-04-01', -5, '2025-03-01 10:00:00+00');
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as address:
        yield address.replace("+psycopg", "")


@pytest.fixture(params=["duckdb", "postgresql"])
def erp(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "duckdb":
        with duckdb.connect(str(tmp_path / "erp.duckdb")) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(TABLE.replace("E'back\\\\slash", "'back\\slash"))
        return f"duckdb:///{tmp_path / 'erp.duckdb'}"
    import psycopg

    address = str(request.getfixturevalue("server"))
    with psycopg.connect(address) as connection:
        connection.execute("drop schema if exists billing cascade")
        connection.execute(TABLE)
    return address


def by_query() -> Mapping:
    return parse(QUERY)


def test_a_query_is_ingested_with_its_texts_and_instants_as_they_are(erp: str, tmp_path: Path) -> None:
    receipt = deliver([erp], by_query(), tmp_path / "book")

    found = {
        row["invoice_id"]: (row["customer_id"], row["amount"], row["known_on"]) for row in rows_of(tmp_path / "book", "invoices")
    }
    # Half past eleven at night in UTC is the next day in Berlin.
    assert found == {
        "0012": ('back\\slash, "quoted"', Decimal("1234.50"), dt.date(2025, 3, 31)),
        "0013": ("NULL", Decimal("0.07"), dt.date(2025, 3, 1)),
    }
    assert reasons(receipt) == {"missing_required": 1}


def test_a_query_whose_rows_are_known_adds_nothing(erp: str, tmp_path: Path) -> None:
    deliver([erp], by_query(), tmp_path / "book")
    digest = open_book(tmp_path / "book").digest

    again = deliver([erp], by_query(), tmp_path / "book")

    assert (again.published, len(again.already)) == (False, 1)
    assert open_book(tmp_path / "book").digest == digest


def test_relations_named_like_canonical_tables_need_no_mapping_of_their_own(erp: str, tmp_path: Path) -> None:
    if erp.startswith("duckdb"):
        with duckdb.connect(erp.removeprefix("duckdb:///")) as connection:
            connection.execute(
                "create table rates as select 'USD' as currency, 'EUR' as to_currency, 0.9 as rate, date '2025-01-01' as rated_on"
            )
    else:
        import psycopg

        with psycopg.connect(erp) as connection:
            connection.execute("drop table if exists rates")
            connection.execute(
                "create table rates as select 'USD' as currency, 'EUR' as to_currency, 0.9 as rate, date '2025-01-01' as rated_on"
            )

    deliver([erp], canonical(), tmp_path / "book")

    assert rows_of(tmp_path / "book", "rates")[0]["rate"] == 0.9


def test_a_query_the_database_does_not_understand_is_refused(erp: str, tmp_path: Path) -> None:
    mapping = parse(QUERY.replace("billing.items", "billing.nothing"))

    with pytest.raises(InputRefused, match="nothing"):
        deliver([erp], mapping, tmp_path / "book")

    assert not (tmp_path / "book").exists()


def test_a_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="cannot be read"):
        deliver([f"duckdb:///{tmp_path / 'nothing.duckdb'}"], by_query(), tmp_path / "book")


def test_user_and_password_of_an_address_are_never_shown_or_stored(erp: str, tmp_path: Path) -> None:
    deliver([erp], by_query(), tmp_path / "book")

    manifest = (open_book(tmp_path / "book").folder / "manifest.json").read_text(encoding="utf-8")
    assert without_secrets("postgresql://ada:s3cret@db.example:5432/erp?sslmode=require") == "postgresql://db.example/erp"
    assert "riskscore@" not in manifest
    assert str(tmp_path) not in manifest
