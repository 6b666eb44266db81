"""The policy as signed text: which of its dated lines hold on a day, and that they agree with each other."""

import hashlib
from datetime import date
from types import MappingProxyType
from typing import Any, cast

from riskscore.errors import UsageRefused
from riskscore.policy.case import Terms, credit_days
from riskscore.policy.entries import MANUAL_CAP, Entry, read_entries, refuse_line
from riskscore.policy.parameters import PARAMETERS, Amount, Params


def parse(text: str, *, on: date) -> Params:
    """The policy in force on that day.

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
    )


def in_force(entries: list[Entry], on: date) -> dict[str, Entry]:
    """Key to the entry in force on that day: of those that hold, the one that began last. Manual caps are not in it."""
    holding = sorted(
        (entry for entry in entries if entry.holds_on(on) and entry.key in PARAMETERS), key=lambda entry: entry.since
    )
    latest = {entry.key: entry for entry in holding}
    return {key: latest[key] for key in PARAMETERS if key in latest}


def _manual_caps(entries: list[Entry], on: date) -> dict[str, Amount]:
    holding = sorted(
        (entry for entry in entries if entry.key == MANUAL_CAP.key and entry.holds_on(on)), key=lambda entry: entry.since
    )
    return {entry.customer_id: entry.value for entry in holding if entry.customer_id and isinstance(entry.value, Amount)}


def _check_together(found: dict[str, Entry]) -> None:
    """Numbers that are right alone can loosen with risk together: terms against security must not beat a better grade's."""
    if "terms.secured" not in found or "terms.ladder" not in found:
        return
    entry, secured, ladder = found["terms.secured"], found["terms.secured"].value, found["terms.ladder"].value
    days = [credit_days(terms) for terms in cast("tuple[Terms, ...]", ladder)]
    shortest = min((each for each in days if each > 0), default=0)
    if shortest and cast("int", secured) > shortest:
        refuse_line(entry.line, entry.key, f"is {secured} days, but a better grade gets {shortest} without security")
