"""Positions: what a customer owes, may owe, and what stands behind it on a date; the facts a credit policy asks for."""

import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.snapshot import Snapshot, in_order
from riskscore.snapshot.measures import Expr, Measures, integer, real, when
from riskscore.snapshot.money import MONEY, cents, money_of
from riskscore.tables import Frame, Step, drawn

YEAR = 365
MONTH = 30
ENOUGH_PAYMENTS = 3
FRESH_ACCOUNTS = 548
"""Eighteen months after the end of the fiscal year its accounts say little about today."""

MATERIAL_WRITE_OFF = 10
"""A write-off below one part in 10 of its invoice is a rounding or a settled difference, not a loss."""

SCHEMA: dict[str, pa.DataType] = {
    "customer_id": pa.string(),
    "as_of": pa.date32(),
    "name": pa.string(),
    "legal_form": pa.string(),
    "is_natural_person": pa.bool_(),
    "family_id": pa.string(),
    "industry": pa.string(),
    "country": pa.string(),
    "currency": pa.string(),
    "exposure": MONEY,
    "overdue": MONEY,
    "not_due": MONEY,
    "oldest_days_past_due": pa.int32(),
    "in_default": pa.bool_(),
    "limit_now": MONEY,
    "terms_now": pa.int32(),
    "monthly_purchases": MONEY,
    "peak_monthly_purchases": MONEY,
    "days_late_p80": pa.float64(),
    "typical_terms_days": pa.float64(),
    "tangible_net_worth": MONEY,
    "statement_age_days": pa.int32(),
    "insured_amount": MONEY,
    "insured_share": pa.float64(),
    "insurer_days": pa.int32(),
    "insurer": pa.string(),
    "guarantee_amount": MONEY,
    "collateral_amount": MONEY,
    "deposit_amount": MONEY,
    "tenure_days": pa.int32(),
    "n_paid_invoices": pa.int32(),
    "rating": pa.string(),
    "data_depth": pa.string(),
}
"""The columns of a position, in order. Money is in the reporting currency with two decimals; null means not known."""


def compute(
    snapshot: Snapshot,
    *,
    default_days: int = 60,
    default_min_amount: Decimal = Decimal(500),
    default_min_share: Decimal = Decimal("0.01"),
) -> pa.Table:
    """One row per observation, sorted by customer id and date, with the columns of `SCHEMA`.

    exposure: the open balance, unapplied credits taken off; overdue: open past the business-day due date; not_due: the rest.
    oldest_days_past_due: of the oldest undisputed overdue invoice; 0 where nothing is overdue.
    in_default: an invoice more than `default_days` past due with an undisputed open amount of at least `default_min_amount`
      and `default_min_share` of the last twelve months' billing, or a material write-off in the last 365 days.
    monthly_purchases: billed over the last min(tenure, 365) days, at least 30, per 30 days; null without any invoice.
    days_late_p80: four in five of the invoices settled in 365 days or overdue now were no later; null when nothing was settled.
    insured_share: part of a loss the insurance pays, weighted by insured amount; null without insurance.
    insurer_days, insurer: the longest terms on which the insurance in force covers a delivery, and who says so; of several
      insurers the shortest; null without insurance, and where the register does not say.
    data_depth: A (fresh accounts and twelve months of payments) to G (firmographics only); never better for knowing less.
    """
    measures, summed = _measured(default_days)
    sums = snapshot.stage(snapshot.prepare(summed, snapshot.items))
    beside = snapshot.history, snapshot.statements, snapshot.standing
    asked = _asked(measures, default_min_amount, default_min_share)
    rows = snapshot.rows(snapshot.prepare(asked, snapshot.spine, sums, *beside))
    return _as_schema(in_order(rows), snapshot)


@cache
def _measured(default_days: int) -> tuple[Measures, Step]:
    """The measures of the items and the step that adds them up; the same for the same days, so that an engine knows it again."""
    measures = _measures(default_days)
    return measures, drawn(measures.summed)


@cache
def _asked(measures: Measures, min_amount: Decimal, min_share: Decimal) -> Step:
    """The step that makes positions of what was added up, and of the frames beside it."""

    def asked(spine: Frame, sums: Frame, *frames: Frame) -> Frame:
        facts = measures.beside(spine, sums)
        for frame in frames:
            facts = facts.join(frame, on="observation", how="left")
        return facts.select("observation", **_formulas(min_amount, min_share))

    return asked


def _measures(default_days: int) -> Measures:
    items = Measures()
    opened, age, issued = nw.col("open"), nw.col("age"), nw.col("issued")
    bills = nw.col("bills")
    lost = bills & (nw.col("written_off") > 0) & (nw.col("written_off") * MATERIAL_WRITE_OFF >= nw.col("billed"))
    overdue = (opened > 0) & (age > 0)
    items.total("exposure", opened)
    items.total("overdue", opened, overdue)
    items.largest("oldest", age, overdue & (nw.col("unpaid") > 0) & (nw.col("collectable") > 0))
    items.largest("defaulted", nw.col("collectable"), age > default_days)
    items.count("n_losses", lost & (nw.col("written_off_age") < YEAR))
    items.total("billed_year", nw.col("billed"), bills & (issued < YEAR))
    for month in range(12):
        within = (issued >= month * MONTH) & (issued < (month + 1) * MONTH)
        items.total(f"billed_{month}", nw.col("billed"), bills & within)
    items.count("n_settled_year", nw.col("settled") & (nw.col("concluded") < YEAR))
    items.p80("p80", nw.col("days_late"), nw.col("concluded") < YEAR)
    items.median("typical_terms", nw.col("terms"), nw.col("sale") & (issued < YEAR))
    return items


