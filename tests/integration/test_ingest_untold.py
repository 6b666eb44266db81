"""Books whose export leaves out payments: told when ingested and looked at, and not learned from as if nobody had paid."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from exporting import INVOICES, SETTLEMENTS, canonical, deliver, put
from riskscore.errors import UsageRefused
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.ledgers.untold import LONG_DAYS, Untold
from riskscore_pipelines.main import main

FIRST = dt.date(2025, 1, 1)
CUT = FIRST + dt.timedelta(days=200)
"""Invoices issued later have no payment in the export."""


def book_of(
    tmp_path: Path, *, n_customers: int = 8, days: int = 230, late: int = 2, terms: int = 10, paid: Callable[[dt.date], bool]
) -> Book:
    """Every customer is invoiced every tenth day and pays `late` days after the due date; `paid`: by day of issue, if exported.

    The newest payment known is made `days` after the first day, by the company's oldest customer.
    """
    last = FIRST + dt.timedelta(days=days)
    invoices, settlements = [f"old,old,{FIRST},{FIRST},10.00,EUR"], [f"old,old,payment,{last},10.00"]
    for customer in range(n_customers):
        for number, after in enumerate(range(0, days + 1, 10)):
            issued = FIRST + dt.timedelta(days=after)
            due = issued + dt.timedelta(days=terms)
            pay = due + dt.timedelta(days=late)
            invoices.append(f"I{customer}-{number},C{customer},{issued},{due},100.00,EUR")
            if paid(issued) and pay <= last:
                settlements.append(f"S{customer}-{number},I{customer}-{number},payment,{pay},100.00")
    put(tmp_path / "exports", "invoices", INVOICES, *invoices)
    put(tmp_path / "exports", "settlements", SETTLEMENTS, *settlements)
    deliver(tmp_path / "exports", canonical(), tmp_path / "book")
    return open_book(tmp_path / "book")


def untold(book: Book) -> Untold:
    assert book.untold is not None
    return book.untold


def test_an_export_that_holds_payments_up_to_a_day_of_issue_is_not_learned_as_if_nobody_paid_since(tmp_path: Path) -> None:
    book = book_of(tmp_path, late=-2, paid=lambda issued: issued <= CUT)

    assert untold(book).silent_after == CUT
    assert untold(book).silent == 8  # issued on day 210 and due on day 220; those of day 220 fall due on the last known one
    with pytest.raises(UsageRefused, match=f"8 invoices issued after {CUT} and due by 2025-08-19 .* or learn until {CUT}"):
        book.day_to_learn_until(None)
    assert book.day_to_learn_until(CUT) == CUT
    with pytest.raises(UsageRefused, match="learned as never paid"):
        book.day_to_learn_until(CUT + dt.timedelta(days=1))


def test_an_export_of_all_payments_is_learned_from_to_its_last_day(tmp_path: Path) -> None:
    book = book_of(tmp_path, late=-2, paid=lambda _: True)

    assert untold(book).silent_after is None
    assert book.day_to_learn_until(None) == dt.date(2025, 8, 19)


@pytest.mark.parametrize(("silence", "told"), [(LONG_DAYS - 1, False), (LONG_DAYS, True), (LONG_DAYS + 1, True)])
def test_only_a_long_silence_is_one(tmp_path: Path, silence: int, told: bool) -> None:
    book = book_of(tmp_path, days=200 + silence, late=-2, terms=5, paid=lambda issued: issued <= CUT)

    assert (untold(book).silent_after is not None) is told


@pytest.mark.parametrize(("n_customers", "told"), [(4, False), (5, True), (6, True)])
def test_a_few_customers_may_all_have_stopped_paying(tmp_path: Path, n_customers: int, told: bool) -> None:
    book = book_of(tmp_path, n_customers=n_customers, late=-2, paid=lambda issued: issued <= CUT)

    assert (untold(book).silent_after is not None) is told


def test_customers_that_always_pay_later_than_the_silence_lasts_are_not_silent(tmp_path: Path) -> None:
    book = book_of(tmp_path, late=40, paid=lambda issued: issued <= CUT - dt.timedelta(days=20))

    assert untold(book).silent > 0
    assert untold(book).silent_after is None


def test_every_invoice_counts_for_what_it_is(tmp_path: Path) -> None:
    book = book_of(tmp_path, n_customers=1, days=30, late=-2, paid=lambda issued: issued == FIRST)

    assert untold(book) == Untold(n=5, due=3, paid=2, open=3, silent=1, silent_after=None)


def test_payments_on_account_alone_are_told_to_settle_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"I{n},C{n % 5},2025-01-01,2025-01-31,100.00,EUR" for n in range(30)]
    money = [f"P{n},C{n % 5},2025-02-10,2025-02-10,-100.00,EUR" for n in range(30)]
    put(tmp_path / "exports", "invoices", INVOICES, *rows, *money)
    book = str(tmp_path / "book")

    assert main(["ingest", str(tmp_path / "exports"), "--mapping", "canonical", "--book", book]) == 0
    assert "none of the 30 invoices that fell due has a payment in this book" in capsys.readouterr().err
    assert main(["portfolio", "--book", book]) == 0
    assert "every one counts as unpaid" in capsys.readouterr().err


def test_a_book_of_settled_invoices_only_is_told_to_lack_the_open_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "exports", "invoices", INVOICES, *(f"I{n},C{n},2025-01-01,2025-01-31,100.00,EUR" for n in range(20)))
    put(tmp_path / "exports", "settlements", SETTLEMENTS, *(f"S{n},I{n},payment,2025-02-01,100.00" for n in range(20)))

    assert main(["ingest", str(tmp_path / "exports"), "--mapping", "canonical", "--book", str(tmp_path / "book"), "--check"]) == 0
    assert "every invoice of this book is settled" in capsys.readouterr().err


def test_what_looks_unpaid_is_told_of_later_days_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book_of(tmp_path, late=-2, paid=lambda issued: issued <= CUT)
    asked = ["portfolio", "--book", str(tmp_path / "book"), "--as-of"]

    assert main([*asked, "2025-08-19"]) == 0
    assert f"not one of the 8 invoices that were issued after {CUT}" in capsys.readouterr().err
    assert main([*asked, str(CUT)]) == 0
    assert capsys.readouterr().err == ""


def test_a_book_of_an_older_program_tells_nothing(tmp_path: Path) -> None:
    book = book_of(tmp_path, late=-2, paid=lambda issued: issued <= CUT)
    older = Book(book.folder, {name: value for name, value in book.manifest.items() if name != "untold"})

    assert older.untold is None
    assert older.day_to_learn_until(None) == older.last_known_on
