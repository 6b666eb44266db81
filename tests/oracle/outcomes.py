"""The outcome, lived day by day: what was open and contested on each evening of the horizon, by what is known in the end."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from oracle.known import PARTS, Books, Row, cents_of, rolled


class Life:
    """One invoice's evenings, by what is known on the last day."""

    def __init__(self, books: Books, invoice: Row, country: str | None, until: date) -> None:
        self.invoice = invoice
        self.billed = int(invoice["amount"] * PARTS)
        self.due = rolled(invoice["due_on"], country)
        since = max(invoice["issued_on"], invoice["known_on"])
        self.settlements = [
            row
            for row in books.about("settlements", invoice["invoice_id"])
            if max(row["known_on"], row["settled_on"], since) <= until
        ]
        self.disputes = [row for row in books.about("disputes", invoice["invoice_id"]) if row["known_on"] <= until]

    def left(self, day: date) -> int:
        return max(self.billed - sum(int(row["amount"] * PARTS) for row in self.settlements if row["settled_on"] <= day), 0)

    def credited(self, day: date) -> int:
        notes = [row for row in self.settlements if row["kind"] == "credit_note" and row["settled_on"] <= day]
        return sum(int(row["amount"] * PARTS) for row in notes)

    def contested(self, day: date) -> int:
        live = [row for row in self.disputes if row["opened_on"] <= day and (row["closed_on"] is None or row["closed_on"] > day)]
        return min(self.left(day), sum(self.billed if row["amount"] is None else int(row["amount"] * PARTS) for row in live))

    def dispute_ends_on(self, day: date) -> bool:
        return any(row["closed_on"] == day for row in self.disputes)


def outcome(books: Books, customer: str, as_of: date, until: date, law: Any) -> tuple[bool | None, str | None]:
    """Whether it happened and which of the three it was; nulls while the horizon is not over."""
    if as_of + timedelta(days=law.horizon_days) > until:
        return None, None
    country = books.master(customer, as_of).get("country")
    known = [
        row for row in books.of("invoices", customer) if max(row["issued_on"], row["known_on"]) <= until and row["amount"] > 0
    ]
    lives = [
        Life(books, row, country, until)
        for row in books.of("invoices", customer)
        if max(row["issued_on"], row["known_on"]) <= until
    ]
    horizon = [as_of + timedelta(days=n) for n in range(1, law.horizon_days + 1)]

    def cents(parts: int, invoice: Row) -> int:
        rate = books.rate(invoice["currency"], as_of)
        return cents_of(parts, books.rate(invoice["currency"], until) if rate is None else rate)

    def lost(life: Life) -> bool:
        offs = [row for row in life.settlements if row["kind"] == "write_off" and row["settled_on"] in horizon]
        return life.billed > 0 and any(row["amount"] > 0 and int(row["amount"] * PARTS) * 10 >= life.billed for row in offs)

    billing = sum(
        cents(int(row["amount"] * PARTS), row)
        for row in known
        if max(row["issued_on"], row["known_on"]) <= as_of and (as_of - row["issued_on"]).days < 365
    )
    threshold = max(law.min_amount * 100, law.min_billing_share * billing)

    def too_late(life: Life) -> bool:
        for day in horizon:
            beyond = (day - life.due).days - law.days_past_due
            if beyond == 1 or (beyond > 1 and life.dispute_ends_on(day)):
                collectable = life.left(day) - life.contested(day)
                if collectable > 0 and cents(collectable, life.invoice) >= threshold:
                    return True
        return False

    positive = [life for life in lives if life.billed > 0]
    owed = late = 0
    for life in positive:
        if as_of < life.due <= as_of + timedelta(days=law.horizon_days - law.late_days):
            day = life.due + timedelta(days=law.late_days)
            owed += cents(life.billed - life.credited(day) - life.contested(day), life.invoice)
            late += cents(life.left(day) - life.contested(day), life.invoice)
    if any(lost(life) for life in lives):
        return True, "write_off"
    if any(too_late(life) for life in positive):
        return True, "past_due"
    if late > 0 and late >= Fraction(law.late_share) * owed:
        return True, "late_share"
    return False, None
