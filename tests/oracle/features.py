"""The definition of every feature, read off its docstring and written as plainly as can be: lists, sums, one division."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from oracle.known import Item, Known, cents_of, line
from oracle.scales import NOTCHES

Answer = float | str | None
ORACLES: dict[str, Callable[[Known], Answer]] = {}


def oracle(definition: Callable[[Known], Answer]) -> Callable[[Known], Answer]:
    ORACLES[definition.__name__] = definition
    return definition


def ratio(numerator: float | None, denominator: float | None) -> float | None:
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return float(Fraction(numerator) / Fraction(denominator))


def less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def number(value: float | None) -> float | None:
    return None if value is None else float(value)


def total(values: Iterable[int]) -> int:
    return sum(values)


# What the definitions speak of.


def bills(known: Known, window: float = math.inf) -> list[Item]:
    return [item for item in known.items if item.bills and item.issued < window]


def fell_due(known: Known, window: int) -> list[Item]:
    return [item for item in known.items if item.sale and 0 <= item.age < window]


def concluded(known: Known, window: int) -> list[Item]:
    return [item for item in known.items if item.concluded is not None and item.concluded < window]


def answered(known: Known, days: int, window: int) -> list[Item]:
    return [item for item in known.items if item.sale and days < item.age <= days + window and item.days_late is not None]


def owing(known: Known) -> list[Item]:
    return [item for item in known.items if item.unpaid > 0 and item.collectable > 0]


def overdue(known: Known, days: int = 0) -> list[Item]:
    return [item for item in owing(known) if item.age > days]


def billed(known: Known, window: float) -> int:
    return total(item.billed for item in bills(known, window))


def balance(known: Known) -> int:
    return total(item.open for item in known.items)


def overdue_balance(known: Known) -> int:
    return total(item.open for item in known.items if item.open > 0 and item.age > 0)


def tenure(known: Known) -> int | None:
    ages = [item.issued for item in bills(known)]
    if known.master.get("onboarded_on"):
        ages.append((known.as_of - known.master["onboarded_on"]).days)
    return max(ages, default=None)


# Lateness.


def beyond_terms(known: Known, window: int) -> float | None:
    due = fell_due(known, window)
    return ratio(total(i.late_cent_days + i.unpaid * i.age for i in due), total(i.paid + i.unpaid for i in due))


def index(known: Known, window: int) -> float | None:
    due = fell_due(known, window)
    days = ratio(total(i.cent_days + i.unpaid * i.age for i in due), total(i.paid + i.unpaid for i in due))
    if days is None:
        return None
    knots = [(-30, 100), (0, 80), (15, 70), (22, 60), (30, 50), (60, 40), (90, 30), (120, 20), (180, 0)]
    if days < -30:
        return 100.0
    for (x0, y0), (x1, y1) in pairwise(knots):
        if x0 <= days < x1:
            return y0 + (days - x0) * (y1 - y0) / (x1 - x0)
    return 0.0


def four_in_five(values: list[int]) -> int | None:
    if not values:
        return None
    values = sorted(values)
    rank = Fraction(4, 5) * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return math.ceil(values[low] + (values[high] - values[low]) * (rank - low))


def _windows(name: str, windows: Iterable[int], definition: Callable[[Known, int], Answer]) -> None:
    for window in windows:
        ORACLES[name.format(window)] = lambda known, window=window: definition(known, window)


_windows("days_beyond_terms_{}d", (30, 90, 180, 365), beyond_terms)
_windows("payment_index_{}d", (90, 365), index)
_windows("max_days_late_{}d", (90, 365), lambda k, w: number(max((i.days_late for i in concluded(k, w)), default=None)))


@oracle
def median_days_late_180d(known: Known) -> Answer:
    return number(statistics.median(late) if (late := [i.days_late for i in concluded(known, 180)]) else None)


@oracle
def days_late_p80_365d(known: Known) -> Answer:
    return number(four_in_five([i.days_late for i in concluded(known, 365)]))


@oracle
def days_late_sd_365d(known: Known) -> Answer:
    days = [i.days_late for i in concluded(known, 365)]
    if len(days) < 3:
        return None
    mean = Fraction(sum(days), len(days))
    return math.sqrt(sum((day - mean) ** 2 for day in days) / (len(days) - 1))


@oracle
def days_beyond_terms_change_90d(known: Known) -> Answer:
    return less(beyond_terms(known, 90), beyond_terms(known, 365))


@oracle
def lateness_slope_365d(known: Known) -> Answer:
    points = [(-i.concluded, i.days_late) for i in concluded(known, 365)]
    if len(points) < 3:
        return None
    mean_x, mean_y = (Fraction(sum(column), len(points)) for column in zip(*points, strict=True))
    run = sum((x - mean_x) ** 2 for x, _ in points)
    return None if run == 0 else float(30 * sum((x - mean_x) * (y - mean_y) for x, y in points) / run)


# Shares.


def late_share(known: Known, days: int, window: int = 365) -> float | None:
    asked = answered(known, days, window)
    return ratio(sum(1 for i in asked if i.days_late > days), len(asked))


_windows("late_share_{}_365d", (0, 7, 15, 30, 60, 90), late_share)


@oracle
def late_share_0_90d(known: Known) -> Answer:
    return late_share(known, 0, 90)


@oracle
def late_amount_share_30_365d(known: Known) -> Answer:
    asked = answered(known, 30, 365)
    return ratio(total(i.billed for i in asked if i.days_late > 30), total(i.billed for i in asked))


@oracle
def late_share_change_90d(known: Known) -> Answer:
    return less(late_share(known, 0, 90), late_share(known, 0))


_windows("n_matured_{}d", (0, 30), lambda k, days: float(len(answered(k, days, 365))))
_windows("n_late_{}d", (0, 30), lambda k, days: float(sum(1 for i in answered(k, days, 365) if i.days_late > days)))


@oracle
def shrunken_late_rate_0d(known: Known) -> Answer:
    asked = answered(known, 0, 365)
    return ratio(sum(1 for i in asked if i.days_late > 0) + Fraction(30, 100) * 5, len(asked) + 5)


@oracle
def shrunken_late_rate_30d(known: Known) -> Answer:
    asked = answered(known, 30, 365)
    return ratio(sum(1 for i in asked if i.days_late > 30) + Fraction(5, 100) * 10, len(asked) + 10)


# Receipts.


def receipt_days(known: Known, window: int) -> float | None:
    got = [row for row in known.receipts if row["age"] < window]
    return ratio(total(row["paid"] * row["days"] for row in got), total(row["paid"] for row in got))


_windows("receipt_days_{}d", (90, 365), receipt_days)


def received(known: Known) -> int:
    return total(row["paid"] for row in known.receipts)


@oracle
def early_receipt_share_365d(known: Known) -> Answer:
    return ratio(total(row["paid"] for row in known.receipts if row["days"] < 0), received(known))


@oracle
def n_payment_days_365d(known: Known) -> Answer:
    return float(len({row["on"] for row in known.receipts}))


@oracle
def weekday_concentration_365d(known: Known) -> Answer:
    by_day: dict[int, int] = defaultdict(int)
    for row in known.receipts:
        by_day[row["on"].weekday()] += row["paid"]
    return ratio(max(by_day.values(), default=None), received(known))


@oracle
def month_end_share_365d(known: Known) -> Answer:
    late = [row for row in known.receipts if (row["on"] + timedelta(days=3)).month != row["on"].month]
    return ratio(total(row["paid"] for row in late), received(known))


def gap(known: Known) -> float | None:
    days = sorted({row["on"] for row in known.receipts})
    return ratio((days[-1] - days[0]).days, len(days) - 1) if len(days) > 1 else None


@oracle
def days_between_payments_365d(known: Known) -> Answer:
    return gap(known)


def silence(known: Known) -> int | None:
    return min((row["age"] for row in known.receipts), default=None)


@oracle
def days_since_last_payment(known: Known) -> Answer:
    return number(silence(known))


@oracle
def payment_silence_365d(known: Known) -> Answer:
    usual = gap(known)
    return None if usual is None else silence(known) / usual


# Deductions.


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


_windows("dispute_rate_{}d", (90, 365), lambda k, w: ratio(sum(1 for i in bills(k, w) if i.n_disputes), len(bills(k, w))))


# Balance.


def if_ever_billed(known: Known, value: float) -> float | None:
    return float(value) if bills(known) else None


@oracle
def open_balance(known: Known) -> Answer:
    return if_ever_billed(known, balance(known) / 100)


def overdue_share_beyond(known: Known, days: int) -> float | None:
    return ratio(total(i.collectable for i in overdue(known, days)), total(i.collectable for i in owing(known)))


@oracle
def overdue_share(known: Known) -> Answer:
    return overdue_share_beyond(known, 0)


_windows("overdue_share_{}", (30, 60, 90), overdue_share_beyond)


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


# Relationship.


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


# Statements.


def _ratio_of(
    top: str, bottom: str, times: int = 1, minus: str | None = None, plus: str | None = None
) -> Callable[[Known], Answer]:
    def definition(known: Known) -> Answer:
        parts = [line(known.statement, top)]
        if minus:
            parts.append(None if (taken := line(known.statement, minus)) is None else -taken)
        if plus:
            parts.append(line(known.statement, plus))
        return ratio(None if None in parts else sum(parts) * times, line(known.statement, bottom))

    return definition


ORACLES["current_ratio"] = _ratio_of("current_assets", "current_liabilities")
ORACLES["quick_ratio"] = _ratio_of("current_assets", "current_liabilities", minus="inventory")
ORACLES["cash_ratio"] = _ratio_of("cash", "current_liabilities")
ORACLES["working_capital_share"] = _ratio_of("current_assets", "total_assets", minus="current_liabilities")
ORACLES["days_payables"] = _ratio_of("payables", "cost_of_sales", times=365)
ORACLES["days_receivables"] = _ratio_of("receivables", "revenue", times=365)
ORACLES["working_capital_requirement_share"] = _ratio_of("receivables", "revenue", plus="inventory", minus="payables")
ORACLES["debt_ratio"] = _ratio_of("total_liabilities", "total_assets")
ORACLES["retained_earnings_share"] = _ratio_of("retained_earnings", "total_assets")
ORACLES["interest_cover"] = _ratio_of("ebit", "interest_expense")
ORACLES["cash_flow_to_debt"] = _ratio_of("operating_cash_flow", "total_liabilities")
ORACLES["operating_margin"] = _ratio_of("ebit", "revenue")
ORACLES["gross_margin"] = _ratio_of("revenue", "revenue", minus="cost_of_sales")
ORACLES["return_on_assets"] = _ratio_of("net_income", "total_assets")


@oracle
def current_ratio_change(known: Known) -> Answer:
    before = ratio(line(known.prior, "current_assets"), line(known.prior, "current_liabilities"))
    return less(ORACLES["current_ratio"](known), before)


@oracle
def tangible_equity_ratio(known: Known) -> Answer:
    equity = line(known.statement, "equity")
    return ratio(
        None if equity is None else equity - (line(known.statement, "intangibles") or 0), line(known.statement, "total_assets")
    )


@oracle
def annual_revenue(known: Known) -> Answer:
    revenue = line(known.statement, "revenue")
    return None if revenue is None or known.statement_rate is None else cents_of(revenue, known.statement_rate) / 100


@oracle
def altman_z2(known: Known) -> Answer:
    earned = ratio(line(known.statement, "ebit"), line(known.statement, "total_assets"))
    owned = ratio(line(known.statement, "equity"), line(known.statement, "total_liabilities"))
    free, kept = ORACLES["working_capital_share"](known), ORACLES["retained_earnings_share"](known)
    if None in (earned, owned, free, kept):
        return None
    return 6.56 * free + 3.26 * kept + 6.72 * earned + 1.05 * owned


@oracle
def revenue_growth(known: Known) -> Answer:
    return less(ratio(line(known.statement, "revenue"), line(known.prior, "revenue")), 1.0)


@oracle
def equity_growth(known: Known) -> Answer:
    change = less(line(known.statement, "equity"), line(known.prior, "equity"))
    return ratio(change, line(known.prior, "total_assets"))


@oracle
def statement_age_days(known: Known) -> Answer:
    return None if known.statement is None else float((known.as_of - known.statement["period_end"]).days)


# Standing.


def notch(row: dict | None) -> int | None:
    return None if row is None else NOTCHES.get(row["rating"])


@oracle
def rating_notch(known: Known) -> Answer:
    return number(notch(known.rating))


@oracle
def rating_change_365d(known: Known) -> Answer:
    return number(less(notch(known.rating), notch(known.earlier_rating)))


@oracle
def rating_age_days(known: Known) -> Answer:
    return None if known.rating is None else float((known.as_of - known.rating["rated_on"]).days)


@oracle
def industry(known: Known) -> Answer:
    return known.master.get("industry")


@oracle
def country(known: Known) -> Answer:
    return known.master.get("country")
