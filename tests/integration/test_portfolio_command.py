"""`riskscore portfolio` on a book in several buckets: it ties, it is the same for buckets and whole, and it answers programs too."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from riskscore import positions
from riskscore.portfolio import AGEING, receivables_by_family, take_portfolio
from riskscore.snapshot import customers_known_at, take_snapshot
from riskscore.stores.ledgers import Book, open_book, writing
from riskscore.stores.ledgers.book import bucket_of
from riskscore_pipelines.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented company's book, in buckets small enough that families reach across them."""
    place = tmp_path_factory.mktemp("portfolio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "ROWS_PER_BUCKET", 3000)
        assert main(["simulate", "--out", str(place / "exports"), "--customers", "60", "--months", "15", "--seed", "4"]) == 0
        assert main(["ingest", str(place / "exports"), "--mapping", "canonical", "--book", str(place / "book")]) == 0
    return place / "book"


@pytest.fixture(scope="module")
def book(folder: Path) -> Book:
    found = open_book(folder)
    assert len(found.buckets()) > 1
    return found


@pytest.fixture
def portfolio(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What the command prints with the given options."""

    def run(*options: str) -> str:
        capsys.readouterr()
        assert main(["portfolio", "--book", str(folder), *options]) == 0
        return capsys.readouterr().out

    return run


def test_the_json_ties_to_the_last_cent(book, portfolio):
    found = json.loads(portfolio("--json", "--quarters", "3", "--top", "4"))

    assert sum(Decimal(found["ageing"][bucket]) for bucket in AGEING) == Decimal(found["receivables"])
    assert len(found["quarters"]) == 3
    assert found["as_of"] == book.last_known_on.isoformat()
    assert set(found["dso_alerts"]) == {"each", "cumulative"}
    assert len(found["largest_families"]) == 4
    owed = [Decimal(row["balance"]) for row in found["largest_families"]]
    assert owed == sorted(owed, reverse=True)
    assert found["quarters"][-1]["receivables"] == found["receivables"]


def test_the_tables_name_the_date_the_currency_and_the_buckets(portfolio):
    shown = portfolio("--as-of", "2023-03-31")

    assert "Receivables at 2023-03-31 in EUR" in shown
    assert all(heading in shown for heading in ("not due", "1-30", "over 90", "DSO", "best possible", "largest families"))


def test_a_family_above_the_cap_is_named(portfolio):
    first = json.loads(portfolio("--json"))["concentration"]["largest_family"]

    assert f"Above 1% of the receivables: {first}" in portfolio("--cap", "0.01")


def test_buckets_and_whole_give_the_same_portfolio_families_included(book):
    buckets = [book.ledger(bucket=bucket) for bucket in book.buckets()]
    day = book.last_known_on

    assert take_portfolio(buckets, day) == take_portfolio(book.ledger(), day)


def test_positions_of_a_bucket_name_the_families_that_the_portfolio_adds_up(book):
    """A parent may lie in another bucket: the limit of one family member depends on what the others owe."""
    day = book.last_known_on
    owed = receivables_by_family(book.ledger(), day)
    rows = []
    for bucket in book.buckets():
        ledger = book.ledger(bucket=bucket)
        rows += positions.compute(take_snapshot(ledger, customers_known_at(ledger, day))).to_pylist()
    found: dict[str, Decimal] = {}
    for row in rows:
        found[row["family_id"]] = found.get(row["family_id"], Decimal(0)) + row["exposure"]

    assert found == owed
    across = {
        row["family_id"]
        for row in rows
        if bucket_of(row["customer_id"], len(book.buckets())) != bucket_of(row["family_id"], len(book.buckets()))
    }
    assert across, "the books must hold a family that lies in two buckets"


def test_a_folder_without_a_book_is_refused_in_one_line(tmp_path, capsys):
    assert main(["portfolio", "--book", str(tmp_path)]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
