"""The portfolio at a date: ageing, days sales outstanding and its alert, concentration by family, rolls between buckets."""

from riskscore.portfolio.concentration import Concentration, concentration_of, most_one_buyer_may_owe
from riskscore.portfolio.invoices import take_open_invoices
from riskscore.portfolio.outstanding import DsoRule, Quarter, dso_alert, quarter_ends
from riskscore.portfolio.rolls import take_rolls
from riskscore.portfolio.taking import (
    AGEING,
    Portfolio,
    ageing_series,
    receivables_by_family,
    take_portfolio,
    take_portfolio_and_ageing,
)

__all__ = [
    "AGEING",
    "Concentration",
    "DsoRule",
    "Portfolio",
    "Quarter",
    "ageing_series",
    "concentration_of",
    "dso_alert",
    "most_one_buyer_may_owe",
    "quarter_ends",
    "receivables_by_family",
    "take_open_invoices",
    "take_portfolio",
    "take_portfolio_and_ageing",
    "take_rolls",
]
