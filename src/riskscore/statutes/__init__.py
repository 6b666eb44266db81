"""Statutory payment terms and late-payment interest as dated data: what the law lets a buyer take, and what lateness costs it.

The rules are a signed text (`models/statutes.toml`): every line names its act, article and first day. The text is a summary for
credit control, not legal advice, and every answer carries that sentence with it. An answer of None means that no line of the text
covers the case; it does not mean that no law does.
"""

from riskscore.statutes.lateness import DatedRate, Debt, Penalty, Stretch, penalty
from riskscore.statutes.terms import Contract, Fault, Finding, StatutoryCap, check, statutory_cap
from riskscore.statutes.text import Act, Buyer, Statutes, Supplier, parse

__all__ = [
    "Act", "Buyer", "Contract", "DatedRate", "Debt", "Fault", "Finding", "Penalty", "Statutes", "StatutoryCap", "Stretch",
    "Supplier", "check", "parse", "penalty", "statutory_cap",
]  # fmt: skip
