"""Families through time: a merger is a dated customer row with a parent, and no customer may become its own parent on any day."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

from datetime import date
from itertools import groupby

import duckdb

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.crosschecks import key_of


def refuse_cycles(connection: duckdb.DuckDBPyConnection) -> None:
    """Raises InputRefused where, on any day, following the parents of a customer leads back to it; names the chain and the day.

    Only customers that ever had a parent are looked at. History is not rewritten: each day uses the rows known by then.
    """
    rows = connection.sql(
        f"""
        select {key_of("customer_id")} as child, known_on, {key_of("parent_id")} as parent from accepted_customers
        where child in (select {key_of("customer_id")} from accepted_customers where parent_id is not null) order by known_on,
        child
        """
    ).fetchall()
    parents: dict[str, str | None] = {}
    for day, changes in groupby(rows, key=lambda row: row[1]):
        changed = []
        for child, _, parent in changes:
            parents[child] = parent
            changed.append(child)
        for child in changed:
            if chain := _cycle(child, parents):
                raise InputRefused(_sentence(chain, day))


def _cycle(child: str, parents: dict[str, str | None]) -> list[str]:
    """The chain from this customer back to one on it; empty where the chain ends."""
    chain = [child]
    while (parent := parents.get(chain[-1])) is not None:
        if parent in chain:
            return [*chain[chain.index(parent) :], parent]
        chain.append(parent)
    return []


def _sentence(chain: list[str], day: date) -> str:
    return (
        f"customers (merge_cycle): from {day} on, {' is owned by '.join(chain)}. A family without a top has no limit of its own. "
        "Nothing was written. Correct parent_id of one of them."
    )
