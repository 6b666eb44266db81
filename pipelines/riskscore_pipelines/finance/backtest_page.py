"""The time machine told: the page, the rows of the files, and the same as plain JSON values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from riskscore.backtest import NAMES, Backtest, Economics, Interval
from riskscore.phrases import Lang, day, days, money, number, percent, rule_name, say, terms_sentence
from riskscore.policy import Terms
from riskscore.policy.recommendation import credit_days
from riskscore.stores.backtests import Decided, Month
from riskscore.stores.reproducing import Reproduction
from riskscore_pipelines.finance.page import Figure, Page, Sheet

DASH = "–"
SHOWN = 20
IN_DAYS = frozenset({"dso"})


@dataclass(frozen=True)
class Replayed:
    """The period, what really happened, what each policy would have brought, and whether the record could be reproduced.

    hindsight: days on which the model of today answered because none was in force. n_unlimited: customers with no limit on file.
    """

    first: date
    last: date
    currency: str
    months: tuple[Month, ...]
    found: Backtest
    reproduction: Reproduction
    economics: Economics
    hindsight: tuple[date, ...]
    n_draws: int
    n_unlimited: int

    @property
    def names(self) -> tuple[str, ...]:
        """The policies, the one that is compared with first."""
        return tuple(outcome.name for outcome in self.found.outcomes)

    def changed(self, month: int) -> dict[str, list[str]]:
        """Customers whose limit, terms or grade differ from the first policy's at that cut, by policy, largest change first."""
        decided = self.months[month].decided
        base = decided[self.names[0]]
        found = {}
        for name in self.names[1:]:
            moved = [each for each in base.keys() & decided[name].keys() if _differs(base[each], decided[name][each])]
            rows = decided[name]
            found[name] = sorted(moved, key=lambda each: (-abs(rows[each].limit - base[each].limit), each))
        return found

    def limits(self, month: int, name: str) -> int:
        """The sum of a policy's limits at that cut."""
        return sum(each.limit for each in self.months[month].decided[name].values())

    def refused(self, name: str) -> tuple[int, float]:
        """How many orders that really were sold the policy would have turned away, and their amount."""
        outcome = next(each for each in self.found.outcomes if each.name == name)
        amounts = [order.amount for orders in outcome.life.replay.refused for order in orders]
        return len(amounts), sum(amounts)


def page_of(replayed: Replayed, lang: Lang) -> Page:
    """The page in one language."""
    again = replayed.reproduction
    held = again.n_decisions - len(again.differences)
    figures = [
        Figure(
            say("past_again", lang),
            say("past_again_of", lang, n=number(held, lang), whole=number(again.n_decisions, lang)),
            warns=bool(again.differences),
        )
    ]
    for name in replayed.names:
        n, amount = replayed.refused(name)
        figures.append(
            Figure(
                say("past_refused", lang, policy=_policy(name, lang)),
                money(amount, replayed.currency, lang),
                say("past_n_orders", lang, n=number(n, lang)),
            )
        )
    return Page(
        lang=lang,
        title=say("past_title", lang),
        subtitle=(say("from_to", lang, since=day(replayed.first, lang), on=day(replayed.last, lang)),),
        figures=tuple(figures),
        notes=_notes(replayed, lang),
        sheets=(
            _measures(replayed, lang),
            _months(replayed, lang),
            *(_changes(replayed, name, lang) for name in replayed.names[1:]),
            *((_differences(again, lang),) if again.differences else ()),
        ),
    )


def _notes(replayed: Replayed, lang: Lang) -> tuple[str, ...]:
    draws = sorted(replayed.found.n_unseen)
    notes = [
        say("past_unseen", lang, low=number(draws[0], lang), high=number(draws[-1], lang)),
        say(
            "past_money",
            lang,
            margin=percent(replayed.economics.margin, lang),
            capital=percent(replayed.economics.capital_cost, lang),
        ),
    ]
    if replayed.n_unlimited:
        notes.append(say("past_no_limit", lang, n=number(replayed.n_unlimited, lang)))
    if replayed.hindsight:
        notes.append(say("past_hindsight", lang, n=number(len(replayed.hindsight), lang), on=day(max(replayed.hindsight), lang)))
    if not replayed.reproduction.n_decisions:
        notes.append(say("past_nothing_logged", lang))
    elif replayed.reproduction.n_other_code:
        notes.append(say("past_other_code", lang, n=number(replayed.reproduction.n_other_code, lang)))
    return tuple(notes)


