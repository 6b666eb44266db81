"""The observation layer: what the books show of the truth. It never moves the day an invoice is settled for good.

Part payments and credit notes come before that day, from draws that know nothing of the customer's quality or regime;
bookings may be late; currencies convert. So whoever knows the law can still say the exact chance of every outcome.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from riskscore.simulation import arrow
from riskscore.simulation.billing import Billing
from riskscore.simulation.calendars import Calendar
from riskscore.simulation.facts import RATE_MONTHS_BEFORE
from riskscore.simulation.names import EUR_RATES
from riskscore.simulation.payments import NEVER, Payments
from riskscore.simulation.population import Population
from riskscore.simulation.presets import Preset
from riskscore.simulation.randomness import Floats, Ints, uniforms

KINDS = ("payment", "credit_note", "discount", "write_off")
DISPUTE_REASONS = ("shipping", "price", "quality", "quantity")


@dataclass(frozen=True)
class Observed:
    """The invoices, settlements and disputes as the ERP holds them."""

    invoices: pa.Table
    settlements: pa.Table
    disputes: pa.Table
    cents: Ints
    """What each invoice of the truth was billed at, in cents of its currency."""
    bookings: "Bookings"


@dataclass(frozen=True)
class Bookings:
    """One entry per settlement, in no order: invoice, kind (index into `KINDS`), day, cents of the invoice's currency."""

    invoice: Ints
    kind: Ints
    day: Ints
    cents: Ints


def observe(
    preset: Preset,
    people: Population,
    calendar: Calendar,
    billing: Billing,
    payments: Payments,
    announced: Ints,
    rates: dict[str, Floats],
    seed: int,
) -> Observed:
    """Write the books of the window: everything that happened up to its last day."""
    cents = invoice_cents(people, calendar, billing, rates)
    negative = uniforms(seed, "negative invoice", billing.customer, billing.serial) < preset.negative_invoice_share
    numbers = [f"{9_000_000_001 + k}" for k in range(len(billing) + int(negative.sum()))]
    bookings = _bookings(preset, people, calendar, billing, payments, cents, announced, seed)
    returned = np.flatnonzero(negative)
    return Observed(
        invoices=_invoices(preset, people, calendar, billing, cents, returned, numbers, seed),
        settlements=_settlements(preset, people, calendar, billing, bookings, cents, returned, numbers, seed),
        disputes=_disputes(people, calendar, billing, payments, numbers, seed),
        cents=cents,
        bookings=bookings,
    )


def invoice_cents(people: Population, calendar: Calendar, billing: Billing, rates: dict[str, Floats]) -> Ints:
    """Whole cents of each invoice in its customer's currency, at the fixing of the month of issue; at least one unit."""
    codes = list(EUR_RATES)
    code_of = np.array([codes.index(code) for code in people.currency])
    by_code = np.stack([rates[code] for code in codes])
    euro = by_code[code_of[billing.customer], RATE_MONTHS_BEFORE + calendar.month_of[billing.issued]]
    return np.maximum(arrow.to_cents(billing.amount / euro), 100)


def reduction(
    kind: Literal["part", "note"], issued: Ints, terms: Ints, billed: Any, day_draw: Floats, size_draw: Floats
) -> tuple[Ints, Floats]:
    """The day (before it is rolled to a business day) and the size of a part payment or a credit note, in the unit of `billed`.

    A part payment of 20 to 70 % comes around the due day, a credit note of 2 to 22 % within six weeks of issue.
    """
    if kind == "part":
        return issued + np.rint(terms * (0.7 + 0.9 * day_draw)).astype(np.int64), billed * (0.2 + 0.5 * size_draw)
    return issued + 3 + (day_draw * 40).astype(np.int64), billed * (0.02 + 0.2 * size_draw)


