"""A delivery that tells of another past than the book (reliability G12): counted per source, held above a bound, signed for."""

import datetime as dt
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from exporting import INVOICES, SETTLEMENTS, canonical, deliver, look, past_of, put, rows_of
from riskscore.errors import HeldForReview, UsageRefused
from riskscore.stores.ledgers import layout, open_book
from riskscore.stores.ledgers.mapping import Limits, Mapping
from riskscore.stores.ledgers.pasts import LATE_DAYS, Past
from riskscore.stores.ledgers.rewrites import ENOUGH, Acceptance, acceptance_of, over_the_bound
from riskscore_pipelines.main import main

N = 400
N_OPEN = 40
FIRST = dt.date(2025, 1, 1)
UNTIL = dt.date(2025, 12, 31)
"""The last payment of the history, the day to which its book knows what became of an invoice."""

SIGNED = Acceptance("Li Wei", "the bank corrected its file of May")


def issued(n: int) -> dt.date:
    return FIRST + dt.timedelta(days=n // 2)


def invoice(n: int, *, due: int = 30, currency: str = "EUR") -> str:
    return f"I{n:03d},C{n % 20},{issued(n)},{issued(n) + dt.timedelta(days=due)},{100 + n}.50,{currency}"


def payment(n: int, on: dt.date, *, number: str = "", kind: str = "payment", sign: str = "") -> str:
    return f"{number or f'S{n:03d}'},I{n:03d},{kind},{on},{sign}{100 + n}.50"


def paid_on(n: int) -> dt.date:
    return UNTIL if n == N_OPEN else issued(n) + dt.timedelta(days=20 + n % 50)


HISTORY = ([invoice(n) for n in range(N)], [payment(n, paid_on(n)) for n in range(N_OPEN, N)])
"""400 invoices due by August; the first 40 are open, the others are paid."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    put(folder / "exports", "invoices", INVOICES, *HISTORY[0])
    put(folder / "exports", "settlements", SETTLEMENTS, *HISTORY[1])
    deliver(folder / "exports", canonical(), folder / "book")
    return folder / "book"


@pytest.fixture
def book(first: Path, tmp_path: Path) -> Path:
    """A book of the history, to be added to."""
    return shutil.copytree(first, tmp_path / "book")


def day_before(n: int) -> dt.date:
    return paid_on(n) - dt.timedelta(days=7)


WAYS: dict[str, tuple[str, Callable[[int], str]]] = {
    "the date of the payment moved": ("settlements", lambda n: payment(n, day_before(n))),
    "a payment before the payment": ("settlements", lambda n: payment(n, day_before(n), number=f"X{n}")),
    "the payment taken back": ("settlements", lambda n: payment(n, paid_on(n), number=f"X{n}", sign="-")),
    "written off": ("settlements", lambda n: payment(n, paid_on(n), number=f"X{n}", kind="write_off")),
    "cancelled": ("settlements", lambda n: payment(n, paid_on(n), number=f"X{n}", kind="credit_note")),
    "the due date moved": ("invoices", lambda n: invoice(n, due=90)),
    "the currency changed": ("invoices", lambda n: invoice(n, currency="USD")),
}


def rewriting(folder: Path, way: str, numbers: Sequence[int]) -> Path:
    """A delivery that tells another past of these invoices, and brings a new one."""
    table, row = WAYS[way]
    put(folder, table, {"invoices": INVOICES, "settlements": SETTLEMENTS}[table], *(row(n) for n in numbers))
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_a_tenth_of_the_history_told_otherwise_is_held(way: str, book: Path, tmp_path: Path) -> None:
    before = (book / layout.POINTER).read_bytes()
    tenth = range(100, 100 + N // 10)

    with pytest.raises(HeldForReview, match=r"invoices\.csv: what became of 40 of the 400 invoices") as held:
        deliver(rewriting(tmp_path / "tenth", way, tenth), canonical(), book)

    assert held.value.exit_status == 8
    assert str(held.value).count(" -> ") == 3
    assert f"I100: settled {paid_on(100)} -> " in str(held.value)
    assert f"The rows are in {WAYS[way][0]}.csv" in str(held.value)
    assert "--accept-rewrite" in str(held.value)
    assert (book / layout.POINTER).read_bytes() == before


def test_a_hundredth_of_the_history_told_otherwise_is_taken_and_counted(book: Path, tmp_path: Path) -> None:
    rewriting(tmp_path / "new", "the due date moved", range(100, 102))
    rewriting(tmp_path / "new", "a payment before the payment", range(102, 104))

    receipt = deliver(tmp_path / "new", canonical(), book)

    assert receipt.published
    assert past_of(receipt) == Past("invoices.csv", UNTIL, N, N_OPEN, 4, 0)


def test_few_corrections_do_not_hold_a_small_source(book: Path, tmp_path: Path) -> None:
    few = range(100, 100 + ENOUGH - 1)

    receipt = deliver(rewriting(tmp_path / "few", "written off", few), canonical(), book)

    assert receipt.published
    assert past_of(receipt).rewritten == len(few) > Limits().rewritten_past * N


@pytest.mark.parametrize(
    ("rewritten", "booked_late", "verdict"),
    [(20, 0, None), (21, 0, "rewritten"), (0, 50, None), (0, 51, "booked late"), (21, 51, "rewritten")],
)
def test_the_bounds_are_shares_of_what_was_compared_and_of_what_was_overdue(
    rewritten: int, booked_late: int, verdict: str | None
) -> None:
    assert over_the_bound(Past("x", UNTIL, 1000, 100, rewritten, booked_late), Limits()) == verdict


@pytest.mark.parametrize(
    ("days", "n", "verdict"),
    [
        (LATE_DAYS, 20, None),
        (LATE_DAYS, 21, "would have been settled in the 31 days before"),
        (LATE_DAYS + 1, 19, None),
        (LATE_DAYS + 1, 20, "what became of 20 of the 400"),
    ],
)
def test_a_payment_booked_late_is_counted_apart_and_one_of_long_ago_is_another_past(
    days: int, n: int, verdict: str | None, book: Path, tmp_path: Path
) -> None:
    on = UNTIL - dt.timedelta(days=days)
    path = put(tmp_path / "late", "settlements", SETTLEMENTS, *(payment(k, on) for k in range(n)))

    if verdict is None:
        past = past_of(deliver(path, canonical(), book))
        assert (past.rewritten, past.booked_late) == ((0, n) if days == LATE_DAYS else (n, 0))
        return
    with pytest.raises(HeldForReview, match=verdict):
        deliver(path, canonical(), book)


def test_what_happened_after_the_last_known_payment_is_no_news_about_the_past(book: Path, tmp_path: Path) -> None:
    later = UNTIL + dt.timedelta(days=1)
    path = put(tmp_path / "next", "settlements", SETTLEMENTS, *(payment(n, later) for n in range(N_OPEN)))

    assert past_of(deliver(path, canonical(), book)) == Past("invoices.csv", UNTIL, N, N_OPEN, 0, 0)


def test_an_open_invoice_that_is_no_longer_there_is_another_past(book: Path, tmp_path: Path) -> None:
    with pytest.raises(HeldForReview, match="I000: open -> no longer there"):
        deliver(rewriting(tmp_path / "new", "the due date moved", range(ENOUGH)), canonical(), book)


def test_part_payments_and_bank_charges_change_no_fate(tmp_path: Path) -> None:
    """Short of a hundredth an invoice is settled, as everywhere; half of it paid, it is open."""
    numbers = range(2 * ENOUGH)
    due = [f"K{n},C,2025-01-01,2025-02-01,100.00,EUR" for n in numbers]
    put(tmp_path / "a", "invoices", INVOICES, *due)
    put(
        tmp_path / "a",
        "settlements",
        SETTLEMENTS,
        *(f"P{n},K{n},payment,2025-06-{1 + n % 2}0,{99 - n % 2 * 49}.00" for n in numbers),
    )
    deliver(tmp_path / "a", canonical(), tmp_path / "book")

    rest = [f"R{n},K{n},discount,2025-03-01,1.00" for n in numbers]
    receipt = deliver(put(tmp_path / "b", "settlements", SETTLEMENTS, *rest), canonical(), tmp_path / "book")

    assert past_of(receipt) == Past("invoices.csv", dt.date(2025, 6, 20), len(numbers), ENOUGH, 0, 0)


def test_rows_that_an_export_no_longer_holds_stay_in_the_book(book: Path, tmp_path: Path) -> None:
    """A book only grows: what became of an invoice cannot be dropped by leaving it out."""
    before = sorted(map(str, rows_of(book, "settlements")))
    put(tmp_path / "dropped", "invoices", INVOICES, *HISTORY[0][:200], "new,C1,2026-01-01,2026-02-01,1.00,EUR")
    put(tmp_path / "dropped", "settlements", SETTLEMENTS, *HISTORY[1][:200])

    receipt = deliver(tmp_path / "dropped", canonical(), book)

    assert past_of(receipt).rewritten == 0
    assert sorted(map(str, rows_of(book, "settlements"))) == before
    assert len(rows_of(book, "invoices")) == N + 1


RATES = "currency,to_currency,rate,rated_on"


def by_name(name: str) -> Mapping:
    """The canonical mapping, reading invoices from files of that pattern too."""
    mapping = canonical()
    sources = [
        source.model_copy(update={"files": [*source.files, name]}) if source.table == "invoices" else source
        for source in mapping.source
    ]
    return mapping.model_copy(update={"source": sources})


def test_a_source_that_drops_out_is_held_however_small_a_part_of_the_book_it_is(book: Path, tmp_path: Path) -> None:
    """A second rate of one day takes every invoice of the subsidiary out of the book: 30 of 430, but all of its own."""
    mapping = by_name("invoices_us_*.csv")
    rows = [f"U{n},D{n % 3},2025-03-01,2025-04-01,{200 + n}.00,USD" for n in range(30)]
    put(tmp_path / "us", "invoices_us_202503", INVOICES, *rows[:15])
    put(tmp_path / "us", "invoices_us_202504", INVOICES, *rows[15:])
    put(tmp_path / "us", "rates", RATES, "USD,EUR,0.95,2025-03-01")
    put(tmp_path / "us", "settlements", SETTLEMENTS, *(f"T{n},U{n},payment,2025-04-03,{200 + n}.00" for n in range(30)))
    deliver(tmp_path / "us", mapping, book)
    path = put(tmp_path / "rate", "rates", RATES, "USD,EUR,1.95,2025-03-01")

    with pytest.raises(HeldForReview) as held:
        deliver(path, mapping, book)

    assert "invoices_us_*.csv: what became of 30 of the 30 invoices" in str(held.value)
    assert "U0: settled 2025-04-03 -> no longer there" in str(held.value)
    receipt = deliver(path, mapping, book, accept_rewrite=SIGNED)
    assert (past_of(receipt).rewritten, past_of(receipt, "invoices_us_*.csv").rewritten) == (0, 30)


def test_a_second_person_signs_for_it_and_stays_in_the_record(book: Path, tmp_path: Path) -> None:
    path = rewriting(tmp_path / "new", "written off", range(100, 140))

    receipt = deliver(path, canonical(), book, accept_rewrite=SIGNED)
    deliver(put(tmp_path / "x", "invoices", INVOICES, "new,C1,2026-01-01,2026-02-01,1.00,EUR"), canonical(), book)

    assert receipt.published
    assert receipt.book["pasts"] == [
        {
            "source": "invoices.csv",
            "known_until": "2025-12-31",
            "compared": N,
            "overdue": N_OPEN,
            "rewritten": 40,
            "booked_late": 0,
        }
    ]
    signed = [(entry["rows"], entry["rewrite_accepted"]) for entry in open_book(book).manifest["sources"]]
    assert sorted(signed, key=lambda pair: pair[0]) == [
        (1, None),
        (40, {"by": "Li Wei", "reason": "the bank corrected its file of May"}),
        (N - N_OPEN, None),
        (N, None),
    ]


def test_nobody_signs_for_what_is_not_there(book: Path, tmp_path: Path) -> None:
    """Standing in a nightly job, the flag would let in what nobody has seen."""
    path = rewriting(tmp_path / "few", "written off", range(100, 104))

    with pytest.raises(UsageRefused, match="nothing to accept"):
        deliver(path, canonical(), book, accept_rewrite=SIGNED)

    assert deliver(path, canonical(), book).published


@pytest.mark.parametrize(("reason", "by"), [("why", None), (None, "Li Wei"), ("why", "  "), ("why", "\u200b"), (" ", "Li Wei")])
def test_a_reason_has_a_name_and_a_name_a_reason(reason: str | None, by: str | None) -> None:
    with pytest.raises(UsageRefused, match="give both"):
        acceptance_of(reason, by)


def test_a_check_says_the_same_and_writes_nothing(book: Path, tmp_path: Path) -> None:
    path = rewriting(tmp_path / "new", "written off", range(100, 140))
    before = sorted(str(file) for file in book.rglob("*"))

    receipt = look(path, canonical(), book)

    with pytest.raises(HeldForReview) as held:
        deliver(path, canonical(), book)
    assert (receipt.refused, receipt.refused_status) == (str(held.value), 8)
    assert past_of(receipt).rewritten == 40
    assert sorted(str(file) for file in book.rglob("*")) == before


def test_the_command_holds_shows_and_accepts(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = rewriting(tmp_path / "new", "a payment before the payment", range(100, 140))
    asked = ["ingest", str(path), "--mapping", "canonical", "--book", str(book)]

    assert main([*asked, "--check"]) == 8
    shown = " ".join(capsys.readouterr().out.split())
    assert "The past, as told now" in shown
    assert "invoices.csv" in shown
    assert main(asked) == 8
    assert "what became of 40 of the 400 invoices" in capsys.readouterr().err
    assert main([*asked, "--accept-rewrite", "seen with the bank"]) == 2
    capsys.readouterr()
    assert main([*asked, "--accept-rewrite", "seen with the bank", "--by", " Li  Wei ", "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["pasts"][0]["rewritten"] == 40
    assert {"by": "Li Wei", "reason": "seen with the bank"} in [each["rewrite_accepted"] for each in receipt["book"]["sources"]]


def test_a_history_loaded_table_by_table_and_year_by_year_is_not_held(tmp_path: Path) -> None:
    """Where the payments of a time are not there yet, the book knew nobody's fate then."""
    book = tmp_path / "book"
    half = N // 2
    parts = [HISTORY[0][:half], HISTORY[1][: half - N_OPEN], HISTORY[0][half:], HISTORY[1][half - N_OPEN :]]
    # The one payment of the last day belongs to the second half here.
    parts[1], parts[3] = [row for row in parts[1] if str(UNTIL) not in row], [*parts[3], payment(N_OPEN, UNTIL)]

    for number, (table, rows) in enumerate(zip(["invoices", "settlements"] * 2, parts, strict=True)):
        header = INVOICES if table == "invoices" else SETTLEMENTS
        receipt = deliver(put(tmp_path / str(number), table, header, *rows), canonical(), book)

    assert past_of(receipt).compared > 0
    assert len(rows_of(book, "settlements")) == N - N_OPEN


def test_payments_of_a_subsidiary_of_whom_none_were_known_are_no_news_of_the_past(book: Path, tmp_path: Path) -> None:
    """The others' payments say nothing of hers: to which day her payments are known is asked of them alone."""
    mapping = by_name("invoices_us.csv")
    rows = [f"U{n},D{n % 3},2025-03-01,2025-04-01,{200 + n}.00,EUR" for n in range(30)]
    first = deliver(put(tmp_path / "us", "invoices_us", INVOICES, *rows), mapping, book)
    paid = [f"T{n},U{n},payment,2025-04-03,{200 + n}.00" for n in range(30)]

    second = deliver(put(tmp_path / "paid", "settlements", SETTLEMENTS, *paid), mapping, book)
    third = deliver(put(tmp_path / "x", "invoices", INVOICES, "new,C1,2026-01-01,2026-02-01,1.00,EUR"), mapping, book)

    assert [[past.source for past in receipt.pasts] for receipt in (first, second, third)] == [
        ["invoices.csv"],
        ["invoices.csv"],
        ["invoices.csv", "invoices_us.csv"],
    ]


def test_the_bounds_of_the_past_do_not_name_a_reading_anew() -> None:
    mapping = canonical(limits=True)

    assert mapping.digest == canonical(limits=Limits(rewritten_past=0.5, late_bookings=0.1)).digest
    assert mapping.digest != canonical(limits=Limits(quarantined_rows=0.5)).digest
