"""The policy as signed text: which of its dated lines hold on a day, and that they agree with each other."""

import hashlib
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, cast

from riskscore import statutes
from riskscore.errors import UsageRefused
from riskscore.policy.entries import MANUAL_CAP, Entry, read_entries, refuse_line
from riskscore.policy.parameters import PARAMETERS
from riskscore.policy.params import Params
from riskscore.policy.recommendation import Terms, credit_days
from riskscore.policy.values import Amount


def parse(text: str, *, on: date, law: str | None = None) -> Params:
    """The policy in force on that day. law: the text of the statutes that cap its terms; without it the law caps none.

    Every line is checked, also those of other days. Raises UsageRefused naming line and key for: text that is not TOML, an
    unknown key, an entry without date, unit, source or reason, a value outside its range, two entries that claim the same day,
    a number that loosens as risk rises, and a required number that has no value on that day.
    """
    entries = read_entries(text)
    for day in sorted({entry.since for entry in entries}):
        _check_together(in_force(entries, day))
    found = in_force(entries, on)
    for key, parameter in PARAMETERS.items():
        if key not in found and not parameter.optional:
            raise UsageRefused(
                f"policy: {key} has no value in force on {on}. Add a dated entry under [[{key}]]; nothing was decided."
            )
    values: dict[str, Any] = {
        parameter.field: found[key].value if key in found else None for key, parameter in PARAMETERS.items()
    }
    return Params(
        **values,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        sources=MappingProxyType({key: entry.source for key, entry in found.items()}),
        manual_caps=MappingProxyType(_manual_caps(entries, on)),
        statutes=None if law is None else statutes.parse(law),
        statutes_digest=None if law is None else hashlib.sha256(law.encode()).hexdigest(),
    )


def in_force(entries: list[Entry], on: date) -> dict[str, Entry]:
    """Key to the entry in force on that day: of those that hold, the one that began last. Manual caps are not in it."""
    holding = sorted(
        (entry for entry in entries if entry.holds_on(on) and entry.key in PARAMETERS), key=lambda entry: entry.since
    )
    latest = {entry.key: entry for entry in holding}
    return {key: latest[key] for key in PARAMETERS if key in latest}


def lapses(entries: list[Entry], on: date) -> dict[str, date]:
    """Required numbers that hold on that day, and the first day after it on which they have no value: nothing is decided then."""
    found: dict[str, date] = {}
    for key, entry in in_force(entries, on).items():
        last: Entry | None = entry
        while last is not None and last.until is not None and last.until < date.max:
            following = last.until + timedelta(days=1)
            last = in_force(entries, following).get(key)
            if last is None and not PARAMETERS[key].optional:
                found[key] = following
    return found


def _manual_caps(entries: list[Entry], on: date) -> dict[str, Amount]:
    holding = sorted(
        (entry for entry in entries if entry.key == MANUAL_CAP.key and entry.holds_on(on)), key=lambda entry: entry.since
    )
    return {entry.customer_id: entry.value for entry in holding if entry.customer_id and isinstance(entry.value, Amount)}


def _check_together(found: dict[str, Entry]) -> None:
    """Numbers that are right alone can loosen with risk together."""
    if {"terms.secured", "terms.ladder"} <= set(found):
        entry, secured, ladder = found["terms.secured"], found["terms.secured"].value, found["terms.ladder"].value
        days = [credit_days(terms) for terms in cast("tuple[Terms, ...]", ladder)]
        shortest = min((each for each in days if each > 0), default=0)
        if shortest and cast("int", secured) > shortest:
            refuse_line(entry.line, entry.key, f"is {secured} days, but a better grade gets {shortest} without security")
    for more, less, what in NEVER_MORE:
        if {more, less} <= set(found) and cast("int", found[more].value) > cast("int", found[less].value):
            later = max(found[more], found[less], key=lambda entry: entry.line)
            refuse_line(later.line, later.key, f"{what}: {more} is {found[more].value}, {less} is {found[less].value}")


NEVER_MORE = (
    ("review.high_months", "review.medium_months", "looks at worse risk less often"),
    ("review.medium_months", "review.low_months", "looks at worse risk less often"),
    ("review.low_up_to", "review.medium_up_to", "puts grades out of order"),
)
"""Pairs of whole numbers of which the first is never larger, and what it means if it is."""
