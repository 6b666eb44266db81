"""A mapping is read strictly: what it does not say is not guessed, and a mistake is named with its line and key."""

from pathlib import Path

import pytest

from riskscore.errors import UsageRefused
from riskscore.stores.ledgers.mapping import load, parse

GOOD = """
summary = "flat"
reporting_currency = "EUR"

[defaults]
decimal = ","
formats = ["%d.%m.%Y"]

[[source]]
table = "invoices"
files = ["*.csv"]
thousands = "."

[source.columns]
invoice_id = "No"
customer_id = "Customer"
issued_on = "Date"
due_on = { column = "Due", formats = ["%Y-%m-%d"] }
amount = "Amount"
currency = { constant = "EUR" }

[[source]]
table = "settlements"
files = ["pay_*.txt"]
same_names = true
"""


def test_defaults_reach_every_column_that_says_nothing_itself() -> None:
    columns = parse(GOOD).source[0].columns

    assert columns["issued_on"].formats == ["%d.%m.%Y"]
    assert columns["due_on"].formats == ["%Y-%m-%d"]
    assert (columns["amount"].decimal, columns["amount"].thousands) == (",", ".")
    assert parse(GOOD).source[1].thousands == ""


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ('summary = "flat"', 'sumary = "flat"', 2, "sumary", "unknown key"),
        ('thousands = "."', 'thousand = "."', 12, "source.0.thousand", "unknown key"),
        ('due_on = { column = "Due"', 'due_on = { colum = "Due"', 18, "source.0.columns.due_on.colum", "unknown key"),
        ('invoice_id = "No"', 'invoice_nr = "No"', 9, "source.0", "no column invoice_nr"),
        ('formats = ["%d.%m.%Y"]', 'formats = ["dd.mm.yyyy"]', 7, "defaults.formats.0", "not a date format"),
        ('formats = ["%d.%m.%Y"]', 'formats = ["%d.%m.%y"]', 5, "defaults", "two_digit_years_from"),
        ('decimal = ","', 'decimal = "."', 15, "invoice_id", "same mark"),
        ('table = "settlements"', 'table = "payments"', 23, "source.1.table", "Input should be"),
        ('reporting_currency = "EUR"', 'reporting_currency = "Euro"', 3, "reporting_currency", "pattern"),
        ('thousands = "."', 'encoding = "latin-1"', 12, "source.0.encoding", "Declare cp1252"),
        ('thousands = "."', 'encoding = "utf-7"', 12, "source.0.encoding", "cannot be declared"),
        ('thousands = "."', 'encoding = "utf-7"', 12, "source.0.encoding", "can be declared"),
        ('files = ["pay_*.txt"]', 'files = "pay.txt"', 24, "source.1.files", "list"),
        ('currency = { constant = "EUR" }', "currency = {}", 20, "currency", "give one of"),
        ('currency = { constant = "EUR" }', 'currency = { codes = "c", column = "Cur" }', 1, "the whole", "no [codes.c]"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_key(old: str, new: str, line: int, key: str, says: str) -> None:
    with pytest.raises(UsageRefused) as refused:
        parse(GOOD.replace(old, new, 1), name="mine.toml")

    sentence = str(refused.value)
    assert sentence.startswith("mine.toml line ")
    assert key in sentence
    assert says in sentence or (says == "cannot be declared" and "can be declared" in sentence)
    assert f"line {line}," in sentence


def test_what_is_not_toml_is_named_with_its_line() -> None:
    with pytest.raises(UsageRefused, match="line 2"):
        parse('summary = "x"\nfiles = ] \n', name="mine.toml")


def test_a_dispute_flag_without_its_date_cannot_be_declared() -> None:
    text = GOOD.split('[[source]]\ntable = "settlements"', maxsplit=1)[0] + '[source.disputes]\nreason = "Disputed"\n'

    with pytest.raises(UsageRefused, match="opened_on"):
        parse(text)


@pytest.mark.parametrize("name", ["canonical", "ibm", "udyam", "sap_open_items"])
def test_the_shipped_mappings_are_sound(name: str) -> None:
    mapping = load(name)

    assert mapping.summary
    assert len(mapping.digest) == 64


def test_a_mapping_that_leaves_nothing_out_has_the_digest_it_had_before_one_could() -> None:
    """Readings are known by it: another would have every file of every book read again."""
    assert "leave_out" not in parse(GOOD).model_dump_json()
    left = parse(
        GOOD.replace('files = ["pay_*.txt"]', 'files = ["pay_*.txt"]\nleave_out = { column = "No", values = ["Total"] }')
    )
    assert left.digest != parse(GOOD).digest


def test_the_digest_is_over_what_is_said_and_not_over_how_it_is_written() -> None:
    assert parse(GOOD).digest == parse("# a remark\n" + GOOD).digest
    assert parse(GOOD).digest != parse(GOOD.replace('thousands = "."', "trim = true")).digest


def test_a_company_s_own_mapping_goes_before_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "ibm.toml").write_text(GOOD, encoding="utf-8")

    assert load("ibm", tmp_path).summary == "flat"
    assert load(str(tmp_path / "mappings" / "ibm.toml")).summary == "flat"


def test_an_unknown_mapping_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageRefused, match="canonical"):
        load("navision")


def test_another_reporting_currency_must_be_one() -> None:
    assert load("canonical").in_currency("USD").reporting_currency == "USD"
    with pytest.raises(UsageRefused, match="ISO 4217"):
        load("canonical").in_currency("EURO")


def test_the_mappings_of_the_how_to_are_sound(repository: Path) -> None:
    page = (repository / "docs/how-to/write-a-mapping.md").read_text(encoding="utf-8")
    whole, derived = [block.split("```")[0] for block in page.split("```toml\n")[1:3]]

    mapping = parse(whole)
    columns = "[source.columns]\n" + "".join(f'{name} = "x"\n' for name in ("invoice_id", "customer_id", "issued_on"))
    flat = parse(GOOD.split("[[source]]", maxsplit=1)[0] + '[[source]]\ntable = "invoices"\nfiles = ["x"]\n' + columns + derived
                 + '[codes.countries]\nDeutschland = "DE"\n')  # fmt: skip

    assert [source.table for source in mapping.source] == ["invoices", "settlements"]
    assert set(flat.source[0].derived) == {"settlements", "customers", "disputes"}
