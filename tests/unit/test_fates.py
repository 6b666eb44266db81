"""Fates: until when an invoice was watched for its payment, on a page of the ledger."""

from datetime import date

import numpy as np
import pytest

from ledger_text import ledger, observations
from riskscore.hazard import cases_of
from riskscore.snapshot import take_open_items
from riskscore.training.fates import fates_of

PAGE = """
    invoices
        customer_id | invoice_id    | issued_on  | due_on     | amount
        buyer       | never         | 2025-01-10 | 2025-02-10 | 100
        buyer       | once          | 2025-01-10 | 2025-02-10 | 100
        buyer       | before        | 2025-01-10 | 2025-02-10 | 100
        buyer       | before-and-on | 2025-01-10 | 2025-02-10 | 100
        buyer       | in-part       | 2025-01-10 | 2025-02-10 | 100
    disputes
        customer_id | invoice_id    | opened_on  | closed_on  | amount
        buyer       | once          | 2025-02-20 | 2025-04-01 |
        buyer       | before        | 2025-01-15 | 2025-01-20 |
        buyer       | before-and-on | 2025-01-15 | 2025-01-20 |
        buyer       | before-and-on | 2025-02-20 | 2025-04-01 |
        buyer       | in-part       | 2025-01-15 | 2025-04-01 | 40
    settlements
        customer_id | invoice_id    | settlement_id | settled_on | amount
        buyer       | in-part       | 1             | 2025-02-25 | 10
"""
ASKED, UNTIL = date(2025, 1, 31), date(2025, 3, 12)
TO_THE_END, TO_THE_DISPUTE = 30, 10


@pytest.mark.parametrize(
    ("invoice", "watched"),
    [
        ("never", TO_THE_END),
        ("once", TO_THE_DISPUTE),
        ("before", TO_THE_END),
        ("before-and-on", TO_THE_DISPUTE),
        ("in-part", TO_THE_END),
    ],
    ids=["never-disputed", "disputed-later", "a-dispute-that-was-over", "disputed-again", "a-dispute-that-goes-on"],
)
def test_an_invoice_is_watched_until_a_dispute_about_it_begins(invoice, watched):
    """Contested days are no lateness; nor is a dispute of before, that was over or known when the invoice was looked at."""
    book = ledger(PAGE)
    known = take_open_items(book, observations(("buyer", ASKED)))
    cases = cases_of(book, known)
    at = cases.invoices["invoice_id"].to_pylist().index(invoice)
    fates = fates_of(known, cases, UNTIL)

    assert fates.watched[at] == watched
    assert fates.paid[at] == np.inf


def test_of_a_day_on_which_no_invoice_was_known_nothing_is_known():
    """A bucket of young customers alone has none known on the first dates that are judged from."""
    book = ledger(PAGE)
    known = take_open_items(book, observations(("buyer", ASKED)))
    cases = cases_of(book, known)
    fates = fates_of(known, cases, date(2024, 12, 31))

    assert len(cases) > 0
    assert not fates.counts.any()
    assert np.isnan(fates.late(0)).all()
