"""A recipe as a value: what is predicted, from which dates and features, by which members, and how much evidence that needs."""

import hashlib
import json
import tomllib
from decimal import Decimal
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from riskscore.errors import UsageRefused
from riskscore.outcomes import Outcome

Signed = TypeVar("Signed", bound=BaseModel)


class _Part(BaseModel):
    """Strict and frozen: no key that is not named, no text where a number belongs, decimals written as text."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


def _whole(meaning: str, least: int, most: int) -> Any:
    """A whole number within bounds, and what it means."""
    return Field(ge=least, le=most, description=meaning)


def _exact(meaning: str, most: int | None = 1) -> Any:
    """An exact decimal from 0 on, written as text, and what it means."""
    return Field(ge=0, le=most, strict=False, description=meaning)


class OutcomeTerms(_Part):
    """What counts as paying materially late: the terms of `riskscore.outcomes.Outcome`."""

    horizon_days: int = _whole("how far ahead the probability looks", 1, 3650)
    days_past_due: int = _whole("an invoice further past its business-day due date than this counts", 1, 3650)
    min_amount: Decimal = _exact("with at least this much undisputed and open, in the reporting currency", None)
    min_billing_share: Decimal = _exact("and at least this share of twelve months' billing")
    late_share: Decimal = _exact("or at least this share of what falls due in the window")
    late_days: int = _whole("is still open this many days after it fell due", 1, 3650)


class Cuts(_Part):
    """Which month ends are learned from, and how the newest of them are set apart to judge the model."""

    months: int = _whole("month ends at most, the newest whose outcome window is over", 6, 240)
    warm_up_days: int = _whole("history a month end needs behind it, from the first invoice of the book", 0, 3650)
    folds: int = _whole("blocks of the newest months, each judged by a model that knew nothing of it", 1, 24)
    fold_months: int = _whole("month ends in a block", 1, 12)
    embargo_days: int = _whole("days between the last outcome learned from and the first date judged", 0, 366)


class FeatureChoice(_Part):
    """Which features of the catalogue are learned from."""

    leave_out: list[str] = Field(description="features not learned from; all others are")


class LogisticTerms(_Part):
    """The logistic member."""

    weight: Decimal = _exact("weight on the log-odds")
    ridge: float = Field(gt=0, description="penalty on standardised coefficients, times the rows a customer has on average")
    winsor: float = Field(ge=0, lt=0.25, description="values beyond these quantiles of the training count as the quantile")


class HazardLogisticTerms(LogisticTerms):
    """The logistic member of the payment hazard; `ridge` is for what is known of the customer itself."""

    ridge_record: float = Field(gt=0, description="the same penalty, for how the customer has paid by age and lately")
    ridge_invoice: float = Field(gt=0, description="the same penalty, for the invoice, its days and its bin")


class TreeSize(_Part):
    """How large the trees may be from so many customers with an event on."""

    from_customers: int = _whole("customers with an event from which this size holds", 0, 10**9)
    leaves: int = _whole("leaves a tree", 2, 31)
    depth: int = _whole("questions from root to leaf", 1, 5)
    rounds: int = _whole("trees", 1, 2000)


class TreeTerms(_Part):
    """The LightGBM member."""

    weight: Decimal = _exact("weight on the log-odds")
    learning_rate: float = Field(gt=0, le=1, description="share of each tree that is added")
    ridge: float = Field(ge=0, description="penalty on the values of leaves, times the rows a customer has on average")
    customers_in_leaf: int = _whole("a leaf holds the rows of at least so many customers", 1, 10**6)
    column_share: float = Field(gt=0, le=1, description="share of the features each tree may ask about, drawn anew for each")
    sizes: list[TreeSize] = Field(min_length=1, description="sizes by the number of customers with an event, from 0 on")

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
    """The shrunken customer rate as a member: the customer's own share of late invoices, pulled toward the book's."""

    weight: Decimal = _exact("weight on the log-odds")
    share: str = Field(description="the feature that holds the share; all members read it shrunken")
    of: str = Field(description="the feature that counts the invoices it is a share of")


class Members(_Part):
    """The members of the ensemble; their weights sum to one on the log-odds, so that contributions reconcile exactly."""

    logistic: LogisticTerms = Field(description="regularised logistic regression")
    trees: TreeTerms = Field(description="small monotone LightGBM")
    rate: RateTerms = Field(description="the shrunken customer rate")

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> Self:
        total = self.logistic.weight + self.trees.weight + self.rate.weight
        if total != 1:
            raise ValueError(f"the weights of the members sum to {total}, not 1")
        return self


class PairTerms(_Part):
    """A logistic and small trees alone, their mean taken on the log-odds."""

    customers_with_event: int = _whole("customers of either kind it needs; with fewer the prior speaks", 1, 10**6)
    logistic: LogisticTerms = Field(description="regularised logistic regression")
    trees: TreeTerms = Field(description="small monotone LightGBM")

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> Self:
        total = self.logistic.weight + self.trees.weight
        if total != 1:
            raise ValueError(f"the weights of the members sum to {total}, not 1")
        return self


class ColdTerms(PairTerms):
    """The model of newcomers: customers without a settled invoice, known by accounts, rating, sector and terms alone."""

    features: list[str] = Field(min_length=1, description="what is known of a newcomer before its first payment")
    months_apart: int = _whole("of customers with a history, every so many month ends are learned from", 1, 12)


class LateAtAllTerms(LogisticTerms):
    """Is a newcomer's invoice late at all: a logistic that learns from the book's invoices at their issue."""

    most_invoices: int = _whole("invoices learned from at most; of a larger book a fixed share of them", 1000, 10**8)
    level_days: int = _whole("days over whose due invoices the level of the book is counted", 7, 365)
    level_share: Decimal = _exact("how far the answer follows that level's log-odds: 0 not at all, 1 wholly")


class NewcomerHazardTerms(PairTerms):
    """The hazard of customers without a settled invoice: learned from everybody, blind to what they ever paid, in two halves."""

    most_cases: int = _whole("invoices learned from at most, of every customer about as many", 200, 10**7)
    late_at_all: LateAtAllTerms = Field(description="whether an invoice is late at all; the hazard says when")


class HazardTerms(_Part):
    """The payment hazard: when an open invoice is paid, by bins of days from its due date; members averaged on log-odds."""

    most_cases: int = _whole("invoices learned from at most; of a larger book a fixed share of them", 1000, 10**7)
    rate_weight: Decimal = _exact("weight of the customer's own shrunken record on the log-odds")
    logistic: HazardLogisticTerms = Field(description="regularised logistic regression by bin")
    trees: TreeTerms = Field(description="LightGBM over the bins; sizes by customers that paid late")
    newcomers: NewcomerHazardTerms = Field(
        description="customers without a settled invoice, by the features of `cold`; its answer is also an input of the members"
    )

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> Self:
        total = self.logistic.weight + self.trees.weight + self.rate_weight
        if total != 1:
            raise ValueError(f"the weights of the members sum to {total}, not 1")
        return self


class CalibrationTerms(_Part):
    """How the level is kept and which curves may be tried; each must win on months it has not seen to be used."""

    level_months: int = _whole("newest month ends whose outcomes are known, by which the level is set before any curve", 1, 12)
    level_spread: float = Field(gt=0, le=2, description="drift of the level that is believed, in log-odds; more is pulled back")
    platt_from_customers: int = _whole("below it a shift of the intercept is the most", 1, 10**6)
    beta_from_customers: int = _whole("from here on the three-parameter curve may be tried too", 1, 10**6)


class Evidence(_Part):
    """How much there must be to learn from; with less the training says so and stops."""

    customers_with_event: int = _whole("customers that paid materially late at some time", 5, 10**6)
    customers_without_event: int = _whole("customers that never did", 5, 10**6)
    fold_customers_with_event: int = _whole("of either kind behind a block that is judged", 5, 10**6)


class Recipe(_Part):
    """One recipe. Equal recipes have equal digests, whatever the comments and the order of the keys in the text."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="the name the model is registered under")
    seed: int = _whole("every random choice starts from it", 0, 2**31 - 1)
    baselines: list[str] = Field(description="single features judged beside the model, as rules of thumb would use them")
    outcome: OutcomeTerms
    cuts: Cuts
    features: FeatureChoice
    members: Members
    cold: ColdTerms
    hazard: HazardTerms
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


