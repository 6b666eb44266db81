"""Ratios that tell the failure of a firm beside those every customer's accounts give: size, turnover, results, structure of debt.

They are asked of the same snapshot and guarded by the same arithmetic as the catalogue's, but stand outside it: the model of
customers does not read them, so its features and their digest stay what they are. They were chosen on the training file of the
American firms alone: small trees learned until 2006 and asked of 2008 and later went from AUC .82 to .84. Ratios over five years
of a firm's accounts (means, extremes, changes) were tried there as well and told nothing more.
"""

import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.features import Feature
from riskscore.features.catalogue import CENTS
from riskscore.features.feature import feature
from riskscore.snapshot import Snapshot
from riskscore.snapshot.measures import Expr, per, real
from riskscore.snapshot.money import cents

YEAR = 365

total_assets, total_liabilities, short_debt = nw.col("total_assets"), nw.col("total_liabilities"), nw.col("current_liabilities")
revenue, ebit, result = nw.col("revenue"), nw.col("ebit"), nw.col("net_income")


@feature(unit="money", risk="none", group="financial_strength", reason="F02")
def balance_sheet_total() -> Expr:
    """How large is the firm? Total assets in the reporting currency. Null without accounts."""
    return real(cents(total_assets))


@feature(unit="ratio", risk="none", group="financial_strength", reason="F04")
def asset_turnover() -> Expr:
    """How often a year do the assets turn over? Revenue per total assets. Null without accounts."""
    return per(revenue, total_assets)


@feature(unit="share", risk="falls", group="financial_strength", reason="F04")
def operating_result_on_assets() -> Expr:
    """What do the assets earn before interest and tax? EBIT per total assets. Null without accounts."""
    return per(ebit, total_assets)


@feature(unit="share", risk="falls", group="financial_strength", reason="F04")
def net_margin() -> Expr:
    """What is left of the revenue in the end? Net income per revenue. Null without accounts or revenue."""
    return per(result, revenue)


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F03")
def result_to_debt() -> Expr:
    """How much of its debt could the firm repay from a year's result? Net income per total liabilities. Null without debt."""
    return per(result, total_liabilities)


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F02")
def equity_to_debt() -> Expr:
    """How much is the owners' own for each unit owed? Equity per total liabilities. Null without debt."""
    return per(nw.col("equity"), total_liabilities)


@feature(unit="share", risk="rises", group="financial_strength", reason="F01")
def short_debt_share() -> Expr:
    """How much of the assets falls due to others within a year? Current liabilities per total assets. Null without accounts."""
    return per(short_debt, total_assets)


@feature(unit="share", risk="none", group="financial_strength", reason="F02")
def short_share_of_debt() -> Expr:
    """How much of what is owed falls due within a year? Current per total liabilities. Null without debt."""
    return per(short_debt, total_liabilities)


@feature(unit="share", risk="none", group="financial_strength", reason="F01")
def receivables_share() -> Expr:
    """How much of the assets is owed by others? Receivables per total assets. Null without accounts."""
    return per(nw.col("receivables"), total_assets)


@feature(unit="days", risk="none", group="financial_strength", reason="F01")
def days_inventory() -> Expr:
    """How long does stock lie? Inventory per cost of sales, times 365. Null without accounts or cost of sales."""
    return per(nw.col("inventory") * YEAR, nw.col("cost_of_sales"))


@feature(unit="share", risk="none", group="financial_strength", reason="F04")
def below_operations_share() -> Expr:
    """What do interest, tax and the extraordinary take? EBIT less net income, per total assets. Null without accounts."""
    return per(ebit - result, total_assets)


FIRM_RATIOS: tuple[Feature, ...] = (
    balance_sheet_total, asset_turnover, operating_result_on_assets, net_margin, result_to_debt, equity_to_debt, short_debt_share,
    short_share_of_debt, receivables_share, days_inventory, below_operations_share,
)  # fmt: skip


def compute(snapshot: Snapshot) -> pa.Table:
    """The ratios by observation, in the order of `snapshot.observations`: float64, null where not known or without accounts."""
    facts = snapshot.spine.select("observation").join(snapshot.statements, on="observation", how="left")
    wanted = {each.name: each.formula() for each in FIRM_RATIOS}
    rows = facts.select("observation", **wanted).collect("pyarrow").to_native().sort_by("observation")
    numbers = {each.name: rows[each.name].cast(pa.float64()) for each in FIRM_RATIOS}
    return pa.table(
        {each.name: pc.divide(numbers[each.name], CENTS) if each.unit == "money" else numbers[each.name] for each in FIRM_RATIOS}
    )
