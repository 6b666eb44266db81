"""Features of accounts, rating and master data, each as its docstring defines it."""

from collections.abc import Callable

from oracle.known import Known, cents_of, line
from oracle.scales import NOTCHES
from oracle.words import ORACLES, Answer, less, number, oracle, ratio


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
