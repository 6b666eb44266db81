"""Probability to score and grade: one scale on which 40 points halve or double the odds, and the bounds of the grades on it."""

import hashlib
import json
import math
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskscore.recipe import parse_signed

ANCHOR_SCORE = 600  # the score at ANCHOR_ODDS
ANCHOR_ODDS = 50  # good : bad, a PD of 1/51
POINTS_TO_DOUBLE = 40  # more points, twice the odds
LOWEST, HIGHEST = 300, 900
IN_DEFAULT = 10  # the grade of a customer in default already: observed, not predicted


def score_of(pd: float) -> int:
    """The score of a probability of paying materially late: 300 (worst) to 900 (best), 40 points double the odds.

    600 + 40 / ln 2 * ln(odds / 50) with odds = (1 - pd) / pd, rounded, clipped. Raises ValueError outside [0, 1].

    >>> score_of(1 / 51), score_of(1 / 101), score_of(0.0), score_of(1.0)
    (600, 640, 900, 300)
    """
    if not 0.0 <= pd <= 1.0:
        raise ValueError(f"a probability is between 0 and 1, not {pd}")
    if pd in {0.0, 1.0}:
        return HIGHEST if pd == 0.0 else LOWEST
    points = ANCHOR_SCORE + POINTS_TO_DOUBLE / math.log(2) * math.log((1 - pd) / pd / ANCHOR_ODDS)
    return round(min(max(points, LOWEST), HIGHEST))


class Grades(BaseModel):
    """The bounds of grades 1 (best) to 9; grade 10 is a customer in default.

    percent_up_to: the highest PD, in percent, of grades 1 to 8; a PD on the bound has the better grade.
    horizon_days: the horizon of the probability that the bounds are read at.
    withhold_beyond_grades: an interval of probability that spans more grades than this is too wide to name one.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    horizon_days: Annotated[int, Field(ge=1, le=3650)]
    percent_up_to: Annotated[list[Annotated[Decimal, Field(gt=0, lt=100, strict=False)]], Field(min_length=8, max_length=8)]
    withhold_beyond_grades: Annotated[int, Field(ge=1, le=9)]

    @model_validator(mode="after")
    def _bounds_rise(self) -> Self:
        if sorted(set(self.percent_up_to)) != self.percent_up_to:
            raise ValueError("percent_up_to must rise from grade 1 to grade 8")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of every value."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def bounds(self) -> tuple[float, ...]:
        """The highest probability of grades 1 to 8."""
        return tuple(float(percent / 100) for percent in self.percent_up_to)

    def grade(self, pd: float) -> int:
        """The grade of a probability, 1 (best) to 9. Raises ValueError outside [0, 1]."""
        if not 0.0 <= pd <= 1.0:
            raise ValueError(f"a probability is between 0 and 1, not {pd}")
        return 1 + sum(pd > bound for bound in self.bounds)

    def kept(self, pd: float, before: int | None, margin: float) -> int:
        """The grade of a probability for a customer that had the grade `before`: worse at once, better only when it is clear.

        A better grade than `before` needs a probability of at most (1 - margin) times its bound, so that one that moves about a
        bound does not change its grade every month. Never better than `grade`; worse for a worse probability or a worse `before`,
        never better. before: null where none is known; then it is `grade`. Raises ValueError outside [0, 1].
        """
        found = self.grade(pd)
        if before is None or found >= before:
            return found
        clearly = 1 + sum(pd > bound * (1 - margin) for bound in self.bounds)
        return min(before, clearly)

    def is_withheld(self, low: float, high: float) -> bool:
        """Does the interval of the probability span too many grades to name one? Then the answer is: refer, insufficient data."""
        return self.grade(high) - self.grade(low) + 1 > self.withhold_beyond_grades


def parse(text: str) -> Grades:
    """The grades written in that TOML text. Raises UsageRefused naming the key that is unknown, missing or out of its range."""
    return parse_signed(text, Grades, "grades")
