"""Features of the open balance, each as its docstring defines it."""

from oracle.known import Known
from oracle.words import (
    Answer,
    balance,
    billed,
    if_ever_billed,
    oracle,
    overdue,
    overdue_balance,
    owing,
    ratio,
    tenure,
    total,
    windows,
)


@oracle
def open_balance(known: Known) -> Answer:
    return if_ever_billed(known, balance(known) / 100)


def overdue_share_beyond(known: Known, days: int) -> float | None:
    return ratio(total(i.collectable for i in overdue(known, days)), total(i.collectable for i in owing(known)))


@oracle
def overdue_share(known: Known) -> Answer:
    return overdue_share_beyond(known, 0)


windows("overdue_share_{}", (30, 60, 90), overdue_share_beyond)


@oracle
def oldest_days_past_due(known: Known) -> Answer:
    return if_ever_billed(known, max((i.age for i in overdue(known)), default=0))


@oracle
def balance_days_past_due(known: Known) -> Answer:
    return ratio(total(i.collectable * i.age for i in overdue(known)), total(i.collectable for i in owing(known)))


@oracle
def n_open_invoices(known: Known) -> Answer:
    return if_ever_billed(known, len(owing(known)))


@oracle
def n_overdue_invoices(known: Known) -> Answer:
    return if_ever_billed(known, len(overdue(known)))


@oracle
def overdue_invoice_share(known: Known) -> Answer:
    return ratio(len(overdue(known)), len(owing(known)))


@oracle
def overdue_months(known: Known) -> Answer:
    days = max(min(tenure(known) or 0, 365), 30)
    return ratio(total(i.collectable for i in overdue(known)) * days, billed(known, 365) * 30)


@oracle
def dso_90d(known: Known) -> Answer:
    return ratio(balance(known) * 90, billed(known, 90))


@oracle
def best_possible_dso_90d(known: Known) -> Answer:
    return ratio((balance(known) - overdue_balance(known)) * 90, billed(known, 90))


@oracle
def average_days_delinquent_90d(known: Known) -> Answer:
    return ratio(overdue_balance(known) * 90, billed(known, 90))


@oracle
def limit_utilisation(known: Known) -> Answer:
    return ratio(balance(known), known.limit_cents)
