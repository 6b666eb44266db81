"""Whatever the text, the reader of records and numbers agrees with a slow, plain one (reliability A7, A9, A10)."""

import itertools
import string
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporting import INVOICES, canonical, deliver, rows_of
from riskscore.stores.ledgers.amounts import NumberGrammar
from riskscore.stores.ledgers.csvfiles import CsvFile
from riskscore.stores.ledgers.mapping import Source
from riskscore.stores.ledgers.records import RecordGrammar

N_FIELDS = 3
PIECES = st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "\r", "\0", "a", "b c", "é", "x,y,z\n", '"q",1,2\n', '1,"two\nlines",3\n']
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def fields_of(record: str, *, spanning: bool = False) -> list[str] | None:
    """The fields of a record, character by character; None where it is not well formed.

    spanning: line ends, also a carriage return alone, may stand inside quotes.
    """
    fields, at = [], 0
    while True:
        if record[at : at + 1] == '"':
            at, value = at + 1, ""
            while True:
                if at >= len(record) or record[at] == "\0" or (record[at] in "\r\n" and not spanning):
                    return None
                if record[at] == '"':
                    if record[at + 1 : at + 2] != '"':
                        break
                    at += 1
                value += record[at]
                at += 1
            at += 1
        else:
            end = at
            while end < len(record) and record[end] != ",":
                end += 1
            value, at = record[at:end], end
            if any(mark in value for mark in '"\0\r\n'):
                return None
        fields.append(value)
        if at == len(record):
            return fields
        if record[at] != ",":
            return None
        at += 1


def reference(text: str, *, spanning: bool) -> tuple[list[list[str]], list[int]]:
    """Records and the lines that are none, by trying every run of lines."""
    lines, found, broken, at = text.split("\n"), [], [], 0
    while at < len(lines):
        for n_lines in range(1, (100 if spanning else 1) + 1):
            run = lines[at : at + n_lines]
            record = "\n".join(run).removesuffix("\r")
            if len(run) < n_lines:
                continue
            fields = fields_of(record, spanning=spanning) if record else None
            if fields is not None and len(fields) == N_FIELDS:
                found.append(fields)
                at += n_lines
                break
        else:
            if lines[at].removesuffix("\r"):
                broken.append(at + 2)
            at += 1
    return found, broken


@settings(max_examples=300)
@given(text=TEXTS, spanning=st.booleans())
@example(text='1,"two\nlines",3\n4,"never closed,6\n7,8,9', spanning=True)
def test_a07_records_are_those_of_a_plain_reader_of_the_same_grammar(text: str, spanning: bool) -> None:
    found, used = RecordGrammar(quoted_line_ends=spanning).records(text.split("\n"), 2, N_FIELDS, at_end=True)

    expected, broken = reference(text, spanning=spanning)
    assert found.fields == expected
    assert [line for line, _, _ in found.broken] == broken
    assert used == text.count("\n") + 1


@settings(max_examples=200)
@given(text=TEXTS, spanning=st.booleans(), size=st.sampled_from([7, 9, 64, 4 * 1024 * 1024]))
@example(text='\n1,"two\nlines",3\n', spanning=False, size=7)
@example(text="\n\n\n", spanning=True, size=9)
@example(text="", spanning=True, size=9)
def test_a07_a_file_gives_the_same_records_in_blocks_of_any_size(text: str, spanning: bool, size: int) -> None:
    import riskscore.stores.ledgers.lines as lines_module

    whole = "h1,h2,h3\n" + text + "\n1,2,3\n"
    before, lines_module.BLOCK = lines_module.BLOCK, size
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "x.csv"
            path.write_bytes(whole.encode())
            reader = CsvFile(path, Source(table="invoices", files=["*"], quoted_line_ends=spanning))
            chunks = list(reader.chunks())
    finally:
        lines_module.BLOCK = before

    expected, broken = reference(text + "\n1,2,3\n", spanning=spanning)
    columns = [[chunk.cells[name].text.to_pylist() for chunk in chunks] for name in ("h1", "h2", "h3")]
    flat = [list(itertools.chain.from_iterable(column)) for column in columns]
    assert [list(row) for row in zip(*flat, strict=True)] == expected
    assert sorted(record.line for chunk in chunks for record in chunk.misshapen) == broken


@given(
    units=st.integers(-(10**14) + 1, 10**14 - 1),
    decimal=st.sampled_from(".,"),
    grouped=st.booleans(),
    negative=st.sampled_from(["-1", "1-", "(1)"]),
)
def test_a08_a_number_written_in_a_grammar_is_read_back_exactly(units: int, decimal: str, grouped: bool, negative: str) -> None:
    thousands = {".": ",", ",": "."}[decimal] if grouped else ""
    value = Decimal(units).scaleb(-2)
    whole, _, cents = f"{abs(value):.2f}".partition(".")
    digits = f"{int(whole):,}".replace(",", thousands) if grouped else whole
    body = f"{digits}{decimal}{cents}"
    written = body if value >= 0 else {"-1": f"-{body}", "1-": f"{body}-", "(1)": f"({body})"}[negative]

    assert NumberGrammar(decimal, thousands, (negative,)).reader()(written) == value


@settings(max_examples=4)
@given(cents=st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=60))
def test_a09_the_sum_of_the_book_is_the_sum_of_the_file_to_the_cent(cents: list[int]) -> None:
    amounts = [Decimal(one).scaleb(-2) for one in cents]
    rows = [f"I{n},C{n % 5},2025-01-01,2025-02-01,{amount:.2f},EUR" for n, amount in enumerate(amounts)]
    with TemporaryDirectory() as folder:
        (Path(folder) / "invoices.csv").write_text("\n".join([INVOICES, *rows]) + "\n", encoding="utf-8")
        receipt = deliver(Path(folder), canonical(), Path(folder) / "book")
        found = rows_of(Path(folder) / "book", "invoices")

    assert sum((row["amount"] for row in found), Decimal(0)) == sum(amounts)
    assert Decimal(receipt.book["money"]["invoices"]["EUR"]) == sum(amounts)


IDS = st.text(
    st.one_of(
        st.sampled_from(string.ascii_letters + string.digits + " -./#'"), st.characters(codec="utf-8", exclude_categories=["C"])
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=6)
@given(ids=st.lists(IDS.filter(lambda text: text.strip(" ")), min_size=1, max_size=40))
def test_a10_ids_come_back_as_they_were_written_unless_two_mean_the_same(ids: list[str]) -> None:
    import csv
    import io

    from riskscore.stores.ledgers.texts import match_key

    alone = [one for one in ids if sum(match_key(one) == match_key(other) for other in set(ids)) == 1]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(INVOICES.split(","))
    for number, one in enumerate(ids):
        writer.writerow([f"I{number}", one, "2025-01-01", "2025-02-01", "1.00", "EUR"])
    with TemporaryDirectory() as folder:
        (Path(folder) / "invoices.csv").write_text(buffer.getvalue(), encoding="utf-8")
        deliver(Path(folder), canonical(), Path(folder) / "book")
        found = {row["customer_id"] for row in rows_of(Path(folder) / "book", "invoices")}

    assert set(alone) <= found
    assert {match_key(one) for one in found} == {match_key(one) for one in ids}


def test_the_plain_reader_itself_knows_the_grammar() -> None:
    assert fields_of('a,"b ""c"", d",') == ["a", 'b "c", d', ""]
    assert fields_of('a"b') is None
    assert fields_of('"a"b') is None
    assert pa.array(reference('x,"y\nz",1\n"', spanning=True)[1]).to_pylist() == [4]
