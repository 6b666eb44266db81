"""A delivery whose amounts are all ten times larger or smaller than before is probably in cents: a person looks first."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

import duckdb

from riskscore.errors import HeldForReview
from riskscore.stores.ledgers.crosschecks import NEW

ENOUGH = 30
"""Invoices of one currency, on both sides, below which a median says nothing."""


def refuse_shift(connection: duckdb.DuckDBPyConnection, times: float) -> None:
    """Raises HeldForReview where the median size of a new invoice is `times` that of the book's or less than its share.

    The median is taken over steps of a fiftieth of a factor e, counted: exact enough for a factor, and it needs no memory.
    """
    steps = connection.sql(
        f"""
        select currency, _came = {NEW} as is_new, cast(round(ln(abs(amount)) * 50) as integer) as step, count(*)
        from accepted_invoices where amount <> 0 and not _derived group by all order by all
        """
    ).fetchall()
    sides: dict[tuple[str, bool], list[tuple[int, int]]] = {}
    for currency, is_new, step, n in steps:
        sides.setdefault((currency, is_new), []).append((step, n))
    for (currency, is_new), new in sides.items():
        old = sides.get((currency, False), [])
        if is_new and min(_count(new), _count(old)) >= ENOUGH:
            factor = 2.718281828459045 ** ((_median(new) - _median(old)) / 50)
            if not 1 / times <= factor <= times:
                raise HeldForReview(
                    f"invoices in {currency}: the median new invoice is {factor:.3g} times that of the book, beyond the "
                    f"factor {times:g} "
                    "the mapping allows; perhaps it is in cents or in thousands. Nothing was published. Correct the mapping "
                    "(times = ...), "
                    "or, where it is right, have a second person ingest it with --accept-shift."
                )


def _count(steps: list[tuple[int, int]]) -> int:
    return sum(n for _, n in steps)


def _median(steps: list[tuple[int, int]]) -> int:
    half, seen = _count(steps) / 2, 0
    for step, n in steps:
        seen += n
        if seen >= half:
            return step
    raise ValueError("no steps")
