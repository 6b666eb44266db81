"""Delegation of authority: who may approve an override, by the amount at stake and the customer's grade, as signed text."""

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskscore.errors import UsageRefused
from riskscore.grades import IN_DEFAULT
from riskscore.recipe import parse_signed

Authority = Literal["analyst", "approver"]
AUTHORITIES: tuple[Authority, ...] = ("analyst", "approver")
"""Roles that may approve, the lesser first; the greater may whatever the lesser may."""

UNKNOWN = 0
"""What the text calls a customer without a grade: nobody knows is a row of its own, never the best."""

GRADES = (UNKNOWN, *range(1, IN_DEFAULT + 1))


class _Step(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    up_to: Annotated[Decimal, Field(gt=0, strict=False)] | None = None
    role: Authority


class _Band(BaseModel):
    """Some grades and, by rising amount, the role that may approve; the last step has no amount."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    grades: Annotated[list[Annotated[int, Field(ge=UNKNOWN, le=IN_DEFAULT)]], Field(min_length=1)]
    steps: Annotated[list[_Step], Field(min_length=1)]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        amounts = [step.up_to for step in self.steps]
        bounded = [amount for amount in amounts if amount is not None]
        if amounts[-1] is not None or len(bounded) != len(amounts) - 1 or sorted(set(bounded)) != bounded:
            raise ValueError("the amounts of the steps rise, and only the last has none")
        ranks = [AUTHORITIES.index(step.role) for step in self.steps]
        if sorted(set(ranks)) != ranks:
            raise ValueError("each step needs more authority than the one before: another step is never reached")
        return self


class _Entry(BaseModel):
    """The delegation from a day on, and who signed it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    since: date = Field(alias="from")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    source: Annotated[str, Field(min_length=3)]
    reason: Annotated[str, Field(min_length=3)]
    bands: Annotated[list[_Band], Field(min_length=1)]

    @model_validator(mode="after")
    def _every_grade_once(self) -> Self:
        named = sorted(grade for band in self.bands for grade in band.grades)
        if named != list(GRADES):
            raise ValueError(f"every grade from {UNKNOWN} (none known) to {IN_DEFAULT} is in one band, once")
        return self


class _Text(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    delegation: Annotated[list[_Entry], Field(min_length=1)]


@dataclass(frozen=True)
class Delegation:
    """What is delegated on a day. digest: SHA-256 of the text."""

    currency: str
    bands: tuple[_Band, ...]
    digest: str

    def needed(self, amount: Decimal, currency: str, grade: int | None) -> Authority:
        """The least role that may approve. An amount in another currency cannot be measured and needs the greatest."""
        if currency != self.currency:
            return AUTHORITIES[-1]
        wanted = UNKNOWN if grade is None else grade
        steps = next(band.steps for band in self.bands if wanted in band.grades)
        return next(step.role for step in steps if step.up_to is None or amount <= step.up_to)


def parse(text: str, *, on: date) -> Delegation:
    """The delegation in force on that day: the entry that began last.

    Raises UsageRefused for a text that cannot be understood, a grade or amount that nobody or two claim, and a day before the
    first entry.
    """
    entries = parse_signed(text, _Text, "delegation").delegation
    begun = sorted((entry for entry in entries if entry.since <= on), key=lambda entry: entry.since)
    if len({entry.since for entry in entries}) != len(entries):
        raise UsageRefused("delegation: two entries begin on the same day. Correct the text; nothing was done.")
    if not begun:
        raise UsageRefused(f"delegation: no entry is in force on {on}. Add one; nothing was done.")
    return Delegation(begun[-1].currency, tuple(begun[-1].bands), hashlib.sha256(text.encode()).hexdigest())
