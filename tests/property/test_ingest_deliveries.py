"""The book is a function of what was delivered: order, cuts and repetition leave no trace (reliability A13, A14)."""

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporting import INVOICES, SETTLEMENTS, canonical, deliver, flat, lines
from riskscore.stores.ledgers import open_book
from riskscore.stores.ledgers.quarantine import read_quarantine

RATES = "currency,to_currency,rate,rated_on"


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[str, list[str]]]:
    """Files of a few rows whose ids collide often: repetitions, contradictions, orphans, missing rates."""
    few, names = st.integers(0, 6), st.sampled_from(["ACME", "ACME Inc"])
    invoice = st.builds(
        lambda number, customer, amount, currency: f"I{number},C{customer},2025-01-01,2025-02-01,{amount}.00,{currency}",
        few, few, st.integers(1, 2), st.sampled_from(["EUR", "USD"]),
    )  # fmt: skip
    settlement = st.builds(lambda number, invoice: f"S{number},I{invoice},payment,2025-01-10,{number + 1}.00", few, few)
    rate = st.sampled_from(["USD,EUR,0.9,2024-12-31", "USD,EUR,0.8,2024-12-31", "USD,EUR,0.9,2024-11-30"])
    customer = st.builds(
        lambda number, name, day: f"C{number},{name},2025-01-0{day}", st.integers(0, 2), names, st.integers(1, 2)
    )
    line = st.builds(
        lambda number, customer, day, paid, name: f"I{number},C{customer},2025-01-0{day},2025-02-01,1.00,{paid},{name}",
        few, st.integers(0, 2), st.integers(1, 2), st.sampled_from(["", "2025-01-10", "2025-01-11"]), names,
    )  # fmt: skip
    kinds = {"invoices": invoice, "settlements": settlement, "rates": rate, "customers": customer, "flat": line}
    files = st.sampled_from(sorted(kinds)).flatmap(
        lambda kind: st.tuples(st.just(kind), st.lists(kinds[kind], min_size=1, max_size=5))
    )
    return draw(st.lists(files, min_size=1, max_size=5))


HEADERS = {
    "invoices": INVOICES,
    "settlements": SETTLEMENTS,
    "rates": RATES,
    "customers": "customer_id,name,known_on",
    "flat": "no,who,issued,due,amount,paid,name",
}
DERIVING = flat('[source.settlements]\nsettled_on = "paid"\n[source.customers]\nname = "name"\n').source[0]
BOTH = canonical().model_copy(update={"source": [*canonical().source, DERIVING]})
"""The canonical tables, and flat invoice files that settlements and customers are derived from."""


def book_of(files: list[tuple[str, list[str]]], folder: Path) -> tuple[str, list[tuple[object, ...]]]:
    """Digest and waiting rows after these deliveries, one after the other."""
    for number, (table, rows) in enumerate(files):
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / f"{table}.csv").write_text(lines(HEADERS[table], *rows), encoding="utf-8")
        deliver(folder / str(number), BOTH, folder / "book")
    book = open_book(folder / "book")
    held = {
        (row["table"], row["reason"], row["column"], str(row["amount"]), row["currency"])
        for row in read_quarantine(book).to_pylist()
    }
    return book.digest, sorted(held)


@pytest.mark.slow
@settings(max_examples=6)
@given(files=deliveries(), seed=st.integers(0, 1000))
def test_a13_deliveries_in_any_order_and_repeated_make_the_same_book(files: list[tuple[str, list[str]]], seed: int) -> None:
    shuffled = [*files, *files[:2]]
    random.Random(seed).shuffle(shuffled)
    with TemporaryDirectory() as here, TemporaryDirectory() as there:
        one, other = book_of(files, Path(here)), book_of(shuffled, Path(there))

    assert one == other


@pytest.mark.slow
@settings(max_examples=4)
@given(files=deliveries())
def test_a13_one_file_a_row_makes_the_same_book_as_one_file_a_table(files: list[tuple[str, list[str]]]) -> None:
    whole = defaultdict(list)
    for table, rows in files:
        whole[table] += rows
    cut = [(table, [row]) for table, rows in whole.items() for row in rows]
    with TemporaryDirectory() as here, TemporaryDirectory() as there:
        one, other = book_of(list(whole.items()), Path(here)), book_of(cut[:12], Path(there))

    if len(cut) <= 12:
        assert one == other


KINDS = ["payment", "credit_note", "discount", "write_off"]


def ledger(chance: random.Random) -> tuple[list[tuple[str, str, str]], list[tuple[int, str, str, str]]]:
    """One customer's invoices (also negative ones) and what settled them: part, all and more of it, before and after, and back again."""
    invoices = [(amount(chance), day(chance), chance.choice(["EUR", "USD"])) for _ in range(chance.randint(1, 4))]
    settlements = []
    for _ in range(chance.randint(0, 6)):
        at = chance.randrange(len(invoices))
        whole = Decimal(invoices[at][0])
        paid = chance.choice([amount(chance), f"{whole:.2f}", f"{whole / 2:.2f}", f"{-whole:.2f}", f"{whole + 1:.2f}"])
        settlements.append((at, chance.choice(KINDS), paid if Decimal(paid) else "0.00", day(chance)))
    return invoices, settlements


def amount(chance: random.Random) -> str:
    return f"{Decimal(chance.choice([1, 50, chance.randint(-50_000, 500_000)])).scaleb(-2):.2f}".replace("-0.00", "0.00")


def day(chance: random.Random) -> str:
    return (dt.date(2025, 1, 1) + dt.timedelta(chance.randint(0, 200))).isoformat()


@settings(max_examples=2)
@given(seed=st.integers(0, 2**32))
def test_a14_the_open_balance_is_invoices_less_credits_less_payments_to_the_cent(seed: int) -> None:
    chance = random.Random(seed)
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    invoice_rows, settlement_rows = [], []
    for number in range(500):
        invoices, settlements = ledger(chance)
        for at, (billed, issued, currency) in enumerate(invoices):
            due = (dt.date.fromisoformat(issued) + dt.timedelta(30)).isoformat()
            invoice_rows.append(f"I{number}-{at},C{number},{issued},{due},{billed},{currency}")
            expected[f"C{number}", currency] += Decimal(billed)
        for at, (invoice, kind, paid, settled) in enumerate(settlements):
            settlement_rows.append(f"S{number}-{at},I{number}-{invoice},{kind},{settled},{paid}")
            expected[f"C{number}", invoices[invoice][2]] -= Decimal(paid)
    chance.shuffle(settlement_rows)
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "invoices.csv").write_text(lines(INVOICES, *invoice_rows), encoding="utf-8")
        (folder / "settlements.csv").write_text(
            lines(SETTLEMENTS, *settlement_rows, "nil,I0-0,payment,2025-01-01,0.00"), encoding="utf-8"
        )
        (folder / "rates.csv").write_text(
            lines(RATES, *(f"USD,EUR,0.9,2025-0{month}-01" for month in range(1, 8))), encoding="utf-8"
        )
        receipt = deliver(folder, canonical(), folder / "book")
        tables = open_book(folder / "book").tables()

    with duckdb.connect() as connection:
        for name, rows in tables.items():
            connection.register(name, rows)
        found = connection.sql(
            """
            with moves as (
                select customer_id, currency, amount from invoices
                union all
                select s.customer_id, i.currency, -s.amount from settlements as s join invoices as i using (invoice_id)
            ) select customer_id, currency, sum(amount) from moves group by all
            """
        ).fetchall()
    assert receipt.rejects == {}
    assert {(customer, currency): balance for customer, currency, balance in found} == dict(expected)