def parse_kept(content: bytes, kind: type[Signed], called: str) -> Signed:
    """A signed text as a run keeps it, the JSON of its values, as a value of that kind.

    called: names the file in the refusal. Raises UsageRefused naming the keys that this version of the program does not read.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise UsageRefused(
            f"{called}: {_sentence(error)} It was written by a version of this program that read other keys: use that one."
        ) from error


def _sentence(error: ValidationError) -> str:
    """Every complaint with the dotted name of its key, at most five of them."""
    complaints = []
    for detail in error.errors()[:5]:
        key = ".".join(str(part) for part in detail["loc"]) or "the whole"
        known = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"].removeprefix("Value error, ")
        complaints.append(f"{key}: {known[0].lower()}{known[1:]}")
    return "; ".join(complaints) + "."


def to_text(recipe: Recipe, heading: str) -> str:
    """The recipe as TOML with what each key means beside it; `parse` gives it back. heading: opens it, as comments."""
    opening = [f"# {line}".rstrip() for line in heading.splitlines()]
    return "\n".join([*opening, "", *_lines(recipe, "")]) + "\n"


def _lines(part: BaseModel, prefix: str) -> list[str]:
    plain, deeper = [], []
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            deeper += ["", f"[{prefix}{name}]", *_lines(value, f"{prefix}{name}.")]
        elif isinstance(value, list) and value:
            plain += [f"{name} = [  # {field.description}", *(f"    {_toml(each)}," for each in value), "]"]
        elif value is not None:
            plain.append(f"{name} = {_toml(value)}  # {field.description}")
    return plain + deeper


def _toml(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "{ " + ", ".join(f"{name} = {_toml(getattr(value, name))}" for name in type(value).model_fields) + " }"
    if isinstance(value, Decimal):
        return f'"{value}"'
    return repr(value) if isinstance(value, float) else json.dumps(value)


def reference(shipped: Recipe) -> str:
    """The reference page of recipes, as Markdown: every key with its meaning and the shipped value."""
    lines = [
        "# The recipe",
        "",
        "Made from the code by `make docs`; do not edit.",
        "",
        "`models/late_payment/recipe.toml` says how the model is learned. It is signed text: every key must be there, an unknown",
        "key is refused by name, and its digest is part of every model, so that a score can be traced to its recipe. Exact",
        "decimals are written as text.",
        "",
    ]
    return "\n".join([*lines, *keys_of(shipped)]) + "\n"


def keys_of(part: BaseModel, prefix: str = "") -> list[str]:
    """Lines of Markdown: every key of a signed text with its meaning and the value given, a heading for each part of it."""
    plain, deeper = [], []
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            deeper += ["", f"## `[{prefix}{name}]`", "", str(type(value).__doc__), "", *keys_of(value, f"{prefix}{name}.")]
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            plain.append(f"| `{name}` | {field.description} | {len(value)} sizes |")
            deeper += ["", f"### Each of `{prefix}{name}`", "", str(type(value[0]).__doc__), "", *keys_of(value[0])]
        else:
            shown = ", ".join(value) or "none" if isinstance(value, list) else value
            plain.append(f"| `{name}` | {field.description} | {shown} |")
    table = ["| key | meaning | shipped |", "|-|-|-|", *plain] if plain else []
    return table + deeper