def _measures(replayed: Replayed, lang: Lang) -> Sheet:
    def said(name: str, value: float) -> str:
        if math.isnan(value):
            return DASH
        return days(value, lang) if name in IN_DAYS else money(value, replayed.currency, lang)

    def cells(name: str, each: Interval) -> tuple[str, str]:
        return said(name, each.expected), say("past_span", lang, low=said(name, each.low), high=said(name, each.high))

    headings, rows = [], []
    for outcome in replayed.found.outcomes:
        headings += [_policy(outcome.name, lang), say("past_bounds", lang)]
    for outcome in replayed.found.outcomes[1:]:
        headings += [say("past_more", lang, policy=_policy(outcome.name, lang)), say("past_bounds", lang)]
    for name in NAMES:
        row = [say(f"measure_{name}", lang), said(name, getattr(replayed.found.happened, name))]
        for outcome in replayed.found.outcomes:
            row += cells(name, outcome.measures[name])
        for outcome in replayed.found.outcomes[1:]:
            row += cells(name, outcome.against[name])
        rows.append(tuple(row))
    return Sheet(
        title=say("past_measures", lang),
        note=say("past_measures_note", lang),
        headings=(say("past_measure", lang), say("past_happened", lang), *headings),
        rows=tuple(rows),
        figures=len(headings) + 1,
    )


def _months(replayed: Replayed, lang: Lang) -> Sheet:
    rows = []
    for number_of, month in enumerate(replayed.months):
        changed = replayed.changed(number_of)
        for name in replayed.names:
            decided = month.decided[name]
            rows.append(
                (
                    day(month.on, lang),
                    _policy(name, lang),
                    number(len(decided), lang),
                    money(replayed.limits(number_of, name), replayed.currency, lang),
                    _mean_terms(decided, lang),
                    number(len(changed[name]), lang) if name in changed else DASH,
                )
            )
    keys = ("past_decided_on", "past_policy", "customers", "past_limits", "past_terms", "past_changed")
    return Sheet(say("past_months", lang), tuple(say(key, lang) for key in keys), tuple(rows), figures=4)


def _changes(replayed: Replayed, name: str, lang: Lang) -> Sheet:
    last = len(replayed.months) - 1
    decided = replayed.months[last].decided
    base, other = decided[replayed.names[0]], decided[name]
    customers = replayed.changed(last)[name]
    rows = tuple(
        (
            customer,
            _grade(base[customer], lang), _grade(other[customer], lang),
            terms_sentence(base[customer].terms, lang), terms_sentence(other[customer].terms, lang),
            rule_name(other[customer].binding_cap, lang),
            money(base[customer].limit, replayed.currency, lang), money(other[customer].limit, replayed.currency, lang),
        )
        for customer in customers[:SHOWN]
    )  # fmt: skip
    first, second = (_policy(each, lang) for each in (replayed.names[0], name))
    return Sheet(
        title=say("past_who", lang, policy=second, on=day(replayed.months[last].on, lang)),
        headings=(
            say("customer", lang),
            *(say(key, lang, policy=each) for key in ("past_grade_under", "past_terms_under") for each in (first, second)),
            say("past_binding", lang, policy=second),
            *(say("past_limit_under", lang, policy=each) for each in (first, second)),
        ),
        rows=rows,
        figures=2,
        note=say("past_who_note", lang, n=number(len(rows), lang), whole=number(len(customers), lang)) if customers else "",
        empty=say("past_nobody", lang),
    )


def _differences(again: Reproduction, lang: Lang) -> Sheet:
    rows = tuple(
        (each.decision_id, each.customer_id, day(each.as_of, lang), ", ".join(each.fields)) for each in again.differences
    )
    keys = ("past_decision", "customer", "past_decided_on", "past_fields")
    return Sheet(say("past_differences", lang), tuple(say(key, lang) for key in keys), rows, figures=0)


