"""A book is published whole or not at all: two at once, killed, out of room, cut short, on any machine (reliability A13, A17)."""

import datetime as dt
import fcntl
import json
from pathlib import Path

import duckdb
import pytest

from exporting import GOOD, INVOICES, USD, canonical, column_of, deliver, put, rows_of
from riskscore.errors import InputRefused, QuarantineAboveLimit, RunLocked, StorageFailed, UsageRefused
from riskscore.stores.ledgers import bucket_of, layout, open_book, staging, tablefiles, versions, writing


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
