"""Exports on disk: files as an ERP delivers them, the truth beside them, and ingestion judged by the planted labels."""

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from riskscore.errors import StorageFailed, UsageRefused
from riskscore.stores.exports import truth_tables, write_exports
from riskscore.stores.ledgers import Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load, parse
from riskscore.stores.ledgers.quarantine import read_quarantine
from riskscore.stores.signed_texts import find_text
from riskscore.tables import TABLES
from riskscore_pipelines.main import main
from simulated import world_of

MAPPINGS = {"canonical": "canonical", "ibm": "ibm", "sap": "sap_line_items"}
LOOSE = "[limits]\nquarantined_rows = 1.0\nquarantined_amount = 1.0\namount_shift = 1e9\n\n"


def loose_mapping(shape: str):
    """The shipped mapping of that shape, but for limits that no quarantine breaks."""
    text = find_text(f"mappings/{MAPPINGS[shape]}.toml").read_text(encoding="utf-8")
    place = re.search(r"^\[", text, re.MULTILINE).start()
    return parse(text[:place] + LOOSE + text[place:])


def ingest_world(folder: Path, shape: str, book: Path, mapping=None):
    return ingest(Delivery([str(folder)], mapping or load(MAPPINGS[shape]), world_of().end_on), book)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_clean_export_is_ingested_whole(tmp_path, file_format):
    world = world_of()
    write_exports(world, tmp_path / "out", file_format=file_format)
    ingest_world(tmp_path / "out", "canonical", tmp_path / "book")
    book = open_book(tmp_path / "book")
    ledger = book.ledger()

    assert read_quarantine(book).num_rows == 0
    assert book.last_known_on <= world.end_on
    for name in TABLES:
        held = ledger.frames[name].collect("pyarrow").to_native()
        assert held.num_rows == world.tables[name].num_rows, name


@pytest.mark.parametrize("shape", sorted(MAPPINGS))
def test_ingestion_sets_aside_exactly_the_planted_errors_each_with_its_reason(tmp_path, shape):
    world = world_of()
    written = write_exports(world, tmp_path / "out", shape=shape, error_rate=0.03)
    receipt = ingest_world(tmp_path / "out", shape, tmp_path / "book", loose_mapping(shape))
    rejected = read_quarantine(open_book(tmp_path / "book")).to_pylist()
    # Of the flat shape a settlement is part of the invoice's line and shares its fate.
    table = {"invoices"} if shape == "ibm" else {"invoices", "settlements", "disputes"}
    found = Counter((row["source"], row["line"], row["reason"]) for row in rejected if row["table"] in table)
    planted = Counter(
        (f"{label.file}.csv", label.line, label.reason) for label in written.mistakes if label.reason != "exact_duplicate"
    )

    assert len(planted) > 50
    assert found == planted
    repeated = sum(label.reason == "exact_duplicate" for label in written.mistakes)
    assert sum(read.exact_duplicates for read in receipt.reads) >= repeated


def test_a_label_that_is_wrong_is_noticed(tmp_path):
    """The twin of the test above: an error without a label is seen in the quarantine."""
    write_exports(world_of(), tmp_path / "out", error_rate=0.0)
    invoices = tmp_path / "out" / "invoices.csv"
    lines = invoices.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[5] = re.sub(",[A-Z]{3},", ",EURO,", lines[5])
    invoices.write_text("".join(lines), encoding="utf-8")
    ingest_world(tmp_path / "out", "canonical", tmp_path / "book", loose_mapping("canonical"))
    rejected = read_quarantine(open_book(tmp_path / "book")).to_pylist()

    assert ("invoices.csv", 6, "bad_currency") in {(row["source"], row["line"], row["reason"]) for row in rejected}


def test_ingestion_never_reads_the_truth(tmp_path):
    write_exports(world_of(), tmp_path / "out")
    receipt = ingest_world(tmp_path / "out", "canonical", tmp_path / "book")

    assert not any("truth" in read.name for read in receipt.reads)


