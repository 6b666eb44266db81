"""The dated lines of the policy's text, each checked on its own; a wrong one is refused by line and key."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, NoReturn

from riskscore.errors import UsageRefused
from riskscore.policy.lines import Lines
from riskscore.policy.parameters import PARAMETERS, Parameter
from riskscore.policy.readings import check_unit, value_of
from riskscore.policy.values import CURRENCY, Value

MANUAL_CAP = Parameter("manual_cap", "amount", (CURRENCY,), "the most a person allows one customer", high=Decimal(10) ** 14)
"""Not a number of the policy but a line per customer: it has a `customer_id` beside the rest."""

REQUIRED = ("from", "value", "unit", "source", "reason")
KNOWN = (*REQUIRED, "until")


@dataclass(frozen=True)
class Entry:
    """One dated line of the policy: value, unit, source and reason, in force from `since` to `until` (included; null: open)."""

    key: str
    since: date
    until: date | None
    value: Value
    unit: str
    source: str
    reason: str
    line: int
    customer_id: str | None = None

    def holds_on(self, day: date) -> bool:
        """Is the day within its dates?"""
        return self.since <= day and (self.until is None or day <= self.until)


def read_entries(text: str) -> list[Entry]:
    """Every dated line of the policy, in the order of the text. Raises UsageRefused naming line and key."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise UsageRefused(f"policy: not TOML: {error}. Nothing was decided.") from error
    lines = Lines(text)
    entries = [_entry(key, raw, index, lines) for key, index, raw in _raw_entries(document, lines)]
    _check_overlaps(entries)
    return entries


def _raw_entries(document: Mapping[str, Any], lines: Lines) -> Iterator[tuple[str, int, dict[str, Any]]]:
    sections = {key.partition(".")[0] for key in PARAMETERS} | {MANUAL_CAP.key}
    for section, content in document.items():
        if section not in sections:
            refuse_line(lines.of(section), section, f"unknown section{_perhaps(section, sections)}")
        members = (
            {section: content}
            if section == MANUAL_CAP.key
            else {f"{section}.{name}": value for name, value in _table(section, content, lines)}
        )
        for key, raws in members.items():
            if key not in PARAMETERS and key != MANUAL_CAP.key:
                refuse_line(lines.of(key), key, f"unknown key{_perhaps(key, PARAMETERS)}")
            if not isinstance(raws, list) or not all(isinstance(raw, dict) for raw in raws):
                refuse_line(lines.of(key), key, f"must be dated entries, each under its own [[{key}]]")
            yield from ((key, index, raw) for index, raw in enumerate(raws))


def _table(section: str, content: object, lines: Lines) -> list[tuple[str, object]]:
    if not isinstance(content, dict):
        refuse_line(lines.of(section), section, f"must hold dated entries, as in [[{section}.name]]")
    return list(content.items())


def _entry(key: str, raw: Mapping[str, Any], index: int, lines: Lines) -> Entry:
    _check_shape(key, raw, index, lines)
    until = raw.get("until")
    if until is not None and until < raw["from"]:
        refuse_line(lines.of(key, index, "until"), f"{key}.until", "is before from")

    def refuse(what: str, name: str = "value") -> NoReturn:
        refuse_line(lines.of(key, index, name), f"{key}.{name}", what)

    parameter = MANUAL_CAP if key == MANUAL_CAP.key else PARAMETERS[key]
    check_unit(parameter, raw["unit"], refuse)
    value = value_of(parameter, raw["value"], raw["unit"], refuse)
    return Entry(
        key, raw["from"], until, value, raw["unit"], raw["source"].strip(), raw["reason"].strip(), lines.of(key, index),
        raw.get("customer_id"),
    )  # fmt: skip


def _check_shape(key: str, raw: Mapping[str, Any], index: int, lines: Lines) -> None:
    """Every key known, every required one there, texts that say something, dates that are dates."""
    more = ("customer_id",) if key == MANUAL_CAP.key else ()
    for name in raw:
        if name not in (*KNOWN, *more):
            refuse_line(lines.of(key, index, name), f"{key}.{name}", f"unknown key{_perhaps(name, (*KNOWN, *more))}")
    for name in (*REQUIRED, *more):
        if name not in raw:
            refuse_line(lines.of(key, index), key, f"has no {name}; a number is signed with {', '.join((*REQUIRED, *more))}")
    for name in ("unit", "source", "reason", *more):
        if not (isinstance(raw[name], str) and raw[name].strip()):
            refuse_line(lines.of(key, index, name), f"{key}.{name}", "must be text, and not empty")
    for name in ("from", "until"):
        if name in raw and type(raw[name]) is not date:
            refuse_line(lines.of(key, index, name), f"{key}.{name}", "must be a date such as 2026-07-01, without quotes")


def _check_overlaps(entries: list[Entry]) -> None:
    by_key: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in entries:
        by_key.setdefault((entry.key, entry.customer_id), []).append(entry)
    for same in by_key.values():
        same.sort(key=lambda entry: entry.since)
        for earlier, later in pairwise(same):
            if earlier.since == later.since or (earlier.until is not None and earlier.until >= later.since):
                refuse_line(
                    later.line, later.key, f"claims {later.since} as the entry in line {earlier.line} does; end that one before"
                )


def refuse_line(line: int, key: str, what: str) -> NoReturn:
    """Raises UsageRefused for that line of the policy."""
    raise UsageRefused(f"policy line {line}: {key} {what}. Correct the line; nothing was decided.")


def _perhaps(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; perhaps {close[0]}" if close else ""
