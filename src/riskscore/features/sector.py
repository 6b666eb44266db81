"""Sector: what line of business and where, as the master data said on the date."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.snapshot.measures import Expr


@feature(unit="code", risk="none", kind="category", group="sector_and_macro", reason="S01")
def industry() -> Expr:
    """Which line of business is the customer in? The industry code as delivered; null when not known."""
    return nw.col("industry")


@feature(unit="code", risk="none", kind="category", group="sector_and_macro", reason="S02")
def country() -> Expr:
    """In which country does the customer sit? ISO 3166-1 alpha-2; null when not known."""
    return nw.col("country")


CATALOGUE = (industry, country)
