"""Features of receipts and of what was deducted, each as its docstring defines it."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from oracle.known import Known
from oracle.words import Answer, billed, bills, fell_due, less, number, oracle, ratio, total, windows


def received(known: Known, window: int) -> list[dict[str, Any]]:
    return [row for row in known.receipts if row["age"] < window]


def money(rows: list[dict[str, Any]]) -> int:
    return total(row["paid"] for row in rows)


def receipt_days(known: Known, window: int) -> float | None:
    rows = received(known, window)
    return ratio(total(row["paid"] * row["days"] for row in rows), money(rows))


windows("receipt_days_{}d", (90, 365), receipt_days)


@oracle
def early_receipt_share_365d(known: Known) -> Answer:
    return ratio(total(row["paid"] for row in received(known, 365) if row["days"] < 0), money(received(known, 365)))


@oracle
def n_payment_days_365d(known: Known) -> Answer:
    return float(len({row["on"] for row in received(known, 365)}))


@oracle
def weekday_concentration_365d(known: Known) -> Answer:
    by_day: dict[int, int] = defaultdict(int)
    for row in received(known, 365):
        by_day[row["on"].weekday()] += row["paid"]
    return ratio(max(by_day.values(), default=None), money(received(known, 365)))


@oracle
def month_end_share_365d(known: Known) -> Answer:
    late = [row for row in received(known, 365) if (row["on"] + timedelta(days=3)).month != row["on"].month]
    return ratio(total(row["paid"] for row in late), money(received(known, 365)))


def gap(known: Known) -> float | None:
    days = sorted({row["on"] for row in received(known, 365)})
    return ratio((days[-1] - days[0]).days, len(days) - 1) if len(days) > 1 else None


@oracle
def days_between_payments_365d(known: Known) -> Answer:
    return gap(known)


def silence(known: Known) -> int | None:
    return min((row["age"] for row in received(known, 365)), default=None)


@oracle
def days_since_last_payment(known: Known) -> Answer:
    return number(silence(known))


@oracle
def payment_silence_365d(known: Known) -> Answer:
    usual = gap(known)
    return None if usual is None else silence(known) / usual


@oracle
def partial_payment_share_365d(known: Known) -> Answer:
    paying = [i for i in fell_due(known, 365) if i.n_payments > 0]
    return ratio(sum(1 for i in paying if i.n_payments > 1 or i.unpaid > 0), len(paying))


def discount_share(known: Known, window: int) -> float | None:
    due = fell_due(known, window)
    return ratio(total(i.discounted for i in due), total(i.billed for i in due))


@oracle
def discount_share_365d(known: Known) -> Answer:
    return discount_share(known, 365)


@oracle
def discount_change_90d(known: Known) -> Answer:
    return less(discount_share(known, 90), discount_share(known, 365))


@oracle
def write_off_share_365d(known: Known) -> Answer:
    lost = [i.written_off for i in known.items if i.written_off_age is not None and i.written_off_age < 365]
    return ratio(sum(lost), billed(known, 365))


@oracle
def credit_note_share_365d(known: Known) -> Answer:
    return ratio(total(i.credited for i in bills(known, 365)), billed(known, 365))


@oracle
def disputed_share(known: Known) -> Answer:
    contested = total(i.contested for i in known.items)
    return ratio(contested, contested + total(i.collectable for i in known.items))


windows("dispute_rate_{}d", (90, 365), lambda k, w: ratio(sum(1 for i in bills(k, w) if i.n_disputes), len(bills(k, w))))
