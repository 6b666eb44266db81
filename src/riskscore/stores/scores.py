"""The scores file: one row a customer, as Parquet, CSV or XLSX, there whole or not at all."""

import csv
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.decisions import Decision
from riskscore.errors import UsageRefused
from riskscore.phrases import Lang, not_scored_sentence, referral_sentence, sentence
from riskscore.policy import Terms
from riskscore.stores.files import appearing_at

MONEY = pa.decimal128(18, 2)
N_REASONS = 4


@dataclass(frozen=True)
class Column:
    """One column of the scores file: its Arrow type and what it means."""

    name: str
    kind: pa.DataType
    meaning: str


TEXT, SHARE, WHOLE, FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()

COLUMNS = (
    Column("customer_id", TEXT, "the customer's id in the ERP, byte for byte"),
    Column("as_of", pa.date32(), "the date decided for: only what was known by then counts"),
    Column("status", TEXT, "scored; referred: a person has to look, what is recommended is a proposal; not_scored: no answer"),
    Column("pd", SHARE, "calibrated probability of paying materially late within the recipe's horizon, 0 to 1; 1 in default"),
    Column("pd_low", SHARE, "lower end of the interval of that probability"),
    Column("pd_high", SHARE, "upper end of the interval of that probability"),
    Column("score", WHOLE, "300 (worst) to 900 (best); 40 points halve or double the odds"),
    Column("grade", WHOLE, "1 (best) to 9; 10 in default; empty where the interval is too wide to name one"),
    Column("data_depth", TEXT, "what the answer rests on, from A (fresh accounts and twelve months of payments) to G (master data)"),
    Column("exposure", MONEY, "open balance including credits, in `currency`"),
    Column("overdue", MONEY, "the part of it past its due date"),
    Column("currency", TEXT, "reporting currency of every amount in the row"),
    Column("limit_now", MONEY, "the limit granted today; empty where none is"),
    Column("limit_recommended", MONEY, "what the policy recommends"),
    Column("limit_conservative", MONEY, "the limit at the upper end of the probability's interval"),
    Column("limit_aggressive", MONEY, "the limit at the mean probability"),
    Column("binding_cap", TEXT, "the rule of the policy that makes the recommended limit"),
    Column("terms_now", TEXT, "days of credit today, or prepayment"),
    Column("terms_recommended", TEXT, "longest days of credit to grant, or prepayment, or stop"),
    Column("security_required", FLAG, "credit only against a guarantee, collateral or a deposit"),
    *(Column(f"reason_{n}", TEXT, f"code of adverse reason {n}, strongest first") for n in range(1, N_REASONS + 1)),
    *(Column(f"reason_{n}_text", TEXT, f"adverse reason {n} in words, with the customer's and the typical value")
      for n in range(1, N_REASONS + 1)),
    Column("favourable_1", TEXT, "code of the strongest favourable reason"),
    Column("model_digest", TEXT, "SHA-256 of the model"),
    Column("policy_digest", TEXT, "SHA-256 of the policy's text"),
    Column("book_digest", TEXT, "SHA-256 of the book's content"),
    Column("decision_id", TEXT, "the id under which the decision is recorded"),
    Column("name", TEXT, "the customer's name as known at the date"),
    Column("favourable_1_text", TEXT, "the favourable reason in words"),
    Column("referral_reasons", TEXT, "why a person has to look: codes, separated by blanks"),
    Column("referral_text", TEXT, "the same in words, or why there is no score"),
    Column("need", MONEY, "the credit that the customer's purchases call for"),
    Column("expected_profit", MONEY, "margin less funding and expected loss of a year at the recommended limit"),
    Column("unfamiliar", TEXT, "features on which training never saw the like, separated by blanks"),
)  # fmt: skip
"""The columns in order. The first thirty-three are a public contract; what follows them is whatever is useful."""

SCHEMA = pa.schema([(column.name, column.kind) for column in COLUMNS])

UNSAFE_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
"""A spreadsheet takes a text that begins so for a formula; it gets a leading apostrophe (CWE-1236)."""

MOST_XLSX_ROWS = 1_048_575
UNWRITABLE_IN_XLSX = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def refuse_unknown_format(path: Path) -> None:
    """Raises UsageRefused where the ending of the path is no format we write: asked before the work, not after it."""
    if path.suffix.lower() not in WRITERS:
        raise UsageRefused(f"{path}: scores are written as {', '.join(sorted(WRITERS))}. Give --out one of these endings.")


def rows_of(decisions: Sequence[Decision], lang: Lang = "en", names: Mapping[str, str | None] | None = None) -> pa.Table:
    """The rows of the scores file for these decisions, in their order. names: customer to name, where known."""
    rows = [_row(decision, lang, (names or {}).get(decision.customer_id)) for decision in decisions]
    return pa.table({column.name: pa.array([row[column.name] for row in rows], column.kind) for column in COLUMNS})