def _bookings(
    preset: Preset,
    people: Population,
    calendar: Calendar,
    billing: Billing,
    payments: Payments,
    cents: Ints,
    announced: Ints,
    seed: int,
) -> Bookings:
    def draw(purpose: str) -> Floats:
        return uniforms(seed, purpose, billing.customer, billing.serial)

    horizon = calendar.n_days
    paid = np.where(payments.paid < horizon, payments.paid, NEVER)
    country = people.country[billing.customer]
    terms = billing.due - billing.issued

    def early(day: Ints, share_of_invoices: float, size: Floats, purpose: str) -> tuple[Ints, Ints, Ints]:
        """Invoices reduced before they are settled: which, when, by how much."""
        on = calendar.rolled[country, np.minimum(day, calendar.n_all_days - 1)]
        those = np.flatnonzero((draw(purpose) < share_of_invoices) & (on < paid) & (on < horizon))
        return those, on[those], np.rint(size[those]).astype(np.int64)

    part_day, part_size = reduction("part", billing.issued, terms, cents, draw("part day"), draw("part share"))
    part, part_on, part_cents = early(part_day, preset.partial_share, part_size, "part payment")
    note_day, note_size = reduction("note", billing.issued, terms, cents, draw("credit note day"), draw("credit note share"))
    note, note_on, note_cents = early(note_day, preset.credit_note_share, note_size, "credit note")

    left = cents.copy()
    np.subtract.at(left, part, part_cents)
    np.subtract.at(left, note, note_cents)
    settled = np.flatnonzero(paid < NEVER)
    discounted = settled[
        people.takes_discount[billing.customer[settled]]
        & (terms[settled] >= 30)
        & (paid[settled] <= billing.issued[settled] + 14)
    ]
    discount_cents = np.rint(cents[discounted] * 0.02).astype(np.int64)
    final = left.copy()
    np.subtract.at(final, discounted, discount_cents)
    over = draw("overpayment") < preset.overpayment_share
    final[over] += np.rint(cents[over] * 0.05).astype(np.int64)

    month_end = calendar.month_starts[np.minimum(announced + 1, calendar.n_months)] - 1
    public = announced < calendar.n_months
    lost = np.flatnonzero(public[billing.customer] & (paid == NEVER) & (billing.issued <= month_end[billing.customer]))
    # An account is written off on the day its insolvency is announced; what was part paid or credited by then stays.
    kept = np.ones(len(part) + len(note), dtype=np.bool_)
    reduced, reduced_on = np.concatenate([part, note]), np.concatenate([part_on, note_on])
    gone = np.zeros(len(billing), dtype=np.bool_)
    gone[lost] = True
    kept &= ~(gone[reduced] & (reduced_on > month_end[billing.customer[reduced]]))
    lost_left = cents.copy()
    np.subtract.at(lost_left, reduced[kept], np.concatenate([part_cents, note_cents])[kept])

    kinds = np.concatenate([np.zeros(len(part)), np.ones(len(note))]).astype(np.int64)
    return Bookings(
        invoice=np.concatenate([reduced[kept], settled, discounted, lost]),
        kind=np.concatenate([kinds[kept], np.zeros(len(settled)), np.full(len(discounted), 2), np.full(len(lost), 3)]).astype(
            np.int64
        ),
        day=np.concatenate([reduced_on[kept], paid[settled], paid[discounted], month_end[billing.customer[lost]]]),
        cents=np.concatenate([np.concatenate([part_cents, note_cents])[kept], final[settled], discount_cents, lost_left[lost]]),
    )


