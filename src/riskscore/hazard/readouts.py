"""Read-outs: what the curves say of open invoices and of customers, as tables."""

from decimal import Decimal

import numpy as np
import pyarrow as pa

from riskscore.hazard.cases import Cases
from riskscore.hazard.formula import Curves, Hazard
from riskscore.model.formula import Floats
from riskscore.tables import MONEY

LATE = (0, 7, 15, 30, 60, 90)
LAST_DAY = 365


def of_invoices(cases: Cases, curves: Curves) -> pa.Table:
    """One row an open invoice: who, what, when due, the chance of being late by k days, and the days of payment.

    paid_p10, paid_p50, paid_p90: the dates by which it is paid with a chance of 10, 50 and 90 %; null where that is more than ten
    years away. expected_days: expected days from the date to payment, counted to a year past due at most. open: exact decimal in
    `currency`.
    """
    today = cases.column("as_of")
    due = cases.column("due")
    parts_open = cases.invoices["collectable"].to_pylist()
    columns = {
        "customer_id": cases.invoices["customer_id"],
        "invoice_id": cases.invoices["invoice_id"],
        "as_of": _dates(today),
        "due_on_business_day": _dates(due),
        "days_past_due": pa.array(curves.age.astype(np.int64)),
        "open": pa.array([Decimal(parts).scaleb(-4) for parts in parts_open], MONEY),
        "currency": cases.invoices["currency"],
        **{f"late_{k}_probability": pa.array(curves.late(k)) for k in LATE},
        **{f"paid_p{round(100 * share)}": _dates(due + curves.age_when(share)) for share in (0.1, 0.5, 0.9)},
        "expected_days": pa.array(expected_days(curves)),
    }
    return pa.table(columns)


def expected_days(curves: Curves) -> Floats:
    """Expected days from the date of the case to payment: the sum of the chances to be unpaid, to a year past due at most."""
    total = np.zeros(len(curves))
    if not len(curves):
        return total
    for day in range(int(curves.age.min()), LAST_DAY):
        total += np.where(day >= curves.age, curves.late(float(day)), 0.0)
    return total


def of_customers(hazard: Hazard, cases: Cases) -> pa.Table:
    """One row a customer and date: mean chance of its open invoices to be more than 30 days late, and the largest of them.

    Columns customer_id, as_of (date32), hazard_late_30_mean, hazard_late_30_max (float64; null where nothing is open), sorted as
    `cases.who`, a row for each of its rows.
    """
    late = hazard.curves(cases).late(30)
    n = cases.who.num_rows
    count = np.bincount(cases.observation, minlength=n)
    total = np.bincount(cases.observation, late, minlength=n)
    largest = np.full(n, -np.inf)
    np.maximum.at(largest, cases.observation, late)
    there = count > 0
    mean = np.divide(total, count, out=np.full(n, np.nan), where=there)
    return pa.table(
        {
            "customer_id": cases.who["customer_id"],
            "as_of": cases.who["as_of"],
            "hazard_late_30_mean": pa.array(mean, pa.float64(), mask=~there),
            "hazard_late_30_max": pa.array(np.where(there, largest, np.nan), pa.float64(), mask=~there),
        }
    )


def by_terms(cases: Cases, curves: Curves) -> pa.Table:
    """Expected days from the date of the case to payment by customer and terms: mean over its invoices, weighed by amount."""
    keys = pa.table({"customer_id": cases.invoices["customer_id"], "terms_days": cases.invoices["terms"].cast(pa.int64())})
    weight = np.maximum(cases.column("cents"), 0.0)
    rows = keys.append_column("weighed", pa.array(weight * expected_days(curves))).append_column("weight", pa.array(weight))
    sums = rows.group_by(["customer_id", "terms_days"]).aggregate([("weighed", "sum"), ("weight", "sum"), ("weight", "count")])
    sums = sums.sort_by([("customer_id", "ascending"), ("terms_days", "ascending")])
    weighed, total = sums["weighed_sum"].to_numpy(), sums["weight_sum"].to_numpy()
    days = np.divide(weighed, total, out=np.full(len(total), np.nan), where=total > 0)
    return pa.table(
        {
            "customer_id": sums["customer_id"],
            "terms_days": sums["terms_days"],
            "n_invoices": sums["weight_count"],
            "expected_days_to_pay": pa.array(days, mask=np.isnan(days)),
        }
    )


def _dates(days: Floats) -> pa.Array:
    known = np.isfinite(days)
    return pa.array(np.where(known, days, 0).astype(np.int32), pa.int32(), mask=~known).cast(pa.date32())
