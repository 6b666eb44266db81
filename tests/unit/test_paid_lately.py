"""How a book was paid in the newest weeks, as it was known on a day: as training counts it, and blind to what came later."""

from datetime import date, timedelta

import numpy as np
import pytest

from ledger_text import ledger as written
from newcomers_book import WORLD, ledger, lessons
from riskscore.hazard import Lately, paid_lately
from riskscore.hazard.fit_late_at_all import late_at_all
from riskscore.hazard.lately import late_lately
from riskscore.snapshot import customers_known_at, take_histories
from riskscore.snapshot.calendar import day_number
from riskscore.training.gathering_invoices import known_by
from simulated import world_of

PAGE = """
    customers
        customer_id | country
        acme        | DE
    invoices
        customer_id | invoice_id | issued_on  | due_on     | known_on   | amount
        acme        | in time    | 2025-05-01 | 2025-06-02 | 2025-05-01 | 100
        acme        | late       | 2025-05-01 | 2025-06-03 | 2025-05-01 | 100
        acme        | unpaid     | 2025-05-01 | 2025-06-04 | 2025-05-01 | 100
        acme        | contested  | 2025-05-01 | 2025-06-05 | 2025-05-01 | 100
        acme        | cancelled  | 2025-05-01 | 2025-06-06 | 2025-05-01 | 100
        acme        | told late  | 2025-05-01 | 2025-06-10 | 2025-06-12 | 100
        acme        | booked     | 2025-05-01 | 2025-06-11 | 2025-05-01 | 100
        acme        | not due    | 2025-05-01 | 2025-07-15 | 2025-05-01 | 100
        acme        | long ago   | 2025-03-03 | 2025-04-02 | 2025-03-03 | 100
    settlements
        invoice_id | settled_on | known_on   | kind        | amount
        in time    | 2025-06-02 | 2025-06-02 | payment     | 100
        late       | 2025-06-20 | 2025-06-20 | payment     | 100
        cancelled  | 2025-05-20 | 2025-05-20 | credit_note | 100
        booked     | 2025-06-10 | 2025-07-03 | payment     | 100
    disputes
        invoice_id | opened_on  | known_on   | amount
        contested  | 2025-05-20 | 2025-05-20 | 100
"""


def told_of(book, day, window):
    return paid_lately(take_histories(book, customers_known_at(book, day)), day, window)


def test_of_what_fell_due_in_the_weeks_before_what_was_not_paid_on_its_day_is_late():
    """In time, late, unpaid, and one whose payment is not booked yet; not what was disputed, cancelled or told after it was due."""
    assert told_of(written(PAGE), date(2025, 6, 30), 45) == Lately(4.0, 3.0)
    assert told_of(written(PAGE), date(2025, 7, 3), 45) == Lately(4.0, 2.0), "the payment of the 10th is known by now"
    assert told_of(written(PAGE), date(2025, 6, 4), 45) == Lately(2.0, 1.0), "what is due today is not late yet"
    assert told_of(written(PAGE), date(2025, 6, 30), 27) == Lately(3.0, 3.0)


@pytest.mark.parametrize("window", [45, 200])
def test_it_is_what_training_counts_on_the_last_day_it_knows(window):
    gathered = lessons()[0]
    known, last = gathered.issued_known(gathered.until), day_number(gathered.until)
    late = late_at_all(known.fates)
    counted = ~np.isnan(late) & (known.invoices.age <= 0)
    due = known.invoices.column("due")[counted]
    by_training = late_lately(due, late[counted], np.array([float(last)]), window)
    found = told_of(ledger(), gathered.until, window)

    assert found.n > 100
    # Training asks of invoices still open at the end of their first day; the few paid on it are counted here alone.
    assert by_training.n[0] <= found.n <= by_training.n[0] * 1.005
    assert found.n_late == pytest.approx(by_training.n_late[0], abs=1)


def test_what_becomes_known_later_does_not_show():
    day = world_of(**WORLD).end_on - timedelta(days=150)
    found = told_of(ledger(), day, 45)

    assert found == told_of(known_by(ledger(), day), day, 45)
    assert found != told_of(ledger(), day + timedelta(days=30), 45)


def test_buckets_add_up_and_few_invoices_leave_the_mean():
    assert Lately(3.0, 1.0) + Lately(7.0, 2.0) == Lately(10.0, 3.0)
    assert Lately(0.0, 0.0).log_odds(0.25) == pytest.approx(np.log(1 / 3))