def _invoices(
    preset: Preset,
    people: Population,
    calendar: Calendar,
    billing: Billing,
    cents: Ints,
    returned: Ints,
    numbers: list[str],
    seed: int,
) -> pa.Table:
    row = np.concatenate([np.arange(len(billing)), returned])
    customer, issued = billing.customer[row], billing.issued[row] + calendar.day_zero
    back = np.arange(len(row)) >= len(billing)
    late = uniforms(seed, "late invoice", customer, billing.serial[row]) < preset.late_invoice_share
    delay = np.where(late, 1 + (uniforms(seed, "invoice delay", customer, billing.serial[row]) * 5).astype(np.int64), 0)
    terms = [f"N{days}" for days in preset.terms_days]
    columns = {
        "invoice_id": numbers,
        "customer_id": arrow.texts(people.customer_id, customer),
        "issued_on": arrow.dates(issued),
        "due_on": arrow.dates(billing.due[row] + calendar.day_zero),
        "amount": arrow.money(np.where(back, -(cents[row] // 10), cents[row])),
        "currency": arrow.texts(people.currency, customer),
        "terms": arrow.texts(terms, np.searchsorted(preset.terms_days, people.terms_days[customer])),
        "order_id": [f"SO{int(c) * 10_000 + int(s):09d}" for c, s in zip(customer, billing.serial[row], strict=True)],
        "is_electronic": pa.nulls(len(row), pa.bool_()),  # the world's law knows nothing of it
        "due_imputed": pa.array(np.zeros(len(row), dtype=np.bool_)),
        "known_on": arrow.dates(np.minimum(issued + delay, calendar.day_zero + calendar.n_days - 1)),
    }
    return arrow.canonical("invoices", columns)


def _settlements(
    preset: Preset,
    people: Population,
    calendar: Calendar,
    billing: Billing,
    bookings: Bookings,
    cents: Ints,
    returned: Ints,
    numbers: list[str],
    seed: int,
) -> pa.Table:
    # A negative invoice is set off on its due day.
    offset = np.flatnonzero(billing.rolled_due[returned] < calendar.n_days)
    invoice = np.concatenate([bookings.invoice, returned[offset]])
    number = np.concatenate([bookings.invoice, len(billing) + offset])
    kind = np.concatenate([bookings.kind, np.zeros(len(offset), dtype=np.int64)])
    day = np.concatenate([bookings.day, billing.rolled_due[returned[offset]]])
    amount = np.concatenate([bookings.cents, -(cents[returned[offset]] // 10)])
    order = np.lexsort((kind, number, day))
    invoice, number, kind, day, amount = (values[order] for values in (invoice, number, kind, day, amount))
    late = uniforms(seed, "late booking", billing.customer[invoice], billing.serial[invoice], kind) < preset.late_booking_share
    lag = uniforms(seed, "booking delay", billing.customer[invoice], billing.serial[invoice], kind)
    booked = day + np.where(late, 1 + (lag**3 * 20).astype(np.int64), 0)
    # What is booked after the window is not in an export of its last day.
    seen = np.flatnonzero(booked < calendar.n_days)
    return arrow.canonical(
        "settlements",
        {
            "settlement_id": [f"{1_400_000_001 + k}" for k in range(len(seen))],
            "invoice_id": arrow.texts(numbers, number[seen]),
            "customer_id": arrow.texts(people.customer_id, billing.customer[invoice[seen]]),
            "kind": arrow.texts(KINDS, kind[seen]),
            "settled_on": arrow.dates(day[seen] + calendar.day_zero),
            "amount": arrow.money(amount[seen]),
            "known_on": arrow.dates(booked[seen] + calendar.day_zero),
        },
    )


def _disputes(
    people: Population, calendar: Calendar, billing: Billing, payments: Payments, numbers: list[str], seed: int
) -> pa.Table:
    row = np.flatnonzero(payments.disputed < calendar.n_days)
    opened = payments.disputed[row]
    closed = payments.paid[row]
    reason = (uniforms(seed, "dispute reason", billing.customer[row], billing.serial[row]) * 4).astype(np.int64)
    return arrow.canonical(
        "disputes",
        {
            "invoice_id": arrow.texts(numbers, row),
            "customer_id": arrow.texts(people.customer_id, billing.customer[row]),
            "opened_on": arrow.dates(opened + calendar.day_zero),
            "closed_on": arrow.dates(closed + calendar.day_zero, closed >= calendar.n_days),
            "reason": arrow.texts(DISPUTE_REASONS, reason),
            "known_on": arrow.dates(opened + calendar.day_zero),
        },
    )
