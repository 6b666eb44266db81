"""The review list told: the page, the rows of the file, and the same as plain JSON values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from riskscore.decisions import Decision
from riskscore.phrases import Lang, day, days, money, number, say
from riskscore.phrases.terms import COMMA
from riskscore.review_calendar import Due
from riskscore_pipelines.finance.page import Figure, Page, Sheet

MOST_ROWS = 50
MONEY = pa.decimal128(18, 2)
ZERO = Decimal(0)
DASH = "–"


@dataclass(frozen=True)
class Listed:
    """A review that is due by then, with whom it is about. reviewed_on: null where never."""

    due: Due
    decision: Decision
    name: str | None
    reviewed_on: date | None


@dataclass(frozen=True)
class Reviews:
    """The reviews due by `until`, most overdue first."""

    on: date
    until: date
    currency: str
    n_customers: int
    listed: tuple[Listed, ...]

    @property
    def due_now(self) -> int:
        """How many are due on the day itself or before."""
        return sum(each.due.due_on <= self.on for each in self.listed)

    @property
    def any_look(self) -> bool:
        """Whether the list is empty, or of somebody a last look or a limit is on file."""
        return not self.listed or any(each.reviewed_on or each.decision.limit_now is not None for each in self.listed)


def page_of(found: Reviews, lang: Lang, made_with: tuple[tuple[str, str], ...]) -> Page:
    """The page in one language."""
    whys = Counter(each.due.why for each in found.listed)
    exposure = sum((each.decision.exposure or ZERO for each in found.listed), ZERO)
    return Page(
        lang=lang,
        title=say("reviews_title", lang),
        subtitle=(
            say("as_of", lang, on=day(found.on, lang)),
            say("due_by", lang, on=day(found.until, lang)),
            say("n_customers", lang, n=number(found.n_customers, lang)),
        ),
        figures=(
            Figure(say("due_now", lang), number(found.due_now, lang)),
            Figure(say("due_later", lang), number(len(found.listed) - found.due_now, lang)),
            Figure(say("because_of_events", lang), number(whys["event"], lang)),
            Figure(say("exposure", lang), money(exposure, found.currency, lang), say("of_these", lang)),
        ),
        notes=() if found.any_look else (say("no_look_on_file", lang),),
        sheets=(_list(found, lang),),
        made_with=made_with,
    )


def why_of(due: Due, lang: Lang) -> str:
    """Why the review is due, in words: the calendar, or each event once."""
    triggers = [say(f"trigger_{trigger}", lang) for trigger in dict.fromkeys(due.triggers)]
    return COMMA[lang].join(triggers if due.why == "event" else [say(f"why_{due.why}", lang), *triggers])


def _list(found: Reviews, lang: Lang) -> Sheet:
    def line(each: Listed) -> tuple[str, ...]:
        decision = each.decision
        overdue = (found.on - each.due.due_on).days
        return (
            f"{each.name} ({decision.customer_id})" if each.name else decision.customer_id,
            say(f"risk_{each.due.risk}", lang),
            why_of(each.due, lang),
            day(each.due.due_on, lang),
            DASH if each.reviewed_on is None else day(each.reviewed_on, lang),
            days(overdue, lang) if overdue > 0 else DASH,
            say("withheld", lang) if decision.grade is None else str(decision.grade),
            money(decision.exposure or ZERO, found.currency, lang),
            DASH if decision.limit_now is None else money(decision.limit_now, found.currency, lang),
        )

    n = len(found.listed)
    return Sheet(
        title=say("reviews_list", lang),
        note=say("first_of", lang, shown=number(MOST_ROWS, lang), n=number(n, lang)) if n > MOST_ROWS else "",
        headings=tuple(
            say(key, lang)
            for key in ("customer", "risk", "why", "due_on", "reviewed_on", "waiting_since", "grade", "exposure", "limit_now")
        ),
        rows=tuple(map(line, found.listed[:MOST_ROWS])),
        figures=4,
        empty=say("no_review", lang),
    )


REVIEWS = pa.schema(
    {
        "due_on": pa.date32(), "customer_id": pa.string(), "name": pa.string(), "risk": pa.string(), "why": pa.string(),
        "triggers": pa.string(), "in_words": pa.string(), "reviewed_on": pa.date32(), "grade": pa.int32(), "pd": pa.float64(),
        "exposure": MONEY, "limit_now": MONEY, "limit_recommended": MONEY,
    }
)  # fmt: skip


def table_of(listed: Sequence[Listed], lang: Lang) -> pa.Table:
    """The rows of the file, in the order of the list. triggers: codes, separated by blanks."""
    rows = [
        {
            "due_on": each.due.due_on, "customer_id": each.decision.customer_id, "name": each.name, "risk": each.due.risk,
            "why": each.due.why, "triggers": " ".join(dict.fromkeys(each.due.triggers)) or None,
            "in_words": why_of(each.due, lang), "reviewed_on": each.reviewed_on,
            "grade": each.decision.grade, "pd": each.decision.pd,
            "exposure": each.decision.exposure, "limit_now": each.decision.limit_now,
            "limit_recommended": each.decision.recommendation.limit if each.decision.recommendation else None,
        }
        for each in listed
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, REVIEWS)


def as_plain(found: Reviews, lang: Lang) -> dict[str, Any]:
    """The list as JSON can hold it: money as text, dates as ISO."""
    kept = (str, int, float, type(None))
    rows = table_of(found.listed, lang).to_pylist()
    return {
        "as_of": found.on.isoformat(),
        "until": found.until.isoformat(),
        "customers": found.n_customers,
        "due_now": found.due_now,
        "reviews": [{name: cell if isinstance(cell, kept) else str(cell) for name, cell in row.items()} for row in rows],
    }
