"""The registers told: the page, the rows of the file, and the same as plain JSON values."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from riskscore.insurance import Fault
from riskscore.insurance.register import OPEN_ENDED
from riskscore.phrases import Lang, day, days, money, number, percent, say
from riskscore.phrases.terms import COMMA
from riskscore_pipelines.finance.insured import Insured, Line, Told
from riskscore_pipelines.finance.page import Figure, Page, Sheet, widths

MOST_ROWS = 40
"""Rows of a table on the page; the file has all of them."""

MONEY = pa.decimal128(18, 2)
DASH = "–"


def page_of(found: Insured, lang: Lang, made_with: tuple[tuple[str, str], ...]) -> Page:
    """The page in one language."""

    def amount(value: Decimal) -> str:
        return money(value, found.currency, lang)

    exposure, own = found.total("exposure"), found.total("own_risk")
    missed = sum(each.alarm.endangers_cover for each in found.alarms)
    return Page(
        lang=lang,
        title=say("insurance_title", lang),
        subtitle=(say("as_of", lang, on=day(found.on, lang)), say("amounts_in", lang, currency=found.currency)),
        figures=(
            Figure(say("exposure", lang), amount(exposure), say("n_customers", lang, n=number(len(found.lines), lang))),
            Figure(say("insured", lang), amount(found.total("insured")), say("insured_note", lang)),
            Figure(say("secured", lang), amount(found.total("collateral")), say("secured_note", lang)),
            Figure(say("own_risk", lang), amount(own), percent(own / exposure, lang) if exposure else DASH),
            Figure(say("missed", lang), number(missed, lang), say("missed_note", lang), warns=missed > 0),
            Figure(say("to_do", lang), number(len(found.alarms) - missed, lang)),
        ),
        notes=_notes(found.faults, lang),
        sheets=(_alarms(found, lang), _own_risk(found, lang), _policies(found, lang), _collaterals(found, lang)),
        made_with=made_with,
    )


def _notes(faults: Sequence[Fault], lang: Lang) -> tuple[str, ...]:
    by_code: dict[str, list[str]] = {}
    for fault in faults:
        by_code.setdefault(fault.code, []).append(fault.policy_id)
    return tuple(
        say(
            f"fault_{code}",
            lang,
            n=number(len(which), lang),
            which=COMMA[lang].join(which[:3]) + (" …" if len(which) > 3 else ""),
        )
        for code, which in by_code.items()
    )


def _first(n: int, lang: Lang) -> str:
    return say("first_of", lang, shown=number(MOST_ROWS, lang), n=number(n, lang)) if n > MOST_ROWS else ""


def _until(on: date | None, lang: Lang) -> str:
    return DASH if on is None or on == OPEN_ENDED else day(on, lang)


def _who(name: str | None, customer_id: str) -> str:
    return f"{name} ({customer_id})" if name else customer_id


def _alarms(found: Insured, lang: Lang) -> Sheet:
    def line(each: Told) -> tuple[str, ...]:
        return (
            day(each.alarm.on, lang), say(f"alarm_{each.alarm.code}", lang), _who(each.name, each.customer_id),
            each.alarm.invoice_id or DASH, each.insurer or DASH, number(each.alarm.days, lang),
            DASH if each.opened is None else money(each.opened, found.currency, lang),
        )  # fmt: skip

    return Sheet(
        title=say("alarms", lang),
        note=_first(len(found.alarms), lang),
        headings=tuple(
            say(key, lang) for key in ("until_day", "alarm", "customer", "invoice", "insurer", "days_left", "still_open")
        ),
        rows=tuple(map(line, found.alarms[:MOST_ROWS])),
        figures=2,
        empty=say("no_alarm", lang),
    )


def _own_risk(found: Insured, lang: Lang) -> Sheet:
    top = found.lines[:20]

    def line(each: Line) -> tuple[str, ...]:
        parts = (each.cover.exposure, each.cover.collateral, each.cover.insured, each.cover.own_risk)
        return (_who(each.name, each.customer_id), *(money(part, found.currency, lang) for part in parts))

    return Sheet(
        title=say("largest_own_risk", lang),
        headings=tuple(say(key, lang) for key in ("customer", "exposure", "secured", "insured", "own_risk")),
        rows=tuple(map(line, top)),
        figures=4,
        bars=widths([-float(each.cover.own_risk) for each in top]),
        empty=say("nobody_owes", lang),
    )


def _policies(found: Insured, lang: Lang) -> Sheet:
    held = [line for line in found.lines if line.policy is not None]

    def line(each: Line) -> tuple[str, ...]:
        policy = each.policy
        if policy is None:
            return ()
        notice = DASH if policy.notice_days is None else days(policy.notice_days, lang)
        hand_over = DASH if policy.hand_over_days is None else days(policy.hand_over_days, lang)
        longest = DASH if policy.longest_terms_days is None else days(policy.longest_terms_days, lang)
        return (
            _who(each.name, each.customer_id), policy.insurer or DASH, _until(policy.expires_on, lang),
            longest, days(policy.protracted_default_days, lang), notice, hand_over, percent(policy.insured_share, lang),
            *(money(part, found.currency, lang) for part in (policy.insured_limit, policy.deductible, each.cover.exposure)),
            money(each.cover.insured, found.currency, lang),
        )  # fmt: skip

    keys = ("customer", "insurer", "last_on", "longest_terms_days", "waiting_days", "notice_days", "hand_over_days",
            "insured_share", "insured_limit", "deductible", "exposure", "payout")  # fmt: skip
    return Sheet(
        title=say("policies", lang),
        note=" ".join(filter(None, (say("policies_note", lang), _first(len(held), lang)))),
        headings=tuple(say(key, lang) for key in keys),
        rows=tuple(map(line, held[:MOST_ROWS])),
        figures=9,
        empty=say("no_policy", lang),
    )


def _collaterals(found: Insured, lang: Lang) -> Sheet:
    rows = tuple(
        (
            _who(name, each.customer_id), say(f"kind_{each.kind}", lang), each.provider or DASH,
            _until(each.expires_on, lang),
            say("in_force" if each.is_in_force(found.on) else "ended", lang),
            money(each.amount, found.currency, lang), percent(each.haircut, lang), money(worth, found.currency, lang),
        )
        for each, name, worth in found.collaterals[:MOST_ROWS]
    )  # fmt: skip
    keys = ("customer", "kind", "provider", "last_on", "state", "security_amount", "haircut", "worth")
    return Sheet(
        title=say("collaterals", lang),
        note=" ".join(filter(None, (say("collaterals_note", lang), _first(len(found.collaterals), lang)))),
        headings=tuple(say(key, lang) for key in keys),
        rows=rows,
        figures=3,
        empty=say("no_collateral", lang),
    )


def tables_of(found: Insured) -> dict[str, pa.Table]:
    """The rows of the file: exposure and cover by customer, alarms, and the security."""
    cover = [
        {
            "customer_id": line.customer_id, "name": line.name,
            **{part: getattr(line.cover, part) for part in ("exposure", "collateral", "insured", "own_risk")},
            **{name: getattr(line.policy, name, None) for name in POLICY},
        }
        for line in found.lines
    ]  # fmt: skip
    alarms = [
        {
            "by": each.alarm.on, "alarm": each.alarm.code, "endangers_cover": each.alarm.endangers_cover,
            "customer_id": each.customer_id, "name": each.name, "insurer": each.insurer, "invoice_id": each.alarm.invoice_id,
            "days_left": each.alarm.days, "open": each.opened,
        }
        for each in found.alarms
    ]  # fmt: skip
    securities = [
        {
            "customer_id": each.customer_id, "name": name, "kind": each.kind, "provider": each.provider, "amount": each.amount,
            "haircut": float(each.haircut), "until": each.expires_on, "worth": worth,
        }
        for each, name, worth in found.collaterals
    ]  # fmt: skip
    return {
        "cover": pa.Table.from_pylist(cover, COVER),
        "alarms": pa.Table.from_pylist(alarms, ALARMS),
        "securities": pa.Table.from_pylist(securities, SECURITIES),
    }


POLICY: Mapping[str, pa.DataType] = {
    "insurer": pa.string(), "insured_limit": MONEY, "insured_share": pa.decimal128(5, 4), "deductible": MONEY,
    "protracted_default_days": pa.int32(), "notice_days": pa.int32(), "hand_over_days": pa.int32(),
    "max_extension_days": pa.int32(), "longest_terms_days": pa.int32(), "starts_on": pa.date32(), "expires_on": pa.date32(),
}  # fmt: skip
COVER = pa.schema(
    {
        "customer_id": pa.string(), "name": pa.string(),
        **dict.fromkeys(("exposure", "collateral", "insured", "own_risk"), MONEY), **POLICY,
    }
)  # fmt: skip
ALARMS = pa.schema(
    {
        "by": pa.date32(), "alarm": pa.string(), "endangers_cover": pa.bool_(), "customer_id": pa.string(), "name": pa.string(),
        "insurer": pa.string(), "invoice_id": pa.string(), "days_left": pa.int32(), "open": MONEY,
    }
)  # fmt: skip
SECURITIES = pa.schema(
    {
        "customer_id": pa.string(), "name": pa.string(), "kind": pa.string(), "provider": pa.string(), "amount": MONEY,
        "haircut": pa.float64(), "until": pa.date32(), "worth": MONEY,
    }
)  # fmt: skip


def as_plain(found: Insured, lang: Lang) -> dict[str, Any]:
    """The registers as JSON can hold them: money as text, dates as ISO; warnings in words."""

    def plain(rows: pa.Table) -> list[dict[str, Any]]:
        kept = (str, int, float, bool, type(None))
        return [{key: cell if isinstance(cell, kept) else str(cell) for key, cell in row.items()} for row in rows.to_pylist()]

    tables = tables_of(found)
    return {
        "as_of": found.on.isoformat(),
        "currency": found.currency,
        **{part: str(found.total(part)) for part in ("exposure", "collateral", "insured", "own_risk")},
        "warnings": list(_notes(found.faults, lang)),
        "alarms": plain(tables["alarms"]),
        "customers": plain(tables["cover"]),
        "securities": plain(tables["securities"]),
    }
