"""The signed text of the provision: segments, history, scenarios, given rates and overlays, each with who decided it and why."""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskscore.provision.matrix import Overlay, Scenario, macro_scalar
from riskscore.recipe import parse_signed

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Share = Annotated[Decimal, Field(ge=0, le=1, strict=False)]
Times = Annotated[Decimal, Field(ge=0, le=100, strict=False)]
Bucket = Literal["not_due", "due_1_30", "due_31_60", "due_61_90", "due_over_90"]


class _Part(BaseModel):
    """Strict and frozen: no key that is not named; decimals are written as text. `from` is a word of Python, hence `first_on`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Signed(_Part):
    source: Text
    reason: Text


class _Dated(_Signed):
    first_on: Annotated[date, Field(alias="from")]
    last_on: Annotated[date | None, Field(alias="until")] = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.last_on is not None and self.last_on < self.first_on:
            raise ValueError(f"until {self.last_on} is before from {self.first_on}")
        return self

    def is_in_force(self, on: date) -> bool:
        """Does the line hold on that day? Its first and its last day count."""
        return self.first_on <= on and (self.last_on is None or on <= self.last_on)


class Segments(_Signed):
    """By what customers are grouped, and how many a group needs for rates of its own; smaller ones share the whole book's."""

    by: Literal["none", "industry", "country"]
    least_customers: Annotated[int, Field(ge=1)]


class History(_Signed):
    """How many 30-day cohorts rates are counted over, and the roll rate of a bucket in which nothing was ever open."""

    cohorts: Annotated[int, Field(ge=1, le=120)]
    unseen_roll: Share


class Cover(_Signed):
    """Do insurance and security lower what is lost? Only where they belong to the terms of the sale (IFRS 9 B5.5.55)."""

    counted: bool


class ScenarioLine(_Dated):
    """One view of the economy ahead. The weights in force on a day sum to 1 exactly."""

    name: Text
    weight: Share
    scalar: Times


class GivenRate(_Dated):
    """A loss rate that is booked as given, in place of the one from history. No segment: all of them."""

    bucket: Bucket
    rate: Share
    segment: str = ""


class OverlayLine(_Part):
    """Judgement: losses of a segment and bucket (none: all) times `factor`, owned by a person, until a day."""

    factor: Times
    owner: Text
    reason: Text
    first_on: Annotated[date, Field(alias="from")]
    last_on: Annotated[date, Field(alias="until")]
    segment: str = ""
    bucket: Bucket | Literal[""] = ""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.last_on < self.first_on:
            raise ValueError(f"until {self.last_on} is before from {self.first_on}")
        return self

    @property
    def overlay(self) -> Overlay:
        """The line as the matrix takes it."""
        return Overlay(self.factor, self.owner, self.reason, self.first_on, self.last_on, self.segment, self.bucket)


class ProvisionText(_Part):
    """The whole text. digest: SHA-256 of it."""

    segments: Segments
    history: History
    cover: Cover
    scenarios: Annotated[list[ScenarioLine], Field(alias="scenario")] = []
    rates: Annotated[list[GivenRate], Field(alias="rate")] = []
    overlays: Annotated[list[OverlayLine], Field(alias="overlay")] = []

    @model_validator(mode="after")
    def _no_two_rates_hold_at_once(self) -> Self:
        for place, line in enumerate(self.rates):
            for other in self.rates[:place]:
                latest = max(line.first_on, other.first_on)
                same = (line.bucket, line.segment) == (other.bucket, other.segment)
                if same and line.is_in_force(latest) and other.is_in_force(latest):
                    raise ValueError(f"two rates of {line.bucket} hold on {latest}")
        return self

    def scenarios_on(self, on: date) -> tuple[Scenario, ...]:
        """The scenarios in force on that day. Raises UsageRefused where their weights do not sum to 1."""
        found = tuple(Scenario(line.name, line.weight, line.scalar) for line in self.scenarios if line.is_in_force(on))
        macro_scalar(found)
        return found

    def given_on(self, on: date) -> dict[tuple[str, str], Decimal]:
        """Segment and bucket to the rate given for it on that day; segment "" stands for all."""
        return {(line.segment, line.bucket): line.rate for line in self.rates if line.is_in_force(on)}

    @property
    def all_overlays(self) -> tuple[Overlay, ...]:
        """Every overlay of the text, in force or not."""
        return tuple(line.overlay for line in self.overlays)


def parse(text: str) -> ProvisionText:
    """The provision's rules as written in that TOML text.

    Raises UsageRefused naming the key: unknown or missing, a value out of its range, an overlay without owner, reason or last
    day, dates that end before they start, and two given rates of one bucket on one day.
    """
    return parse_signed(text, ProvisionText, "provision")


def digest_of(text: str) -> str:
    """SHA-256 of the text, to be shown beside what was made with it."""
    return hashlib.sha256(text.encode()).hexdigest()
