"""Read-outs: what the curves say of open invoices, and of what customers will be billed next, as tables."""

from decimal import Decimal

import numpy as np
import pyarrow as pa

from riskscore.hazard.bins import FARTHEST
from riskscore.hazard.cases import Cases
from riskscore.hazard.formula import Curves
from riskscore.hazard.usual import Usual
from riskscore.model.formula import Floats
from riskscore.tables import MONEY

LATE = (0, 7, 15, 30, 60, 90)


def of_invoices(cases: Cases, curves: Curves) -> pa.Table:
    """One row an open invoice: who, what, when due, the chance of being late by k days, and the days of payment.

    paid_p10, paid_p50, paid_p90: the dates by which it is paid with a chance of 10, 50 and 90 %. expected_days: expected days
    from the date to payment (see `bins.expected_days`). Each is null where it is more than ten years away. open: exact decimal
    in `currency`.
    """
    today = cases.column("as_of")
    due = cases.column("due")
    columns = {
        "customer_id": cases.invoices["customer_id"],
        "invoice_id": cases.invoices["invoice_id"],
        "as_of": _dates(today),
        "due_on_business_day": _dates(due),
        "days_past_due": pa.array(curves.age.astype(np.int64)),
        "open": _money(cases),
        "currency": cases.invoices["currency"],
        **{f"late_{k}_probability": pa.array(curves.late(k)) for k in LATE},
        **{f"paid_p{round(100 * share)}": _dates(due + curves.age_when(share)) for share in (0.1, 0.5, 0.9)},
        "expected_days": days_column(curves.expected_days()),
    }
    return pa.table(columns)


def by_terms(usual: Usual, curves: Curves) -> pa.Table:
    """How long each customer takes on each of its usual terms, from the issue of an invoice to its payment: one row each.

    usual: see `riskscore.hazard.usual`; curves: those of its cases. Columns: customer_id, as_of (the day of issue), terms_days,
    n_invoices (billed on these terms in the year before), usual_amount (exact decimal) in `currency`, and in days from the issue
    expected_days_to_pay, days_to_pay_p50 and days_to_pay_p80 (by which it is paid with a chance of 50 and 80 %); each of these is
    null where it is more than ten years.
    """
    cases = usual.cases
    return pa.table(
        {
            "customer_id": cases.invoices["customer_id"],
            "as_of": _dates(cases.column("as_of")),
            "terms_days": cases.invoices["terms"].cast(pa.int64()),
            "n_invoices": pa.array(usual.n_invoices),
            "usual_amount": _money(cases),
            "currency": cases.invoices["currency"],
            "expected_days_to_pay": days_column(curves.expected_days()),
            **{f"days_to_pay_p{round(100 * share)}": _whole_days(curves.age_when(share) - curves.age) for share in (0.5, 0.8)},
        }
    )


def days_column(days: Floats) -> pa.Array:
    """Days as a column; null where they are more than ten years, as dates are."""
    return pa.array(days, mask=days > FARTHEST)


def _whole_days(days: Floats) -> pa.Array:
    return days_column(days).cast(pa.int64())


def _money(cases: Cases) -> pa.Array:
    return pa.array([Decimal(parts).scaleb(-4) for parts in cases.invoices["collectable"].to_pylist()], MONEY)


def _dates(days: Floats) -> pa.Array:
    known = np.isfinite(days)
    return pa.array(np.where(known, days, 0).astype(np.int32), pa.int32(), mask=~known).cast(pa.date32())
