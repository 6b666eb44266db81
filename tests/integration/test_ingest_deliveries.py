"""Deliveries over time: repeated, contradicted, out of order, two at once (reliability A13, A16, A17; publication of a book)."""

import datetime as dt
import fcntl
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from exporting import INVOICES, SETTLEMENTS, canonical, column_of, deliver, flat, lines, reasons, rows_of
from riskscore.errors import HeldForReview, InputRefused, QuarantineAboveLimit, RunLocked, StorageFailed, UsageRefused
from riskscore.stores.ledgers import bucket_of, layout, open_book, staging, tablefiles, versions, writing
from riskscore.stores.ledgers.mapping import FixedRate
from riskscore.stores.ledgers.quarantine import read_quarantine

GOOD = [f"I{n},C{n % 3},2025-01-0{n + 1},2025-02-0{n + 1},{100 + n}.5{n},EUR" for n in range(6)]
PAID = [f"S{n},I{n},payment,2025-01-2{n},{100 + n}.5{n}" for n in range(6)]


def put(folder: Path, name: str, header: str, *rows: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text(lines(header, *rows), encoding="utf-8")
    return path


def test_a13_a_file_delivered_again_adds_nothing(tmp_path: Path) -> None:
    path = put(tmp_path, "invoices", INVOICES, *GOOD)
    deliver(path, canonical(), tmp_path / "book")
    before = (tmp_path / "book" / layout.POINTER).read_bytes()

    again = deliver(path, canonical(), tmp_path / "book")

    assert not again.published
    assert again.already == ["invoices.csv"]
    assert (tmp_path / "book" / layout.POINTER).read_bytes() == before


def test_a13_the_same_rows_in_another_file_are_counted_as_repetitions(tmp_path: Path) -> None:
    deliver(put(tmp_path / "a", "invoices", INVOICES, *GOOD[:4]), canonical(), tmp_path / "book")
    digest = open_book(tmp_path / "book").digest

    again = deliver(put(tmp_path / "b", "invoices", INVOICES, *reversed(GOOD[:4]), GOOD[0]), canonical(), tmp_path / "book")

    assert (again.reads[0].rows, again.reads[0].accepted, again.reads[0].exact_duplicates) == (5, 0, 5)
    assert open_book(tmp_path / "book").digest == digest
    assert len(open_book(tmp_path / "book").manifest["sources"]) == 2


def test_a13_the_same_id_with_other_content_sets_both_aside(tmp_path: Path) -> None:
    other = GOOD[2].replace("102.52", "999.99")

    receipt = deliver(put(tmp_path, "invoices", INVOICES, *GOOD, other, GOOD[2]), canonical(), tmp_path / "book")

    assert reasons(receipt) == {"conflicting_duplicate": 2}
    assert receipt.reads[0].exact_duplicates == 1
    assert "I2" not in column_of(tmp_path / "book", "invoices", "invoice_id")


def test_a13_a_contradiction_reaches_back_to_the_row_in_the_book_and_its_payment(tmp_path: Path) -> None:
    put(tmp_path / "a", "invoices", INVOICES, *GOOD)
    put(tmp_path / "a", "settlements", SETTLEMENTS, *PAID)
    deliver(tmp_path / "a", canonical(), tmp_path / "book")

    deliver(put(tmp_path / "b", "invoices", INVOICES, GOOD[2].replace("102.52", "1.00")), canonical(), tmp_path / "book")

    found = {(row["table"], row["reason"], row["line"]) for row in read_quarantine(open_book(tmp_path / "book")).to_pylist()}
    assert found == {
        ("invoices", "conflicting_duplicate", 4),
        ("invoices", "conflicting_duplicate", 2),
        ("settlements", "orphan", 4),
    }
    assert "I2" not in column_of(tmp_path / "book", "settlements", "invoice_id")


def test_a_payment_before_its_invoice_waits_and_is_accepted_when_the_invoice_comes(tmp_path: Path) -> None:
    first = deliver(put(tmp_path / "a", "settlements", SETTLEMENTS, *PAID), canonical(), tmp_path / "book")
    assert reasons(first) == {"orphan": 6}

    deliver(put(tmp_path / "b", "invoices", INVOICES, *GOOD), canonical(), tmp_path / "book")

    assert len(rows_of(tmp_path / "book", "settlements")) == 6
    assert read_quarantine(open_book(tmp_path / "book")).num_rows == 0


def test_a17_a_payment_of_nobodys_invoice_is_an_orphan(tmp_path: Path) -> None:
    put(tmp_path / "a", "invoices", INVOICES, *GOOD)
    put(tmp_path / "a", "settlements", SETTLEMENTS, *PAID, "S9,I99,payment,2025-01-20,5.00")

    receipt = deliver(tmp_path / "a", canonical(), tmp_path / "book")

    assert reasons(receipt) == {"orphan": 1}
    assert receipt.rejects["orphan"]["examples"][0]["line"] == 8


def customers(*rows: str) -> str:
    return lines("customer_id,parent_id,known_on", *rows)


def test_a17_a_merger_is_dated_and_does_not_rewrite_what_was_before(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(
        customers("A,,2024-01-01", "B,,2024-01-01", "B,A,2025-01-01", "B,,2026-01-01"), encoding="utf-8"
    )

    deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book")

    parents = [
        (row["known_on"], row["parent_id"]) for row in rows_of(tmp_path / "book", "customers") if row["customer_id"] == "B"
    ]
    assert parents == [(dt.date(2024, 1, 1), None), (dt.date(2025, 1, 1), "A"), (dt.date(2026, 1, 1), None)]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["A,A,2024-01-01"], "A is owned by A"),
        (["A,B,2024-01-01", "B,A,2024-03-01"], "from 2024-03-01 on"),
        (["A,B,2024-01-01", "B,C,2024-01-01", "C,A,2024-01-01"], "is owned by"),
    ],
    ids=["itself", "two", "three"],
)
def test_a17_a_family_that_owns_itself_is_refused(rows: list[str], says: str, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(customers(*rows), encoding="utf-8")

    with pytest.raises(InputRefused, match=says) as refused:
        deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book")

    assert "merge_cycle" in str(refused.value)
    assert not (tmp_path / "book").exists()


def test_a17_a_family_may_turn_around_once_the_old_tie_is_cut(tmp_path: Path) -> None:
    rows = customers("A,B,2024-01-01", "B,,2024-01-01", "A,,2025-01-01", "B,A,2025-01-01")
    (tmp_path / "customers.csv").write_text(rows, encoding="utf-8")

    assert deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book").published


USD = "U1,C1,2025-01-10,2025-02-10,10.00,USD"


def test_a16_an_invoice_without_a_rate_waits_for_one(tmp_path: Path) -> None:
    first = deliver(put(tmp_path / "a", "invoices", INVOICES, *GOOD, USD), canonical(), tmp_path / "book")
    assert reasons(first) == {"no_rate": 1}

    deliver(
        put(tmp_path / "b", "rates", "currency,to_currency,rate,rated_on", "USD,EUR,0.97,2025-01-09"),
        canonical(),
        tmp_path / "book",
    )

    assert "U1" in column_of(tmp_path / "book", "invoices", "invoice_id")


@pytest.mark.parametrize(
    ("rate", "accepted"),
    [
        ("USD,EUR,0.97,2025-01-10", True),
        ("USD,EUR,0.97,2025-01-11", False),
        ("USD,EUR,0.97,2024-10-02", True),
        ("USD,EUR,0.97,2024-10-01", False),
        ("EUR,USD,1.03,2025-01-10", False),
        ("CAD,EUR,0.67,2025-01-10", False),
    ],
    ids=["same-day", "a-day-late", "100-days-old", "101-days-old", "inverse", "other-currency"],
)
def test_a16_a_rate_counts_on_its_day_and_until_it_is_stale(rate: str, accepted: bool, tmp_path: Path) -> None:
    put(tmp_path / "a", "invoices", INVOICES, *GOOD, USD)
    put(tmp_path / "a", "rates", "currency,to_currency,rate,rated_on", rate)

    receipt = deliver(tmp_path / "a", canonical(), tmp_path / "book")

    assert reasons(receipt) == ({} if accepted else {"no_rate": 1})


def test_a16_a_mapping_may_declare_a_dated_rate_itself(tmp_path: Path) -> None:
    rate = FixedRate(currency="USD", to_currency="EUR", rate="0.97", rated_on=dt.date(2025, 1, 1))
    path = put(tmp_path / "a", "invoices", INVOICES, *GOOD, USD)

    deliver(path, canonical(rates=[rate]), tmp_path / "book")
    # Another delivery under the same mapping brings the same rate, once.
    deliver(put(tmp_path / "b", "settlements", SETTLEMENTS, *PAID), canonical(rates=[rate]), tmp_path / "book")

    assert rows_of(tmp_path / "book", "rates") == [
        {"currency": "USD", "to_currency": "EUR", "rate": 0.97, "rated_on": dt.date(2025, 1, 1)}
    ]
    assert open_book(tmp_path / "book").manifest["money"]["invoices"] == {"EUR": "618.1500", "USD": "10.0000"}


@pytest.mark.parametrize(("times", "held"), [("100", True), ("0.01", True), ("10", False)])
def test_a16_amounts_that_all_moved_tenfold_are_held_for_a_second_look(times: str, held: bool, tmp_path: Path) -> None:
    def month(number: int, factor: Decimal) -> list[str]:
        amounts = [(Decimal(100 + n) * factor).quantize(Decimal("0.01")) for n in range(30)]
        return [f"M{number}-{n},C,2025-0{number}-01,2025-0{number}-28,{amount},EUR" for n, amount in enumerate(amounts)]

    deliver(put(tmp_path / "1", "invoices", INVOICES, *month(1, Decimal(1))), canonical(), tmp_path / "book")
    digest = open_book(tmp_path / "book").digest
    path = put(tmp_path / "2", "invoices", INVOICES, *month(2, Decimal(times) * (Decimal(1) if held else Decimal("0.99"))))

    if not held:
        assert deliver(path, canonical(), tmp_path / "book").published
        return
    with pytest.raises(HeldForReview, match="median") as refused:
        deliver(path, canonical(), tmp_path / "book")
    assert refused.value.exit_status == 8
    assert open_book(tmp_path / "book").digest == digest
    assert deliver(path, canonical(), tmp_path / "book", accept_shift=True).published


def test_a_book_is_kept_in_one_currency_and_one_time_zone(tmp_path: Path) -> None:
    deliver(put(tmp_path / "a", "invoices", INVOICES, *GOOD), canonical(), tmp_path / "book")

    with pytest.raises(UsageRefused, match="reporting_currency = EUR"):
        deliver(put(tmp_path / "b", "invoices", INVOICES, USD), canonical(currency="USD"), tmp_path / "book")


def test_a_dispute_delivered_open_and_later_closed_is_one_dispute(tmp_path: Path) -> None:
    header = "invoice_id,opened_on,closed_on,amount,known_on"
    put(tmp_path / "a", "invoices", INVOICES, *GOOD)
    put(tmp_path / "a", "disputes", header, "I1,2025-01-20,,5.00,2025-01-20")
    deliver(tmp_path / "a", canonical(), tmp_path / "book")

    again = deliver(
        put(tmp_path / "b", "disputes", header, "I1,2025-01-20,2025-03-01,5.00,2025-01-20"), canonical(), tmp_path / "book"
    )
    contradicting = put(tmp_path / "c", "disputes", header, "I1,2025-01-20,2025-04-01,5.00,2025-01-20")

    assert (again.reads[0].accepted, reasons(again)) == (1, {})
    assert column_of(tmp_path / "book", "disputes", "closed_on") == [dt.date(2025, 3, 1)]
    assert reasons(deliver(contradicting, canonical(), tmp_path / "book")) == {"conflicting_duplicate": 1}
    assert rows_of(tmp_path / "book", "disputes") == []


FLAT = "no,who,issued,due,amount,paid,name"


def test_a_customer_derived_from_invoices_is_known_from_the_first_of_them_however_they_are_delivered(tmp_path: Path) -> None:
    mapping = flat('[source.settlements]\nsettled_on = "paid"\n[source.customers]\nname = "name"\n')
    rows = ["1,C,2025-03-01,2025-04-01,1,,ACME", "2,C,2025-01-01,2025-04-01,1,,ACME", "3,C,2025-02-01,2025-04-01,1,,ACME Inc"]
    digests = set()
    for order in ([0, 1, 2], [2, 1, 0]):
        book = tmp_path / f"book{order[0]}"
        for number in order:
            deliver(put(tmp_path / str(number), "flat", FLAT, rows[number]), mapping, book)
        digests.add(open_book(book).digest)
        found = [(row["name"], row["known_on"]) for row in rows_of(book, "customers")]

    assert len(digests) == 1
    assert found == [("ACME", dt.date(2025, 1, 1)), ("ACME Inc", dt.date(2025, 2, 1))]


def test_delivered_customers_stand_before_derived_ones(tmp_path: Path) -> None:
    derived = flat('[source.customers]\nname = "name"\n')
    deliver(put(tmp_path / "a", "flat", FLAT, "1,C,2025-03-01,2025-04-01,1,,as the invoice says"), derived, tmp_path / "book")
    master = put(tmp_path / "b", "customers", "customer_id,name,known_on", "C,as the register says,2025-01-01")

    deliver(master, canonical(), tmp_path / "book")

    assert column_of(tmp_path / "book", "customers", "name") == ["as the register says"]


def test_an_open_invoice_of_an_older_extract_does_not_undo_a_payment(tmp_path: Path) -> None:
    mapping = flat('[source.settlements]\nsettled_on = "paid"\n')
    newer = put(tmp_path / "new", "flat", FLAT, "1,C,2025-03-01,2025-04-01,10,2025-03-09,x")
    older = put(tmp_path / "old", "flat", FLAT, "1,C,2025-03-01,2025-04-01,10,,x")

    deliver(newer, mapping, tmp_path / "book")
    deliver(older, mapping, tmp_path / "book")

    assert column_of(tmp_path / "book", "settlements", "amount") == [Decimal(10)]


def test_two_extracts_that_disagree_on_a_payment_date_set_the_invoice_aside_and_not_only_the_payment(tmp_path: Path) -> None:
    mapping = flat('[source.settlements]\nsettled_on = "paid"\n')
    for day in (8, 9):
        path = put(
            tmp_path / str(day), "flat", FLAT, f"1,C,2025-03-01,2025-04-01,10,2025-03-0{day},x", "2,C,2025-03-01,2025-04-01,5,,x"
        )
        receipt = deliver(path, mapping, tmp_path / "book")

    assert column_of(tmp_path / "book", "invoices", "invoice_id") == ["2"]
    assert rows_of(tmp_path / "book", "settlements") == []
    assert (receipt.reads[0].quarantined, receipt.reads[0].exact_duplicates) == (1, 1)
    assert len(read_quarantine(open_book(tmp_path / "book"))) == 2


def test_a_second_run_on_the_same_book_is_turned_away_at_once(tmp_path: Path) -> None:
    path = put(tmp_path, "invoices", INVOICES, *GOOD)
    (tmp_path / "book").mkdir()
    with (tmp_path / "book" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunLocked) as refused:
            deliver(path, canonical(), tmp_path / "book")

    assert refused.value.exit_status == 7
    assert deliver(path, canonical(), tmp_path / "book").published


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "book" / ".draft-killed" / "work").mkdir(parents=True)

    deliver(put(tmp_path, "invoices", INVOICES, *GOOD), canonical(), tmp_path / "book")

    assert not list((tmp_path / "book").glob(".draft-*"))


