"""The SAP shape: line items as a German SAP lists them, with payments and master data beside them.

Semicolon, cp1252, CR LF; dates 31.12.2025; amounts 1.234,56 and, below zero, 1.234,56-. The mapping `sap_line_items` reads it.
`offene_posten` and `ausgeglichene_posten` hold the invoices (`Belegart` RV; a negative amount is a credit note that names none),
open and settled in full. `zahlungen` holds what settles them: DZ a payment, DG a credit note, SK a discount, AB a write-off, with
amounts below zero; `Rechnungsbezug` is the invoice. `Belegdatum` is when it happened, `Buchungsdatum` when it was booked, that is
known. `Ausgleichsdatum` is the day of the last settlement. Names that cp1252 cannot hold are written as `Debitor <number>`.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from riskscore.simulation.observation import KINDS
from riskscore.simulation.sheets import Grammar, Sheet, renamed, written
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
        "provider": "Versicherer",
        "deductible": "Selbstbehalt",
        "waiting_days": "Karenzfrist",
        "notice_days": "Meldefrist",
        "hand_over_days": "Übergabefrist",
        "max_extension_days": "Verlängerungsfrist",
        "longest_terms_days": "Längstes Zahlungsziel",
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
INVOICES = {
    "customer_id": "Debitor",
    "invoice_id": "Belegnummer",
    "issued_on": "Belegdatum",
    "known_on": "Buchungsdatum",
    "due_on": "Nettofälligkeit",
    "terms": "Zahlungsbedingung",
    "amount": "Betrag",
    "currency": "Währung",
    "order_id": "Auftrag",
}
SETTLEMENTS = {
    "customer_id": "Debitor",
    "settlement_id": "Belegnummer",
    "kind": "Belegart",
    "settled_on": "Belegdatum",
    "known_on": "Buchungsdatum",
    "amount": "Betrag",
    "invoice_id": "Rechnungsbezug",
}


def sap_sheets(world: World) -> list[Sheet]:
    """The files of the export."""
    invoices, settlements = world.tables["invoices"], world.tables["settlements"]
    cleared_on = _cleared_on(invoices, settlements)
    is_open = pc.is_null(cleared_on)
    types = pa.array(DOCUMENT_TYPES).take(pc.index_in(settlements["kind"], pa.array(KINDS)).combine_chunks())
    settlements = settlements.set_column(settlements.column_names.index("kind"), "kind", types)
    settlements = settlements.set_column(settlements.column_names.index("amount"), "amount", pc.negate(settlements["amount"]))
    invoices = invoices.append_column("cleared_on", cleared_on)
    sheets = [
        _posted("offene_posten", invoices.filter(is_open)),
        _posted("ausgeglichene_posten", invoices.filter(pc.invert(is_open))),
        renamed("zahlungen", "settlements", GRAMMAR, settlements, SETTLEMENTS),
    ]
    for name, headers in HEADERS.items():
        table = world.tables[name]
        if name == "customers":
            for column in ("name", "legal_form"):
                place = table.column_names.index(column)
                table = table.set_column(place, column, _in_cp1252(table[column], table["customer_id"]))
        sheets.append(renamed(FILES[name], name, GRAMMAR, table, headers))
    return sheets


def _posted(file: str, invoices: pa.Table) -> Sheet:
    constant = {"Buchungskreis": "1000", "Belegart": "RV"}
    cells = {header: pa.array([text] * invoices.num_rows, pa.string()) for header, text in constant.items()}
    cells |= {header: written(invoices[column], GRAMMAR) for column, header in INVOICES.items()}
    cells["Ausgleichsdatum"] = written(invoices["cleared_on"], GRAMMAR)
    return Sheet(file, "invoices", GRAMMAR, cells, INVOICES)


def _cleared_on(invoices: pa.Table, settlements: pa.Table) -> pa.ChunkedArray:
    """The day on which each invoice was settled in full; null where something is left."""
    paid = settlements.group_by("invoice_id").aggregate([("amount", "sum"), ("settled_on", "max")])
    place = pc.index_in(invoices["invoice_id"], paid["invoice_id"])
    billed, settled = invoices["amount"].cast(pa.float64()), paid["amount_sum"].take(place).cast(pa.float64())
    cleared = pc.fill_null(pc.less(pc.subtract(pc.abs(billed), pc.abs(settled)), 0.005), False)
    return pc.if_else(cleared, paid["settled_on_max"].take(place), pa.scalar(None, pa.date32()))


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
