"""Invoices at their issue: the same as among the cases, found with far less; many more of them teach who is late at all."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from modelling import small
from newcomers_book import WORLD, ledger, lessons
from riskscore.hazard import all_at_issue, cases_of, issued_of
from riskscore.hazard.cases import OF_PAYMENTS
from riskscore.hazard.fit_late_at_all import fit_late_at_all
from riskscore.hazard.issued import joined
from riskscore.hazard.late_at_all import FACTS, asked_of
from riskscore.snapshot import take_histories, take_open_items
from riskscore.snapshot.calendar import day_number
from riskscore.training.fates import fates_of
from riskscore.training.gathering_invoices import gather_invoices
from simulated import world_of


def some_days(first, n):
    days = all_at_issue(ledger())
    return days.slice(first, n)


def test_they_are_the_cases_at_issue_with_the_same_facts_and_the_same_fates():
    observed, until = some_days(0, 200), world_of(**WORLD).end_on
    known, items = take_histories(ledger(), observed), take_open_items(ledger(), observed)
    issued, cases = issued_of(ledger(), known), cases_of(ledger(), items, whole_on=())

    assert len(issued) >= 200
    assert issued.invoices.equals(cases.invoices)
    assert np.array_equal(issued.observation, cases.observation)
    assert all(issued.who[name].equals(cases.who[name]) for name in ("customer_id", "as_of", *FACTS))
    assert any(issued.who[name].null_count < issued.who.num_rows for name in FACTS)
    told, again = asked_of(issued), asked_of(cases)
    assert np.array_equal(told.numbers, again.numbers, equal_nan=True)
    assert (told.weekday == again.weekday).all()
    assert (told.day == again.day).all()
    of_issued, of_cases = fates_of(known, issued, until), fates_of(items, cases, until)
    assert all((getattr(of_issued, name) == getattr(of_cases, name)).all() for name in ("paid", "watched", "counts"))


def test_pieces_come_together_in_one_order_whatever_theirs():
    parts = [issued_of(ledger(), take_histories(ledger(), some_days(at, 60))) for at in (0, 60)]
    one, order = joined(parts)
    other, _ = joined(parts[::-1])

    assert one.invoices.equals(other.invoices)
    assert one.who.equals(other.who)
    assert np.array_equal(one.observation, other.observation)
    apart = [each for part in parts for each in part.invoices["invoice_id"].to_pylist()]
    assert one.invoices["invoice_id"].to_pylist() == [apart[at] for at in order]


def test_those_taken_keep_their_customers_facts():
    issued = issued_of(ledger(), take_histories(ledger(), some_days(0, 60)))
    mask = np.arange(len(issued)) % 3 == 0
    some = issued.take(mask)
    facts = issued.who["debt_ratio_two_years"].to_numpy(zero_copy_only=False)[issued.observation][mask]

    assert some.invoices.equals(issued.invoices.filter(pa.array(mask)))
    assert np.array_equal(
        some.who["debt_ratio_two_years"].to_numpy(zero_copy_only=False)[some.observation], facts, equal_nan=True
    )


def test_cases_taken_keep_what_their_customers_paid():
    _, cases, _ = lessons()
    mask = np.arange(len(cases)) % 5 == 0
    some = cases.take(mask)

    for name in OF_PAYMENTS:
        assert np.array_equal(getattr(some, name)[some.observation], getattr(cases, name)[cases.observation][mask]), name


def test_of_a_larger_book_a_fixed_share_is_taken_and_it_teaches():
    few = with_at_most(1000)
    gathered = gather_invoices([ledger()], few, until=world_of(**WORLD).end_on)
    whole = lessons()[0]

    assert 500 < len(gathered.issued) < 1500 < len(whole.issued)
    terms = few.hazard.newcomers.late_at_all
    told = [fit_late_at_all(each.issued_known(each.until), terms, 5) for each in (gathered, whole)]
    assert told[0]["coefficients"] != told[1]["coefficients"]


@pytest.mark.parametrize("days", [0, 200])
def test_what_is_known_on_a_day_was_issued_by_then_and_is_a_sale(days):
    gathered = lessons()[0]
    day: date = gathered.until if days == 0 else max(each for each in gathered.fates if each < gathered.until - timedelta(days=1))
    known = gathered.issued_known(day)

    assert len(known.invoices) == len(known.fates.paid) > 0
    assert known.invoices.column("as_of").max() <= day_number(day)
    assert (known.fates.watched + known.invoices.column("due") <= day_number(day)).all()
    assert known.fates.counts.all()


def with_at_most(n):
    recipe = small()
    asked = recipe.hazard.newcomers.late_at_all.model_copy(update={"most_invoices": n})
    newcomers = recipe.hazard.newcomers.model_copy(update={"late_at_all": asked})
    return recipe.model_copy(update={"hazard": recipe.hazard.model_copy(update={"newcomers": newcomers})})
