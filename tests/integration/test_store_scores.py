"""The scores file: the promised columns in order, formats that read back the same, no formula, whole or not at all."""

import csv
import re
from datetime import date
from decimal import Decimal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.errors import StorageFailed, UsageRefused
from riskscore.review import Closing, Override, Wanted
from riskscore.scoring import decide_rows, not_scored
from riskscore.stores import rowfiles
from riskscore.stores.rowfiles import refuse_unwritable
from riskscore.stores.scores import COLUMNS, SCHEMA, write_scores
from riskscore_pipelines.rows import rows_of

PROMISED = [
    "customer_id",
    "as_of",
    "status",
    "pd",
    "pd_low",
    "pd_high",
    "score",
    "grade",
    "data_depth",
    "exposure",
    "overdue",
    "currency",
    "limit_now",
    "limit_recommended",
    "limit_conservative",
    "limit_aggressive",
    "binding_cap",
    "terms_now",
    "terms_recommended",
    "security_required",
    "reason_1",
    "reason_2",
    "reason_3",
    "reason_4",
    "reason_1_text",
    "reason_2_text",
    "reason_3_text",
    "reason_4_text",
    "favourable_1",
    "model_digest",
    "policy_digest",
    "book_digest",
    "decision_id",
]

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "＝1", "＋1", "－1", "＠a"]


def made(*customers, values=None, model=None, **facts):
    return decide_rows(
        features_of(*customers, **{**GOOD, "days_beyond_terms_90d": 30.0, **(values or {})}), positions_of(*customers, **facts),
        model or LinearModel(), GRADES, shipped(), receivables=RECEIVABLES, provenance=PROVENANCE,
    )  # fmt: skip


def row_of(decision, lang="en", **names):
    return rows_of([decision], lang, names).to_pylist()[0]


def test_columns_are_the_promised_ones_in_order_and_every_column_says_what_it_means():
    assert [column.name for column in COLUMNS][: len(PROMISED)] == PROMISED
    assert rows_of(made("acme")).schema == SCHEMA
    assert all(len(column.meaning) > 10 for column in COLUMNS)


def test_scored_customer_has_every_figure_and_its_reasons_in_words():
    row = row_of(made("acme")[0], acme="Acme GmbH")

    assert (row["status"], row["currency"], row["name"]) == ("scored", "EUR", "Acme GmbH")
    assert row["limit_recommended"] == row["limit_conservative"] <= row["limit_aggressive"]
    assert row["reason_1"] == "P01"
    assert row["reason_1_text"] == "Pays 30 days late on average over 90 days; typical customer: 5"
    assert (row["reason_4"], row["reason_4_text"]) == (None, None)
    assert row["favourable_1"] == "F01"
    assert (row["terms_now"], row["terms_recommended"]) == ("30", "15")
    assert row_of(made("acme")[0], "zh")["reason_1_text"] == "近90天平均晚付30天；典型客户：5"


def test_prepayment_today_is_said_in_the_same_word_as_prepayment_recommended():
    row = row_of(made("acme", terms_now=0, model=LinearModel(base=0.5))[0])

    assert (row["terms_now"], row["terms_recommended"], row["security_required"]) == ("prepayment", "prepayment", True)


def test_what_is_not_known_is_empty_and_never_a_sentinel():
    row = row_of(not_scored("acme", "internal_error", PROVENANCE, "EUR"))
    known = {name for name, value in row.items() if value is not None}

    assert known == {
        "customer_id", "as_of", "status", "currency", "model_digest", "policy_digest", "book_digest", "decision_id",
        "referral_reasons", "referral_text",
    }  # fmt: skip


def test_referred_customer_says_why_and_keeps_the_proposal():
    row = row_of(made("acme", n_paid_invoices=0)[0])

    assert (row["status"], row["referral_reasons"]) == ("referred", "no_payment_history")
    assert row["pd"] == made("acme", n_paid_invoices=0)[0].pd > 0
    assert row["referral_text"].startswith("No invoice was settled yet")
    assert row["limit_recommended"] == Decimal("15000.00")


