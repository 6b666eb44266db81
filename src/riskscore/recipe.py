"""A recipe as a value: what is predicted, from which dates and features, by which members, and how much evidence that needs."""

import hashlib
import json
import tomllib
from decimal import Decimal
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from riskscore.errors import UsageRefused
from riskscore.outcomes import Outcome

Days = Annotated[int, Field(ge=1, le=3650)]
Share = Annotated[Decimal, Field(ge=0, le=1)]
Weight = Annotated[Decimal, Field(ge=0, le=1)]
Signed = TypeVar("Signed", bound=BaseModel)


class _Part(BaseModel):
    """Strict and frozen: no key that is not named, no text where a number belongs, decimals written as text."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class OutcomeTerms(_Part):
    """The terms of the outcome, as `riskscore.outcomes.Outcome` takes them."""

    horizon_days: Days
    days_past_due: Days
    min_amount: Annotated[Decimal, Field(ge=0, strict=False)]
    min_billing_share: Annotated[Share, Field(strict=False)]
    late_share: Annotated[Share, Field(strict=False)]
    late_days: Days


class Cuts(_Part):
    """Which month ends are learned from, and how the newest of them are set apart to judge the model.

    months: how many cuts at most. warm_up_days: history a cut needs behind it. folds x fold_months: the months judged, each block
    by a model whose last outcome was known `embargo_days` before the block's first date.
    """

    months: Annotated[int, Field(ge=6, le=240)]
    warm_up_days: Annotated[int, Field(ge=0, le=3650)]
    folds: Annotated[int, Field(ge=1, le=24)]
    fold_months: Annotated[int, Field(ge=1, le=12)]
    embargo_days: Annotated[int, Field(ge=0, le=366)]


class FeatureChoice(_Part):
    """The catalogue's features but those left out."""

    leave_out: list[str]


class LogisticTerms(_Part):
    """The logistic member: its weight on the log-odds, its penalty, and the quantile beyond which values are cut."""

    weight: Annotated[Weight, Field(strict=False)]
    ridge: Annotated[float, Field(gt=0)]
    winsor: Annotated[float, Field(ge=0, lt=0.25)]


class TreeSize(_Part):
    """How large the trees may be from so many customers with an event on."""

    from_customers: Annotated[int, Field(ge=0)]
    leaves: Annotated[int, Field(ge=2, le=31)]
    depth: Annotated[int, Field(ge=1, le=5)]
    rounds: Annotated[int, Field(ge=1, le=2000)]


class TreeTerms(_Part):
    """The LightGBM member. `sizes` rise from 0 customers with an event."""

    weight: Annotated[Weight, Field(strict=False)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    ridge: Annotated[float, Field(ge=0)]
    customers_in_leaf: Annotated[int, Field(ge=1)]
    sizes: Annotated[list[TreeSize], Field(min_length=1)]

    @model_validator(mode="after")
    def _sizes_rise(self) -> Self:
        starts = [size.from_customers for size in self.sizes]
        if starts[0] != 0 or sorted(set(starts)) != starts:
            raise ValueError("sizes must start at from_customers = 0 and rise")
        return self

    def size_for(self, n_customers_with_event: int) -> TreeSize:
        """The size that so many customers with an event allow."""
        return [size for size in self.sizes if size.from_customers <= n_customers_with_event][-1]


class RateTerms(_Part):
    """The shrunken customer rate: the feature that holds the share of late invoices, and the one that counts them."""

    weight: Annotated[Weight, Field(strict=False)]
    share: str
    of: str


class Members(_Part):
    """The members of the ensemble; their weights on the log-odds sum to one, so that contributions reconcile exactly."""

    logistic: LogisticTerms
    trees: TreeTerms
    rate: RateTerms

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> Self:
        total = self.logistic.weight + self.trees.weight + self.rate.weight
        if total != 1:
            raise ValueError(f"the weights of the members sum to {total}, not 1")
        return self


class CalibrationTerms(_Part):
    """From how many customers with an event on a richer calibrator may be tried."""

    platt_from_customers: Annotated[int, Field(ge=1)]
    beta_from_customers: Annotated[int, Field(ge=1)]


class Evidence(_Part):
    """The least number of customers with and without an event that a model is learned from, and that a fold needs."""

    customers_with_event: Annotated[int, Field(ge=5)]
    customers_without_event: Annotated[int, Field(ge=5)]
    fold_customers_with_event: Annotated[int, Field(ge=5)]


class Recipe(_Part):
    """One recipe. Equal recipes have equal digests, whatever the comments and the order of the keys in the text.

    baselines: single features that stand beside the model in every table of figures, as rules of thumb would use them.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    baselines: list[str]
    outcome: OutcomeTerms
    cuts: Cuts
    features: FeatureChoice
    members: Members
    calibration: CalibrationTerms
    evidence: Evidence

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of every value."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def definition(self) -> Outcome:
        """The outcome as `riskscore.outcomes` observes it."""
        return Outcome(**self.outcome.model_dump())


def parse(text: str) -> Recipe:
    """The recipe written in that TOML text.

    Raises UsageRefused naming the key for a key that is unknown, missing or out of its range, and for text that is not TOML.
    """
    return parse_signed(text, Recipe, "recipe")


def parse_signed(text: str, kind: type[Signed], called: str) -> Signed:
    """A signed TOML text as a value of that kind; `called` names the text in the refusal (UsageRefused)."""
    try:
        return kind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageRefused(f"{called}: not TOML: {error}. Nothing was done.") from error
    except ValidationError as error:
        raise UsageRefused(f"{called}: {_sentence(error)} Correct the text; nothing was done.") from error


def _sentence(error: ValidationError) -> str:
    """Every complaint with the dotted name of its key, at most five of them."""
    complaints = []
    for detail in error.errors()[:5]:
        key = ".".join(str(part) for part in detail["loc"]) or "the whole"
        known = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"].removeprefix("Value error, ")
        complaints.append(f"{key}: {known[0].lower()}{known[1:]}")
    return "; ".join(complaints) + "."
