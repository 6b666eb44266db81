"""What a customer can do about its standing, as facts a ledger would hold: settle invoices, give security, publish accounts.

Nothing else is an event here: nobody can become older, buy more or undo last year by a decision of today.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

import pyarrow as pa

from riskscore.tables import TABLES

ZERO = Decimal(0)

Security = Literal["guarantee", "deposit"]
Assumption = Literal["as_before", "thin", "sound"]

PUBLISHED_AFTER = timedelta(days=90)
"""Nobody has audited accounts of a year that ended less than a quarter ago."""

FIGURES: Mapping[Assumption, Mapping[str, Decimal]] = {
    "thin": {
        "equity": Decimal("0.25"), "total_assets": Decimal(1), "total_liabilities": Decimal("0.75"),
        "current_assets": Decimal("0.5"), "current_liabilities": Decimal("0.5"), "retained_earnings": ZERO, "ebit": ZERO,
        "net_income": ZERO, "revenue": Decimal(1), "intangibles": ZERO,
    },
    "sound": {
        "equity": Decimal("0.35"), "total_assets": Decimal(1), "total_liabilities": Decimal("0.65"),
        "current_assets": Decimal("0.6"), "current_liabilities": Decimal("0.35"), "retained_earnings": Decimal("0.15"),
        "ebit": Decimal("0.06"), "net_income": Decimal("0.03"), "revenue": Decimal("1.5"), "intangibles": ZERO,
    },
}  # fmt: skip
"""Accounts that are assumed where none are known, as shares of total assets. thin: short of nothing but without a profit or a
reserve; sound: a third of equity, current assets well above current liabilities, a modest profit. Assumptions of ours, shown as
the figures a plan asks for; they are not an estimate of what the customer has."""


@dataclass(frozen=True)
class Settle:
    """All that is open of one undisputed invoice is paid on the day.

    amount: in the invoice's `currency`. cost: the same in the reporting currency, to the cent. days_past_due: 0 or below where
    it is not due yet.
    """

    invoice_id: str
    amount: Decimal
    currency: str
    cost: Decimal
    days_past_due: int


@dataclass(frozen=True)
class Secure:
    """A guarantee is given, or a deposit is paid in, from the day on. amount: in the reporting `currency`."""

    kind: Security
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Publish:
    """Annual accounts become known on the day. It reaches a target only if they show `figures` (in `currency`, whole units).

    assumption: where the figures come from: `as_before`, the last accounts once more; else a row of `FIGURES`.
    """

    period_end: date
    currency: str
    figures: tuple[tuple[str, Decimal], ...]
    assumption: Assumption


Event = Settle | Secure | Publish


@dataclass(frozen=True)
class Cost:
    """What a plan takes, in the reporting currency. cash: to be paid; guaranteed: for which somebody has to stand."""

    cash: Decimal = ZERO
    guaranteed: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What is to be raised in all: plans are ordered by it."""
        return self.cash + self.guaranteed


@dataclass(frozen=True)
class Accounts:
    """The newest accounts that are known: last day of the fiscal year, currency, and the figures that are known of it."""

    period_end: date
    currency: str
    figures: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True)
class Means:
    """What this customer could do on the day `on`.

    invoices: each open, undisputed one as the event that settles it, most overdue first. n_disputed: open ones that are
    contested, which no plan settles: paying what one contests is no advice. accounts: null where none are known. wants_accounts:
    are they missing or too old to say much? begun: kinds of security of which one begins on the day already.
    """

    on: date
    currency: str
    invoices: tuple[Settle, ...] = ()
    n_disputed: int = 0
    accounts: Accounts | None = None
    wants_accounts: bool = False
    begun: frozenset[str] = frozenset()

    def publications(self, equity: Decimal) -> tuple[Publish, ...]:
        """Accounts that may be published, the most modest first; none where those that are known still say enough.

        equity: where none are known, at least so much is assumed, rounded up to two digits, so that it is not what binds.
        """
        if not self.wants_accounts:
            return ()
        latest = self.on - PUBLISHED_AFTER
        if self.accounts is not None:
            end = _same_day(self.accounts.period_end, latest.year)
            end = end if end <= latest else _same_day(self.accounts.period_end, latest.year - 1)
            if end <= self.accounts.period_end:
                return ()
            return (Publish(end, self.accounts.currency, self.accounts.figures, "as_before"),)
        end = date(latest.year - 1, 12, 31)
        found = []
        for assumption in ("thin", "sound"):
            shares = FIGURES[assumption]
            assets = rounded_up(equity / shares["equity"], 2)
            figures = tuple((name, (assets * share).quantize(Decimal(1))) for name, share in shares.items())
            found.append(Publish(end, self.currency, figures, assumption))
        return tuple(found)


def cost_of(events: Iterable[Event]) -> Cost:
    """What the events take. Publishing accounts takes no money."""
    cash = guaranteed = ZERO
    for event in events:
        if isinstance(event, Settle):
            cash += event.cost
        elif isinstance(event, Secure) and event.kind == "deposit":
            cash += event.amount
        elif isinstance(event, Secure):
            guaranteed += event.amount
    return Cost(cash, guaranteed)


def facts_of(events: Iterable[Event], customer_id: str, on: date) -> dict[str, list[dict[str, Any]]]:
    """The rows that a ledger would hold if the events happened on that day, by canonical table."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        fact: dict[str, Any] = {"customer_id": customer_id, "known_on": on}
        if isinstance(event, Settle):
            table = "settlements"
            fact |= {
                "settlement_id": f"plan:{event.invoice_id}", "invoice_id": event.invoice_id, "kind": "payment",
                "settled_on": on, "amount": event.amount,
            }  # fmt: skip
        elif isinstance(event, Secure):
            table = "securities"
            fact |= {"kind": event.kind, "amount": event.amount, "currency": event.currency, "valid_from": on}
        else:
            table = "statements"
            fact |= {"period_end": event.period_end, "published_on": on, "currency": event.currency, **dict(event.figures)}
        rows.setdefault(table, []).append(fact)
    return rows


def with_facts(tables: Mapping[str, pa.Table], facts: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, pa.Table]:
    """The canonical tables with these rows added; those given are not touched."""
    return {**tables, **{name: pa.concat_tables([tables[name], _typed(name, rows)]) for name, rows in facts.items()}}


def rounded_up(amount: Decimal, digits: int) -> Decimal:
    """Whole units, rounded up to so many significant digits.

    >>> [str(rounded_up(Decimal(amount), 2)) for amount in ("121000", "120000", "7.3", "0")]
    ['130000', '120000', '8', '0']
    """
    whole = amount.to_integral_value(ROUND_CEILING)
    step = max(whole.adjusted() - digits + 1, 0) if whole else 0
    return whole.quantize(Decimal(1).scaleb(step), ROUND_CEILING).quantize(Decimal(1))


def _same_day(day: date, year: int) -> date:
    """The day in another year; the end of February stays the end of February."""
    if day.month == 2 and day.day >= 28:
        return date(year, 3, 1) - timedelta(days=1)
    return day.replace(year=year)


def _typed(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES[name].arrow_schema
    return pa.table({field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in schema}, schema=schema)
