"""Usual invoices: what a customer would be billed on a date, on each of the terms it has been billed on lately.

How long a customer takes on given terms is asked of these, not of its open invoices: those have been waiting already, the quick
payers' are gone, and who owes nothing has none. The curve of an invoice issued on the date says it from the first day on.
"""

from dataclasses import dataclass, replace

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from riskscore.hazard.cases import Cases
from riskscore.snapshot import OpenItems
from riskscore.snapshot.calendar import next_business_day
from riskscore.snapshot.items import CUSTOMER, WHO
from riskscore.snapshot.money import PARTS_PER_CENT, cents, holding
from riskscore.snapshot.states import ITEM
from riskscore.tables import Frame

WITHIN_DAYS = 365
"""Terms on which nothing was billed for a year are no longer the customer's."""

ORDER = ("observation", "terms", "cents", "invoice_id")


Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Usual:
    """One invoice a customer and terms, as if issued on the date: due after the terms, on a business day of its country.

    cases: the invoices, sorted by customer, date and terms; each of the middle amount of the year's (of two the smaller), in the
    reporting currency, sent as the newest was. n_invoices: (n,), how many the year had on these terms, without cancelled ones.
    """

    cases: Cases
    n_invoices: Integers


def usual_invoices(known: OpenItems, cases: Cases, currency: str) -> Usual:
    """The usual invoices of the customers observed. cases: those of `known`, untouched. currency: the reporting currency.

    Who was billed nothing in the year before the date has none.
    """
    rows = _billed(known).collect("pyarrow").to_native().sort_by([(name, "ascending") for name in ORDER])
    key = np.column_stack([rows["observation"].to_numpy(), rows["terms"].to_numpy()]).astype(np.int64)
    first = np.flatnonzero(np.append(True, (key[1:] != key[:-1]).any(axis=1))) if len(key) else np.zeros(0, dtype=np.int64)
    n_invoices = np.diff(np.append(first, len(key))).astype(np.int64)
    middle = rows.take(pa.array(first + (n_invoices - 1) // 2))
    newest = _newest_of_each(rows, np.repeat(np.arange(len(first)), n_invoices), len(first))
    as_of, terms = middle["as_of"].to_numpy(), middle["terms"].to_numpy()
    due = [
        next_business_day(country, int(day)) for country, day in zip(middle["country"].to_pylist(), as_of + terms, strict=True)
    ]
    kinds = cases.invoices.schema
    columns = {
        "customer_id": middle["customer_id"],
        "as_of": middle["as_of"],
        "invoice_id": pa.nulls(len(first), pa.string()),
        "currency": pa.array([currency] * len(first), pa.string()),
        "issued_on": middle["as_of"],
        "due": pa.array(due, pa.int64()),
        "collectable": pa.array(middle["cents"].to_numpy() * PARTS_PER_CENT, pa.int64()),
        "is_electronic": rows["is_electronic"].take(pa.array(newest)),
        "country": middle["country"],
        "terms": middle["terms"],
        "cents": middle["cents"],
        "new": pa.array(np.ones(len(first), dtype=bool)),
    }
    invoices = pa.table({name: pa.chunked_array(columns[name]).cast(kinds.field(name).type) for name in kinds.names})
    return Usual(replace(cases, invoices=invoices, observation=middle["observation"].to_numpy().astype(np.int64)), n_invoices)


def _billed(known: OpenItems) -> Frame:
    """The sales of the last year that were known by the date, as they stood."""
    sold = known.states.filter(nw.col("sale")).join(known.issued.select(*ITEM, "is_electronic"), on=list(ITEM))
    met = holding(known.spine.select(*WHO).join(sold, on=CUSTOMER))
    met = met.filter(nw.col("as_of") - nw.col("issued_on") < WITHIN_DAYS)
    met = met.join(known.rates, on=["currency", "as_of"], how="left")
    return met.select(
        "observation",
        "customer_id",
        "as_of",
        "invoice_id",
        "issued_on",
        "is_electronic",
        country="calendar_country",
        terms=nw.col("due_on") - nw.col("issued_on"),
        cents=cents(nw.col("billed")),
    )


def _newest_of_each(rows: pa.Table, group: Integers, n: int) -> Integers:
    """The row of the invoice issued last in each group; of those of one day the one with the last number."""
    ids = np.asarray(rows["invoice_id"].to_pylist(), dtype=object)
    order = np.lexsort((np.unique(ids, return_inverse=True)[1], rows["issued_on"].to_numpy(), group))
    last = np.zeros(n, dtype=np.int64)
    last[group[order]] = order  # later ones overwrite
    return last
