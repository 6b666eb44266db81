"""The migration told: the page, the rows of the file, and the same as plain JSON values."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from riskscore.migration import CLASSES, GONE, WITHHELD, Migration
from riskscore.phrases import Lang, day, money, number, percent, say
from riskscore_pipelines.finance.page import Figure, Page, Sheet

MONEY = pa.decimal128(18, 2)
ZERO = Decimal(0)
DASH = "–"


@dataclass(frozen=True)
class Moved:
    """The migration between two days."""

    since: date
    on: date
    currency: str
    found: Migration

    @property
    def worse_exposure(self) -> Decimal:
        """What those owed on the first day who stand worse on the second."""
        pairs = self.found.exposure.items()
        return sum((owed for (start, end), owed in pairs if start.isdigit() and end.isdigit() and int(end) > int(start)), ZERO)


def page_of(moved: Moved, lang: Lang, made_with: tuple[tuple[str, str], ...]) -> Page:
    """The page in one language."""
    better, alike, worse = moved.found.moved
    return Page(
        lang=lang,
        title=say("migration_title", lang),
        subtitle=(say("from_to", lang, since=day(moved.since, lang), on=day(moved.on, lang)),),
        figures=(
            Figure(say("stand_better", lang), number(better, lang)),
            Figure(say("stand_alike", lang), number(alike, lang)),
            Figure(say("stand_worse", lang), number(worse, lang), money(moved.worse_exposure, moved.currency, lang)),
            Figure(say("newly_known", lang), number(sum(moved.found.new.values()), lang)),
        ),
        notes=(say("one_model", lang),),
        sheets=(_matrix(moved, lang),),
        made_with=made_with,
    )


def _label(name: str, lang: Lang) -> str:
    said = {WITHHELD: say("withheld", lang), GONE: say("gone", lang)}
    return said.get(name, name)


def _matrix(moved: Moved, lang: Lang) -> Sheet:
    rows = []
    for start in CLASSES:
        shares = moved.found.row(start)
        if shares:
            cells = (percent(shares[end], lang) if shares[end] else DASH for end in (*CLASSES, GONE))
            rows.append((_label(start, lang), number(moved.found.total(start), lang), *cells))
    return Sheet(
        title=say("migration_matrix", lang),
        note=say("migration_note", lang),
        headings=(
            say("grade", lang), say("customers", lang), *(_label(end, lang) for end in (*CLASSES, GONE)),
        ),
        rows=tuple(rows),
        figures=len(CLASSES) + 2,
        empty=say("nobody_known", lang),
    )  # fmt: skip


def table_of(moved: Moved) -> pa.Table:
    """One row for every pair of classes that somebody moved between: customers, their share of the row, exposure."""
    pairs = sorted(moved.found.customers, key=lambda pair: (CLASSES.index(pair[0]), (*CLASSES, GONE).index(pair[1])))
    return pa.table(
        {
            "from": pa.array([start for start, _ in pairs], pa.string()),
            "to": pa.array([end for _, end in pairs], pa.string()),
            "customers": pa.array([moved.found.customers[pair] for pair in pairs], pa.int32()),
            "share": pa.array([moved.found.row(start)[end] for start, end in pairs], pa.float64()),
            "exposure": pa.array([moved.found.exposure[pair] for pair in pairs], MONEY),
        }
    )


def as_plain(moved: Moved) -> dict[str, Any]:
    """The migration as JSON can hold it: money as text."""
    better, alike, worse = moved.found.moved
    rows = table_of(moved).to_pylist()
    return {
        "since": moved.since.isoformat(),
        "as_of": moved.on.isoformat(),
        "currency": moved.currency,
        "better": better,
        "alike": alike,
        "worse": worse,
        "new": dict(moved.found.new),
        "matrix": [{name: str(cell) if isinstance(cell, Decimal) else cell for name, cell in row.items()} for row in rows],
    }
