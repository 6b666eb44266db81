"""What differs between two policies in force: number by number, from what to what, and who signed it.

A policy is compared with another text, or with itself on another day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from riskscore.policy.entries import MANUAL_CAP, Entry
from riskscore.policy.parameters import PARAMETERS
from riskscore.policy.text import in_force
from riskscore.policy.values import Value


@dataclass(frozen=True)
class Change:
    """One number that differs. key: the number's, with the customer in brackets for a cap set by hand.

    before, after: the dated line in force on either side; null where none is, so that the rule is off.
    """

    key: str
    before: Entry | None
    after: Entry | None

    @property
    def signed_by(self) -> str:
        """Who signed the newer line; the older one where the newer side has none."""
        entry = self.after or self.before
        return entry.source if entry else ""


def changes_between(before: Sequence[Entry], after: Sequence[Entry], *, on: tuple[date, date]) -> tuple[Change, ...]:
    """Every number whose value or unit differs, in the order of the policy, caps set by hand last.

    before, after: the lines of two texts, or of one twice; on: the day each is read at. A line that was signed anew with the same
    value is no change.
    """
    found = [
        Change(key, old, new)
        for key, old, new in _paired(in_force([*before], on[0]), in_force([*after], on[1]), list(PARAMETERS))
        if _said(old) != _said(new)
    ]
    old_caps, new_caps = _by_hand(before, on[0]), _by_hand(after, on[1])
    for who, old, new in _paired(old_caps, new_caps, sorted({*old_caps, *new_caps})):
        if _said(old) != _said(new):
            found.append(Change(f"{MANUAL_CAP.key}[{who}]", old, new))
    return tuple(found)


def _paired(
    before: Mapping[str, Entry], after: Mapping[str, Entry], keys: Sequence[str]
) -> list[tuple[str, Entry | None, Entry | None]]:
    return [(key, before.get(key), after.get(key)) for key in keys]


def _by_hand(entries: Sequence[Entry], on: date) -> dict[str, Entry]:
    holding = sorted((each for each in entries if each.key == MANUAL_CAP.key and each.holds_on(on)), key=lambda each: each.since)
    return {each.customer_id: each for each in holding if each.customer_id}


def _said(entry: Entry | None) -> tuple[Value, str] | None:
    return None if entry is None else (entry.value, entry.unit)
