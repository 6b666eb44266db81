"""The scores file: one row a customer, as Parquet, CSV or XLSX, there whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from riskscore.stores.rowfiles import write_rows

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
    Column("data_depth", TEXT, "what the answer rests on, from A (accounts and a year of payments) to G (master data)"),
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
    Column("longest_terms", TEXT, "the longest terms the policy allows: days, prepayment or stop"),
    Column("binding_term", TEXT, "the rule that makes them: the ladder, the law, the insurer, ..."),
    Column("terms_option", TEXT, "the option of the menu of terms that earns most within them"),
    Column("terms_value", MONEY, "what a year under it is expected to earn"),
    Column("terms_runner_up", TEXT, "the next best option"),
    Column("terms_runner_up_value", MONEY, "what a year under that one is expected to earn"),
    Column("terms_flip_pd", SHARE, "from which probability another option would be best for a worse payer; empty: from none"),
    Column("terms_flip_to", TEXT, "the option that would then be best"),
    Column("terms_text", TEXT, "best, next best and flips in words"),
    Column("next_review_on", pa.date32(), "the day the customer is looked at next"),
    Column("review_because", TEXT, "scheduled, first_review, or event and the signs that bring the review forward"),
    Column("grace_until", pa.date32(), "a cut: orders placed before it are honoured until this day; empty: no cut, or at once"),
    Column("unfamiliar", TEXT, "features on which training never saw the like, separated by blanks"),
    Column("limit_override", MONEY, "the limit that two people put in place of the recommended one, while it holds"),
    Column("terms_override", TEXT, "the terms that they put in place: days of credit, prepayment or stop"),
    Column("grade_override", WHOLE, "the grade that they put in place"),
    Column("override_until", pa.date32(), "the last day of that override; from the day after, what is recommended counts again"),
    Column("override_by", TEXT, "who proposed and who approved it, separated by a blank"),
)  # fmt: skip
"""The columns in order. The first thirty-three are a public contract; what follows them is whatever is useful."""

SCHEMA = pa.schema([(column.name, column.kind) for column in COLUMNS])


def write_scores(rows: pa.Table, path: Path) -> None:
    """Write the rows, sorted by customer id, in the format the path's ending names. Equal rows give equal bytes.

    Raises UsageRefused for another ending or too many rows for XLSX, StorageFailed where the disk does not take them.
    """
    write_rows({"scores": rows.sort_by("customer_id")}, path)
