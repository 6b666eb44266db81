"""Files that are not what they should be are refused whole, and nothing is written (reliability A1, A2, A5, A6, A18)."""

import gzip
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporting import INVOICES, SETTLEMENTS, canonical, column_of, deliver, flat, lines, rows_of
from riskscore.errors import InputRefused, QuarantineAboveLimit, StorageFailed, UsageRefused
from riskscore.stores.ledgers import open_book
from riskscore.stores.ledgers.csvfiles import CsvFile
from riskscore.stores.ledgers.lines import BLOCK
from riskscore.stores.ledgers.mapping import Source
from riskscore.stores.ledgers.parquetfiles import ParquetFile

SIX = [f"I{n},C{n % 3},2025-01-0{n + 1},2025-02-0{n + 1},{100 + n}.5{n},EUR" for n in range(6)]


def as_csv(path: Path, content: bytes) -> CsvFile:
    path.write_bytes(content)
    return CsvFile(path, Source(table="invoices", files=["*"]))


def n_rows(reader: CsvFile | ParquetFile) -> int:
    return sum(len(chunk.lines) for chunk in reader.chunks())


def test_a01_a_file_cut_anywhere_but_at_a_line_end_is_refused(tmp_path: Path) -> None:
    whole = lines(INVOICES, *(f"I{n},C,2025-01-01,2025-02-01,{n}.00,EUR" for n in range(200))).encode()
    last = len(whole) - len(whole.splitlines()[-1]) - 1
    cuts = {*random.Random(1).sample(range(len(INVOICES) + 2, len(whole)), 200), *range(last, len(whole))}

    for cut in sorted(cuts):
        if whole[cut - 1 : cut] == b"\n":
            assert n_rows(as_csv(tmp_path / "invoices.csv", whole[:cut])) == whole[:cut].count(b"\n") - 1
            continue
        with pytest.raises(InputRefused, match="no line end"):
            n_rows(as_csv(tmp_path / "invoices.csv", whole[:cut]))


def test_a01_a_cut_at_a_line_end_is_seen_by_the_control_file(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *SIX[:-1]), encoding="utf-8")
    stated = {"files": {"invoices.csv": {"rows": 6}}}

    with pytest.raises(InputRefused, match="states rows 6, but the delivery has 5"):
        deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book", control=stated)

    assert not (tmp_path / "book").exists()


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        ({"rows": 7}, "rows 7"),
        ({"sums": {"EUR": "615.16"}}, "615.16 EUR"),
        ({"sums": {"USD": "1.00"}}, "1.00 USD"),
        ({"sha256": "0" * 64}, "sha256"),
    ],
    ids=["rows", "sum", "currency", "digest"],
)
def test_a_control_file_that_disagrees_refuses_the_delivery(stated: dict[str, object], says: str, tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *SIX), encoding="utf-8")

    with pytest.raises(InputRefused, match=says):
        deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book", control={"files": {"invoices.csv": stated}})

    assert not (tmp_path / "book").exists()


