"""What a training said of later months, row by row, so that another training can be compared with it on the same rows.

Customers, newcomers and invoices, each in a file of its own. A customer or an invoice stands there under a pseudonym: the
registry holds no name and no id.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.training import Trained
from riskscore.training.judging import HEADLINE, Judged

FILE = "judged.parquet"
NEWCOMERS_FILE = "judged_newcomers.parquet"
INVOICES_FILE = "judged_invoices.parquet"
DIGITS = 16
UNCALIBRATED = "uncalibrated"

LATENESS = (0, 30)
"""Days late that are kept of every invoice: late at all, and late enough to cost money. By them two hazards are compared."""

Answers = Mapping[tuple[str, int], tuple[float, ...]]


@dataclass(frozen=True)
class JudgedInvoices:
    """What was said of invoices.

    said: (pseudonym of the invoice, date it was judged on) to its chance to be late by more than each of `LATENESS`. asked:
    (pseudonym of the customer, date) of all of them. Dates are days since 1970-01-01.
    """

    said: Answers
    asked: frozenset[tuple[str, int]]


NO_INVOICES = JudgedInvoices({}, frozenset())


def write_judged(folder: Path, trained: Trained) -> None:
    """Pseudonym, date and probability of every judged row; each by a model that did not know the row's outcome."""
    _write(folder / FILE, trained.judged)
    _write(folder / NEWCOMERS_FILE, trained.judged.newcomers)
    forecast = trained.forecast
    if forecast is None:
        return
    invoices = forecast.cases.invoices
    columns = {
        "who": pa.array(pseudonyms(invoices["customer_id"].to_pylist()), pa.string()),
        "invoice": pa.array(invoice_pseudonyms(invoices), pa.string()),
        "as_of": invoices["as_of"].cast(pa.int32()).cast(pa.date32()),
        **{f"late_{k}": pa.array(forecast.curves.late(k), pa.float64()) for k in LATENESS},
    }
    pq.write_table(pa.table(columns), folder / INVOICES_FILE, compression="zstd")


def _write(path: Path, judged: Judged | None) -> None:
    """None: the training judged nobody; the file says so by having no row."""
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "who": pa.array([], pa.string()), "as_of": pa.array([], pa.date32()), "pd": pa.array([], pa.float64()),
    }  # fmt: skip
    if judged is not None:
        rows = judged.rows.features
        # Of newcomers of whom all paid late, or none, only what the model said before calibration is known.
        said = judged.pd[HEADLINE if HEADLINE in judged.pd else UNCALIBRATED]
        columns = {
            "who": pa.array(pseudonyms(rows["customer_id"].to_pylist()), pa.string()),
            "as_of": rows["as_of"],
            "pd": pa.array(said, pa.float64()),
        }
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_judged(content: bytes) -> Mapping[tuple[str, int], float]:
    """(pseudonym, date as days since 1970-01-01) to probability."""
    return {key: pd for key, (pd,) in _answers(pq.read_table(io.BytesIO(content)), "who", ["pd"]).items()}


def read_judged_invoices(content: bytes) -> JudgedInvoices:
    """What a run keeps of invoices."""
    table = pq.read_table(io.BytesIO(content))
    days = table["as_of"].cast(pa.int32()).to_pylist()
    return JudgedInvoices(
        said=_answers(table, "invoice", [f"late_{k}" for k in LATENESS]),
        asked=frozenset(zip(table["who"].to_pylist(), days, strict=True)),
    )


def _answers(table: pa.Table, who: str, told: list[str]) -> Answers:
    days = table["as_of"].cast(pa.int32()).to_pylist()
    said = zip(*(table[name].to_pylist() for name in told), strict=True)
    return dict(zip(zip(table[who].to_pylist(), days, strict=True), said, strict=True))


def pseudonyms(customers: Iterable[str]) -> list[str]:
    """A short digest for each id: the same in every run, and no id."""
    known: dict[str, str] = {}
    return [known.setdefault(each, hashlib.sha256(f"riskscore\0{each}".encode()).hexdigest()[:DIGITS]) for each in customers]


def invoice_pseudonyms(invoices: pa.Table) -> list[str]:
    """The same for invoices; customer and invoice together, because two customers may have an invoice of the same number."""
    pairs = zip(invoices["customer_id"].to_pylist(), invoices["invoice_id"].to_pylist(), strict=True)
    return pseudonyms(f"{customer}\0{invoice}" for customer, invoice in pairs)
