"""Ratios as means over the newest accounts and those of the year before: what two years say of a customer nobody has seen pay.

One year's accounts are a noisy witness, and of a newcomer they are nearly all there is. The means stand outside the catalogue, as
the ratios of firms do: the model of customers reads years of payments and does not need them, so its features and their digest
stay what they are.
"""

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.features import Feature
from riskscore.features.feature import feature
from riskscore.snapshot.measures import Expr, per
from riskscore.tables import Frame


def _mean(above: str, below: str) -> Expr:
    """The mean of the ratio in both years; that of the newest alone where there is no other."""
    newest = per(nw.col(above), nw.col(below))
    return (newest + per(nw.col(f"prior_{above}"), nw.col(f"prior_{below}")).fill_null(newest)) / 2.0


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F01")
def current_ratio_two_years() -> Expr:
    """Did current assets cover what fell due within a year, over two years? Null without accounts or such liabilities."""
    return _mean("current_assets", "current_liabilities")


@feature(unit="share", risk="rises", group="financial_strength", reason="F02")
def debt_ratio_two_years() -> Expr:
    """How much of the assets was owed to others, over two years? Null without accounts."""
    return _mean("total_liabilities", "total_assets")


@feature(unit="share", risk="falls", group="financial_strength", reason="F04")
def operating_margin_two_years() -> Expr:
    """What was left of the revenue before interest and tax, over two years? Null without accounts or revenue."""
    return _mean("ebit", "revenue")


@feature(unit="ratio", risk="falls", group="financial_strength", reason="F03")
def cash_flow_to_debt_two_years() -> Expr:
    """How much of the debt could a year's cash flow repay, over two years? Null without accounts or liabilities."""
    return _mean("operating_cash_flow", "total_liabilities")


@feature(unit="share", risk="falls", group="financial_strength", reason="F04")
def return_on_assets_two_years() -> Expr:
    """What did the assets earn, over two years? Null without accounts."""
    return _mean("net_income", "total_assets")


TWO_YEARS: tuple[Feature, ...] = (
    current_ratio_two_years, debt_ratio_two_years, operating_margin_two_years, cash_flow_to_debt_two_years,
    return_on_assets_two_years,
)  # fmt: skip


def compute(spine: Frame, statements: Frame) -> pa.Table:
    """The means by observation, in their order: float64, null where the newest ratio is not known.

    spine, statements: as a `riskscore.snapshot.Snapshot` has them.
    """
    facts = spine.select("observation").join(statements, on="observation", how="left")
    wanted = {each.name: each.formula() for each in TWO_YEARS}
    rows = facts.select("observation", **wanted).collect("pyarrow").to_native().sort_by("observation")
    return pa.table({each.name: rows[each.name].cast(pa.float64()) for each in TWO_YEARS})