def test_a_control_file_that_agrees_lets_the_delivery_in(tmp_path: Path) -> None:
    path = tmp_path / "invoices.csv"
    path.write_text(lines(INVOICES, *SIX), encoding="utf-8")
    import hashlib

    stated = {"rows": 6, "sums": {"EUR": "618.15"}, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

    assert deliver(path, canonical(), tmp_path / "book", control={"files": {"invoices.csv": stated}}).published


def test_a01_an_unterminated_last_line_is_read_where_the_mapping_says_that_exports_end_so(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("no,who,issued,due,amount\nI1,C,2025-01-01,2025-02-01,5.00", encoding="utf-8")
    source = 'formats = ["%Y-%m-%d"]\nunterminated_last_line = true\n'

    deliver(tmp_path / "flat.csv", flat(source=source), tmp_path / "book")

    assert rows_of(tmp_path / "book", "invoices")[0]["amount"] == Decimal(5)


def sample_table(n_rows: int = 2000) -> pa.Table:
    numbers = range(n_rows)
    return pa.table(
        {
            "invoice_id": [f"I{n}" for n in numbers],
            "customer_id": [f"C{n % 7}" for n in numbers],
            "issued_on": ["2025-01-01"] * n_rows,
            "due_on": ["2025-02-01"] * n_rows,
            "amount": [f"{n}.{n % 100:02d}" for n in numbers],
            "currency": ["EUR"] * n_rows,
        }
    )


def test_a02_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(sample_table(), tmp_path / "invoices.parquet")
    whole = (tmp_path / "invoices.parquet").read_bytes()

    for cut in [5, 100, len(whole) // 2, len(whole) - 8, len(whole) - 1]:
        (tmp_path / "invoices.parquet").write_bytes(whole[:cut])
        with pytest.raises(InputRefused, match=r"cut or damaged|declared as parquet"):
            n_rows(ParquetFile(tmp_path / "invoices.parquet", Source(table="invoices", files=["*"])))


def test_a02_with_the_digest_its_sender_states_no_flipped_bit_of_a_parquet_file_is_read(tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "invoices.parquet"
    pq.write_table(sample_table(300), path)
    whole = path.read_bytes()
    stated = {"files": {path.name: {"sha256": hashlib.sha256(whole).hexdigest()}}}
    chance = random.Random(2)

    for _ in range(10):
        at, bit = chance.randrange(len(whole)), chance.randrange(8)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
        with pytest.raises((InputRefused, QuarantineAboveLimit)):
            deliver(path, canonical(limits=True), tmp_path / "book", control=stated)
        assert not (tmp_path / "book").exists()


def test_a02_no_flipped_bit_of_the_book_itself_is_read(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *SIX), encoding="utf-8")
    deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book")
    book = open_book(tmp_path / "book")
    files = [book.folder / entry["path"] for entry in book.manifest["files"] if entry["part"] == "tables"]
    chance = random.Random(3)

    for _ in range(200):
        path = chance.choice(files)
        whole = path.read_bytes()
        at, bit = chance.randrange(len(whole)), chance.randrange(8)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
        with pytest.raises(StorageFailed, match="not those the book was published with"):
            book.ledger()
        path.write_bytes(whole)

    assert len(book.tables()["invoices"]) == 6


def test_a02_a_page_whose_checksum_is_wrong_is_not_read_even_where_the_digest_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *SIX), encoding="utf-8")
    deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book")
    path = next((tmp_path / "book").glob("v*/tables/invoices/*/part.parquet"))
    whole = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(0)
    start = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
    whole[start + column.total_compressed_size - 1] ^= 1  # the last byte of the data page
    path.write_bytes(bytes(whole))

    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(path, page_checksum_verification=True).read()


@pytest.mark.parametrize("name", ["manifest.json", "../current.json"])
def test_a02_a_damaged_manifest_or_pointer_is_not_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *SIX), encoding="utf-8")
    deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book")
    path = (open_book(tmp_path / "book").folder / name).resolve()
    whole = path.read_bytes()

    for at in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises((StorageFailed, InputRefused)):
            open_book(tmp_path / "book")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"<!DOCTYPE html><html><body>Please log in", "HTML"),
        (b"\n  <html><head>", "HTML"),
        (gzip.compress(b"a,b\n1,2\n"), "gzip"),
        (b"PK\x03\x04" + b"\0" * 50, "XLSX workbook"),
        (b"PAR1" + b"\0" * 50, "Parquet"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 50, "old XLS"),
        (b"%PDF-1.7\n", "PDF"),
        (INVOICES.encode() + b"\n", "only a header"),
        (INVOICES.encode() + b"\n\n\n", "only a header"),
        (INVOICES.replace(",", "\r").encode() + b"\rI1\rC", "carriage return"),
    ],
    ids=["empty", "bom-only", "login-page", "html", "gzip", "xlsx", "parquet", "xls", "pdf", "header-only", "blank-rows", "mac"],
)
def test_a05_a_file_that_is_not_the_declared_type_is_refused_naming_what_it_is(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_bytes(content)

    with pytest.raises(InputRefused, match=says) as refused:
        deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book")

    assert refused.value.exit_status == 3
    assert str(refused.value).startswith("invoices.csv")
    assert not (tmp_path / "book").exists()


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_a05_text_named_as_a_parquet_file_or_workbook_is_refused(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"invoices.{suffix}").write_text(lines(INVOICES, *SIX), encoding="utf-8")

    with pytest.raises(InputRefused, match=f"declared as {suffix}"):
        deliver(tmp_path / f"invoices.{suffix}", canonical(), tmp_path / "book")


def test_a05_a_table_that_may_be_empty_is_declared_so(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *SIX), encoding="utf-8")
    (tmp_path / "disputes.csv").write_text("invoice_id,opened_on\n", encoding="utf-8")

    assert deliver(tmp_path, canonical(), tmp_path / "book").published


