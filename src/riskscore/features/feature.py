"""What a feature is: a formula over what was known, with what machines need (unit, direction, window, reason) beside it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from riskscore.snapshot.measures import Expr

Risk = Literal["rises", "falls", "none"]
"""What happens to the risk of late payment when the feature grows; `none` where no direction is certain."""

Kind = Literal["number", "category"]
Group = Literal[
    "payment_history", "exposure", "financial_strength", "external_rating", "terms_and_calendar", "sector_and_macro"
]  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """One column of the frame a model sees.

    name: the column. unit: days, share, count, ratio, money (reporting currency; its formula is in whole cents), index, code.
    risk: the declared direction; models keep it. window_days: how far back it looks; null where it looks at one state.
    group and reason: under which heading and code an explanation shows it. kind: number (float, null = not known) or category.
    meaning: the question it answers, its definition, and what null means.
    """

    name: str
    unit: str
    risk: Risk
    window_days: int | None
    group: Group
    reason: str
    kind: Kind
    meaning: str
    formula: Callable[[], Expr]


def feature(
    *, unit: str, risk: Risk, group: Group, reason: str, window_days: int | None = None, kind: Kind = "number"
) -> Callable[[Callable[[], Expr]], Feature]:
    """Declare the decorated formula as a feature named like the function; its docstring is its meaning."""

    def declare(formula: Callable[[], Expr]) -> Feature:
        return Feature(
            name=formula.__name__,
            unit=unit,
            risk=risk,
            window_days=window_days,
            group=group,
            reason=reason,
            kind=kind,
            meaning=inspect.getdoc(formula) or "",
            formula=formula,
        )

    return declare
