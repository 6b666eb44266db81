"""The reference pages of the deciding rooms: the policy's numbers, the scores file, the reason codes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from riskscore.decisions import NOT_SCORED_REASONS, REFERRAL_REASONS
from riskscore.features import CATALOGUE
from riskscore.phrases import LANGUAGES, Lang, code_name, not_scored_sentence, referral_sentence, rule_name, sentence
from riskscore.policy import PARAMETERS, RULES, TERM_RULES
from riskscore.policy.entries import Entry, read_entries
from riskscore.policy.parameters import Parameter
from riskscore.policy.rules import LIFTED_BY_SECURITY
from riskscore.policy.text import in_force
from riskscore.policy.values import Steps, Value
from riskscore.reasons import NEVER_SHOWN, Reason
from riskscore.stores.scores import COLUMNS
from riskscore.stores.signed_texts import find_text

SHOWN_ON = date(2026, 6, 30)
"""The day whose numbers the page of the policy shows: fixed, so that the page does not depend on who writes it."""


POLICY = """\
# The policy

The text a credit committee signs: `models/late_payment/policy.toml`, or your own under the folder `models`. Every number is an
entry with `from`, `value`, `unit`, `source` and `reason`, and `until` where it ends. A number changes by a new entry below the
old one. Refused, with line and key: an unknown key, an entry that is not signed, two that claim one day, a value out of its
range, a number that loosens as risk rises.

```toml
[[profit.margin]]
from = 2026-07-01
value = 0.18
unit = "share of sales"
source = "credit committee, 2026-06-12"
reason = "margins fell"
```

A cap on one customer, set by hand:

```toml
[[manual_cap]]
customer_id = "0000100007"
from = 2026-07-01
until = 2026-12-31
value = 50000
unit = "EUR"
source = "A. Lee, B. Stern"
reason = "contract in dispute"
```

An amount is in a currency, which must be the book's reporting currency, or a share of annual sales: what the book billed in the
last twelve months.

## Numbers

Shipped values as of {on}.

{numbers}

## Rules

The limit is the smallest of these caps, rounded down. Of two equal ones the first is named. How they work together:
[how a limit is made](../explanation/how-a-limit-is-made.md).

{rules}

## Rules of terms

The longest terms are the shortest that any of these allows; within them the option that earns most is offered:
[how terms are chosen](../explanation/how-terms-are-chosen.md).

{terms}
"""

SCORES_FILE = """\
# The scores file

What `riskscore score` writes: one row a customer, sorted by id, as Parquet, CSV (UTF-8, point decimals) or XLSX. An empty cell
means not known; no value stands in for it. In CSV and XLSX a text that a spreadsheet would take for a formula gets a leading
apostrophe; Parquet holds it as it is.

A referred row is for a person: what is recommended in it is a proposal. Where the answer would deny credit to a natural person,
the file holds no limit and no terms at all.

{columns}

## Why a row is referred or not scored

{reasons}
"""

REASON_CODES = """\
# Reason codes

Codes are stable: a code keeps its meaning for ever, a new meaning gets a new code. How they are chosen and read:
[reading an explanation](../explanation/reading-an-explanation.md).

{codes}

## Sentences

Each feature's sentence for an invented customer.

{sentences}

## Rules of the policy

{rules}
"""


def policy() -> str:
    """Every number of the policy with its unit, range and shipped value; every rule."""
    entries = in_force(read_entries(find_text("late_payment/policy.toml").read_text("utf-8")), SHOWN_ON)
    numbers = [
        (f"`{key}`", " or ".join(parameter.units), _range(parameter), _shipped(entries.get(key)), parameter.meaning)
        for key, parameter in PARAMETERS.items()
    ]
    rules = [
        (f"`{name}`", "yes" if name in LIFTED_BY_SECURITY else "", (rule.__doc__ or "").strip().splitlines()[0])
        for name, rule in RULES.items()
    ]
    terms = [(f"`{name}`", (rule.__doc__ or "").strip().splitlines()[0]) for name, rule in TERM_RULES.items()]
    return POLICY.format(
        on=SHOWN_ON,
        numbers=_table(("key", "unit", "range", "shipped", "meaning"), numbers),
        rules=_table(("rule", "lifted by security", "what it says"), rules),
        terms=_table(("rule", "what it says"), terms),
    )


def scores_file() -> str:
    """The columns of the scores file."""
    reasons = [(f"`{reason}`", referral_sentence(reason, "en")) for reason in REFERRAL_REASONS]
    reasons += [(f"`{reason}`", not_scored_sentence(reason, "en")) for reason in NOT_SCORED_REASONS]
    columns = [(f"`{column.name}`", str(column.kind), column.meaning) for column in COLUMNS]
    return SCORES_FILE.format(
        columns=_table(("column", "type", "meaning"), columns), reasons=_table(("reason", "in words"), reasons)
    )


def reason_codes() -> str:
    """The reason codes in both languages, with the features behind them and a sentence each."""
    codes = sorted({feature.reason for feature in CATALOGUE.values()})
    listed = [(f"`{code}`", *_in_both(code_name, code), "never" if code in NEVER_SHOWN else "yes") for code in codes]
    sentences = []
    for code in codes:
        features = [name for name, feature in CATALOGUE.items() if feature.reason == code]
        told = [(f"`{name}`", *(sentence(_example(name), lang, "EUR") for lang in LANGUAGES)) for name in features]
        sentences.append(f"### {code} {code_name(code, 'en')}\n\n{_table(('feature', 'English', '中文'), told)}")
    rules = [(f"`{rule}`", *_in_both(rule_name, rule)) for rule in RULES]
    return REASON_CODES.format(
        codes=_table(("code", "English", "中文", "shown"), listed),
        sentences="\n\n".join(sentences),
        rules=_table(("rule", "English", "中文"), rules),
    )


def _in_both(name: Callable[[str, Lang], str], key: str) -> list[str]:
    return [name(key, lang) for lang in LANGUAGES]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["-"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _example(name: str) -> Reason:
    feature = CATALOGUE[name]
    value, typical = {
        "share": (0.23, 0.07), "money": (125_000.0, 40_000.0), "count": (12.0, 5.0), "ratio": (1.6, 0.9), "code": ("C25", "C10"),
        "notch": (13.0, 9.0), "notches": (2.0, 0.0), "index": (61.0, 78.0), "months": (1.4, 0.2),
    }.get(feature.unit, (23.0, 7.0))  # fmt: skip
    return Reason(feature.reason, "adverse", 0.5, 0.5, name, value, typical, feature.unit, feature.window_days)


RANGES = {
    "texts": "a list of texts",
    "terms_by_grade": "ten values, never longer for a worse grade",
    "shares_by_grade": "ten values from 0 to 1, never more for a worse grade",
    "steps": "steps of shares from 0 to 1, the best first, never more for a worse one; the last for all the rest",
    "shares_by_name": "a share from 0 to 2 for every option",
    "amount": "0 or more",
}


def _range(parameter: Parameter) -> str:
    if parameter.kind == "choice":
        return ", ".join(f"`{choice}`" for choice in parameter.choices)
    return RANGES.get(parameter.kind, f"{parameter.low} to {parameter.high}")


def _shipped(entry: Entry | None) -> str:
    return "off" if entry is None else _said(entry.value)


def _said(value: Value) -> str:
    if isinstance(value, Steps):
        bound = "up to" if value.rises else "from"
        return ", ".join([*(f"{bound} {limit}: {share}" for limit, share in value.steps), f"else {value.rest}"])
    if isinstance(value, tuple):
        return ", ".join(" ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in value)
    return str(getattr(value, "value", value))
