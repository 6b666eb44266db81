"""What is learned tomorrow changes nothing that the payment hazard read today, on a book longer than the three years it remembers."""

from datetime import date
from functools import cache

import pytest

from futures import another_future, cut_to, digests
from ledger_text import observations
from riskscore.hazard import cases_of, paid_lately, usual_invoices
from riskscore.hazard.cases import OF_PAYMENTS
from riskscore.simulation import simulate
from riskscore.snapshot import take_open_items, taking
from riskscore.stores.engines import ledger_of

DAYS = (
    date(2024, 2, 29),  # a leap day, two years after the first invoices
    date(2025, 6, 30),  # three and a half years after them: the oldest are forgotten
)
WINDOW = 45


@cache
def invented():
    """An invented company's ledger: 15 customers, 48 months."""
    return dict(simulate("default", n_customers=15, n_months=48, seed=5).tables)


def said(tables, as_of):
    """The bytes of everything the payment hazard reads on a date, and of the usual invoices it is asked about."""
    ledger = ledger_of(tables, "EUR")
    customers = sorted(set(invented()["customers"]["customer_id"].to_pylist()))
    known = take_open_items(ledger, observations(*((customer, as_of) for customer in customers)))
    cases = cases_of(ledger, known)
    lately = paid_lately(known, as_of, WINDOW)
    return {
        **{f"customer {name}": digest for name, digest in digests(cases.who).items()},
        **{f"invoice {name}": digest for name, digest in digests(cases.invoices).items()},
        **{f"usual {name}": digest for name, digest in digests(usual_invoices(known, cases, "EUR").cases.invoices).items()},
        **{name: getattr(cases, name).tobytes() for name in OF_PAYMENTS},
        "lately": (lately.n, lately.n_late),
    }


def changed(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


@pytest.mark.parametrize("as_of", DAYS, ids=str)
def test_what_is_learned_after_a_date_changes_nothing_a_forecast_reads(as_of):
    before = said(invented(), as_of)

    assert changed(before, said(another_future(invented(), as_of, seed=1), as_of)) == set()
    assert changed(before, said(cut_to(invented(), as_of), as_of)) == set()


def test_what_was_known_by_the_date_does_change_it():
    """Without this, inputs that never move would pass for inputs that cannot see ahead."""
    long, short = said(invented(), DAYS[1]), said(cut_to(invented(), DAYS[0]), DAYS[1])

    assert {*OF_PAYMENTS, "lately", "customer late_share_0_1095d", "usual terms"} <= changed(long, short)


def test_a_payment_read_before_anybody_knew_of_it_is_seen(monkeypatch):
    honest = taking.settled_parts

    def settled_when_paid(ledger, issued):
        return honest(ledger, issued).with_columns(known_from="settled_on")

    monkeypatch.setattr(taking, "settled_parts", settled_when_paid)
    found = changed(said(invented(), DAYS[0]), said(another_future(invented(), DAYS[0], seed=1), DAYS[0]))

    assert {"weekdays", "paid_in"} <= found
