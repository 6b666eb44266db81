"""The manifest of a version: what it holds, where it came from, and digests over every byte of it."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from riskscore.errors import UsageRefused
from riskscore.snapshot.last_day import FACTS
from riskscore.stores.ledgers.accounting import standing
from riskscore.stores.ledgers.layout import SCHEMA_VERSION, canonical_json
from riskscore.stores.ledgers.mapping import Mapping as Grammar
from riskscore.stores.ledgers.pasts import Past
from riskscore.stores.ledgers.reception import Delivery, Reading
from riskscore.stores.ledgers.untold import look_for_untold
from riskscore.tables import TABLES


def settings_of(mapping: Grammar) -> dict[str, Any]:
    """What must be the same for everything in one book: sums are in one currency, days begin in one place."""
    return {"reporting_currency": mapping.reporting_currency, "timezone": mapping.timezone, "rate_days": mapping.rate_days}


def refuse_other_settings(manifest: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raises UsageRefused where the mapping would keep the book in another currency or another time zone than it is kept in."""
    for name, value in settings.items():
        if manifest[name] != value:
            raise UsageRefused(
                f"the book is kept with {name} = {manifest[name]}, the mapping says {value}. Sums over both would mean "
                "nothing, so "
                "nothing was read. Make the mapping agree, or ingest into another book."
            )


def entry_of(reading: Reading, run: str, delivery: Delivery) -> dict[str, Any]:
    """What the manifest says of one reading, before it is known what became of its rows."""
    return {
        "reading": reading.digest,
        "run": run,
        "name": reading.name,
        "sha256": reading.sha256,
        "size": reading.size,
        "table": reading.table,
        "mapping": delivery.mapping.digest,
        "extracted_on": delivery.extracted_on.isoformat(),
        "shift_accepted": delivery.accept_shift,
        "rewrite_accepted": delivery.accept_rewrite.as_json() if delivery.accept_rewrite else None,
    }


def outcome_of(reading: Reading) -> dict[str, Any]:
    """What became of its rows and its money."""
    account = reading.account
    return {
        "rows": account.read.rows,
        "left_out": reading.left_out,
        "accepted": account.accepted.rows,
        "quarantined": account.quarantined.rows,
        "exact_duplicates": account.repeated.rows,
        "money": account.read.stated(),
        "money_accepted": account.accepted.stated(),
        "money_quarantined": account.quarantined.stated(),
        "money_exact_duplicates": account.repeated.stated(),
    }


def manifest_of(
    connection: duckdb.DuckDBPyConnection,
    version: Path,
    files: list[dict[str, Any]],
    sources: list[dict[str, Any]],
    settings: Mapping[str, Any],
    there: set[str],
    n_buckets: int,
    pasts: Sequence[Past],
) -> dict[str, Any]:
    """The manifest of the version under this folder. Its digest is over what the tables hold, not over when or whence.

    pasts: what the version tells otherwise than the one before it.
    """
    tables = {entry["path"]: entry["sha256"] for entry in files if entry["part"] == "tables"}
    content = {"schema_version": SCHEMA_VERSION, **settings, "n_buckets": n_buckets, "tables": tables}
    customers = next(entry for entry in files if entry["part"] == "index")
    names = [name for name in TABLES if name in there]
    held = {name: _one(connection, f"select count(*) from held_{name} where _reason is not null") for name in names}
    last = [_one(connection, f"select max(known_on) from accepted_{name}") for name in FACTS]
    last_known_on = max((day for day in last if day is not None), default=None)
    return {
        "schema_version": SCHEMA_VERSION,
        "digest": hashlib.sha256(canonical_json(content)).hexdigest(),
        **settings,
        "n_buckets": n_buckets,
        "n_customers": customers["rows"],
        "last_known_on": None if last_known_on is None else last_known_on.isoformat(),
        "rows": {name: _one(connection, f"select count(*) from accepted_{name}") for name in names},
        "held": {name: rows for name, rows in held.items() if rows},
        "dates": {name: _dates(connection, name) for name in names},
        "money": {name: _money(connection, name) for name in names if "amount" in TABLES[name].names},
        "known_on_from_event": {
            name: _one(connection, f"select count(*) from accepted_{name} where _from_event")
            for name in names
            if "known_on" in TABLES[name].names
        },
        "standing": standing(connection, version, files),
        "untold": look_for_untold(connection, last_known_on).as_json(),
        "pasts": [past.as_json() for past in pasts],
        "sources": sources,
        "files": files,
    }


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    return connection.sql(query).fetchall()[0][0]


def _dates(connection: duckdb.DuckDBPyConnection, table: str) -> list[str | None]:
    event = TABLES[table].event_on
    first, last = connection.sql(f'select min("{event}"), max("{event}") from accepted_{table}').fetchall()[0]
    return [None if day is None else day.isoformat() for day in (first, last)]


def _money(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Exact sums per currency; of settlements and disputes in the currency of their invoice."""
    names = TABLES[table].names
    rows = (
        f"accepted_{table} as r"
        if "currency" in names
        else f"accepted_{table} as r join accepted_invoices as i using (invoice_id)"
    )
    currency = "r.currency" if "currency" in names else "i.currency"
    found = connection.sql(
        f"select {currency} as c, sum(cast(r.amount as decimal(38, 4))) from {rows} where r.amount is not null group by c "
        "order by c"
    ).fetchall()
    return {code: f"{amount:f}" for code, amount in found}
