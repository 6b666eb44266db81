"""The terms of the gate: signed text that says how sure one must be, how much worse is still no worse, and how much may move."""

import hashlib
import json
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from riskscore.recipe import parse_signed


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


def _share(meaning: str, most: int = 1) -> Any:
    return Field(ge=0, le=most, strict=False, description=meaning)


class Better(_Part):
    """What it takes to be called better."""

    level: Decimal = Field(
        gt=0, le=Decimal("0.2"), strict=False,
        description="chance that a version no better than the champion passes, over all looks at this champion together",
    )  # fmt: skip
    least_gain: Decimal = _share("how much of the champion's log loss must be gained for a change to be worth it")
    hazard_share: Decimal = _share("how much of the level is kept for versions of which only the payment hazard is better")
    customers: int = Field(ge=20, le=10**6, description="customers there must be on the compared rows")
    customers_with_event: int = Field(ge=5, le=10**6, description="and customers among them that paid materially late")
    resamples: int = Field(ge=200, le=10_000, description="draws of the customers that the intervals are made of")


class NoWorse(_Part):
    """By how much the new version may be worse, at the 95 % bound, and still be called no worse."""

    profit: Decimal = _share("of what a unit of credit earned under the champion, at the policy's numbers")
    log_loss: Decimal = _share("of the champion's log loss, by the payment hazard; by customers where only the hazard got better")
    newcomers: Decimal = _share("of the champion's log loss, by the model of newcomers; there are few of them")
    intercept: Decimal = _share("distance of the calibration intercept from 0, in log-odds")
    slope: Decimal = _share("distance of the calibration slope from 1")
    ece: Decimal = _share("expected calibration error")


class Steady(_Part):
    """How far the scores of today may lie from those the version was judged on."""

    psi: Decimal = _share("population stability index; few customers are allowed what chance gives in 1 of 1,000", 10)


class Moves(_Part):
    """How much may change at once for the customers of the book before two people have to release it."""

    grades: Decimal = _share("share of customers whose grade changes by two or more")
    approvals: Decimal = _share("share of customers decided without a person, up or down")
    limits: Decimal = _share("sum of all limits, up or down, as a share of it")
    doubled: Decimal = _share("share of customers whose limit more than doubles")


class Runs(_Part):
    """How much a run over the book may move against the one published before, over the customers of both."""

    approvals: Decimal = _share("share of customers decided without a person, up or down")
    limits: Decimal = _share("sum of all limits, up or down, as a share of it")
    doubled: int = Field(
        ge=0, le=10**6, description="limits that may be more than twice the one before and more than twice the one granted today"
    )


class Validity(_Part):
    """How long an approval holds."""

    valid_days: int = Field(ge=1, le=3650, description="days from the approval after which the model scores no more")
    review_days: int = Field(ge=1, le=3650, description="days from the approval until it has to be reviewed")


class GateTerms(_Part):
    """The terms of the gate. Equal terms have equal digests, whatever the comments."""

    better: Better
    no_worse: NoWorse
    steady: Steady
    moves: Moves
    runs: Runs
    validity: Validity

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of every value."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str) -> GateTerms:
    """The terms written in that TOML text. Raises UsageRefused naming the key that is unknown, missing or out of its range."""
    return parse_signed(text, GateTerms, "gate")