def test_file_holds_no_number_that_would_deny_a_natural_person():
    row = row_of(made("acme", model=LinearModel(base=0.5), is_natural_person=True)[0])

    assert (row["status"], row["referral_reasons"]) == ("referred", "natural_person")
    assert {
        row[name] for name in ("limit_recommended", "limit_conservative", "limit_aggressive", "terms_recommended", "binding_cap")
    } == {None}


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx"])
def test_every_format_reads_back_the_same_sorted_by_customer(tmp_path, ending):
    rows = rows_of(made("c", "a", "0012"), "zh", {"a": "苏州贸易"})
    write_scores(rows.take([2, 0, 1]), tmp_path / f"scores{ending}")
    expected = rows.sort_by("customer_id").to_pylist()

    if ending == ".parquet":
        assert pq.read_table(tmp_path / "scores.parquet").to_pylist() == expected
        return
    if ending == ".csv":
        with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
        assert [row["pd"] for row in found] == [repr(row["pd"]) for row in expected]
        assert {row["security_required"] for row in found} == {"false"}
    else:
        sheet = openpyxl.load_workbook(tmp_path / "scores.xlsx")["scores"]
        head, *body = sheet.iter_rows(values_only=True)
        found = [dict(zip(head, row, strict=True)) for row in body]
        assert [row["exposure"] for row in found] == [120000.0] * 3
    assert [row["customer_id"] for row in found] == ["0012", "a", "c"]
    assert [row["name"] or None for row in found] == [None, "苏州贸易", None]
    assert list(found[0]) == SCHEMA.names


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx"])
def test_equal_rows_are_equal_bytes(tmp_path, ending):
    for name in ("one", "two"):
        write_scores(rows_of(made("a", "b")), tmp_path / f"{name}{ending}")

    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()


@pytest.mark.parametrize("name", FORMULAS, ids=repr)
def test_no_name_becomes_a_formula(tmp_path, name):
    rows = rows_of(made("acme"), "en", {"acme": name})
    write_scores(rows, tmp_path / "scores.csv")
    write_scores(rows, tmp_path / "scores.xlsx")
    write_scores(rows, tmp_path / "scores.parquet")

    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["name"] == f"'{name}"
    cells = [cell for row in openpyxl.load_workbook(tmp_path / "scores.xlsx")["scores"].iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert pq.read_table(tmp_path / "scores.parquet")["name"].to_pylist() == [name]


def test_customer_ids_are_guarded_too_and_numbers_stay_numbers(tmp_path):
    write_scores(rows_of(made("-7")), tmp_path / "scores.csv")

    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert row["customer_id"] == "'-7"
    assert row["exposure"] == "120000.00"


def test_empty_book_gives_a_file_with_a_head(tmp_path):
    write_scores(rows_of([]), tmp_path / "scores.csv")

    assert (tmp_path / "scores.csv").read_text().splitlines() == [",".join(SCHEMA.names)]


def test_unknown_ending_is_refused_before_any_work(tmp_path):
    with pytest.raises(UsageRefused, match=re.escape(".csv, .parquet, .xlsx")):
        refuse_unwritable(tmp_path / "scores.ods")


def test_file_that_cannot_be_finished_leaves_the_former_one_and_nothing_beside_it(tmp_path, monkeypatch):
    write_scores(rows_of(made("old")), tmp_path / "scores.csv")
    before = (tmp_path / "scores.csv").read_bytes()

    def full(rows, path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(rowfiles.WRITERS, ".csv", full)
    with pytest.raises(StorageFailed, match="No space left on device"):
        write_scores(rows_of(made("new")), tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageRefused, match="there is no folder"):
        write_scores(rows_of([]), tmp_path / "absent" / "scores.csv")


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(rowfiles, "MOST_XLSX_ROWS", 1)

    with pytest.raises(UsageRefused, match="holds 1 rows at most"):
        write_scores(rows_of(made("a", "b")), tmp_path / "scores.xlsx")


def test_dates_are_iso_in_text(tmp_path):
    write_scores(rows_of(made("a")), tmp_path / "scores.csv")

    assert f",{date(2026, 6, 30)}," in (tmp_path / "scores.csv").read_text()
    assert pa.types.is_date32(SCHEMA.field("as_of").type)


def test_an_override_stands_beside_what_was_computed_and_changes_none_of_it():
    decision = made("acme")[0]
    wanted = Wanted(Decimal("45000.00"), "prepayment", 2, "the parent guarantees it", date(2026, 8, 30))
    override = Override(
        "r", decision.decision_id, "acme", "EUR", decision.as_of, None, 3, False, wanted, "ann", decision.as_of,
        Closing("approved", "bo", "", decision.as_of),
    )  # fmt: skip
    plain, overridden = (rows_of([decision], overrides=some).to_pylist()[0] for some in ({}, {"acme": override}))
    changed = {name: value for name, value in overridden.items() if plain[name] != value}

    assert changed == {
        "limit_override": Decimal("45000.00"), "terms_override": "prepayment", "grade_override": 2,
        "override_until": date(2026, 8, 30), "override_by": "ann bo",
    }  # fmt: skip
    assert {plain[name] for name in changed} == {None}
