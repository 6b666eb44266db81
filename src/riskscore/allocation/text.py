"""The signed text of budgets: what a committee has decided to make scarce, from when to when, and why."""

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskscore.allocation.values import Budgets
from riskscore.errors import UsageRefused
from riskscore.recipe import parse_signed

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Amount = Annotated[Decimal, Field(ge=0, strict=False)]
Share = Annotated[Decimal, Field(gt=0, le=1, strict=False)]


class BudgetLine(BaseModel):
    """What is scarce from one day to another. Amounts in `currency`; an absent one is not limited.

    total: all limits together. expected_loss: in a year. family_share: the largest share of all limits that one family may have.
    class_share, sector_share: the same by grade ("none" where it is withheld) and by industry. insurer_amount: what each insurer
    has committed.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    first_on: Annotated[date, Field(alias="from")]
    last_on: Annotated[date | None, Field(alias="until")] = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    total: Amount | None = None
    expected_loss: Amount | None = None
    family_share: Share | None = None
    class_share: dict[str, Share] = {}
    sector_share: dict[str, Share] = {}
    insurer_amount: dict[str, Amount] = {}
    source: Text
    reason: Text

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.last_on is not None and self.last_on < self.first_on:
            raise ValueError(f"until {self.last_on} is before from {self.first_on}")
        return self

    def holds_on(self, on: date) -> bool:
        """Is that day within its dates? Both count."""
        return self.first_on <= on and (self.last_on is None or on <= self.last_on)

    @property
    def budgets(self) -> Budgets:
        """The line as an allocation takes it."""
        return Budgets(
            self.total, self.expected_loss, self.family_share, self.class_share, self.sector_share, self.insurer_amount
        )


class BudgetText(BaseModel):
    """All lines of the text; on each day at most one holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    lines: Annotated[list[BudgetLine], Field(alias="budget", min_length=1)]

    @model_validator(mode="after")
    def _one_holds_at_a_time(self) -> Self:
        for place, line in enumerate(self.lines):
            for other in self.lines[:place]:
                latest = max(line.first_on, other.first_on)
                if line.holds_on(latest) and other.holds_on(latest):
                    raise ValueError(f"two budgets hold on {latest}; end the older one the day before")
        return self


def budgets_on(text: str, on: date, currency: str) -> Budgets:
    """The budgets in force on that day, as written in that TOML text, in the book's currency.

    Raises UsageRefused naming the key for a text that is not sound; where no line holds on the day; and where the amounts are in
    another currency than the book reports in.
    """
    for line in parse_signed(text, BudgetText, "budgets").lines:
        if line.holds_on(on):
            if line.currency != currency:
                raise UsageRefused(f"budgets: the line of {line.first_on} is in {line.currency}, the book reports in {currency}.")
            return line.budgets
    raise UsageRefused(f"budgets: no line holds on {on}. Add a dated [[budget]]; nothing was allocated.")