def test_a05_gzip_is_unpacked_where_it_is_declared_and_a_cut_one_refused(tmp_path: Path) -> None:
    packed = gzip.compress(lines("no,who,issued,due,amount", "I1,C,2025-01-01,2025-02-01,5.00").encode())
    source = 'formats = ["%Y-%m-%d"]\ncompression = "gzip"\n'
    (tmp_path / "flat.csv.gz").write_bytes(packed)

    deliver(tmp_path / "flat.csv.gz", flat(source=source), tmp_path / "book")
    (tmp_path / "flat.csv.gz").write_bytes(packed[:-6])

    assert column_of(tmp_path / "book", "invoices", "invoice_id") == ["I1"]
    with pytest.raises(InputRefused, match="gzip"):
        deliver(tmp_path / "flat.csv.gz", flat(source=source), tmp_path / "other")


NAMES = {
    "utf-8": "Müller & Søn – 株式会社",
    "utf-16": "Müller & Søn – 株式会社",
    "gb18030": "北京信用有限公司 Müller",
    "shift_jis": "株式会社表示ソ十",
    "cp1252": "Müller & Söhne – “GmbH” €",
    "cp1251": "ООО Ромашка",
}


@pytest.mark.parametrize("encoding", NAMES)
def test_a06_a_declared_encoding_gives_the_names_as_they_were_written(encoding: str, tmp_path: Path) -> None:
    rows = [f"I{n},{NAMES[encoding]} {n},2025-01-01,2025-02-01,1.00" for n in range(1000)]
    content = lines("no,who,issued,due,amount", *rows).encode(encoding)
    (tmp_path / "flat.csv").write_bytes(content)

    deliver(tmp_path / "flat.csv", flat(source=f'formats = ["%Y-%m-%d"]\nencoding = "{encoding}"\n'), tmp_path / "book")

    assert set(column_of(tmp_path / "book", "invoices", "customer_id")) == {f"{NAMES[encoding]} {n}" for n in range(1000)}


@pytest.mark.parametrize("encoding", [name for name in NAMES if name != "utf-8"])
def test_a06_an_undeclared_encoding_is_refused_with_the_byte_where_it_shows(encoding: str, tmp_path: Path) -> None:
    head = "no,who,issued,due,amount\n"
    content = (head + f"I1,{NAMES[encoding]},2025-01-01,2025-02-01,1.00\n").encode(encoding)
    (tmp_path / "flat.csv").write_bytes(content)

    with pytest.raises(InputRefused) as refused:
        deliver(tmp_path / "flat.csv", flat(), tmp_path / "book")

    if encoding == "utf-16":
        assert 'declare encoding = "utf-16"' in str(refused.value)
    else:
        with pytest.raises(UnicodeDecodeError) as undecodable:
            content.decode()
        assert f"byte {undecodable.value.start}:" in str(refused.value)


