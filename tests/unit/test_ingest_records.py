"""A broken record costs its own line and never the ones after it (reliability A7)."""

import pytest

from riskscore.stores.ledgers.records import LINES_OF_A_RECORD, LONGEST_LINE, RecordGrammar


def parse(text: str, n_fields: int = 3, **grammar: object) -> tuple[list[list[str]], dict[int, str]]:
    found, used = RecordGrammar(**grammar).records(text.split("\n"), 2, n_fields, at_end=True)  # type: ignore[arg-type]
    assert used == text.count("\n") + 1
    return found.fields, {line: why for line, _, why in found.broken}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,ACME, Inc,100.00,EUR", "5 fields"),
        ("1,ACME", "2 fields"),
        ('1,"ACME,100.00', "quotes"),
        ('1,AC"ME,100.00', "quotes"),
        ('1,"ACME" Inc,100.00', "quotes"),
        ("1,AC\0ME,100.00", "NUL"),
        ("1,AC\rME,100.00", "carriage return"),
    ],
    ids=["unquoted-comma", "short", "unbalanced-quote", "quote-inside", "text-after-quote", "nul", "stray-cr"],
)
def test_a07_a_broken_line_is_set_aside_with_its_number_and_the_next_is_read(line: str, why: str) -> None:
    rows, broken = parse(f"a,b,c\n{line}\nd,e,f")

    assert rows == [["a", "b", "c"], ["d", "e", "f"]]
    assert list(broken) == [3]
    assert why in broken[3]


def test_a07_one_unbalanced_quote_does_not_swallow_the_rest_even_where_fields_may_span_lines() -> None:
    text = '1,"two\nlines",3\n4,"never closed,6\n' + "\n".join(f"{n},x,y" for n in range(300))

    rows, broken = parse(text, quoted_line_ends=True)

    assert rows[0] == ["1", "two\nlines", "3"]
    assert len(rows) == 301
    assert list(broken) == [4]


def test_quotes_are_doubled_inside_quotes_and_may_hide_delimiters() -> None:
    rows, broken = parse('"a ""b"", c",2,""')

    assert rows == [['a "b", c', "2", ""]]
    assert not broken


def test_a_carriage_return_before_the_line_end_belongs_to_it() -> None:
    assert parse("a,b,c\r\nd,e,f")[0] == [["a", "b", "c"], ["d", "e", "f"]]


def test_an_empty_line_is_no_record_and_no_reject() -> None:
    rows, broken = parse("a,b,c\n\n\r\nd,e,f\n")

    assert len(rows) == 2
    assert not broken


def test_where_no_quote_is_declared_a_quote_is_a_letter() -> None:
    assert parse('5" pipe,2,3', quote="")[0] == [['5" pipe', "2", "3"]]


def test_a_record_longer_than_any_ledger_line_is_set_aside() -> None:
    rows, broken = parse(f'1,"{"x" * LONGEST_LINE}",3\na,b,c')

    assert rows == [["a", "b", "c"]]
    assert "longer" in broken[2]


def test_a_record_that_may_go_on_waits_for_more_lines_until_none_can_help() -> None:
    grammar = RecordGrammar(quoted_line_ends=True)
    begun = ['1,"open', "2,x,y"]

    waiting, used = grammar.records(begun, 2, 3, at_end=False)
    full, used_full = grammar.records([*begun, *["3,x,y"] * LINES_OF_A_RECORD], 2, 3, at_end=False)

    assert (waiting.fields, used) == ([], 0)
    assert used_full == LINES_OF_A_RECORD + 2
    assert [line for line, _, _ in full.broken] == [2]
