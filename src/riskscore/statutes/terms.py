"""The longest lawful term, and the clauses of a contract that a statute forbids."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from riskscore.statutes.text import Buyer, Statutes, Supplier, Term

Fault = Literal["beyond_statute", "beyond_statute_unless_justified", "back_to_back", "undisputed_part_withheld"]


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
