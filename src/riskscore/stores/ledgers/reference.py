"""The reference page of the quarantine, made from the definitions."""

from riskscore.stores.ledgers.mapping import Limits
from riskscore.stores.ledgers.quarantine import SCHEMA
from riskscore.tables import REASONS

MEANING = {
    "run": "the ingestion that set it aside: named by what it delivered, so the same delivery has the same name",
    "source": "file or relation",
    "sha256": "of the file's bytes",
    "table": "the canonical table the row was meant for",
    "line": "line of the file (row of a workbook, a Parquet file or a query)",
    "raw": "the record as it was delivered; readable for the owner of the book only",
    "column": "the first column at fault; empty where the whole record is",
    "reason": "one of the list above",
    "detail": "what is wrong with the shape of a record",
    "rule_version": "raised whenever a rule changes",
    "amount": "the row's amount, where it could be read",
    "currency": "its currency; empty where the table states none",
    "waits": "true where the row itself is sound and is judged again with every delivery",
}

WAITING = ("conflicting_duplicate", "orphan", "no_rate")


def quarantine_page() -> str:
    """The reference page of the quarantine, as Markdown."""
    limits = Limits()
    lines = [
        "# Quarantine",
        "",
        "Made from `riskscore.tables` and `riskscore.stores.ledgers`; do not edit.",
        "",
        "Every delivered row is accepted, set aside with one of these reasons, or counted as an exact duplicate; rows and, per",
        "currency, money are compared before anything is published. `riskscore book BOOK --quarantine` shows what was set aside.",
        "",
        "## Reasons",
        "",
        "| reason | meaning | judged again |",
        "|-|-|-|",
        *(f"| `{reason}` | {meaning} | {'yes' if reason in WAITING else ''} |" for reason, meaning in REASONS.items()),
        "",
        "*Judged again*: the row waits in the book. A payment that came before its invoice is accepted when the invoice comes;",
        "rows that contradict each other stay aside, also the one that stood in the book before. `merge_cycle` refuses the whole",
        "delivery (exit status 3), because a family without a top has no limit.",
        "",
        "## Limits",
        "",
        f"Above {limits.quarantined_rows:.1%} of a table's rows, or {limits.quarantined_amount:.1%} of its money in one",
        "currency, nothing is published (exit status 4). A mapping may declare other limits under `[limits]`.",
        "",
        "## Columns of `quarantine.parquet`",
        "",
        "| column | meaning |",
        "|-|-|",
        *(f"| {field.name} | {MEANING[field.name]} |" for field in SCHEMA if field.name in MEANING),
    ]
    return "\n".join(lines) + "\n"
