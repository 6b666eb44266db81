"""No row and no cent is lost: what was read is compared with what was written, per source, table and currency."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import QuarantineAboveLimit, RiskscoreError
from riskscore.stores.ledgers.crosschecks import BOOK, NEW
from riskscore.stores.ledgers.mapping import Limits
from riskscore.stores.ledgers.sql import beside, parquet
from riskscore.tables import TABLES

UNSTATED = "?"
"""Stands for a currency that could not be read."""


@dataclass
class Tally:
    """Rows, and the exact sum and absolute sum of their amounts per currency ("" where the table states none)."""

    rows: int = 0
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    volume: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def take(self, money: pa.Table, rows: int) -> None:
        """Add rows with amount and currency; a row without an amount counts as a row."""
        self.rows += rows
        known = money.filter(pc.is_valid(money["amount"]))
        wide = pa.table(
            {
                "currency": pc.fill_null(known["currency"], UNSTATED),
                "amount": known["amount"].cast(pa.decimal128(38, 4)),
                "volume": pc.abs(known["amount"].cast(pa.decimal128(38, 4))),
            }
        )
        for row in wide.group_by("currency").aggregate([("amount", "sum"), ("volume", "sum")]).to_pylist():
            self.add(row["currency"], row["amount_sum"], row["volume_sum"])

    def add(self, currency: str, money: Decimal, volume: Decimal) -> None:
        """Add sums of one currency."""
        self.money[currency] += money
        self.volume[currency] += volume

    def stated(self) -> dict[str, str]:
        """The sums as text, exact, for a manifest."""
        return {currency: f"{amount:f}" for currency, amount in sorted(self.money.items())}


@dataclass
class Account:
    """One reading: what was read, and what became of it."""

    read: Tally = field(default_factory=Tally)
    accepted: Tally = field(default_factory=Tally)
    quarantined: Tally = field(default_factory=Tally)
    repeated: Tally = field(default_factory=Tally)


def settle(
    connection: duckdb.DuckDBPyConnection,
    version: Path,
    files: list[dict[str, Any]],
    accounts: Mapping[int, Account],
    tables: Mapping[int, str],
) -> None:
    """Fill in what became of the rows of each reading, counted again from the files as they were written, and compare.

    tables: the table each reading delivers. Raises RiskscoreError (a bug: nothing is published) where a row or a cent is missing.
    """
    for table in {*tables.values()}:
        pairs = zip(_paths(version, files, "tables", table), _paths(version, files, "origins", table), strict=True)
        for rows, origins in pairs:
            _count(
                connection,
                table,
                beside(rows, origins),
                accounts,
                "accepted",
                tables,
            )
        for held in _paths(version, files, "held", table):
            _count(connection, table, f"{parquet(held)}", accounts, "quarantined", tables)
        _count(connection, table, f"(select * from repeated_{table} where _came = {NEW})", accounts, "repeated", tables)
    for quarantine in _paths(version, files, "quarantine", "quarantine"):
        source = f"(select *, false as _derived from {parquet(quarantine)} where not waits)"
        _count(connection, "", source, accounts, "quarantined", tables)
    for number, account in accounts.items():
        _compare(account, f"reading {number} ({tables[number]})")


def _count(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
    accounts: Mapping[int, Account],
    part: str,
    tables: Mapping[int, str],
) -> None:
    names = TABLES[table].names if table else ("amount", "currency")
    amount = "cast(amount as decimal(38, 4))" if "amount" in names else "cast(null as decimal(38, 4))"
    currency = f"coalesce(currency, '{UNSTATED}')" if "currency" in names else "''"
    found = connection.sql(
        f"select _reading, {currency} as c, count(*), count({amount}), sum({amount}), sum(abs({amount})) from {rows} "
        "where not _derived group by _reading, c"
    ).fetchall()
    for reading, code, n_rows, n_amounts, money, volume in found:
        if reading not in accounts or (table and tables[reading] != table):
            continue
        tally: Tally = getattr(accounts[reading], part)
        tally.rows += n_rows
        if n_amounts:
            tally.add(code, money, volume)


def _paths(version: Path, files: list[dict[str, Any]], part: str, table: str) -> list[Path]:
    return [version / entry["path"] for entry in files if entry["part"] == part and entry["table"] == table]


def _compare(account: Account, what: str) -> None:
    ends = (account.accepted, account.quarantined, account.repeated)
    if account.read.rows != sum(end.rows for end in ends):
        raise RiskscoreError(
            f"{what}: {account.read.rows} rows were read, but {' + '.join(str(end.rows) for end in ends)} (accepted, "
            "quarantined, exact "
            "duplicates) were written. Nothing was published. This is a bug: report it with the log."
        )
    for currency in {*account.read.money, *(code for end in ends for code in end.money)}:
        written = sum((end.money.get(currency, Decimal(0)) for end in ends), Decimal(0))
        if account.read.money.get(currency, Decimal(0)) != written:
            raise RiskscoreError(
                f"{what}: {account.read.money.get(currency, Decimal(0))} {currency} was read, but {written} was written. "
                "Nothing was "
                "published. This is a bug: report it with the log."
            )


def refuse_above_limit(accounts: Mapping[int, Account], tables: Mapping[int, str], limits: Limits, worst: str) -> None:
    """Raises QuarantineAboveLimit where a table lost more rows, or more money of a currency, than the mapping allows."""
    for table in sorted({*tables.values()}):
        parts = [account for number, account in accounts.items() if tables[number] == table]
        rows, lost = sum(part.read.rows for part in parts), sum(part.quarantined.rows for part in parts)
        if lost > limits.quarantined_rows * rows:
            raise QuarantineAboveLimit(
                f"{table}: {lost} of {rows} rows were set aside, more than the {limits.quarantined_rows:.2%} the mapping "
                "allows. Nothing "
                f"was published. {worst}"
            )
        # Of money in a currency that cannot be read, all is set aside by definition: there only the rows can be too many.
        for currency in sorted({code for part in parts for code in part.quarantined.volume} - {UNSTATED}):
            whole = sum((part.read.volume.get(currency, Decimal(0)) for part in parts), Decimal(0))
            amount = sum((part.quarantined.volume.get(currency, Decimal(0)) for part in parts), Decimal(0))
            if amount > Decimal(str(limits.quarantined_amount)) * whole:
                raise QuarantineAboveLimit(
                    f"{table}: {amount:f} of {whole:f} {currency or 'in amounts'} were set aside, more than the "
                    f"{limits.quarantined_amount:.2%} the mapping allows. Nothing was published. {worst}"
                )


def refuse_contradicted(connection: duckdb.DuckDBPyConnection, before: Mapping[str, Any], limits: Limits) -> None:
    """Raises QuarantineAboveLimit where a delivery would take more out of the book than the mapping lets one lose."""
    for name, stood in before["rows"].items():
        query = f"select count(*) from held_{name} where _came = {BOOK} and _reason is not null and not _derived"
        lost = int(connection.sql(query).fetchall()[0][0])
        if lost > limits.quarantined_rows * stood:
            raise QuarantineAboveLimit(
                f"{name}: the delivery contradicts {lost} of the {stood} rows of the book, or leaves them without rate or "
                "invoice: more "
                f"than the {limits.quarantined_rows:.2%} the mapping allows. Nothing was published. Look at it with --check."
            )


def settle_standing(
    connection: duckdb.DuckDBPyConnection, version: Path, files: list[dict[str, Any]], before: Mapping[str, Any], old: set[int]
) -> None:
    """Compare what the book held before with what became of it. Raises RiskscoreError where a delivered row of it is missing.

    before: the old manifest. old: the numbers its readings have now. Derived rows follow from delivered ones and are not counted.
    """
    for name, stood in before["standing"].items():
        written = 0
        for rows, origins in zip(_paths(version, files, "tables", name), _paths(version, files, "origins", name), strict=True):
            written += _standing(connection, beside(rows, origins), old)
        for held in _paths(version, files, "held", name):
            written += _standing(connection, f"{parquet(held)}", old)
        repeated = connection.sql(f"select count(*) from repeated_{name} where _came <> {NEW} and not _derived").fetchall()[0][0]
        if stood != written + repeated:
            raise RiskscoreError(
                f"{name}: the book held {stood} rows, but {written} + {repeated} (kept, superseded) were written. Nothing was "
                "published. This is a bug: report it with the log."
            )


def standing(connection: duckdb.DuckDBPyConnection, version: Path, files: list[dict[str, Any]]) -> dict[str, int]:
    """Delivered rows of each table, accepted and held, as written."""
    found = {}
    for name in TABLES:
        paths = [*_paths(version, files, "origins", name), *_paths(version, files, "held", name)]
        if paths:
            found[name] = sum(_standing(connection, f"{parquet(path)}", None) for path in paths)
    return found


def _standing(connection: duckdb.DuckDBPyConnection, rows: str, readings: set[int] | None) -> int:
    among = "" if readings is None else f" and _reading in ({', '.join(map(str, sorted(readings))) or 'null'})"
    return int(connection.sql(f"select count(*) from {rows} where not _derived{among}").fetchall()[0][0])
