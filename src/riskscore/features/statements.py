"""Statements: the newest published accounts as ratios. An absent line item makes its ratios null, never zero.

Source of Z'': Altman (1995), the model for non-manufacturing and private firms.
"""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.snapshot.measures import Expr, integer, per, real
from riskscore.snapshot.money import cents

YEAR = 365
Z_WORKING_CAPITAL, Z_RETAINED, Z_EBIT, Z_EQUITY = 6.56, 3.26, 6.72, 1.05

current_assets, current_liabilities = nw.col("current_assets"), nw.col("current_liabilities")
total_assets, total_liabilities = nw.col("total_assets"), nw.col("total_liabilities")
equity, retained, ebit = nw.col("equity"), nw.col("retained_earnings"), nw.col("ebit")
revenue, cost_of_sales = nw.col("revenue"), nw.col("cost_of_sales")


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F01")
def current_ratio() -> Expr:
    """Do current assets cover what falls due within a year?

    Current assets per current liabilities. Null without accounts or without such liabilities.
    """
    return per(current_assets, current_liabilities)


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F01")
def quick_ratio() -> Expr:
    """Do current assets other than inventory cover what falls due within a year?

    Null without accounts, without inventory reported, or without current liabilities.
    """
    return per(current_assets - nw.col("inventory"), current_liabilities)


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F01")
def cash_ratio() -> Expr:
    """Does cash cover what falls due within a year?

    Cash per current liabilities. Null without accounts or without such liabilities.
    """
    return per(nw.col("cash"), current_liabilities)


@feature(unit="share", risk="falls", group="financial_strength", reason="F01")
def working_capital_share() -> Expr:
    """How much of the assets is free working capital?

    Current assets less current liabilities, per total assets; below zero when short. Null without accounts.
    """
    return per(current_assets - current_liabilities, total_assets)


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F01")
def current_ratio_change() -> Expr:
    """Did the current ratio improve on the year before?

    Newest less prior accounts. Null without both.
    """
    return per(current_assets, current_liabilities) - per(nw.col("prior_current_assets"), nw.col("prior_current_liabilities"))


@feature(unit="days", risk="rises", group="financial_strength", reason="F01")
def days_payables() -> Expr:
    """After how many days does the customer pay its own suppliers?

    Payables per cost of sales, times 365. Null without accounts or cost of sales.
    """
    return per(nw.col("payables") * YEAR, cost_of_sales)


@feature(unit="days", risk="rises", group="financial_strength", reason="F01")
def days_receivables() -> Expr:
    """After how many days is the customer paid by its own buyers?

    Receivables per revenue, times 365. Null without accounts or revenue.
    """
    return per(nw.col("receivables") * YEAR, revenue)


@feature(unit="share", risk="rises", group="financial_strength", reason="F01")
def working_capital_requirement_share() -> Expr:
    """How much of its revenue does the customer tie up in running its business?

    Receivables plus inventory less payables, per revenue. Null without accounts, without one of the items, or without revenue.
    """
    return per(nw.col("receivables") + nw.col("inventory") - nw.col("payables"), revenue)


@feature(unit="share", risk="rises", group="financial_strength", reason="F02")
def debt_ratio() -> Expr:
    """How much of the assets is owed to others?

    Total liabilities per total assets; above 1 the firm is over-indebted. Null without accounts.
    """
    return per(total_liabilities, total_assets)


@feature(unit="share", risk="falls", group="financial_strength", reason="F02")
def tangible_equity_ratio() -> Expr:
    """How much of the assets is the owners' own and can be touched?

    Equity less intangibles (none reported: none), per total assets. Null without accounts.
    """
    return per(equity - nw.col("intangibles").fill_null(0), total_assets)


@feature(unit="share", risk="falls", group="financial_strength", reason="F02")
def retained_earnings_share() -> Expr:
    """How much of the assets was earned and kept?

    Retained earnings per total assets; below zero after losses. Null without accounts.
    """
    return per(retained, total_assets)


@feature(unit="money", risk="none", group="financial_strength", reason="F02")
def annual_revenue() -> Expr:
    """How large is the customer?

    Revenue of the newest accounts in the reporting currency, at the rate of the date. Null without accounts.
    """
    return real(cents(revenue))


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F03")
def interest_cover() -> Expr:
    """How often does the operating result pay the interest?

    EBIT per interest expense; below 1 it does not. Null without accounts or without interest to pay.
    """
    return per(ebit, nw.col("interest_expense"))


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F03")
def cash_flow_to_debt() -> Expr:
    """How much of its debt could the customer repay from a year's cash flow?

    Operating cash flow per total liabilities. Null without accounts or liabilities.
    """
    return per(nw.col("operating_cash_flow"), total_liabilities)


@feature(unit="share", risk="falls", group="financial_strength", reason="F04")
def operating_margin() -> Expr:
    """What is left of the revenue before interest and tax?

    EBIT per revenue. Null without accounts or revenue.
    """
    return per(ebit, revenue)


@feature(unit="share", risk="falls", group="financial_strength", reason="F04")
def gross_margin() -> Expr:
    """What is left of the revenue after the cost of what was sold?

    Revenue less cost of sales, per revenue. Null without accounts or revenue.
    """
    return per(revenue - cost_of_sales, revenue)


@feature(unit="share", risk="falls", group="financial_strength", reason="F04")
def return_on_assets() -> Expr:
    """What do the assets earn?

    Net income per total assets. Null without accounts.
    """
    return per(nw.col("net_income"), total_assets)


@feature(unit="index", risk="falls", group="financial_strength", reason="F05")
def altman_z2() -> Expr:
    """How far is the customer from distress by Altman's Z''?

    6.56 working capital/assets + 3.26 retained earnings/assets + 6.72 EBIT/assets + 1.05 equity/liabilities; above 2.6 safe,
    below 1.1 distress. Null when one of the items is not known.
    """
    return (
        Z_WORKING_CAPITAL * per(current_assets - current_liabilities, total_assets)
        + Z_RETAINED * per(retained, total_assets)
        + Z_EBIT * per(ebit, total_assets)
        + Z_EQUITY * per(equity, total_liabilities)
    )


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F06")
def revenue_growth() -> Expr:
    """Did revenue grow on the year before?

    Newest per prior revenue, less 1. Null without both.
    """
    return per(revenue, nw.col("prior_revenue")) - 1.0


@feature(unit="share", risk="falls", group="financial_strength", reason="F06")
def equity_growth() -> Expr:
    """Did the owners' share grow on the year before?

    Change of equity per prior total assets (equity itself may be near zero). Null without both accounts.
    """
    return per(equity - nw.col("prior_equity"), nw.col("prior_total_assets"))


@feature(unit="days", risk="rises", group="financial_strength", reason="F07")
def statement_age_days() -> Expr:
    """How old are the newest accounts?

    Days since the end of their fiscal year, not since publication. Null without accounts.
    """
    return real(integer(nw.col("statement_age")))


CATALOGUE = (
    current_ratio,
    quick_ratio,
    cash_ratio,
    working_capital_share,
    current_ratio_change,
    days_payables,
    days_receivables,
    working_capital_requirement_share,
    debt_ratio,
    tangible_equity_ratio,
    retained_earnings_share,
    annual_revenue,
    interest_cover,
    cash_flow_to_debt,
    operating_margin,
    gross_margin,
    return_on_assets,
    altman_z2,
    revenue_growth,
    equity_growth,
    statement_age_days,
)