def write_scores(rows: pa.Table, path: Path) -> None:
    """Write the rows, sorted by customer id, in the format the path's ending names. Equal rows give equal bytes.

    Raises UsageRefused for another ending or too many rows for XLSX, StorageFailed where the disk does not take them.
    """
    refuse_unknown_format(path)
    with appearing_at(path) as draft:
        WRITERS[path.suffix.lower()](rows.sort_by("customer_id"), draft)


def _row(decision: Decision, lang: Lang, name: str | None) -> dict[str, Any]:
    provenance, recommendation, reasons, case = decision.provenance, decision.recommendation, decision.reasons, decision.case
    referred = decision.referral.reasons if decision.referral else ()
    # A refusal of a natural person is a person's to make, so the file holds no number that would make it.
    proposal = None if "natural_person" in referred else recommendation
    adverse = reasons.adverse if reasons else ()
    favourable = reasons.favourable if reasons else None
    need = {cap.rule: cap.amount for cap in recommendation.caps}.get("need") if recommendation and case else None
    row: dict[str, Any] = {
        **{name: getattr(decision, name) for name in ("customer_id", "as_of", "status", "pd", "pd_low", "pd_high", "score")},
        **{name: getattr(decision, name) for name in ("grade", "data_depth", "exposure", "overdue", "currency", "limit_now")},
        "limit_recommended": proposal and proposal.limit,
        "limit_conservative": proposal and proposal.conservative,
        "limit_aggressive": proposal and proposal.aggressive,
        "binding_cap": proposal and proposal.binding_cap,
        "terms_now": None if decision.terms_now is None else _terms(decision.terms_now or "prepayment"),
        "terms_recommended": proposal and _terms(proposal.terms),
        "security_required": proposal and proposal.security_required,
        "favourable_1": favourable and favourable.code,
        "model_digest": provenance.model,
        "policy_digest": provenance.policy,
        "book_digest": provenance.book,
        "decision_id": decision.decision_id,
        "name": name,
        "favourable_1_text": favourable and sentence(favourable, lang, decision.currency),
        "referral_reasons": " ".join(referred) or decision.not_scored_reason,
        "referral_text": _why_not(decision, lang),
        "need": need,
        "expected_profit": proposal and proposal.expected_profit,
        "unfamiliar": " ".join(decision.unfamiliar) or None,
    }
    for n in range(1, N_REASONS + 1):
        reason = adverse[n - 1] if n <= len(adverse) else None
        row[f"reason_{n}"] = reason and reason.code
        row[f"reason_{n}_text"] = reason and sentence(reason, lang, decision.currency)
    return row


def _why_not(decision: Decision, lang: Lang) -> str | None:
    if decision.not_scored_reason:
        return not_scored_sentence(decision.not_scored_reason, lang)
    reasons = decision.referral.reasons if decision.referral else ()
    separator = ". " if lang == "en" else "。"
    return separator.join(referral_sentence(reason, lang) for reason in reasons) or None


def _terms(terms: Terms) -> str:
    return str(terms)


def _write_parquet(rows: pa.Table, path: Path) -> None:
    pq.write_table(rows, path, compression="zstd", write_page_checksum=True, store_decimal_as_integer=True)


def _write_csv(rows: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows.column_names)
        writer.writerows([_as_csv(value) for value in row] for row in _values(rows))


def _write_xlsx(rows: pa.Table, path: Path) -> None:
    from openpyxl import Workbook

    if rows.num_rows > MOST_XLSX_ROWS:
        raise UsageRefused(
            f"XLSX holds {MOST_XLSX_ROWS:,} rows at most, and there are {rows.num_rows:,}. Write .parquet or .csv."
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("scores")
    sheet.freeze_panes = "B2"
    sheet.append(rows.column_names)
    for row in _values(rows):
        sheet.append([_as_cell(value) for value in row])
    book.save(path)
    _without_clock(path)


WRITERS: Mapping[str, Callable[[pa.Table, Path], None]] = {".parquet": _write_parquet, ".csv": _write_csv, ".xlsx": _write_xlsx}


def _values(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in rows.to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _as_csv(value: Any) -> Any:
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return value


def _as_cell(value: Any) -> Any:
    if isinstance(value, str):
        return UNWRITABLE_IN_XLSX.sub("\ufffd", _safe(value))
    return float(value) if isinstance(value, Decimal) else value


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(UNSAFE_STARTS) else text


def _without_clock(path: Path) -> None:
    """Takes the time of writing out of the workbook: equal rows must be equal bytes."""
    with zipfile.ZipFile(path) as written:
        parts = [(info.filename, written.read(info)) for info in written.infolist()]
    stamp = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms)")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as rewritten:
        for name, content in parts:
            plain = stamp.sub(rb"\g<1>1980-01-01T00:00:00Z\3", content) if name == "docProps/core.xml" else content
            rewritten.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), plain, zipfile.ZIP_DEFLATED)