@pytest.mark.parametrize(("written", "declared"), [("gb18030", "shift_jis"), ("cp1251", "utf-16"), ("cp1252", "utf-8")])
def test_a06_a_wrongly_declared_encoding_is_refused_where_the_bytes_contradict_it(
    written: str, declared: str, tmp_path: Path
) -> None:
    rows = [f"I{n},{NAMES[written]}ÿ{n},2025-01-01,2025-02-01,1.00" for n in range(9)]
    (tmp_path / "flat.csv").write_bytes(lines("no,who,issued,due,amount", *rows).encode(written, "ignore"))

    with pytest.raises(InputRefused):
        deliver(tmp_path / "flat.csv", flat(source=f'formats = ["%Y-%m-%d"]\nencoding = "{declared}"\n'), tmp_path / "book")


def test_a06_the_byte_of_the_mistake_is_right_beyond_the_first_block(tmp_path: Path) -> None:
    head = b"a,b\n" + b"1,2\n" * (BLOCK // 4)
    path = tmp_path / "big.csv"
    path.write_bytes(head + b"3,\xff\n")

    with pytest.raises(InputRefused, match=f"byte {len(head) + 2}: 0xff"):
        n_rows(CsvFile(path, Source(table="invoices", files=["*"])))


def test_a06_a_byte_order_mark_is_not_part_of_the_first_header(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_bytes(b"\xef\xbb\xbf" + lines(INVOICES, *SIX).encode())

    deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book")

    assert len(rows_of(tmp_path / "book", "invoices")) == 6


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a18_a_file_that_changes_while_it_is_read_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"invoices.{kind}"
    if kind == "csv":
        path.write_bytes(b"a,b\n" + b"1,2\n" * (BLOCK // 2))
    else:
        pq.write_table(sample_table(200_000), path)
    source = Source(table="invoices", files=["*"])
    reader = CsvFile(path, source) if kind == "csv" else ParquetFile(path, source)
    chunks = reader.chunks()
    next(chunks)
    with path.open("r+b") as file:
        file.seek(-3, 2)
        file.write(b"7")

    with pytest.raises(InputRefused, match=r"changed while it was read|cut or damaged"):
        for _ in chunks:
            pass


def test_a_file_appended_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    reader = as_csv(tmp_path / "invoices.csv", b"a,b\n" + b"1,2\n" * (BLOCK // 2))
    chunks = reader.chunks()
    next(chunks)
    with (tmp_path / "invoices.csv").open("ab") as file:
        file.write(b"3,4\n")

    with pytest.raises(InputRefused, match="changed while it was read"):
        for _ in chunks:
            pass


def test_a03_a_parquet_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    schema = pa.schema([("invoice_id", pa.int64())])
    with pq.ParquetWriter(tmp_path / "invoices.parquet", schema, compression="zstd") as writer:
        zeros = pa.table({"invoice_id": pa.array([0] * 1_000_000)}, schema=schema)
        for _ in range(100):
            writer.write_table(zeros)

    with pytest.raises(InputRefused, match="promise"):
        deliver(tmp_path / "invoices.parquet", canonical(), tmp_path / "book")


def test_a_database_address_must_be_one_that_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no such file"):
        deliver(["mysql://host/db"], canonical(), tmp_path / "book")


def test_a_file_no_part_of_the_mapping_reads_is_named(tmp_path: Path) -> None:
    (tmp_path / "debtors.csv").write_text(lines(SETTLEMENTS, "S,I,payment,2025-01-01,1"), encoding="utf-8")

    with pytest.raises(UsageRefused, match=r"debtors\.csv"):
        deliver(tmp_path / "debtors.csv", canonical(), tmp_path / "book")
    with pytest.raises(InputRefused, match="no file the mapping reads"):
        deliver(tmp_path, canonical(), tmp_path / "book")
