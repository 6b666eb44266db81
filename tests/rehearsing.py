"""One invented customer whose plans can be followed by hand: it pays, but some large invoices are overdue."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from deciding import GRADES, ON, PROVENANCE, LinearModel, shipped
from ledger_text import arrow
from riskscore.scoring import Receivables
from riskscore.stores.rehearsal import Rehearsal
from riskscore.tables import TABLES

WHO = "acme"
OVERDUE = (("12", 25, 30_000), ("13", 20, 12_000), ("14", 15, 9_000), ("15", 10, 4_000))
"""Invoice, days past due, amount."""


def pages(*, contested: str | None = None, **more: list[dict[str, Any]]) -> dict[str, Any]:
    """The canonical tables: two years of invoices paid three days late, and the overdue ones. more: rows of further tables."""
    invoices, settlements = [], []
    for month in range(24):
        due = ON - timedelta(days=40 + 30 * month)
        invoices.append(_invoice(f"P{month:02}", due, 20_000))
        settlements.append(
            {
                "settlement_id": f"S{month:02}", "invoice_id": f"P{month:02}", "customer_id": WHO, "kind": "payment",
                "settled_on": due + timedelta(days=3), "amount": Decimal(20_000), "known_on": due + timedelta(days=3),
            }
        )  # fmt: skip
    invoices += [_invoice(name, ON - timedelta(days=late), amount) for name, late, amount in OVERDUE]
    rows: dict[str, list[dict[str, Any]]] = {
        "customers": [
            {"customer_id": WHO, "country": "DE", "legal_form": "GmbH", "is_natural_person": False, "industry": "C10",
             "known_on": ON - timedelta(days=900), "onboarded_on": ON - timedelta(days=900)}
        ],
        "invoices": invoices,
        "settlements": settlements,
        **more,
    }  # fmt: skip
    if contested is not None:
        rows["disputes"] = [
            {"invoice_id": contested, "customer_id": WHO, "opened_on": ON - timedelta(days=5), "known_on": ON - timedelta(days=5)}
        ]  # fmt: skip
    return {name: arrow(name, rows.get(name, [])) for name in TABLES}


def rehearsal(tables: dict[str, Any] | None = None, *, others: int = 50_000_000, **facts: Any) -> Rehearsal:
    """The customer on `ON` with the linear model and the shipped policy, in a book in which others owe so much."""
    return Rehearsal(
        customer_id=WHO,
        tables=pages() if tables is None else tables,
        currency="EUR",
        model=facts.get("model", LinearModel()),
        grades=GRADES,
        params=facts.get("params", shipped()),
        receivables=Receivables(Decimal(others), {}, {}, Decimal(300_000_000)),
        provenance=PROVENANCE,
    )


def _invoice(name: str, due: Any, amount: int) -> dict[str, Any]:
    issued = due - timedelta(days=30)
    return {
        "invoice_id": name, "customer_id": WHO, "issued_on": issued, "due_on": due, "amount": Decimal(amount), "currency": "EUR",
        "known_on": issued,
    }  # fmt: skip
