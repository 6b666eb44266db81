"""The signed text of the statutes: acts, where they bind, their terms and their interest, each line with its first day."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskscore.recipe import parse_signed

Buyer = Literal["public_authority", "large_enterprise", "enterprise"]
Supplier = Literal["micro", "small", "medium", "large"]
Text = Annotated[str, Field(min_length=1)]
Days = Annotated[int, Field(ge=1, le=366)]


class _Part(BaseModel):
    """Strict and frozen: no key that is not named; decimals are written as text. `from` is a word of Python, hence `first_on`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Dated(_Part):
    first_on: Annotated[date, Field(alias="from")]
    last_on: Annotated[date | None, Field(alias="until")] = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.last_on is not None and self.last_on < self.first_on:
            raise ValueError(f"until {self.last_on} is before from {self.first_on}")
        return self

    def is_in_force(self, on: date) -> bool:
        """Is the line in force on that day? Its first and its last day count."""
        return self.first_on <= on and (self.last_on is None or on <= self.last_on)


class Act(_Part):
    """A statute and where to read it."""

    id: Text
    title: Text
    source: Text


class Area(_Dated):
    """The countries of buyers that acts bind, and from when."""

    acts: Annotated[list[Text], Field(min_length=1)]
    countries: Annotated[list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]], Field(min_length=1)]


class _Rule(_Dated):
    id: Text
    act: Text
    article: Text
    buyers: Annotated[list[Buyer], Field(min_length=1)]
    suppliers: Annotated[list[Supplier], Field(min_length=1)]

    def clashes(self, other: "_Rule") -> bool:
        """Would both lines answer the same case on some day?"""
        meet = set(self.buyers) & set(other.buyers) and set(self.suppliers) & set(other.suppliers)
        latest_start = max(self.first_on, other.first_on)
        return bool(meet) and self.is_in_force(latest_start) and other.is_in_force(latest_start)


class Term(_Rule):
    """The longest term: `days` without more, `agreed_days` if expressly agreed (None: no number, only the condition).

    agreement_suffices: the agreement needs no further justification, up to `agreed_days`.
    """

    days: Days
    agreed_days: Days | None = None
    agreed_if: Text
    agreement_suffices: bool = False
    counted_from: Literal["delivery", "invoice"]
    back_to_back: bool | None = None
    withhold_undisputed: bool | None = None

    @model_validator(mode="after")
    def _agreement_does_not_shorten(self) -> Self:
        if self.agreed_days is not None and self.agreed_days < self.days:
            raise ValueError(f"agreed_days {self.agreed_days} is below days {self.days}")
        return self


class Interest(_Rule):
    """The price of lateness. reference_plus: the half-year's reference rate plus `rate`; daily: `rate` a day unless agreed."""

    kind: Literal["reference_plus", "daily"]
    rate: Annotated[Decimal, Field(gt=0, lt=1, strict=False)]
    reference: Text
    lump_sum: Annotated[Decimal, Field(ge=0, strict=False)] = Decimal(0)
    lump_sum_currency: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$")] = None

    @model_validator(mode="after")
    def _a_lump_sum_has_a_currency(self) -> Self:
        if (self.lump_sum > 0) != (self.lump_sum_currency is not None):
            raise ValueError("lump_sum and lump_sum_currency go together")
        return self


class Case(Protocol):
    """Who buys from whom, and where: what a statute is asked about. `country` is the buyer's, ISO 3166-1 alpha-2."""

    @property
    def buyer_type(self) -> Buyer:
        """What the buyer is."""

    @property
    def supplier_size(self) -> Supplier:
        """How large the supplier is."""

    @property
    def country(self) -> str:
        """Where the buyer is."""


AnyRule = TypeVar("AnyRule", Term, Interest)


class Statutes(_Part):
    """All lines of the text. Ids are unique, acts exist, and no two lines answer one case on one day."""

    disclaimer: Text
    acts: Annotated[list[Act], Field(alias="act", min_length=1)]
    areas: Annotated[list[Area], Field(alias="area", min_length=1)]
    terms: Annotated[list[Term], Field(alias="term")] = []
    interests: Annotated[list[Interest], Field(alias="interest")] = []

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        acts = [act.id for act in self.acts]
        named = [act for area in self.areas for act in area.acts] + [rule.act for rule in (*self.terms, *self.interests)]
        if unknown := sorted(set(named) - set(acts)):
            raise ValueError(f"no act {', '.join(unknown)}")
        ids = acts + [rule.id for rule in (*self.terms, *self.interests)]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f"the id {', '.join(twice)} stands twice")
        for rules in (self.terms, self.interests):
            for place, rule in enumerate(rules):
                for other in rules[:place]:
                    if rule.clashes(other) and self._share_a_country(rule, other):
                        raise ValueError(f"{other.id} and {rule.id} answer the same case on the same day")
        return self

    def _share_a_country(self, rule: _Rule, other: _Rule) -> bool:
        return bool(self._countries(rule.act) & self._countries(other.act))

    def _countries(self, act: str) -> set[str]:
        return {country for area in self.areas if act in area.acts for country in area.countries}

    def rule_for(self, rules: Sequence[AnyRule], case: Case, on: date) -> AnyRule | None:
        """The one line of these rules that answers the case on that day, or None."""
        acts = {act for area in self.areas if case.country in area.countries and area.is_in_force(on) for act in area.acts}
        for rule in rules:
            if (
                rule.act in acts
                and rule.is_in_force(on)
                and case.buyer_type in rule.buyers
                and case.supplier_size in rule.suppliers
            ):
                return rule
        return None

    def act_of(self, rule: _Rule) -> Act:
        """The act that a rule stands in."""
        return next(act for act in self.acts if act.id == rule.act)


def parse(text: str) -> Statutes:
    """The statutes written in that TOML text.

    Raises UsageRefused naming the key or the lines: for a key that is unknown or missing, a value out of range, an act nobody
    defined, an id given twice, dates that end before they start, and two lines that answer one case on one day.
    """
    return parse_signed(text, Statutes, "statutes")
