"""Standing: what a rating agency says of the customer, in what line of business it is, and where."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.snapshot.measures import Expr, real


@feature(unit="notch", risk="rises", group="external_rating", reason="X01")
def rating_notch() -> Expr:
    """How good is the newest external rating in force?

    Notches from 1 (AAA, Aaa) to 22 (default); of several agencies the newest. Null without a rating, after it expired, or when
    its scale is not known.
    """
    return real(nw.col("notch"))


@feature(unit="notches", risk="rises", window_days=365, group="external_rating", reason="X01")
def rating_change_365d() -> Expr:
    """Was the customer downgraded within a year?

    Notches now less those of the newest rating at least a year old; above zero it became worse. Null without both.
    """
    return real(nw.col("notch") - nw.col("notch_year_before"))


@feature(unit="days", risk="none", group="external_rating", reason="X01")
def rating_age_days() -> Expr:
    """How old is the rating in force?

    Days since it was given. Null without one.
    """
    return real(nw.col("rating_age"))


@feature(unit="code", risk="none", kind="category", group="sector_and_macro", reason="S01")
def industry() -> Expr:
    """In which line of business is the customer?

    The industry code as delivered. Null when not known.
    """
    return nw.col("industry")


@feature(unit="code", risk="none", kind="category", group="sector_and_macro", reason="S02")
def country() -> Expr:
    """In which country does the customer sit?

    ISO 3166-1 alpha-2. Null when not known.
    """
    return nw.col("country")


CATALOGUE = (rating_notch, rating_change_365d, rating_age_days, industry, country)
