"""Statutory payment terms and late-payment interest as dated data: what the law lets a buyer take, and what lateness costs it.

The rules are a signed text (`models/statutes.toml`): every line names its act, article and first day. The text is a summary for
credit control, not legal advice, and every answer carries that sentence with it. An answer of None means that no line of the text
covers the case; it does not mean that no law does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskscore.errors import UsageRefused
from riskscore.recipe import parse_signed

Buyer = Literal["public_authority", "large_enterprise", "enterprise"]
Supplier = Literal["micro", "small", "medium", "large"]
Fault = Literal["beyond_statute", "beyond_statute_unless_justified", "back_to_back", "undisputed_part_withheld"]

CENT = Decimal("0.01")
DAYS_A_YEAR = 365  # simple interest on actual days over 365, leap year or not: neither act names a convention
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

    def rule_for(self, rules: Sequence[AnyRule], case: "Contract | Debt", on: date) -> AnyRule | None:
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


@dataclass(frozen=True)
class StatutoryCap:
    """The longest lawful term in days, and where that is written. `days` is None where an express agreement has no number.

    agreed_if: the condition of that agreement. counted_from: delivery, or receipt of the invoice.
    """

    days: int | None
    rule: str
    title: str
    article: str
    source: str
    effective_on: date
    agreed_if: str
    counted_from: str
    disclaimer: str


@dataclass(frozen=True)
class Contract:
    """What a contract says of payment. `country` is the buyer's, ISO 3166-1 alpha-2; `supplier_size` is ours."""

    buyer_type: Buyer
    supplier_size: Supplier
    country: str
    signed_on: date
    days: int
    expressly_agreed: bool = False
    paid_when_paid: bool = False
    withholds_undisputed: bool = False


@dataclass(frozen=True)
class Finding:
    """One clause that the statute forbids (`lawful` False) or allows only under a condition (`lawful` None)."""

    fault: Fault
    lawful: bool | None
    cap: StatutoryCap


@dataclass(frozen=True)
class Debt:
    """One overdue amount, in its currency. `agreed_rate` is the yearly rate the contract sets for lateness, if any."""

    amount: Decimal
    currency: str
    due_on: date
    signed_on: date
    buyer_type: Buyer
    supplier_size: Supplier
    country: str
    agreed_rate: Decimal | None = None


@dataclass(frozen=True)
class DatedRate:
    """A yearly reference rate and the day it came into force."""

    from_on: date
    rate: Decimal


@dataclass(frozen=True)
class Stretch:
    """Days at one yearly rate, from the first to the last inclusive."""

    first_on: date
    last_on: date
    rate: Decimal

    @property
    def n_days(self) -> int:
        """How many days the stretch has."""
        return (self.last_on - self.first_on).days + 1


@dataclass(frozen=True)
class Penalty:
    """What lateness costs: simple interest in the debt's currency, rounded to the cent once, and the lump sum in its own."""

    interest: Decimal
    lump_sum: Decimal
    lump_sum_currency: str | None
    n_days: int
    stretches: tuple[Stretch, ...]
    rule: str
    article: str
    source: str
    disclaimer: str


def parse(text: str) -> Statutes:
    """The statutes written in that TOML text.

    Raises UsageRefused naming the key or the lines: for a key that is unknown or missing, a value out of range, an act nobody
    defined, an id given twice, dates that end before they start, and two lines that answer one case on one day.
    """
    return parse_signed(text, Statutes, "statutes")


def statutory_cap(
    statutes: Statutes, *, buyer_type: Buyer, supplier_size: Supplier, country: str, on: date, agreed: bool = False
) -> StatutoryCap | None:
    """What is the longest lawful term for this buyer on that day? With `agreed`: the longest a contract may expressly agree.

    country: the buyer's, ISO 3166-1 alpha-2. None where the text has no line for the case.
    """
    case = Contract(buyer_type, supplier_size, country, signed_on=on, days=0)
    rule = statutes.rule_for(statutes.terms, case, on)
    return None if rule is None else _cap(statutes, rule, agreed=agreed)


