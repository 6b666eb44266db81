"""Shapes: the same books as different ERPs would export them, losses and habits included.

canonical   every canonical table by name; UTF-8, comma, ISO dates, decimal point. Nothing is lost.
ibm         one flat file with the columns of the widely used sample "Late Payment Histories": US dates without leading zeros,
            amounts in the reporting currency, one settlement date per invoice. Part payments, credit notes and negative invoices
            do not fit into it and are left out.
sap         line items as a German SAP lists them, open and cleared in two files, payments and master data beside them: see `sap`.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from riskscore.errors import UsageRefused
from riskscore.simulation import arrow
from riskscore.simulation.randomness import uniforms
from riskscore.simulation.sap import sap_sheets
from riskscore.simulation.sheets import Grammar, Sheet, renamed, written
from riskscore.simulation.world import World
from riskscore.tables import TABLES

CANONICAL = Grammar()
IBM = Grammar(date_format="%-m/%-d/%Y", true="Yes", false="No")
NEVER_EXPORTED: Mapping[str, frozenset[str]] = {
    "settlements": frozenset({"customer_id"}),
    "disputes": frozenset({"customer_id"}),
    "invoices": frozenset({"due_imputed", "is_electronic"}),
    "statements": frozenset({"known_on"}),
}
"""Canonical columns that no export holds: filled at ingest, or not known in the simulated world."""


def canonical_columns(name: str) -> tuple[str, ...]:
    """The columns of a table's canonical export: those of the table that ingestion does not fill itself."""
    return tuple(column for column in TABLES[name].names if column not in NEVER_EXPORTED.get(name, ()))


def sheets_of(world: World, shape: str) -> list[Sheet]:
    """The files of that shape. Raises UsageRefused for a shape there is not."""
    if shape not in SHAPES:
        raise UsageRefused(f"shape {shape!r} is unknown. There are: {', '.join(SHAPES)}.")
    return SHAPES[shape](world)


def _canonical(world: World) -> list[Sheet]:
    headers = {name: {column: column for column in canonical_columns(name)} for name in world.tables}
    return [renamed(name, name, CANONICAL, table, headers[name]) for name, table in world.tables.items()]


def _ibm(world: World) -> list[Sheet]:
    truth = world.truth
    n_invoices = len(truth.billing)
    books = world.tables["invoices"].slice(0, n_invoices)
    issued = truth.billing.issued + truth.calendar.day_zero
    due = truth.billing.due + truth.calendar.day_zero
    unpaid = truth.payments.paid >= truth.calendar.n_days
    paid = np.where(unpaid, 0, truth.payments.paid) + truth.calendar.day_zero
    disputed = truth.payments.disputed < truth.calendar.n_days
    paperless = uniforms(world.seed, "paperless", truth.billing.customer) < 0.5
    since = (
        truth.calendar.day_zero - 30 - (uniforms(world.seed, "paperless since", truth.billing.customer) * 700).astype(np.int64)
    )
    branch = np.array([391, 406, 770, 818, 897])[truth.people.country % 5]
    columns: dict[str, pa.Array] = {
        "countryCode": pa.array(branch[truth.billing.customer]),
        "customerID": books["customer_id"],
        "PaperlessDate": arrow.dates(since),
        "invoiceNumber": books["invoice_id"],
        "InvoiceDate": arrow.dates(issued),
        "DueDate": arrow.dates(due),
        "InvoiceAmount": arrow.money(np.maximum(arrow.to_cents(truth.billing.amount), 1)),
        "Disputed": pa.array(disputed),
        "SettledDate": arrow.dates(paid, unpaid),
        "PaperlessBill": pa.array(np.where(paperless, "Electronic", "Paper")),
        "DaysToSettle": pa.array(paid - issued, mask=unpaid),
        "DaysLate": pa.array(np.maximum(paid - due, 0), mask=unpaid),
    }
    meaning = {
        "invoice_id": "invoiceNumber",
        "customer_id": "customerID",
        "issued_on": "InvoiceDate",
        "due_on": "DueDate",
        "amount": "InvoiceAmount",
    }
    cells = {name: written(column, IBM) for name, column in columns.items()}
    return [Sheet("invoices", "invoices", IBM, cells, meaning)]


SHAPES: Mapping[str, Callable[[World], list[Sheet]]] = {"canonical": _canonical, "ibm": _ibm, "sap": sap_sheets}
