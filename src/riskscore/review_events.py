"""What in the ledger calls for a review before its turn, and since when it could be known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from riskscore.review_calendar import Event, Standing

SEVERE_DAYS = 60
SEVERE_AMOUNT = Decimal(500)
"""An invoice so many days past due, of so much that nobody contests, is more than an oversight: the bounds of a default."""

NEARLY_USED = Decimal("0.9")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Use:
    """How much of its limit a customer uses on a day. limit: null where none is granted."""

    customer_id: str
    exposure: Decimal
    limit: Decimal | None


def events_of(tables: Mapping[str, pa.Table], open_invoices: Sequence[Row], uses: Sequence[Use], *, on: date) -> list[Event]:
    """Every event known by that day, in the order of customers and days.

    tables: canonical tables. open_invoices: rows as `riskscore.portfolio.take_open_invoices` has them, of the same day.
    statement_published, write_off: on the day it was known. rating_changed: an agency's letter differs from its last one.
    cover_expired: the day after a security ended that nothing of its kind follows. insurer_cut: insurance that began with less
    than what came before. severely_overdue: the day an invoice passed `SEVERE_DAYS`, undisputed and of `SEVERE_AMOUNT` or more.
    limit_exceeded, limit_nearly_used: today, because only today's use is looked at.
    """
    found = [
        *_published(_known(tables["statements"], on, "published_on")),
        *_rated(_known(tables["ratings"], on, "rated_on")),
        *_covered(_known(tables["securities"], on, "valid_from"), on),
        *_written_off(_known(tables["settlements"], on, "settled_on")),
        *_overdue(open_invoices, on),
        *_used(uses, on),
    ]
    return sorted(found, key=lambda event: (event.customer_id, event.known_on, event.trigger))


def standings_of(
    tables: Mapping[str, pa.Table], grades: Mapping[str, int | None], looked_on: Mapping[str, date], *, on: date
) -> list[Standing]:
    """What the calendar knows of each customer that has a grade or none: reviewed when its limit was last granted.

    tables: canonical tables. grades: customer to grade, null where withheld. looked_on: customer to the day a person decided it
    in place of the policy, which is a look as well. A customer was first delivered to with its first invoice. A limit known by
    the day counts from the day it was granted.
    """
    granted = _known(tables["limits"], on, "granted_on")
    looks = [*((row["customer_id"], row["granted_on"]) for row in granted), *looked_on.items()]
    reviewed = dict(sorted(looks, key=lambda look: look[1]))
    issued = [row for row in _known(tables["invoices"], on, "issued_on") if row["amount"] > 0]
    since = {row["customer_id"]: row["issued_on"] for row in sorted(issued, key=lambda row: row["issued_on"], reverse=True)}
    return [Standing(who, grade, reviewed.get(who), since.get(who)) for who, grade in sorted(grades.items())]


NEEDED = {
    "statements": ("customer_id", "published_on"),
    "ratings": ("customer_id", "agency", "rating", "rated_on"),
    "securities": ("customer_id", "kind", "amount", "valid_from", "valid_until"),
    "settlements": ("customer_id", "kind", "settled_on"),
    "limits": ("customer_id", "granted_on"),
    "invoices": ("customer_id", "amount", "issued_on"),
}


def _known(table: pa.Table, on: date, event: str) -> list[dict[str, Any]]:
    """The rows known by the day, with the day they became known: never before what they tell of."""
    name = next(name for name, columns in NEEDED.items() if event in columns)
    rows: list[dict[str, Any]] = table.select([*NEEDED[name], "known_on"]).to_pylist()
    for row in rows:
        row["known_on"] = max(row["known_on"], row[event])
    return [row for row in rows if row["known_on"] <= on]


def _published(rows: Sequence[Row]) -> Iterator[Event]:
    for row in rows:
        yield Event(row["customer_id"], "statement_published", row["known_on"])


def _written_off(rows: Sequence[Row]) -> Iterator[Event]:
    for row in rows:
        if row["kind"] == "write_off":
            yield Event(row["customer_id"], "write_off", row["known_on"])


def _rated(rows: Sequence[Row]) -> Iterator[Event]:
    ordered = sorted(rows, key=lambda row: (row["customer_id"], row["agency"], row["rated_on"]))
    for before, after in pairwise(ordered):
        same = (before["customer_id"], before["agency"]) == (after["customer_id"], after["agency"])
        if same and before["rating"] != after["rating"]:
            yield Event(after["customer_id"], "rating_changed", after["known_on"])


def _covered(rows: Sequence[Row], on: date) -> Iterator[Event]:
    by_kind: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["valid_from"]):
        by_kind.setdefault((row["customer_id"], row["kind"]), []).append(row)
    for (customer, kind), held in by_kind.items():
        for row in held:
            ended = None if row["valid_until"] is None else row["valid_until"] + timedelta(days=1)
            follows = ended is not None and any(
                other is not row
                and other["valid_from"] <= ended
                and (other["valid_until"] is None or other["valid_until"] >= ended)
                for other in held
            )
            if ended is not None and ended <= on and not follows:
                yield Event(customer, "cover_expired", max(ended, row["known_on"]))
        if kind == "insurance":
            for before, after in pairwise(held):
                if after["amount"] < before["amount"]:
                    yield Event(customer, "insurer_cut", after["known_on"])


def _overdue(rows: Sequence[Row], on: date) -> Iterator[Event]:
    for row in rows:
        if row["days_past_due"] > SEVERE_DAYS and row["opened"] - row["contested"] >= SEVERE_AMOUNT:
            passed = on - timedelta(days=row["days_past_due"] - SEVERE_DAYS - 1)
            yield Event(row["customer_id"], "severely_overdue", passed)


def _used(uses: Sequence[Use], on: date) -> Iterator[Event]:
    for use in uses:
        if use.limit is not None and use.exposure > use.limit:
            yield Event(use.customer_id, "limit_exceeded", on)
        elif use.limit is not None and use.exposure > NEARLY_USED * use.limit:
            yield Event(use.customer_id, "limit_nearly_used", on)
