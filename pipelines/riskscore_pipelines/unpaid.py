"""What is told of a book whose invoices look paid or unpaid only because the export holds no more."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from riskscore.stores.ledgers.untold import Untold, untold_of

ENOUGH = 20
"""Fewer invoices that fell due, or were all settled, are a company that begins, and no export that lacks something."""


def looks_unpaid(untold: Untold, on: date) -> str | None:
    """The sentence for whoever looks at the book on a day; null where its invoices can be looked at."""
    if untold.paid == 0 and untold.due >= ENOUGH:
        return (
            f"none of the {untold.due:,} invoices that fell due has a payment in this book, so every one counts as unpaid. A "
            "settlement has to name its invoice. Money on account (an invoice below zero) lowers what a customer owes and "
            "settles nothing: match it to invoices before the export, the oldest first where nothing else is known. A list of "
            "open items alone says what is owed, and nothing of how customers pay."
        )
    if untold.silent_after is not None and on > untold.silent_after:
        return (
            f"not one of the {untold.silent:,} invoices that were issued after {untold.silent_after} and fell due is paid in "
            "this book, though older ones were paid: the export seems to hold no payments of newer invoices, and every "
            f"one counts as unpaid. Ingest them, or look at {untold.silent_after}."
        )
    return None


def told_in(manifest: Mapping[str, Any]) -> list[str]:
    """What is told when a book is published or shown, as on its last known day; nothing of a book of an older program."""
    untold = untold_of(manifest)
    if untold is None or manifest["last_known_on"] is None:
        return []
    found = [said] if (said := looks_unpaid(untold, date.fromisoformat(manifest["last_known_on"]))) else []
    if untold.open == 0 and untold.n >= ENOUGH:
        found.append(
            "every invoice of this book is settled. Where the export leaves out what is open, nobody owes anything here, and the "
            "newest invoices of those who pay late are missing: what is learned is too good. Export open invoices too."
        )
    return found
