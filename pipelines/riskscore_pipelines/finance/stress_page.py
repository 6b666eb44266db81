"""The stress told: the page, the rows of the file, and the same as plain JSON values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from riskscore.phrases import Lang, day, days, money, number, percent, say
from riskscore.stress import Debt, Shock, largest_families, reverse, stressed_loss
from riskscore_pipelines.finance.page import Figure, Page, Sheet, widths

MONEY = pa.decimal128(18, 2)
ZERO = Decimal(0)
TIMES = (1.5, 2.0, 3.0)
FAMILIES = (3, 5, 10)
SECTORS_SHOWN = 8
SECTOR_TIMES = 3.0
DASH = "–"


@dataclass(frozen=True)
class Stressed:
    """Scenarios and what each loses. wanted: the scenario asked for, where one was. bearable: a loss to reach in reverse.

    silent: what customers owe of whom the model says nothing; they are left out.
    """

    on: date
    currency: str
    horizon_days: int
    debts: Sequence[Debt]
    silent: Decimal
    family_names: Mapping[str, str]
    wanted: Shock
    bearable: Decimal | None

    @property
    def base(self) -> Decimal:
        """What is expected anyway."""
        return stressed_loss(self.debts, Shock())

    @property
    def exposure(self) -> Decimal:
        """What the customers owe."""
        return sum((debt.exposure for debt in self.debts), ZERO)

    def scenarios(self) -> list[tuple[str, dict[str, str], Decimal]]:
        """Key and facts of each scenario's name, and its loss: what was asked for first, then the usual ones."""
        found: list[tuple[str, dict[str, str], Decimal]] = []
        if self.wanted != Shock():
            found.append(("stress_asked", {}, stressed_loss(self.debts, self.wanted)))
        usual: list[tuple[str, dict[str, str], Shock]] = [
            *(("stress_pd", {"times": f"{times:g}"}, Shock(pd_times=times)) for times in TIMES),
            ("stress_top_one", {}, Shock(top_families=1)),
            *(("stress_top", {"n": str(n)}, Shock(top_families=n)) for n in FAMILIES),
            *(
                ("stress_sector", {"sector": sector, "times": f"{SECTOR_TIMES:g}"}, Shock(sector_times={sector: SECTOR_TIMES}))
                for sector in self._sectors()
            ),
        ]
        return [*found, *((key, facts, stressed_loss(self.debts, shock)) for key, facts, shock in usual)]

    def reversed(self) -> float | None:
        """The multiple of probabilities at which the bearable loss is reached; None where there is none."""
        return None if self.bearable is None else reverse(self.debts, self.bearable)

    def _sectors(self) -> list[str]:
        owed: dict[str, Decimal] = {}
        for debt in self.debts:
            if debt.sector:
                owed[debt.sector] = owed.get(debt.sector, ZERO) + debt.exposure
        return sorted(owed, key=lambda sector: (-owed[sector], sector))[:SECTORS_SHOWN]


def page_of(found: Stressed, lang: Lang, made_with: tuple[tuple[str, str], ...]) -> Page:
    """The page in one language."""

    def amount(value: Decimal) -> str:
        return money(value, found.currency, lang)

    base = found.base
    lines = [(say(key, lang, **facts), loss) for key, facts, loss in found.scenarios()]
    notes = [say("stress_silent", lang, amount=amount(found.silent))] if found.silent else []
    if found.bearable is not None:
        times = found.reversed()
        key = "stress_reached_already" if times == 1.0 else "stress_never" if times is None else "stress_reverse"
        facts = {"times": number(times, lang, 3)} if times is not None and times > 1 else {}
        notes.insert(0, say(key, lang, amount=amount(found.bearable), **facts))
    return Page(
        lang=lang,
        title=say("stress_title", lang),
        subtitle=(
            say("as_of", lang, on=day(found.on, lang)),
            say("amounts_in", lang, currency=found.currency),
            say("n_customers", lang, n=number(len(found.debts), lang)),
        ),
        figures=(
            Figure(say("exposure", lang), amount(found.exposure)),
            Figure(
                say("stress_base", lang), amount(base), say("model_loss_note", lang, days=days(found.horizon_days, lang))
            ),
        ),
        notes=tuple(notes),
        sheets=(
            Sheet(
                title=say("stress_scenarios", lang),
                note=say("stress_note", lang),
                headings=tuple(say(key, lang) for key in ("scenario", "stress_loss", "stress_more", "stress_share")),
                rows=tuple(
                    (
                        name, amount(loss), amount(loss - base),
                        percent(loss / found.exposure, lang) if found.exposure else DASH,
                    )
                    for name, loss in lines
                ),
                figures=3,
                bars=widths([-float(loss) for _, loss in lines]),
            ),
            _families(found, lang),
        ),
        made_with=made_with,
    )  # fmt: skip


def _families(found: Stressed, lang: Lang) -> Sheet:
    rows = []
    for family in largest_families(found.debts, FAMILIES[-1]):
        held = [debt for debt in found.debts if debt.family == family]
        amounts = (sum((debt.exposure for debt in held), ZERO), sum((debt.at_stake for debt in held), ZERO))
        loss = stressed_loss(held, Shock())
        name = found.family_names.get(family, family)
        rows.append((name, number(len(held), lang), *(money(each, found.currency, lang) for each in (*amounts, loss))))
    return Sheet(
        title=say("stress_families", lang),
        headings=tuple(say(key, lang) for key in ("family", "customers", "exposure", "at_stake", "stress_base")),
        rows=tuple(rows),
        figures=4,
        empty=say("nobody_owes", lang),
    )


def table_of(found: Stressed, lang: Lang) -> pa.Table:
    """The scenarios as rows; the first is what is expected anyway."""
    rows = [("stress_none", {}, found.base), *found.scenarios()]
    return pa.table(
        {
            "scenario": pa.array([key.removeprefix("stress_") for key, _, _ in rows], pa.string()),
            "in_words": pa.array([say(key, lang, **facts) for key, facts, _ in rows], pa.string()),
            "loss": pa.array([loss for _, _, loss in rows], MONEY),
            "more_than_expected": pa.array([loss - found.base for _, _, loss in rows], MONEY),
        }
    )


def as_plain(found: Stressed, lang: Lang) -> dict[str, Any]:
    """The stress as JSON can hold it: money as text."""
    rows = table_of(found, lang).to_pylist()
    return {
        "as_of": found.on.isoformat(),
        "currency": found.currency,
        "exposure": str(found.exposure),
        "silent": str(found.silent),
        "expected_loss": str(found.base),
        "scenarios": [{name: cell if isinstance(cell, str) else str(cell) for name, cell in row.items()} for row in rows],
        "reverse": None if found.bearable is None else {"loss": str(found.bearable), "pd_times": found.reversed()},
    }