def _formulas(min_amount: Decimal, min_share: Decimal) -> dict[str, Any]:
    billed = nw.col("billed_year")
    defaulted = nw.col("defaulted").fill_null(0)
    share = Fraction(min_share)  # compared in whole numbers, so that a threshold is met exactly or not at all
    material = (
        (defaulted >= int(min_amount * 100)) & (defaulted * share.denominator >= billed * share.numerator) & (defaulted > 0)
    )
    tenure = nw.max_horizontal(nw.col("first_billed"), nw.col("as_of") - nw.col("onboarded_on"))
    months = nw.max_horizontal(nw.min_horizontal(tenure, nw.lit(YEAR)), nw.lit(MONTH))
    worth = nw.col("equity") - nw.col("intangibles").fill_null(0)
    return {
        **{
            name: name
            for name in ("name", "legal_form", "is_natural_person", "family_id", "industry", "country", "rating", "limit_terms")
        },
        "exposure": "exposure",
        "overdue": "overdue",
        "not_due": nw.col("exposure") - nw.col("overdue"),
        "oldest_days_past_due": nw.col("oldest").fill_null(0),
        "in_default": material | (nw.col("n_losses") > 0),
        "limit_now": "limit_cents",
        "monthly_purchases": when(nw.col("n_billed") > 0, integer((real(billed) * MONTH / real(months) + 0.5).floor())),
        "peak_monthly_purchases": when(nw.col("n_billed") > 0, nw.max_horizontal(*(f"billed_{month}" for month in range(12)))),
        "days_late_p80": when(nw.col("n_settled_year") > 0, nw.col("p80")),
        "typical_terms_days": "typical_terms",
        "tangible_net_worth": cents(worth),
        "statement_age_days": "statement_age",
        "insured_amount": _held("insured_cents"),
        "insured_share": when(nw.col("insured_cents") > 0, real(nw.col("covered_cents")) / real(nw.col("insured_cents"))),
        "insurer_days": "insurer_days",
        "insurer": "insurer",
        "guarantee_amount": _held("guarantee_cents"),
        "collateral_amount": _held("collateral_cents"),
        "deposit_amount": _held("deposit_cents"),
        "tenure_days": tenure,
        "n_paid_invoices": nw.col("n_paid").fill_null(0),
        "data_depth": _data_depth(),
    }


def _held(column: str) -> Expr:
    # No row in the securities table means nothing is held: that is known, so zero and not null.
    return nw.col(column).fill_null(0)


def _data_depth() -> Expr:
    accounts = nw.col("statement_age").fill_null(FRESH_ACCOUNTS + 1) <= FRESH_ACCOUNTS
    some = nw.col("n_paid").fill_null(0) >= ENOUGH_PAYMENTS
    year = some & (nw.col("first_paid").fill_null(0) >= YEAR)
    outside = ~nw.col("statement_age").is_null() | ~nw.col("rating").is_null()
    ladder = (
        ("A", accounts & year),
        ("B", year),
        ("C", accounts & some),
        ("D", some),
        ("E", outside),
        ("F", nw.col("n_billed").fill_null(0) > 0),
    )
    letter = nw.lit("G")
    for name, condition in reversed(ladder):
        letter = when(condition, nw.lit(name), letter)
    return letter


def _as_schema(rows: pa.Table, snapshot: Snapshot) -> pa.Table:
    terms = [terms_days(code) for code in rows["limit_terms"].to_pylist()]
    given = {
        **{name: rows[name] for name in rows.column_names},
        "customer_id": snapshot.observations["customer_id"],
        "as_of": snapshot.observations["as_of"],
        "currency": pa.array([snapshot.reporting_currency] * rows.num_rows, pa.string()),
        "terms_now": pa.array(terms, pa.int32()),
    }
    columns = [money_of(given[name]) if kind == MONEY else given[name].cast(kind) for name, kind in SCHEMA.items()]
    return pa.table(columns, names=list(SCHEMA))


def terms_days(code: str | None) -> int | None:
    """Days of credit in a granted-terms code: its largest number, 0 for prepayment or cash; null where neither is found.

    >>> terms_days("net 30"), terms_days("2/10 net 30"), terms_days("prepayment"), terms_days("by agreement")
    (30, 30, 0, None)
    """
    if code is None:
        return None
    if numbers := re.findall(r"\d+", code):
        return max(map(int, numbers))
    return 0 if code.strip().lower() in {"prepayment", "prepaid", "cash", "cod"} else None
