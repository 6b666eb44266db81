"""What a book leaves untold of its invoices: those whose payments no export holds would look as if nobody had paid them.

Exports of cleared invoices often stop at a day of issue, with everything issued later beside them as open; payments are often
booked on the account of a customer and name no invoice. Both read without an error, and both teach that customers do not pay.
"""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from riskscore.snapshot.states import RESIDUAL
from riskscore.stores.ledgers.crosschecks import key_of

AGES = (0, 15, 30, 60)
"""Days after the due date at which it is asked what share of earlier invoices was paid by then."""

LONG_DAYS = 21
"""So long must nothing issued have been paid: companies rest for nine days at most, payments are booked once a week."""

CHANCE = 1e-6
"""A silence that the customers' own records make likelier than that is left alone: they may just not have paid yet."""

AT_MOST = 0.95
"""No customer is so sure a payer that its silence alone says more than this; with it five customers are the fewest that can."""


@dataclass(frozen=True)
class Untold:
    """What is known of the payment of the invoices of a book; credit notes without an invoice are none.

    due: invoices that fell due before the last known day. paid: those of them with a payment. open: invoices not settled. n: all
    invoices. silent_after: the last day of issue of which any invoice is paid, where not one of the `silent` invoices that were
    issued after it and fell due is, and `CHANCE` does not explain it; else null.
    """

    n: int
    due: int
    paid: int
    open: int
    silent: int
    silent_after: date | None

    def as_json(self) -> dict[str, Any]:
        """The same as plain data, for a manifest."""
        return {**vars(self), "silent_after": self.silent_after.isoformat() if self.silent_after else None}


def untold_of(manifest: Mapping[str, Any]) -> Untold | None:
    """What a manifest says of it; null where an older program wrote it."""
    said = manifest.get("untold")
    if said is None:
        return None
    day = said["silent_after"]
    return Untold(**{**said, "silent_after": date.fromisoformat(day) if day else None})


def look_for_untold(connection: duckdb.DuckDBPyConnection, last: date | None) -> Untold:
    """Count it in the accepted tables. last: the last known day; null where the book knows none."""
    if last is None:
        return Untold(0, 0, 0, 0, 0, None)
    connection.execute(
        f"""
        create or replace temp table bills as
        select customer_id, issued_on, due_on, paid_on, (amount - coalesce(settled, 0)) * {RESIDUAL} > amount as is_open
        from (select *, {key_of("invoice_id")} as k from accepted_invoices where amount > 0) left join (
            select {key_of("invoice_id")} as k, min(settled_on) filter (kind = 'payment') as paid_on, sum(amount) as settled
            from accepted_settlements group by k
        ) using (k)
        """
    )
    n, due, paid, n_open, newest = connection.execute(
        """
        select count(*), count(*) filter (due_on < $1), count(*) filter (due_on < $1 and paid_on is not null),
               count(*) filter (is_open), max(issued_on) filter (paid_on is not null) from bills
        """,
        [last],
    ).fetchall()[0]
    silent, chance = _silence(connection, newest, last) if newest and (last - newest).days >= LONG_DAYS else (0, 1.0)
    connection.execute("drop table bills")
    return Untold(n, due, paid, n_open, silent, newest if chance < CHANCE else None)


def _silence(connection: duckdb.DuckDBPyConnection, newest: date, last: date) -> tuple[int, float]:
    """How many invoices issued after a day fell due, and the chance that of none of their customers the oldest is paid yet.

    Of each customer one invoice counts: a customer who stopped paying stopped paying them all.
    """
    counted = connection.execute("select count(*) from bills where issued_on > $1 and due_on < $2", [newest, last])
    (silent,) = counted.fetchall()[0]
    ages = " ".join(f"when max($2 - due_on) >= {age} then {age}" for age in sorted(AGES, reverse=True))
    rows = connection.execute(
        f"""
        with waiting as (
            select customer_id, case {ages} end as age
            from bills where issued_on > $1 and due_on < $2 group by customer_id
        )
        select count(b.due_on), count(*) filter (b.paid_on <= b.due_on + age)
        from waiting left join bills as b on b.customer_id = waiting.customer_id and b.issued_on <= $1 and b.due_on + age < $2
        group by waiting.customer_id
        """,
        [newest, last],
    ).fetchall()
    known = sum(count for count, _ in rows)
    share = sum(in_time for _, in_time in rows) / known if known else 0.0
    chances = [min(AT_MOST, (in_time + 2 * share) / (count + 2)) for count, in_time in rows]
    return silent, math.exp(sum(math.log1p(-chance) for chance in chances))
