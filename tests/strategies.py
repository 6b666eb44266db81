"""Ledgers for Hypothesis, drawn on the catalogue's own edges: the day before a window ends, the day it ends, the day after.

Uniform random dates were seen to miss a window that is off by one; here every date lies on some edge of `TODAY`.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st

from ledger_text import arrow
from riskscore.features import CATALOGUE
from riskscore.tables import STATEMENT_ITEMS

TODAY = date(2025, 3, 31)
DATES = (TODAY, TODAY - timedelta(days=1), TODAY + timedelta(days=1), date(2024, 2, 29), date(2024, 12, 31), date(2025, 3, 30))
"""Dates to ask at: month end, the days beside it, 29 February, year end, the day clocks change in Europe."""

LATE_BY = (0, 7, 15, 30, 60, 90)
WINDOWS = sorted({feature.window_days for feature in CATALOGUE.values() if feature.window_days} | {275, 730})
EDGES = sorted({edge for window in (*LATE_BY, *WINDOWS) for edge in (window - 1, window, window + 1)} | {2, 500})
LATENESS = sorted({step for k in LATE_BY for step in (k - 1, k, k + 1)} | {-40, -30, -8, 45, 150})
ALL_EDGES = sorted(set(EDGES) | {k + w + step for k in LATE_BY for w in (90, 365, 1095) for step in (-1, 0, 1)} | set(range(32)))
"""Beside the windows, the days on which an invoice stops answering "more than k days late?", and every day of a month."""
TERMS = (0, 14, 30, 60, 90)
AMOUNTS = tuple(map(Decimal, ("0.01", "99.99", "100", "250.005", "500", "12345.67", "-80")))
PARTS = tuple(map(Decimal, ("1", "1", "1", "0.99", "0.98", "0.5", "0.1", "1.2")))
SYMBOLS = ("AAA", "BBB-", "Baa3", "CCC", "D", "gut")
COUNTRIES = ("DE", "US", "CN", "XX", None)
CURRENCIES = ("EUR", "EUR", "EUR", "USD", "JPY")

back = st.sampled_from(EDGES).map(lambda days: TODAY - timedelta(days=days))
lags = st.sampled_from((0, 0, 0, 1, 3, 31)).map(lambda days: timedelta(days=days))
maybe = st.booleans()
RATES = [
    {"currency": "USD", "to_currency": "EUR", "rate": 0.9, "rated_on": date(2020, 1, 1)},
    {"currency": "USD", "to_currency": "EUR", "rate": 0.8, "rated_on": TODAY},
    {"currency": "EUR", "to_currency": "JPY", "rate": 160.0, "rated_on": date(2020, 1, 1)},
    {"currency": "EUR", "to_currency": "USD", "rate": 2.0, "rated_on": TODAY},
]


def edge_sweep(today: date) -> dict[str, pa.Table]:
    """One customer for every edge and way of lying on it: issued, due, settled, lost or credited on it, young or with a history.

    Each has a second, ordinary invoice, so that shares and weights are not all 0 or 1. Due dates roll off weekends, so no single
    date meets every edge: ask on several weekdays.
    """
    rows: dict[str, list[dict]] = {"invoices": [], "settlements": [], "disputes": []}

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    def bill(customer: str, name: str, issued: int, due: int, amount: int, settled: Sequence[tuple[int, int, str]]) -> None:
        invoice = f"{customer}/{name}"
        rows["invoices"].append(
            {
                "invoice_id": invoice,
                "customer_id": customer,
                "issued_on": ago(issued),
                "due_on": ago(due),
                "amount": Decimal(amount),
            }
            | {"currency": "EUR", "known_on": ago(issued)}
        )
        for n, (day, part, kind) in enumerate(settled):
            rows["settlements"].append(
                {"settlement_id": f"{invoice}/{n}", "invoice_id": invoice, "customer_id": customer, "kind": kind}
                | {"settled_on": ago(day), "known_on": ago(day), "amount": Decimal(part)}
            )

    for edge in ALL_EDGES:
        ways = {
            "issued": (edge, edge - 30, []),
            "issued-on-long-terms": (edge, edge - 120, []),
            "issued-and-credited": (edge, edge - 20, [(edge - 5, 40, "credit_note")]),
            "due-unpaid": (edge + 30, edge, []),
            "due-paid-late": (edge + 30, edge, [(edge - 95, 300, "payment")]),
            "due-paid-in-time": (edge + 30, edge, [(edge + 2, 300, "payment")]),
            "due-paid-in-parts": (edge + 30, edge, [(edge + 2, 100, "payment"), (edge + 1, 200, "payment")]),
            "due-paid-with-discount": (edge + 30, edge, [(edge + 20, 291, "payment"), (edge + 20, 9, "discount")]),
            "received-late": (edge + 75, edge + 45, [(edge, 300, "payment")]),
            "received-in-parts": (edge + 75, edge + 45, [(edge + 6, 100, "payment"), (edge, 200, "payment")]),
            "received-early": (edge + 30, edge - 40, [(edge, 300, "payment")]),
            "lost": (edge + 75, edge + 45, [(edge, 300, "write_off")]),
        }
        for way, (issued, due, settled) in ways.items():
            for history in ("young", "old"):
                customer = f"{way}-{history}-{edge:03}"
                bill(customer, "edge", issued, due, 300, settled)
                if way == "issued":
                    dispute = {
                        "invoice_id": f"{customer}/edge",
                        "customer_id": customer,
                        "opened_on": ago(edge),
                        "known_on": ago(edge),
                    }
                    rows["disputes"].append(dispute)
                bill(customer, "plain", 160, 100, 700, [(97, 700, "payment")])
                if history == "old":
                    bill(customer, "older", 250, 220, 500, [(214, 500, "payment")])
                    bill(customer, "oldest", 500, 470, 400, [(468, 400, "payment")])
    return {name: arrow(name, found) for name, found in rows.items()}


@st.composite
def ledgers(draw: st.DrawFn, *, max_customers: int = 4, max_invoices: int = 5) -> dict[str, pa.Table]:
    """The canonical tables of a few customers, dates on edges, with everything a ledger can hold."""
    rows: dict[str, list[dict]] = {
        name: [] for name in ("customers", "invoices", "settlements", "disputes", "statements", "ratings")
    }
    rows |= {"limits": [], "securities": [], "rates": RATES}
    for number in range(draw(st.integers(1, max_customers))):
        customer = f"C{number}"
        _master(draw, rows, customer, number)
        for n in range(draw(st.integers(0, max_invoices))):
            _invoice(draw, rows, customer, f"{customer}-{n}")
        _standing(draw, rows, customer)
    return {name: arrow(name, found) for name, found in rows.items()}


def _master(draw: st.DrawFn, rows: dict[str, list[dict]], customer: str, number: int) -> None:
    for known_on in sorted(draw(st.sets(back, max_size=2))):
        rows["customers"].append(
            {
                "customer_id": customer,
                "name": f"{customer} {known_on}",
                "country": draw(st.sampled_from(COUNTRIES)),
                "industry": draw(st.sampled_from(("C10", None))),
                "legal_form": draw(st.sampled_from(("GmbH", "sole_trader"))),
                "is_natural_person": draw(st.sampled_from((True, False, None))),
                # Parents have smaller numbers, so that no chain becomes a ring.
                "parent_id": f"C{draw(st.integers(0, number - 1))}" if number and draw(maybe) else None,
                "onboarded_on": draw(st.one_of(st.none(), back)),
                "known_on": known_on,
            }
        )


def _invoice(draw: st.DrawFn, rows: dict[str, list[dict]], customer: str, invoice: str) -> None:
    due_on = draw(back)
    issued_on = due_on - timedelta(days=draw(st.sampled_from(TERMS)))
    if draw(maybe):
        # Otherwise the due date lies on an edge; here the day of issue does.
        issued_on, due_on = due_on, due_on + (due_on - issued_on)
    amount = draw(st.sampled_from(AMOUNTS))
    rows["invoices"].append(
        {
            "invoice_id": invoice,
            "customer_id": customer,
            "issued_on": issued_on,
            "due_on": due_on,
            "amount": amount,
            "currency": draw(st.sampled_from(CURRENCIES)),
            "known_on": issued_on + draw(lags),
        }
    )
    for n in range(draw(st.sampled_from((0, 1, 1, 2, 3)))):
        settled_on = due_on + timedelta(days=draw(st.sampled_from(LATENESS))) if draw(maybe) else draw(back)
        rows["settlements"].append(
            {
                "settlement_id": f"{invoice}-{n}",
                "invoice_id": invoice,
                "customer_id": customer,
                "kind": draw(st.sampled_from(("payment", "payment", "payment", "credit_note", "discount", "write_off"))),
                "settled_on": settled_on,
                "amount": (amount * draw(st.sampled_from(PARTS))).quantize(Decimal("0.0001"))
                * draw(st.sampled_from((1, 1, 1, 1, -1))),
                "known_on": settled_on + draw(lags),
            }
        )
    if draw(st.sampled_from((True, False, False))):
        opened_on = issued_on + timedelta(days=draw(st.sampled_from((0, 10, 45))))
        rows["disputes"].append(
            {
                "invoice_id": invoice,
                "customer_id": customer,
                "opened_on": opened_on,
                "closed_on": draw(
                    st.one_of(st.none(), st.sampled_from((0, 20, 90)).map(lambda days: opened_on + timedelta(days=days)))
                ),
                "amount": draw(st.sampled_from((None, Decimal(40), Decimal(100)))),
                "known_on": opened_on + draw(lags),
            }
        )


def _standing(draw: st.DrawFn, rows: dict[str, list[dict]], customer: str) -> None:
    for year in draw(st.sets(st.sampled_from((2022, 2023, 2024)))):
        published_on = date(year + 1, 3, 30) + draw(lags)
        items = {
            name: draw(st.sampled_from((None, Decimal(0), Decimal(1000), Decimal("2500.5"), Decimal(-300))))
            for name in STATEMENT_ITEMS
        }
        rows["statements"].append(
            {
                "customer_id": customer,
                "period_end": date(year, 12, 31),
                "published_on": published_on,
                "currency": draw(st.sampled_from(CURRENCIES)),
                "known_on": published_on + draw(lags),
                **items,
            }
        )
    for rated_on in draw(st.sets(back, max_size=2)):
        rows["ratings"].append(
            {
                "customer_id": customer,
                "agency": draw(st.sampled_from(("S&P", "Moody's"))),
                "rating": draw(st.sampled_from(SYMBOLS)),
                "rated_on": rated_on,
                "valid_until": draw(
                    st.one_of(st.none(), st.sampled_from((0, 30, 400)).map(lambda days: rated_on + timedelta(days=days)))
                ),
                "known_on": rated_on + draw(lags),
            }
        )
    for granted_on in draw(st.sets(back, max_size=2)):
        rows["limits"].append(
            {
                "customer_id": customer,
                "amount": draw(st.sampled_from((Decimal(0), Decimal(100), Decimal(20000)))),
                "currency": draw(st.sampled_from(CURRENCIES)),
                "terms": draw(st.sampled_from(("30", "2/10 net 45", "prepayment", None))),
                "granted_on": granted_on,
                "known_on": granted_on + draw(lags),
            }
        )
    for valid_from in draw(st.sets(back, max_size=1)):
        rows["securities"].append(
            {
                "customer_id": customer,
                "kind": draw(st.sampled_from(("insurance", "guarantee", "collateral", "deposit"))),
                "amount": Decimal("5000.55"),
                "currency": draw(st.sampled_from(CURRENCIES)),
                "cover_share": draw(st.sampled_from((None, 0.9, 0.7))),
                "provider": draw(st.sampled_from((None, "Atlas", "Borealis"))),
                "longest_terms_days": draw(st.sampled_from((None, 0.0, 30.5, 60.0))),
                "valid_from": valid_from,
                "valid_until": draw(st.one_of(st.none(), back.map(lambda day: day + timedelta(days=200)))),
                "known_on": valid_from + draw(lags),
            }
        )