def tables_of(replayed: Replayed) -> dict[str, pa.Table]:
    """Rows for files: the measures; what every policy decided of every customer in every month; decisions not reproduced."""
    measures = []
    for outcome in replayed.found.outcomes:
        for against, intervals in (("", outcome.measures), (replayed.names[0], outcome.against)):
            for name, each in intervals.items():
                happened = getattr(replayed.found.happened, name)
                measures.append(
                    {
                        "policy": outcome.name, "less": against, "measure": name, "low": each.low, "expected": each.expected,
                        "high": each.high, "seen_only": each.seen, "happened": None if against else happened,
                    }
                )  # fmt: skip
    decided = [
        {
            "decided_on": month.on, "policy": name, "customer_id": customer, "limit": each.limit,
            "terms": str(each.terms), "grade": each.grade, "binding_cap": each.binding_cap,
        }
        for month in replayed.months
        for name, rows in month.decided.items()
        for customer, each in sorted(rows.items())
    ]  # fmt: skip
    differing = [
        {"decision_id": each.decision_id, "customer_id": each.customer_id, "as_of": each.as_of, "fields": ", ".join(each.fields)}
        for each in replayed.reproduction.differences
    ]
    return {
        "measures": pa.Table.from_pylist(measures, MEASURES),
        "decided": pa.Table.from_pylist(decided, DECIDED),
        "not_reproduced": pa.Table.from_pylist(differing, DIFFERING),
    }


MEASURES = pa.schema(
    [(name, pa.string()) for name in ("policy", "less", "measure")]
    + [(name, pa.float64()) for name in ("low", "expected", "high", "seen_only", "happened")]
)
DECIDED = pa.schema(
    [
        ("decided_on", pa.date32()), ("policy", pa.string()), ("customer_id", pa.string()), ("limit", pa.int64()),
        ("terms", pa.string()), ("grade", pa.int32()), ("binding_cap", pa.string()),
    ]
)  # fmt: skip
DIFFERING = pa.schema(
    [("decision_id", pa.string()), ("customer_id", pa.string()), ("as_of", pa.date32()), ("fields", pa.string())]
)


def as_plain(replayed: Replayed) -> dict[str, Any]:
    """The replay as JSON can hold it; a figure that is not there is null."""
    again = replayed.reproduction
    return {
        "from": replayed.first.isoformat(),
        "to": replayed.last.isoformat(),
        "currency": replayed.currency,
        "reproduced": {
            "decisions": again.n_decisions,
            "by_other_code": again.n_other_code,
            "differ": [
                {"decision_id": each.decision_id, "customer_id": each.customer_id, "as_of": each.as_of.isoformat(),
                 "fields": list(each.fields)}
                for each in again.differences
            ],
        },
        "happened": {name: _figure(getattr(replayed.found.happened, name)) for name in NAMES},
        "policies": [
            {
                "policy": outcome.name,
                "measures": _plain(outcome.measures),
                "more_than_first": _plain(outcome.against),
                "turned_away": dict(zip(("orders", "amount"), replayed.refused(outcome.name), strict=True)),
            }
            for outcome in replayed.found.outcomes
        ],
        "months": [
            {
                "decided_on": month.on.isoformat(),
                "limits": {name: replayed.limits(place, name) for name in replayed.names},
                "changed": {name: len(customers) for name, customers in replayed.changed(place).items()},
            }
            for place, month in enumerate(replayed.months)
        ],
        "changed_at_last": replayed.changed(len(replayed.months) - 1),
        "unseen_orders": {"least": min(replayed.found.n_unseen), "most": max(replayed.found.n_unseen), "draws": replayed.n_draws},
        "hindsight": [each.isoformat() for each in replayed.hindsight],
    }  # fmt: skip


def _plain(intervals: Mapping[str, Interval]) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            "low": _figure(each.low), "expected": _figure(each.expected), "high": _figure(each.high),
            "seen_only": _figure(each.seen),
        }
        for name, each in intervals.items()
    }  # fmt: skip


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 2)


def _differs(one: Decided, other: Decided) -> bool:
    return (one.limit, one.terms, one.grade) != (other.limit, other.terms, other.grade)


def _mean_terms(decided: Mapping[str, Decided], lang: Lang) -> str:
    """The mean days of credit, each customer by its limit; a dash where nobody has a limit."""
    whole = sum(each.limit for each in decided.values())
    return days(sum(each.limit * max(_days(each.terms), 0) for each in decided.values()) / whole, lang) if whole else DASH


def _days(terms: Terms) -> int:
    return credit_days(terms)


def _grade(decided: Decided, lang: Lang) -> str:
    return say("withheld", lang) if decided.grade is None else number(decided.grade, lang)


def _policy(name: str, lang: Lang) -> str:
    return say("past_in_force", lang) if name == "in force" else name
