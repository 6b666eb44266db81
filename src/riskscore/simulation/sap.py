"""The SAP shape: line items as a German SAP lists them, open and cleared in two files, with master data beside them.

Semicolon, cp1252, CR LF; dates 31.12.2025; amounts 1.234,56 and, for what makes an invoice smaller, 1.234,56-. One line is one
document: `Belegart` RV is an invoice (a negative amount: a credit note that names none), DZ a payment, DG a credit note, SK a
discount, AB a write-off. `Rechnungsbezug` is the invoice a document settles. `Belegdatum` is when it happened, `Buchungsdatum`
when it was booked, that is known. `Ausgleichsdatum` is filled on every document of an invoice that is settled in full.
Names that cp1252 cannot hold are written as `Debitor <number>`.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.simulation.observation import KINDS
from riskscore.simulation.sheets import Grammar, Part, Sheet, renamed, written
from riskscore.simulation.world import World
from riskscore.tables import STATEMENT_ITEMS

GRAMMAR = Grammar(
    encoding="cp1252",
    delimiter=";",
    date_format="%d.%m.%Y",
    decimal=",",
    thousands=".",
    trailing_minus=True,
    line_end="\r\n",
    true="X",
    false="",
)

DOCUMENT_TYPES = ("DZ", "DG", "SK", "AB")
"""In the order of `KINDS`."""

HEADERS: Mapping[str, Mapping[str, str]] = {
    "customers": {
        "customer_id": "Debitor",
        "name": "Name",
        "legal_form": "Rechtsform",
        "is_natural_person": "Natürliche Person",
        "parent_id": "Konzern",
        "industry": "Branche",
        "country": "Land",
        "onboarded_on": "Angelegt am",
        "known_on": "Gültig ab",
    },
    "disputes": {
        "invoice_id": "Belegnummer",
        "opened_on": "Eröffnet am",
        "closed_on": "Abgeschlossen am",
        "amount": "Streitiger Betrag",
        "reason": "Ursache",
        "known_on": "Erfasst am",
    },
    "statements": {
        "customer_id": "Debitor",
        "period_end": "Bilanzstichtag",
        "published_on": "Veröffentlicht am",
        "currency": "Währung",
        **dict(
            zip(
                STATEMENT_ITEMS,
                (
                    "Umlaufvermögen", "Zahlungsmittel", "Vorräte", "Forderungen", "Bilanzsumme", "Kurzfristige Verbindlichkeiten",
                    "Verbindlichkeiten", "Eigenkapital", "Gewinnrücklagen", "Umsatz", "Umsatzkosten", "EBIT", "Zinsaufwand",
                    "Jahresüberschuss", "Operativer Cashflow", "Lieferantenverbindlichkeiten", "Immaterielle Werte",
                ),
                strict=True,
            )
        ),
    },
    "ratings": {
        "customer_id": "Debitor",
        "agency": "Agentur",
        "rating": "Rating",
        "rated_on": "Datum",
        "valid_until": "Gültig bis",
        "known_on": "Erhalten am",
    },
    "limits": {
        "customer_id": "Debitor",
        "amount": "Kreditlimit",
        "currency": "Währung",
        "terms": "Zahlungsziel",
        "granted_on": "Gültig ab",
        "known_on": "Erfasst am",
    },
    "securities": {
        "customer_id": "Debitor",
        "kind": "Art",
        "amount": "Betrag",
        "currency": "Währung",
        "cover_share": "Deckungsquote",
        "valid_from": "Gültig ab",
        "valid_until": "Gültig bis",
        "known_on": "Erfasst am",
    },
    "rates": {"currency": "Von", "to_currency": "Nach", "rate": "Kurs", "rated_on": "Datum"},
}  # fmt: skip
FILES = {
    "customers": "debitoren",
    "disputes": "reklamationen",
    "statements": "jahresabschluesse",
    "ratings": "ratings",
    "limits": "kreditlimits",
    "securities": "sicherheiten",
    "rates": "kurse",
}
ITEMS = {
    "customer_id": "Debitor",
    "invoice_id": "Belegnummer",
    "kind": "Belegart",
    "issued_on": "Belegdatum",
    "known_on": "Buchungsdatum",
    "due_on": "Nettofälligkeit",
    "terms": "Zahlungsbedingung",
    "amount": "Betrag",
    "currency": "Währung",
    "order_id": "Auftrag",
    "settles": "Rechnungsbezug",
    "cleared_on": "Ausgleichsdatum",
}
"""Columns of `offene_posten` and `ausgeglichene_posten`, after `Buchungskreis`."""


def sap_sheets(world: World) -> list[Sheet]:
    """The files of the export."""
    items = _items(world)
    is_open = pc.is_null(items["cleared_on"])
    sheets = [
        _posted("offene_posten", items.filter(is_open)),
        _posted("ausgeglichene_posten", items.filter(pc.invert(is_open))),
    ]
    for name, headers in HEADERS.items():
        table = world.tables[name]
        if name == "customers":
            for column in ("name", "legal_form"):
                place = table.column_names.index(column)
                table = table.set_column(place, column, _in_cp1252(table[column], table["customer_id"]))
        sheets.append(renamed(FILES[name], name, GRAMMAR, table, headers))
    return sheets


def _posted(file: str, items: pa.Table) -> Sheet:
    cells = {"Buchungskreis": pa.array(["1000"] * items.num_rows, pa.string())}
    cells |= {header: written(items[column], GRAMMAR) for column, header in ITEMS.items()}
    billed = pc.is_null(items["settles"]).to_numpy(zero_copy_only=False)
    invoices = ("invoice_id", "customer_id", "issued_on", "due_on", "amount", "currency", "terms", "order_id", "known_on")
    settlements = {"settlement_id": "invoice_id", "invoice_id": "settles", "settled_on": "issued_on", "amount": "amount"}
    parts = (
        Part("invoices", {column: ITEMS[column] for column in invoices}, np.flatnonzero(billed)),
        Part("settlements", {column: ITEMS[item] for column, item in settlements.items()}, np.flatnonzero(~billed)),
    )
    return Sheet(file, GRAMMAR, cells, parts)


def _items(world: World) -> pa.Table:
    """Invoices and what settles them as one list of documents, in order of booking."""
    invoices, settlements = world.tables["invoices"], world.tables["settlements"]
    row = pc.index_in(settlements["invoice_id"], invoices["invoice_id"])
    paid = pa.TableGroupBy(settlements.select(["invoice_id", "amount", "settled_on"]), "invoice_id").aggregate(
        [("amount", "sum"), ("settled_on", "max")]
    )
    place = pc.index_in(invoices["invoice_id"], paid["invoice_id"])
    billed, settled = invoices["amount"].cast(pa.float64()), paid["amount_sum"].take(place).cast(pa.float64())
    cleared = pc.fill_null(pc.less(pc.subtract(pc.abs(billed), pc.abs(settled)), 0.005), False)
    cleared_on = pc.if_else(cleared, paid["settled_on_max"].take(place), pa.scalar(None, pa.date32()))
    n, m = invoices.num_rows, settlements.num_rows
    types = pa.array(DOCUMENT_TYPES).take(pc.index_in(settlements["kind"], pa.array(KINDS)).combine_chunks())
    items = pa.table(
        {
            "customer_id": _both(invoices["customer_id"], settlements["customer_id"]),
            "invoice_id": _both(invoices["invoice_id"], settlements["settlement_id"]),
            "kind": _both(pa.array(["RV"] * n), types),
            "issued_on": _both(invoices["issued_on"], settlements["settled_on"]),
            "known_on": _both(invoices["known_on"], settlements["known_on"]),
            "due_on": _both(invoices["due_on"], pa.nulls(m, pa.date32())),
            "terms": _both(invoices["terms"], pa.nulls(m, pa.string())),
            "amount": _both(invoices["amount"], pc.negate(settlements["amount"])),
            "currency": _both(invoices["currency"], invoices["currency"].take(row)),
            "order_id": _both(invoices["order_id"], pa.nulls(m, pa.string())),
            "settles": _both(pa.nulls(n, pa.string()), settlements["invoice_id"]),
            "cleared_on": _both(cleared_on, cleared_on.take(row)),
        }
    )
    return items.sort_by([("known_on", "ascending"), ("invoice_id", "ascending")])


def _both(first: pa.Array | pa.ChunkedArray, second: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    chunks = [chunk for part in (first, second) for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
    return pa.chunked_array(chunks)


def _in_cp1252(values: pa.ChunkedArray, customer_id: pa.ChunkedArray) -> pa.Array:
    """Texts that the code page can hold; another is replaced by what a clerk would key in."""

    def kept(text: str) -> bool:
        try:
            text.encode("cp1252")
        except UnicodeEncodeError:
            return False
        return True

    pairs = zip(values.to_pylist(), customer_id.to_pylist(), strict=True)
    return pa.array([text if text is None or kept(text) else f"Debitor {who}" for text, who in pairs], pa.string())
