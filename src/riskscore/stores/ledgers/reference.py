"""The reference pages of the canonical tables and of the quarantine, made from the definitions."""

from riskscore.stores.ledgers.mapping import Limits
from riskscore.stores.ledgers.quarantine import SCHEMA
from riskscore.tables import RATE_DECIMALS, REASONS, TABLES, Column

MEANING = {
    "run": "the ingestion that set it aside: named by what it delivered, so the same delivery has the same name",
    "source": "file or relation",
    "sha256": "of the file's bytes",
    "table": "the canonical table the row was meant for",
    "line": "line of the file (row of a workbook, a Parquet file or a query)",
    "raw": "the record as it was delivered; readable for the owner of the book only",
    "column": "the first column at fault; empty where the whole record is",
    "reason": "one of the list above",
    "detail": "what is wrong with the shape of a record; how a number must be written; the ids of the row where its record "
    "does not show them, because the mapping joins them from several columns",
    "rule_version": "raised whenever a rule changes",
    "amount": "the row's amount, where it could be read",
    "currency": "its currency; empty where the table states none",
    "waits": "true where the row itself is sound and is judged again with every delivery",
}

WAITING = ("conflicting_duplicate", "orphan", "no_rate")


def data_dictionary() -> str:
    """The reference page of the canonical tables, as Markdown, made from the definitions above."""
    lines = [
        "# Canonical tables",
        "",
        "Made from `riskscore.tables`; do not edit. Every fact has its event date and the day it became known. An empty cell",
        "means not known, never zero. Ids are text, kept byte for byte. Money has up to four decimals, beside its currency;",
        f"a decimal is a plain number with up to {RATE_DECIMALS} decimals: round what has more, such as 7.1234000000001.",
    ]
    for table in TABLES.values():
        lines += ["", f"## {table.name}", "", table.meaning, ""]
        key = ", ".join(f"`{name}`" for name in table.key)
        lines += [f"Key: {key}. Where `known_on` is not delivered, `{table.event_on}` stands in."]
        lines += ["", "| column | kind | required | meaning |", "|-|-|-|-|"]
        lines += [f"| {column.name} | {column.kind} | {_required(column)} | {_meaning(column)} |" for column in table.columns]
    return "\n".join(lines) + "\n"


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


def _required(column: Column) -> str:
    return "filled at ingest" if column.filled else "yes" if column.required else ""


def _meaning(column: Column) -> str:
    rules = [f"one of {', '.join(column.choices)}"] if column.choices else []
    if column.low is not None:
        rules.append(f"at least {column.low:g}")
    if column.high is not None:
        rules.append(f"at most {column.high:g}")
    if column.not_before:
        rules.append(f"not before `{column.not_before}`")
    return "; ".join([column.meaning, *rules])
