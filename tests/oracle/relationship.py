"""Features of the relationship and its terms, each as its docstring defines it."""

from oracle.known import Known
from oracle.words import Answer, billed, bills, less, number, oracle, ratio, tenure, total


@oracle
def tenure_days(known: Known) -> Answer:
    return number(tenure(known))


@oracle
def days_since_last_invoice(known: Known) -> Answer:
    return number(min((i.issued for i in bills(known)), default=None))


@oracle
def n_invoices_365d(known: Known) -> Answer:
    return float(len(bills(known, 365)))


@oracle
def billed_365d(known: Known) -> Answer:
    return billed(known, 365) / 100


def first_invoice(known: Known) -> int:
    return max((i.issued for i in bills(known)), default=-1)


@oracle
def order_growth_180d(known: Known) -> Answer:
    before = billed(known, 360) - billed(known, 180)
    return less(ratio(billed(known, 180), before), 1.0) if first_invoice(known) >= 360 else None


def pace(known: Known, window: int) -> float | None:
    if first_invoice(known) < 2 * window:
        return None
    before = min(first_invoice(known), 365) - window
    return ratio(billed(known, window) * before, (billed(known, 365) - billed(known, window)) * window)


@oracle
def order_growth_90d(known: Known) -> Answer:
    return less(pace(known, 90), 1.0)


@oracle
def order_jump_30d(known: Known) -> Answer:
    return pace(known, 30)


@oracle
def mean_invoice_365d(known: Known) -> Answer:
    return ratio(billed(known, 365), len(bills(known, 365)) * 100)


@oracle
def largest_invoice_share_365d(known: Known) -> Answer:
    return ratio(max((i.billed for i in bills(known, 365)), default=None), billed(known, 365))


def months(known: Known) -> list[int]:
    return [total(i.billed for i in bills(known) if i.issued // 30 == n) for n in range(12)]


@oracle
def active_months_365d(known: Known) -> Answer:
    return float(sum(1 for amount in months(known) if amount > 0))


@oracle
def peak_month_share_365d(known: Known) -> Answer:
    return ratio(max(months(known)), sum(months(known)))


@oracle
def season_ahead_365d(known: Known) -> Answer:
    ahead = total(i.billed for i in bills(known, 365) if i.issued >= 275)
    return ratio(ahead * 365, billed(known, 365) * 90) if first_invoice(known) >= 365 else None


def mean_terms(known: Known, window: int) -> float | None:
    return ratio(total(i.billed * i.terms for i in bills(known, window)), billed(known, window))


@oracle
def mean_terms_365d(known: Known) -> Answer:
    return mean_terms(known, 365)


@oracle
def longest_terms_365d(known: Known) -> Answer:
    return number(max((i.terms for i in bills(known, 365)), default=None))


@oracle
def terms_spread_365d(known: Known) -> Answer:
    terms = [i.terms for i in bills(known, 365)]
    return float(max(terms) - min(terms)) if terms else None


@oracle
def terms_change_90d(known: Known) -> Answer:
    return less(mean_terms(known, 90), mean_terms(known, 365))
