"""What in a ledger calls for a review, and since which day it could be known."""

from datetime import date
from decimal import Decimal

import pytest

from ledger_text import ledger, tables_of
from riskscore.portfolio import take_open_invoices
from riskscore.review_calendar import Cadence, due_list
from riskscore.review_events import Use, events_of, standings_of

PAGE = """
    customers
    customer_id | country
    acme        | DE
    invoices
    customer_id | invoice_id | issued_on  | due_on     | amount
    acme        | early      | 2025-01-02 | 2025-02-03 | 900
    acme        | late       | 2025-03-03 | 2025-04-01 | 600
    acme        | small      | 2025-03-03 | 2025-04-01 | 499
    acme        | disputed   | 2025-03-03 | 2025-04-01 | 800
    settlements
    invoice_id | settlement_id | kind      | settled_on | amount | known_on
    early      | a             | payment   | 2025-02-03 | 850    | 2025-02-03
    early      | b             | write_off | 2025-05-05 | 50     | 2025-05-07
    disputes
    invoice_id | opened_on  | amount
    disputed   | 2025-04-02 |
    statements
    customer_id | period_end | published_on | currency | known_on
    acme        | 2024-12-31 | 2025-05-20   | EUR      | 2025-05-22
    ratings
    customer_id | agency  | rating | rated_on   | known_on
    acme        | Kestrel | B      | 2025-01-01 | 2025-01-01
    acme        | Kestrel | B      | 2025-02-01 | 2025-02-01
    acme        | Kestrel | C      | 2025-05-01 | 2025-05-03
    acme        | Heron   | 2      | 2025-03-01 | 2025-03-01
    limits
    customer_id | amount | currency | granted_on | known_on
    acme        | 1000   | EUR      | 2025-01-15 | 2025-01-15
    acme        | 2000   | EUR      | 2025-04-20 | 2025-04-25
    securities
    customer_id | kind      | amount | currency | valid_from | valid_until | known_on
    acme        | guarantee | 300    | EUR      | 2024-01-01 | 2025-05-31  | 2024-01-01
    acme        | insurance | 900    | EUR      | 2024-01-01 | 2025-03-31  | 2024-01-01
    acme        | insurance | 500    | EUR      | 2025-04-01 |             | 2025-03-20
"""


def events(on: str, page: str = PAGE, uses: tuple[Use, ...] = ()) -> dict[str, str]:
    """Trigger to the day it was known, on what the page tells by the day."""
    day = date.fromisoformat(on)
    found = events_of(tables_of(page), take_open_invoices(ledger(page), day).to_pylist(), uses, on=day)
    return {event.trigger: event.known_on.isoformat() for event in found}


def test_every_event_has_the_day_it_could_be_known():
    assert events("2025-06-30") == {
        "insurer_cut": "2025-04-01",
        "rating_changed": "2025-05-03",
        "write_off": "2025-05-07",
        "statement_published": "2025-05-22",
        "severely_overdue": "2025-06-01",  # 61 days after 1 April
        "cover_expired": "2025-06-01",
    }


@pytest.mark.parametrize(
    ("trigger", "before", "on"),
    [
        pytest.param("insurer_cut", "2025-03-31", "2025-04-01", id="less-insured-from-its-first-day"),
        pytest.param("rating_changed", "2025-05-02", "2025-05-03", id="a-rating-when-it-arrives"),
        pytest.param("write_off", "2025-05-06", "2025-05-07", id="a-write-off-when-it-is-booked"),
        pytest.param("statement_published", "2025-05-21", "2025-05-22", id="accounts-when-they-arrive"),
        pytest.param("cover_expired", "2025-05-31", "2025-06-01", id="the-day-after-the-guarantee"),
        pytest.param("severely_overdue", "2025-05-31", "2025-06-01", id="the-61st-day"),
    ],
)
def test_it_is_an_event_from_that_day_on(trigger, before, on):
    assert trigger not in events(before)
    assert trigger in events(on)


def test_cover_that_is_renewed_does_not_end():
    renewed = PAGE.replace(
        "2025-05-31  | 2024-01-01",
        "2025-05-31  | 2024-01-01\n    acme        | guarantee | 300    | EUR      | 2025-05-15 |             | 2025-05-10",
    )

    assert "cover_expired" not in events("2025-06-30", renewed)


@pytest.mark.parametrize(
    ("exposure", "limit", "trigger"),
    [
        pytest.param(900, 1000, None, id="ninety-percent"),
        pytest.param(901, 1000, "limit_nearly_used", id="more-than-ninety-percent"),
        pytest.param(1000, 1000, "limit_nearly_used", id="all-of-it"),
        pytest.param(1001, 1000, "limit_exceeded", id="more-than-all"),
        pytest.param(1001, None, None, id="no-limit-is-granted"),
    ],
)
def test_the_use_of_a_limit(exposure, limit, trigger):
    use = Use("acme", Decimal(exposure), None if limit is None else Decimal(limit))
    found = events("2025-01-03", uses=(use,))

    assert found == ({} if trigger is None else {trigger: "2025-01-03"})


def test_the_last_look_is_when_a_limit_was_granted_and_known():
    def standing(on: str, looked=None):
        return standings_of(tables_of(PAGE), {"acme": 5}, looked or {}, on=date.fromisoformat(on))[0]

    assert standing("2025-04-24").reviewed_on == date(2025, 1, 15)
    assert standing("2025-04-25").reviewed_on == date(2025, 4, 20)
    assert standing("2025-04-25").customer_since == date(2025, 1, 2)
    assert standing("2025-04-25", {"acme": date(2025, 4, 22)}).reviewed_on == date(2025, 4, 22)  # a person decided otherwise
    assert standing("2025-04-25", {"acme": date(2025, 4, 19)}).reviewed_on == date(2025, 4, 20)
    assert (standing("2025-01-01").reviewed_on, standing("2025-01-01").customer_since) == (None, None)


def test_an_event_brings_the_review_forward_and_a_new_look_answers_it():
    def due(page: str):
        day = date(2025, 5, 10)
        found = events_of(tables_of(page), [], [], on=day)
        return due_list(
            standings_of(tables_of(page), {"acme": 2}, {}, on=day), found, on=day, cadence=Cadence(first_review_days=1)
        )

    looked = PAGE.replace("2025-04-25\n", "2025-04-25\n    acme        | 2000   | EUR      | 2025-05-08 | 2025-05-08\n")

    assert [(each.due_on, each.why, each.triggers) for each in due(PAGE)] == [
        (date(2025, 5, 3), "event", ("rating_changed", "write_off"))
    ]
    assert due(looked) == ()
