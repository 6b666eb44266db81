"""`riskscore ingest` and `riskscore book`: what people see, and the exit statuses scripts rely on."""

import hashlib
import json
from pathlib import Path

import pytest

from exporting import INVOICES, lines
from riskscore_pipelines.main import main

ROWS = [f"I{n},C{n % 3},2025-01-0{n + 1},2025-02-0{n + 1},{100 + n}.5{n},EUR" for n in range(6)]


@pytest.fixture
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "invoices.csv").write_text(lines(INVOICES, *ROWS), encoding="utf-8")
    (tmp_path / "exports" / "readme.txt").write_text("not for us", encoding="utf-8")
    return tmp_path / "exports"


def test_a_delivery_is_summed_up_in_tables(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(exports), "--mapping", "canonical"]) == 0
    shown = capsys.readouterr().out

    assert "618.15 EUR" in shown
    assert "Book of 3 customers, in EUR, known to 2025-01-06" in shown
    assert "files the mapping does not read: readme.txt" in shown
    assert main(["ingest", str(exports), "--mapping", "canonical"]) == 0
    assert "already ingested" in capsys.readouterr().out


def test_a_check_shows_samples_and_writes_nothing(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(exports), "--mapping", "canonical", "--check"]) == 0
    shown = capsys.readouterr().out

    assert "invoices.csv as invoices" in shown
    assert "Nothing was written" in shown
    assert not (exports.parent / "book").exists()


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["tables", "json"])
def test_a_check_ends_as_the_ingestion_would(form: tuple[str, ...], exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a nightly job asks before it ingests: a delivery that would be refused is no success."""
    asked = ["ingest", str(exports), "--mapping", "canonical", "--reporting-currency", "USD", "--check", *form]

    assert main(asked) == 4

    assert "no_rate (6)" in (shown := capsys.readouterr().out)
    assert "rates table" in (words := " ".join(shown.split()))
    assert "a rate is in force for 100 days" in words
    assert not (exports.parent / "book").exists()


def test_a_book_is_shown_with_its_quarantine(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"K{n},C,2025-01-01,2025-02-01,1.00,EUR" for n in range(300)]
    (exports / "invoices.csv").write_text(lines(INVOICES, *rows, "bad,C,2025-13-01,2025-02-01,1.00,EUR"), encoding="utf-8")
    main(["ingest", str(exports), "--mapping", "canonical", "--book", "mine"])
    capsys.readouterr()

    assert main(["book", "mine", "--quarantine"]) == 0
    shown = capsys.readouterr().out
    assert "bad_date" in shown
    assert "line 302, issued_on: bad,C,2025-13-01" in shown
    assert main(["book", "mine", "--quarantine", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"]["invoices"] == 300
    assert found["rejects"]["bad_date"]["rows"] == 1


def test_the_receipt_as_json_accounts_for_every_row(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(exports), "--mapping", "canonical", "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)

    read = receipt["reads"][0]
    assert receipt["published"]
    assert read["rows"] == read["accepted"] + read["quarantined"] + read["exact_duplicates"] == 6
    assert receipt["book"]["reporting_currency"] == "EUR"


@pytest.mark.parametrize(
    ("content", "arguments", "status"),
    [
        ("", (), 3),
        ("<html><body>Login</body></html>", (), 3),
        (lines(INVOICES, *ROWS)[:-5], (), 3),
        (lines(INVOICES, ROWS[0].replace("2025-01-01", "01/02/03")), (), 3),
        (lines(INVOICES, *ROWS, "x,C,2025-13-01,2025-02-01,1.00,EUR"), (), 4),
        (lines(INVOICES, *ROWS), ("--reporting-currency", "Euro"), 2),
        (lines(INVOICES, *ROWS), ("--extracted-on", "yesterday"), 2),
        (lines(INVOICES, *ROWS), ("--control", "nothing.toml"), 2),
        (lines(INVOICES, *ROWS), ("--mapping", "navision"), 2),
        (lines(INVOICES, *ROWS), ("--reporting-currency", "USD"), 4),
    ],
    ids=["empty", "html", "cut", "date-format", "limit", "currency", "date", "control", "mapping", "no-rate"],
)
def test_an_error_is_one_line_with_its_exit_status_and_nothing_is_written(
    content: str, arguments: tuple[str, ...], status: int, exports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (exports / "invoices.csv").write_text(content, encoding="utf-8")

    assert main(["ingest", str(exports), "--mapping", "canonical", *arguments]) == status

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("riskscore: ")
    assert captured.err.count("\n") == 1
    assert not (exports.parent / "book").exists()


def test_a_wrong_encoding_is_told_with_its_byte(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (exports / "invoices.csv").write_bytes(lines(INVOICES, ROWS[0].replace("C0", "Müller")).encode("cp1252"))

    assert main(["ingest", str(exports), "--mapping", "canonical"]) == 3
    assert f"byte {len(INVOICES) + 5}: 0xfc" in capsys.readouterr().err


def test_a_control_file_is_read_strictly(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digest = hashlib.sha256((exports / "invoices.csv").read_bytes()).hexdigest()
    control = exports.parent / "control.toml"
    control.write_text(
        f'[files."invoices.csv"]\nrows = 6\nsha256 = "{digest}"\n[files."invoices.csv".sums]\nEUR = "618.15"\n', encoding="utf-8"
    )
    assert main(["ingest", str(exports), "--mapping", "canonical", "--control", str(control)]) == 0

    control.write_text('[files."invoices.csv"]\nlines = 6\n', encoding="utf-8")
    assert main(["ingest", str(exports), "--mapping", "canonical", "--control", str(control)]) == 2
    assert "control.toml" in capsys.readouterr().err


def test_a_company_s_own_mapping_is_found_in_its_working_folder(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = exports.parent / "models" / "mappings"
    own.mkdir(parents=True)
    (own / "ours.toml").write_text(
        'summary = "ours"\nreporting_currency = "EUR"\n[[source]]\ntable = "invoices"\nfiles = ["inv*.csv"]\n'
        'formats = ["%Y-%m-%d"]\nsame_names = true\n',
        encoding="utf-8",
    )

    assert main(["ingest", str(exports), "--mapping", "ours"]) == 0
    assert "published" in capsys.readouterr().out


def test_a_mapping_that_is_wrong_is_told_with_line_and_key(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (exports.parent / "my.toml").write_text('summary = "x"\nreporting_currency = "EUR"\ncolour = 3\n', encoding="utf-8")

    assert main(["ingest", str(exports), "--mapping", "my.toml"]) == 2
    assert "my.toml line 3, colour: unknown key" in capsys.readouterr().err


def test_what_a_file_holds_cannot_colour_the_terminal_or_break_a_line(exports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"K{n},C,2025-01-01,2025-02-01,1.00,EUR" for n in range(300)]
    (exports / "invoices.csv").write_text(lines(INVOICES, *rows, "\x1b[31mred,[bold]C,x,2025-02-01,1.00,EUR"), encoding="utf-8")

    assert main(["ingest", str(exports), "--mapping", "canonical"]) == 0

    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "·[31mred,[bold]C" in shown
