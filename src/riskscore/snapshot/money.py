"""Money inside the engine: whole numbers only, converted at the rate in force on the observation's date and never a later one."""

from decimal import Decimal
from functools import cache, partial

import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.snapshot.measures import Expr, integer, real
from riskscore.tables import Frame, Ledger, Step

PARTS = 10_000
"""Money in a ledger has four decimals; its whole number of ten-thousandths fits 64 bits and adds without error."""

WIDE = nw.Decimal(38, 4)
PARTS_PER_CENT = 100
MONEY = pa.decimal128(18, 2)
"""How an amount leaves: exact decimal, in the reporting currency, two decimals."""

FOREVER = 2**31 - 1
"""The day number that stands for "still in force"."""


def parts(column: str) -> Expr:
    """A money column as a whole number of ten-thousandths of its own currency.

    Widened first: the product of a full column and PARTS has more digits than the column's own type.
    """
    return integer(nw.col(column).cast(WIDE) * PARTS)


def cents(amount: Expr) -> Expr:
    """Ten-thousandths of some currency as whole cents of the reporting currency, by the `rate` column beside it.

    Halves go up: engines disagree on the rounding of halves, and none disagrees on the floor. No float is divided by a constant
    either: one engine multiplies by the reciprocal, and the last bit differs.
    """
    return whole_cents(converted(amount))


def converted(amount: Expr) -> Expr:
    """A whole number of some currency's unit as a whole number of the reporting currency's, by the `rate` column beside it."""
    return integer((real(amount) * nw.col("rate") + 0.5).floor())


def whole_cents(amount: Expr) -> Expr:
    """Ten-thousandths as whole cents; halves go up."""
    return (amount + PARTS_PER_CENT // 2) // PARTS_PER_CENT


def in_force(frame: Frame, key: str, *, order: list[str], until: Expr | None = None) -> Frame:
    """The rows with `known_to` beside `known_from`: a row holds until the next one of its key, or until its own last day.

    order: what sorts rows of one key, `known_from` first; of rows known the same day only the last one ever holds.
    """
    following = nw.col("known_from").shift(-1).over(key, order_by=order).fill_null(FOREVER)
    ends = following if until is None else nw.min_horizontal(following, until.fill_null(FOREVER))
    return frame.with_columns(known_to=ends)


def holding(frame: Frame) -> Frame:
    """Only the rows that hold at `as_of`."""
    return frame.filter(nw.col("known_from") <= nw.col("as_of"), nw.col("as_of") < nw.col("known_to"))


def rates_at(ledger: Ledger, dates: Frame) -> Frame:
    """(currency, as_of, rate): units of the reporting currency for one of each currency, the newest fixing by that date.

    dates: a frame with `as_of`. A fixing quoted the other way round is inverted where its day has no direct one. The reporting
    currency is 1, so a ledger in one currency needs no rates.
    """
    return ledger.prepare(_rates_in(ledger.reporting_currency), ledger.frames["rates"], dates)


@cache
def _rates_in(home: str) -> Step:
    """The step that reads the fixings; one function for the same reporting currency."""
    return partial(_rates, home)


def _rates(home: str, fixings: Frame, dates: Frame) -> Frame:
    dates = dates.select("as_of").unique()
    quoted = fixings.filter(nw.col("rate") > 0)
    direct = quoted.filter(nw.col("to_currency") == home, nw.col("currency") != home)
    turned = quoted.filter(nw.col("currency") == home, nw.col("to_currency") != home)
    both = nw.concat(
        [
            direct.select("currency", "rate", known_from="rated_on", preference=nw.lit(1)),
            turned.select(currency="to_currency", rate=1.0 / nw.col("rate"), known_from="rated_on", preference=nw.lit(0)),
        ]
    )
    foreign = holding(in_force(both, "currency", order=["known_from", "preference"]).join(dates, how="cross"))
    columns = ("currency", "as_of", "rate")
    return nw.concat(
        [foreign.select(*columns), dates.select(currency=nw.lit(home), as_of="as_of", rate=nw.lit(1.0)).select(*columns)]
    )


def money_of(whole_cents: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole cents as exact decimals with two places; null stays null."""
    units = pc.multiply(whole_cents.cast(pa.decimal128(19, 0)), pa.scalar(Decimal(1) / PARTS_PER_CENT, pa.decimal128(3, 2)))
    return units.cast(MONEY)
