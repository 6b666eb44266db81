"""The allocation told: prices in words, limits by grade, the largest cuts; the rows of the file; and the same as plain JSON."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from riskscore.allocation import Price
from riskscore.phrases import Lang, day, money, number, percent, say
from riskscore_pipelines.finance.allocating import Allocated, Given
from riskscore_pipelines.finance.page import Figure, Page, Sheet, widths

MOST_ROWS = 25
MONEY = pa.decimal128(18, 2)
ZERO = Decimal(0)
DASH = "–"


def page_of(found: Allocated, on: date, currency: str, lang: Lang, made_with: tuple[tuple[str, str], ...]) -> Page:
    """The page in one language."""

    def amount(value: Decimal | float) -> str:
        return money(round(value), currency, lang)

    result, n = found.allocation, len(found.given)
    more = result.profit / found.cut_profit - 1 if found.cut_profit > 0 else None
    return Page(
        lang=lang,
        title=say("allocation_title", lang),
        subtitle=(
            say("as_of", lang, on=day(on, lang)),
            say("amounts_in", lang, currency=currency),
            say("n_customers", lang, n=number(n, lang)),
        ),
        figures=(
            Figure(
                say("given", lang), amount(found.total("limit")), say("of_policy", lang, amount=amount(found.total("policy")))
            ),
            Figure(say("yearly_profit", lang), amount(result.profit), say("by_policy", lang, amount=amount(found.policy_profit))),
            Figure(
                say("yearly_loss", lang), amount(result.expected_loss), say("by_policy", lang, amount=amount(found.policy_loss))
            ),
            Figure(
                say("better_than_cut", lang),
                DASH if more is None else percent(more, lang),
                say("cut_note", lang, amount=amount(found.cut_profit)),
            ),
        ),
        notes=_notes(found, currency, lang),
        sheets=(_prices(found, currency, lang), _by_grade(found, currency, lang), _cuts(found, currency, lang)),
        made_with=made_with,
    )


def price_sentence(price: Price, found: Allocated, currency: str, lang: Lang) -> str:
    """What one more unit of this room is worth; or that there is room left."""
    if price.price <= 0:
        return say("room_left", lang, room=money(round(max(price.room - price.used, 0.0)), currency, lang))
    group = _group(price, found)
    if price.per_point is not None:
        return say(f"point_of_{price.code}", lang, group=group, amount=money(round(price.per_point), currency, lang))
    return say(f"price_of_{price.code}", lang, group=group, currency=currency, price=number(price.price, lang, 3))


def _group(price: Price, found: Allocated) -> str:
    group = price.group or ""
    return found.family_names.get(group, group) if price.code == "family_share" else group


def _notes(found: Allocated, currency: str, lang: Lang) -> tuple[str, ...]:
    notes = []
    if found.set_aside:
        notes.append(say("set_aside", lang, amount=money(found.set_aside, currency, lang)))
    if found.left_out:
        notes.append(say("left_to_a_person", lang, n=number(found.left_out, lang)))
    if all(price.price <= 0 for price in found.allocation.prices):
        notes.append(say("nothing_scarce", lang))
    return tuple(notes)


def _prices(found: Allocated, currency: str, lang: Lang) -> Sheet:
    prices = found.allocation.prices

    def line(price: Price) -> tuple[str, ...]:
        name = say(f"budget_{price.code}", lang, group=_group(price, found))
        amounts = (money(round(price.room), currency, lang), money(round(price.used), currency, lang))
        return (name, price_sentence(price, found, currency, lang), *amounts)

    return Sheet(
        title=say("prices", lang),
        note=say("prices_note", lang),
        headings=tuple(say(key, lang) for key in ("budget", "worth_of_more", "allows", "used")),
        rows=tuple(map(line, prices[:MOST_ROWS])),
        figures=2,
        empty=say("nothing_scarce", lang),
    )


def _by_grade(found: Allocated, currency: str, lang: Lang) -> Sheet:
    groups: dict[int | None, list[Given]] = {}
    for each in found.given:
        groups.setdefault(each.decision.grade, []).append(each)
    order = sorted(groups, key=lambda grade: (grade is None, grade or 0))

    def line(first: str, held: Sequence[Given]) -> tuple[str, ...]:
        def total(value: Callable[[Given], Decimal | None]) -> str:
            known = [amount for amount in map(value, held) if amount is not None]
            return money(sum(known, ZERO), currency, lang) if known else DASH

        return (
            first, number(len(held), lang),
            total(lambda each: each.decision.exposure), total(lambda each: each.decision.limit_now),
            total(lambda each: each.policy), total(lambda each: each.limit), total(lambda each: each.profit),
            total(lambda each: each.expected_loss),
        )  # fmt: skip

    keys = ("grade", "customers", "exposure", "limit_now", "limit_policy", "limit_given", "yearly_profit", "yearly_loss")
    return Sheet(
        title=say("limits_by_grade", lang),
        headings=tuple(say(key, lang) for key in keys),
        rows=tuple(line(say("withheld", lang) if grade is None else str(grade), groups[grade]) for grade in order),
        figures=len(keys) - 1,
        total=line(say("in_all", lang), found.given),
    )


def _cuts(found: Allocated, currency: str, lang: Lang) -> Sheet:
    cut = sorted((each for each in found.given if each.limit < each.policy), key=lambda each: each.limit - each.policy)

    def line(each: Given) -> tuple[str, ...]:
        who = f"{each.name} ({each.decision.customer_id})" if each.name else each.decision.customer_id
        grade = say("withheld", lang) if each.decision.grade is None else str(each.decision.grade)
        amounts = (each.decision.exposure or ZERO, each.policy, each.limit, each.limit - each.policy)
        return (who, grade, each.sector or DASH, *(money(amount, currency, lang) for amount in amounts))

    return Sheet(
        title=say("largest_cuts", lang),
        note=say("cuts_note", lang, n=number(len(cut), lang)),
        headings=tuple(
            say(key, lang) for key in ("customer", "grade", "sector", "exposure", "limit_policy", "limit_given", "change")
        ),
        rows=tuple(map(line, cut[:MOST_ROWS])),
        figures=4,
        bars=widths([float(each.limit - each.policy) for each in cut[:MOST_ROWS]]),
        empty=say("nobody_is_cut", lang),
    )


LIMITS = pa.schema(
    {
        "customer_id": pa.string(), "name": pa.string(), "family_id": pa.string(), "grade": pa.int32(), "sector": pa.string(),
        "insurer": pa.string(), "pd": pa.float64(),
        **dict.fromkeys(("exposure", "limit_now", "limit_policy", "limit_allocated", "expected_profit", "expected_loss"), MONEY),
    }
)  # fmt: skip
PRICES = pa.schema(
    {
        "budget": pa.string(), "group": pa.string(), "room": pa.float64(), "used": pa.float64(), "price": pa.float64(),
        "share": pa.float64(), "per_point": pa.float64(), "in_words": pa.string(),
    }
)  # fmt: skip


def tables_of(found: Allocated, currency: str, lang: Lang) -> dict[str, pa.Table]:
    """The rows of the file: a limit for every customer, and the prices."""
    limits = [
        {
            "customer_id": each.decision.customer_id, "name": each.name, "family_id": each.family, "grade": each.decision.grade,
            "sector": each.sector or None, "insurer": each.insurer or None, "pd": each.decision.pd,
            "exposure": each.decision.exposure, "limit_now": each.decision.limit_now, "limit_policy": each.policy,
            "limit_allocated": each.limit, "expected_profit": each.profit, "expected_loss": each.expected_loss,
        }
        for each in sorted(found.given, key=lambda each: each.decision.customer_id)
    ]  # fmt: skip
    prices = [
        {
            "budget": price.code, "group": price.group, "room": price.room, "used": price.used, "price": price.price,
            "share": price.share, "per_point": price.per_point, "in_words": price_sentence(price, found, currency, lang),
        }
        for price in found.allocation.prices
    ]  # fmt: skip
    return {"limits": pa.Table.from_pylist(limits, LIMITS), "prices": pa.Table.from_pylist(prices, PRICES)}


def as_plain(found: Allocated, on: date, currency: str, lang: Lang) -> dict[str, Any]:
    """The allocation as JSON can hold it: money as text; the limits themselves are in the file."""
    result = found.allocation
    return {
        "as_of": on.isoformat(),
        "currency": currency,
        "customers": len(found.given),
        "set_aside": str(found.set_aside),
        "left_to_a_person": found.left_out,
        "limits": str(found.total("limit")),
        "limits_policy": str(found.total("policy")),
        "profit": str(result.profit),
        "expected_loss": str(result.expected_loss),
        "profit_policy": str(found.policy_profit),
        "expected_loss_policy": str(found.policy_loss),
        "profit_proportional_cut": str(found.cut_profit),
        "prices": tables_of(found, currency, lang)["prices"].to_pylist(),
        "pieces": result.n_pieces,
        "rounds": result.n_rounds,
    }