def test_truth_names_the_world_its_law_and_every_invoice(tmp_path):
    world = world_of()
    truth = write_exports(world, tmp_path, error_rate=0.01, with_odds=True).truth
    note = json.loads((truth / "world.json").read_text(encoding="utf-8"))
    invoices = pyarrow.parquet.read_table(truth / "invoices.parquet")
    odds = pyarrow.parquet.read_table(truth / "invoice_odds.parquet")

    assert (note["preset"], note["seed"], note["digest"]) == ("default", 5, world.digest)
    assert note["law"]["quality_sd"] == 0.95
    assert invoices.num_rows == odds.num_rows == len(world.truth.billing)
    assert invoices["paid_on"].null_count == int((world.truth.payments.paid >= world.truth.calendar.n_days).sum())
    assert {"latent_30", "filtered_30", "realised_30"} <= set(odds.column_names)
    assert pyarrow.csv.read_csv(truth / "mistakes.csv").num_rows > 10
    assert set(truth_tables(world)) == {"customers", "regimes", "macro", "invoices"}


def test_an_earlier_simulation_in_the_folder_is_replaced_as_a_whole(tmp_path):
    write_exports(world_of(), tmp_path, shape="canonical")
    write_exports(world_of(), tmp_path, shape="ibm")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["invoices.csv", "truth"]


def test_a_folder_with_other_peoples_files_is_left_alone(tmp_path):
    (tmp_path / "invoices.csv").write_text("ours\n", encoding="utf-8")
    with pytest.raises(UsageRefused, match="holds files that no simulation wrote"):
        write_exports(world_of(), tmp_path)

    assert (tmp_path / "invoices.csv").read_text(encoding="utf-8") == "ours\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"file_format": "xlsx"}, "format 'xlsx' is unknown. There are: csv, parquet"),
        ({"shape": "odoo"}, "shape 'odoo' is unknown"),
        ({"error_rate": 0.51}, "a share from 0 to 0.5, not 0.51"),
        ({"error_rate": -0.01}, "a share from 0 to 0.5, not -0.01"),
        ({"file_format": "parquet", "error_rate": 0.1}, "typed columns cannot hold them"),
        ({"file_format": "parquet", "shape": "sap"}, "canonical shape"),
    ],
    ids=["format", "shape", "too many errors", "negative errors", "errors in parquet", "sap in parquet"],
)
def test_impossible_exports_are_refused_before_anything_is_written(tmp_path, options, sentence):
    with pytest.raises(UsageRefused, match=sentence):
        write_exports(world_of(), tmp_path / "out", **options)

    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_a_storage_failure(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageFailed, match="the exports could not be written"):
        write_exports(world_of(), tmp_path / "file" / "out")


def test_the_verb_writes_the_same_files_for_the_same_seed_and_reports_them_as_json(tmp_path, capsys):
    arguments = ["simulate", "--customers", "30", "--months", "6", "--seed", "3", "--preset", "sme", "--shape", "sap", "--json"]
    summaries = []
    for name in ("one", "two"):
        assert main([*arguments, "--errors", "0.02", "--out", str(tmp_path / name)]) == 0
        summaries.append(json.loads(capsys.readouterr().out))

    assert summaries[0]["digest"] == summaries[1]["digest"]
    assert summaries[0]["rows"]["zahlungen.csv"] > 50
    assert sum(summaries[0]["mistakes"].values()) > 5
    for path in (tmp_path / "one").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_verb_says_in_words_what_it_wrote_and_where_the_truth_is(tmp_path, capsys):
    assert main(["simulate", "--customers", "5", "--months", "3", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out

    assert "default world of 5 customers, 2022-01-01 to 2022-03-31, seed 7" in said
    assert f"the truth is in {tmp_path / 'out' / 'truth'}" in said


def test_the_verb_refuses_an_unknown_preset_with_exit_status_2(tmp_path, capsys):
    assert main(["simulate", "--preset", "rich", "--out", str(tmp_path / "out")]) == 2
    assert "preset 'rich' is unknown" in capsys.readouterr().err


def test_window_of_the_simulation_is_the_one_asked_for():
    assert (world_of().start_on, world_of().end_on) == (date(2022, 1, 1), date(2023, 6, 30))


def test_help_says_that_ingest_refuses_a_tiny_book_full_of_errors_and_it_does(tmp_path, capsys):
    assert main(["simulate", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Ingest refuses a table that loses more than 1% of its rows or 0.5% of its money (exit status 4)" in said

    tiny = ["--customers", "12", "--months", "4", "--errors", "0.05"]
    assert main(["simulate", "--out", str(tmp_path / "exports"), *tiny]) == 0
    assert main(["ingest", str(tmp_path / "exports"), "--mapping", "canonical", "--book", str(tmp_path / "book")]) == 4
    assert "more than the 1.00% the mapping allows" in capsys.readouterr().err