def check(statutes: Statutes, contract: Contract) -> tuple[Finding, ...]:
    """Which clauses the statute forbids, or allows only under a condition. Empty also where the text has no line for the case."""
    rule = statutes.rule_for(statutes.terms, contract, contract.signed_on)
    if rule is None:
        return ()
    found: list[Finding] = []
    within_agreement = contract.expressly_agreed and (rule.agreed_days is None or contract.days <= rule.agreed_days)
    if contract.days > rule.days and not within_agreement:
        found.append(Finding("beyond_statute", False, _cap(statutes, rule, agreed=contract.expressly_agreed)))
    elif contract.days > rule.days and not rule.agreement_suffices:
        found.append(Finding("beyond_statute_unless_justified", None, _cap(statutes, rule, agreed=True)))
    if contract.paid_when_paid and rule.back_to_back is False:
        found.append(Finding("back_to_back", False, _cap(statutes, rule)))
    if contract.withholds_undisputed and rule.withhold_undisputed is False:
        found.append(Finding("undisputed_part_withheld", False, _cap(statutes, rule)))
    return tuple(found)


def penalty(statutes: Statutes, debt: Debt, *, until: date, reference_rates: Sequence[DatedRate]) -> Penalty | None:
    """The statutory interest on a debt from the day after it fell due to `until` inclusive; None where no line covers it.

    reference_rates: the rate the rule names (ECB main refinancing, one-year LPR), by the day each came into force. Simple
    interest on actual days over 365. The lump sum is due once the first day has passed. Raises UsageRefused where no rate is
    known for a day that needs one, where a rate was agreed although the act knows no floor for it, and for an amount below 0.
    """
    if not debt.amount.is_finite() or debt.amount < 0:
        raise UsageRefused(f"interest: an overdue amount is not below 0, not {debt.amount}. Credits bear no interest.")
    rule = statutes.rule_for(statutes.interests, debt, debt.due_on)
    if rule is None:
        return None
    stretches = tuple(_stretches(rule, debt, until, reference_rates))
    exact = sum((debt.amount * stretch.rate * stretch.n_days / DAYS_A_YEAR for stretch in stretches), Decimal(0))
    return Penalty(
        interest=exact.quantize(CENT, rounding=ROUND_HALF_UP),
        lump_sum=rule.lump_sum if stretches and debt.amount > 0 else Decimal(0),
        lump_sum_currency=rule.lump_sum_currency,
        n_days=sum(stretch.n_days for stretch in stretches),
        stretches=stretches,
        rule=rule.id,
        article=rule.article,
        source=statutes.act_of(rule).source,
        disclaimer=statutes.disclaimer,
    )


def _stretches(rule: Interest, debt: Debt, until: date, rates: Sequence[DatedRate]) -> Iterator[Stretch]:
    """The days of lateness, cut where the rate changes."""
    start = debt.due_on + timedelta(days=1)
    if until < start:
        return
    if rule.kind == "daily":
        agreed = debt.agreed_rate
        floor = None if agreed is None else _in_force(rates, debt.signed_on, rule)
        yield Stretch(start, until, rule.rate * DAYS_A_YEAR if agreed is None or floor is None else max(agreed, floor))
        return
    if debt.agreed_rate is not None:
        raise UsageRefused(
            f"{rule.id}: the act has no floor for an agreed rate, so only the statutory interest is reckoned here."
        )
    while start <= until:
        half = date(start.year, 1 if start.month <= 6 else 7, 1)
        last = date(start.year, 6, 30) if half.month == 1 else date(start.year, 12, 31)
        yield Stretch(start, min(last, until), _in_force(rates, half, rule) + rule.rate)
        start = last + timedelta(days=1)


def _in_force(rates: Sequence[DatedRate], on: date, rule: Interest) -> Decimal:
    known = [rate for rate in rates if rate.from_on <= on]
    if not known:
        raise UsageRefused(f"{rule.id}: no {rule.reference} is known for {on}. Add the rate in force on that day.")
    return max(known, key=lambda rate: rate.from_on).rate


def _cap(statutes: Statutes, rule: Term, *, agreed: bool = False) -> StatutoryCap:
    act = statutes.act_of(rule)
    return StatutoryCap(
        days=rule.agreed_days if agreed else rule.days,
        rule=rule.id,
        title=act.title,
        article=rule.article,
        source=act.source,
        effective_on=rule.first_on,
        agreed_if=rule.agreed_if,
        counted_from=rule.counted_from,
        disclaimer=statutes.disclaimer,
    )