@pytest.mark.slow
@pytest.mark.parametrize("point", ["rename", "fsync"])
def test_a_crash_at_any_step_of_publishing_leaves_the_old_version_or_the_new_one(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = put(tmp_path / "a", "invoices", INVOICES, *GOOD[:3])
    deliver(first, canonical(), tmp_path / "book")
    before = open_book(tmp_path / "book").digest
    second = put(tmp_path / "b", "invoices", INVOICES, *GOOD[3:])
    seen = set()

    class Killed(Exception):
        pass

    for nth in range(40):
        left = [nth]

        def maybe(honest: object, left: list[int] = left) -> object:
            def act(*args: object) -> object:
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return honest(*args)  # type: ignore[operator]

            return act

        with monkeypatch.context() as patch:
            owner, name = (Path, "rename") if point == "rename" else (layout.os, "fsync")
            patch.setattr(owner, name, maybe(getattr(owner, name)))
            try:
                deliver(second, canonical(), tmp_path / "book")
            except Killed:
                seen.add(open_book(tmp_path / "book").digest)
                len(open_book(tmp_path / "book").tables()["invoices"])
                continue
            break

    assert len(rows_of(tmp_path / "book", "invoices")) == 6
    assert before in seen
    assert seen <= {before, open_book(tmp_path / "book").digest}


def test_the_version_before_is_kept_for_its_readers_and_older_ones_are_deleted(tmp_path: Path) -> None:
    for number in range(3):
        deliver(put(tmp_path / str(number), "invoices", INVOICES, GOOD[number]), canonical(), tmp_path / "book")
        if number == 1:
            reader = open_book(tmp_path / "book")

    versions = sorted(path.name[:7] for path in (tmp_path / "book").glob("v*"))
    assert versions == ["v000002", "v000003"]
    assert len(reader.tables()["invoices"]) == 2
    deliver(put(tmp_path / "9", "invoices", INVOICES, GOOD[4]), canonical(), tmp_path / "book")
    with pytest.raises(StorageFailed, match="Open the book again"):
        reader.tables()


def test_a_book_of_a_newer_program_is_not_read(tmp_path: Path) -> None:
    deliver(put(tmp_path, "invoices", INVOICES, *GOOD), canonical(), tmp_path / "book")
    folder = open_book(tmp_path / "book").folder
    manifest = json.loads((folder / "manifest.json").read_bytes())
    content = layout.canonical_json({**manifest, "schema_version": layout.SCHEMA_VERSION + 1})
    (folder / "manifest.json").write_bytes(content)
    import hashlib

    pointer = {"version": folder.name, "manifest_sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / "book" / layout.POINTER).write_text(json.dumps(pointer), encoding="utf-8")

    with pytest.raises(UsageRefused, match="newer"):
        open_book(tmp_path / "book")


def test_where_there_is_no_book_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="riskscore ingest"):
        open_book(tmp_path / "nothing")


def test_a_refused_delivery_leaves_a_folder_of_the_user_s_own_alone(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "notes.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(QuarantineAboveLimit):
        deliver(put(tmp_path, "invoices", INVOICES, *GOOD, USD), canonical(limits=True), tmp_path / "book")

    assert [path.name for path in (tmp_path / "book").iterdir()] == ["notes.txt"]


def test_a_book_may_lie_in_a_folder_of_any_name(tmp_path: Path) -> None:
    book = tmp_path / "it's [a] book*?"

    for number in range(2):
        deliver(put(tmp_path / str(number), "invoices", INVOICES, GOOD[number]), canonical(), book)

    assert len(rows_of(book, "invoices")) == 2


def test_every_bucket_holds_its_own_customers_and_together_they_are_the_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ROWS_PER_BUCKET", 40)
    rows = [f"I{n},C{n % 50},2025-01-01,2025-02-01,{n}.00,EUR" for n in range(150)]
    put(tmp_path / "a", "invoices", INVOICES, *rows)
    put(tmp_path / "a", "rates", "currency,to_currency,rate,rated_on", "USD,EUR,0.97,2025-01-09")
    deliver(tmp_path / "a", canonical(), tmp_path / "book")
    book = open_book(tmp_path / "book")

    buckets = {number: book.tables(bucket=number) for number in book.buckets()}

    assert len(book.buckets()) == 4
    for number, tables in buckets.items():
        assert {bucket_of(customer, 4) for customer in tables["invoices"]["customer_id"].to_pylist()} <= {number}
        assert tables["rates"].num_rows == 1
    assert sum(tables["invoices"].num_rows for tables in buckets.values()) == 150
    assert book.ledger().frames["invoices"].to_native().count("*").fetchall() == [(150,)]
    assert book.tables(customers=["C7", "C8", "C7"])["invoices"].num_rows == 6
    assert book.customer_ids() == sorted({f"C{n}" for n in range(50)})
    assert book.n_customers == 50
    assert book.last_known_on == dt.date(2025, 1, 1)


def test_a_second_look_at_a_customer_still_sees_a_flipped_bit(tmp_path: Path) -> None:
    rows = [f"I{n},C{n:03d},2025-01-01,2025-02-01,{n}.00,EUR" for n in range(300)]
    deliver(put(tmp_path, "invoices", INVOICES, *rows), canonical(), tmp_path / "book")
    book = open_book(tmp_path / "book")
    assert [row["invoice_id"] for row in book.tables(customers=["C007", "nobody"])["invoices"].to_pylist()] == ["I7"]
    path = next(book.folder.glob("tables/invoices/*/part.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])

    with pytest.raises(StorageFailed, match="not those the book was published with"):
        book.tables(customers=["C007"])


@pytest.mark.parametrize("where", ["the stage", "the tables"])
def test_a_full_disk_is_told_and_readers_keep_the_version_before(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(put(tmp_path / "a", "invoices", INVOICES, *GOOD[:3]), canonical(), tmp_path / "book")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        staging.Stage if where == "the stage" else tablefiles.TableWriter, "_write" if where == "the stage" else "write", full
    )
    with pytest.raises(StorageFailed, match="No space left") as refused:
        deliver(put(tmp_path / "b", "invoices", INVOICES, *GOOD[3:]), canonical(), tmp_path / "book")

    assert refused.value.exit_status == 6
    assert len(rows_of(tmp_path / "book", "invoices")) == 3
    assert not list((tmp_path / "book").glob(".draft-*"))


def test_a_rate_that_is_contradicted_may_not_take_the_invoices_it_carries_out_of_the_book(tmp_path: Path) -> None:
    header = "currency,to_currency,rate,rated_on"
    others = [f"GBP,EUR,1.1{n},2025-01-{n + 1:02d}" for n in range(20)]
    put(tmp_path / "a", "invoices", INVOICES, *GOOD, USD)
    put(tmp_path / "a", "rates", header, "USD,EUR,0.97,2025-01-09")
    deliver(tmp_path / "a", canonical(), tmp_path / "book")
    path = put(tmp_path / "b", "rates", header, "USD,EUR,0.90,2025-01-09", *others)
    limits = canonical().limits.model_copy(update={"quarantined_rows": 0.1})

    with pytest.raises(QuarantineAboveLimit, match="contradicts 1 of the 7 rows of the book"):
        deliver(path, canonical(limits=limits), tmp_path / "book")

    assert "U1" in column_of(tmp_path / "book", "invoices", "invoice_id")


def test_the_bytes_of_a_book_do_not_depend_on_the_machine(tmp_path: Path, repository: Path) -> None:
    import os
    import subprocess
    import sys

    put(tmp_path / "exports", "invoices", INVOICES, *GOOD)
    digests = set()
    for number, machine in enumerate([{"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1"}, {"TZ": "America/New_York", "LC_ALL": "C"}]):
        arguments = ["ingest", "exports", "--mapping", "canonical", "--book", f"book{number}", "--extracted-on", "2026-06-30"]
        program = f"import sys; from riskscore_pipelines.main import main; sys.exit(main({arguments!r}))"
        subprocess.run(
            [sys.executable, "-c", program], check=True, cwd=tmp_path, env={**os.environ, **machine}, capture_output=True
        )
        book = open_book(tmp_path / f"book{number}")
        digests.add((book.digest, tuple(entry["sha256"] for entry in book.manifest["files"])))

    assert len(digests) == 1


def test_a_delivery_that_does_not_fit_is_judged_again_with_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, limits = versions.settle, []

    def hungry(connection: duckdb.DuckDBPyConnection, *rest: object) -> None:
        limits.append(connection.sql("select current_setting('memory_limit')").fetchall()[0][0])
        honest(connection, *rest)  # type: ignore[arg-type]
        if len(limits) < 3:
            raise duckdb.OutOfMemoryException("failed to allocate")

    monkeypatch.setattr(versions, "settle", hungry)

    receipt = deliver(put(tmp_path, "invoices", INVOICES, *GOOD), canonical(), tmp_path / "book")

    assert len(set(limits)) == 3
    assert receipt.reads[0].accepted == 6
    assert len(rows_of(tmp_path / "book", "invoices")) == 6
