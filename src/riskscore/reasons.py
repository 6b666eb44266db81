"""From contributions to reasons: which things raised or lowered one customer's risk most, as codes and facts.

Correlated features share a reason code and count together: five measures of lateness are one reason, not five. Which words say it
is not decided here (`riskscore.phrases`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from riskscore.features import Feature

Direction = Literal["adverse", "favourable"]
Value = float | str | None

NEVER_SHOWN = frozenset({"P07", "T01"})
"""Calendar and terms: they help to predict, but "you pay on Fridays" is no reason to refuse credit."""

SAME = 1e-6
"""Contributions (log-odds) closer than this are equal: the code decides, so that noise in the last digits reorders nothing."""

SMALLEST = 0.01
"""Less log-odds than this (0.6 score points) is no reason, unless it is the largest there is."""

TELLING_SHARE = 0.1
"""A feature with less of the code's strongest pull does not tell the reason, however well it would sound."""


@dataclass(frozen=True)
class Reason:
    """One reason: the code, what it did to the risk, and the fact it is told by.

    contribution: the sum over the code's features, in log-odds; above zero it raised the risk. share: of all that pulled the same
    way, including what is never shown. feature: the code's leading feature; value: the customer's, typical: a typical customer's,
    in `unit` over `window_days`; null value means not known.
    """

    code: str
    direction: Direction
    contribution: float
    share: float
    feature: str
    value: Value
    typical: Value
    unit: str
    window_days: int | None


@dataclass(frozen=True)
class Reasons:
    """adverse: strongest first. favourable: the strongest, if any. by_code: every code's contribution, hidden ones included."""

    adverse: tuple[Reason, ...]
    favourable: Reason | None
    by_code: Mapping[str, float]


def rank(
    names: Sequence[str],
    contributions: Sequence[float],
    values: Mapping[str, Value],
    typical: Mapping[str, Value],
    catalogue: Mapping[str, Feature],
    *,
    max_adverse: int = 4,
) -> Reasons:
    """The reasons of one customer, from the exact contributions of its features.

    names, contributions: one per feature of the model, in log-odds. values, typical: by feature name. catalogue: name to feature.
    Only what the model used can be a reason, and the strongest group is never left out. Raises KeyError for a feature that the
    catalogue does not hold: a reason without a meaning must not be possible.
    """
    by_code: dict[str, float] = {}
    members: dict[str, list[tuple[str, float]]] = {}
    for name, contribution in zip(names, contributions, strict=True):
        code = catalogue[name].reason
        by_code[code] = by_code.get(code, 0.0) + float(contribution)
        members.setdefault(code, []).append((name, float(contribution)))

    def reason(code: str, direction: Direction) -> Reason:
        sign = 1.0 if direction == "adverse" else -1.0
        leading = _leading(members[code], sign, values, typical, catalogue)
        feature = catalogue[leading]
        same_way = sum(abs(total) for total in by_code.values() if total * sign > 0)
        return Reason(
            code, direction, by_code[code], abs(by_code[code]) / same_way, leading, values[leading], typical.get(leading),
            feature.unit, feature.window_days,
        )  # fmt: skip

    adverse = _strongest(by_code, 1.0)[:max_adverse]
    favourable = _strongest(by_code, -1.0)[:1]
    return Reasons(
        tuple(reason(code, "adverse") for code in adverse),
        reason(favourable[0], "favourable") if favourable else None,
        dict(sorted(by_code.items())),
    )


def _strongest(by_code: Mapping[str, float], sign: float) -> list[str]:
    """The codes that pull that way, strongest first; runs of equal ones in the order of their codes."""
    pulls = sorted(
        ((total * sign, code) for code, total in by_code.items() if code not in NEVER_SHOWN), key=lambda pull: -pull[0]
    )
    pulls = [pull for place, pull in enumerate(pulls) if pull[0] > (SAME if place == 0 else SMALLEST)]
    ordered: list[str] = []
    run: list[tuple[float, str]] = []
    for pull in pulls:
        if run and run[-1][0] - pull[0] > SAME:
            ordered += sorted(code for _, code in run)
            run = []
        run.append(pull)
    return ordered + sorted(code for _, code in run)


def _leading(
    members: Sequence[tuple[str, float]],
    sign: float,
    values: Mapping[str, Value],
    typical: Mapping[str, Value],
    catalogue: Mapping[str, Feature],
) -> str:
    """The feature a reason is told by: the strongest whose own value differs from the typical one the way the reason pulls.

    A feature may push against its declared direction through the others it meets in a tree; telling the reason by it would read
    as a contradiction. Only where no feature of the code agrees is the strongest taken as it is.
    """
    pulls = {name: round(contribution * sign / SAME) for name, contribution in members}
    least = max(max(pulls.values()) * TELLING_SHARE, 1)
    candidates = sorted((name for name, pull in pulls.items() if pull >= least), key=lambda name: (-pulls[name], name))
    telling = (name for name in candidates if _agrees(catalogue[name], sign, values[name], typical.get(name)))
    return next(telling, candidates[0])


def _agrees(feature: Feature, sign: float, value: Value, typical: Value) -> bool:
    if not isinstance(value, int | float) or not isinstance(typical, int | float) or feature.risk == "none":
        return False
    worse = value > typical if feature.risk == "rises" else value < typical
    better = value < typical if feature.risk == "rises" else value > typical
    return worse if sign > 0 else better
