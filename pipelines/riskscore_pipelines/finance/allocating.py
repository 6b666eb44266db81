"""From a decided book to customers that limits are given to, and from the limits back to the book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal

import numpy as np

from riskscore.allocation import Allocation, Budgets, Candidates, allocate, proportional_cut, refuse_hopeless
from riskscore.decisions import Decision
from riskscore.errors import UsageRefused
from riskscore.insurance import Register
from riskscore.policy import Params
from riskscore.policy.demand import trade_of
from riskscore.profit import Floats, Trade, expected_loss, profit
from riskscore_pipelines.finance.material import Accounts

ZERO = Decimal(0)
CENT = Decimal("0.01")
WITHHELD = "none"
"""The class of a customer whose grade is withheld."""


@dataclass(frozen=True)
class Given:
    """One customer's limits. policy: what the policy allows, the ceiling. limit: what the allocation gives.

    profit, expected_loss: of a year at `limit`; null where no probability is known: then the policy's limit stays as it is.
    insurer: who insures the customer, where it is known.
    """

    decision: Decision
    name: str | None
    family: str
    sector: str
    insurer: str
    policy: Decimal
    limit: Decimal
    profit: Decimal | None
    expected_loss: Decimal | None


@dataclass(frozen=True)
class Allocated:
    """An allocation over a book. set_aside: limits of customers without a probability, which the total budget bears first.

    policy_profit, policy_loss: were everybody given what the policy allows. cut_profit: were everybody cut alike to keep the
    budgets. left_out: customers about whom a person has to decide before anything can be given.
    """

    budgets: Budgets
    allocation: Allocation
    given: tuple[Given, ...]
    set_aside: Decimal
    left_out: int
    policy_profit: Decimal
    policy_loss: Decimal
    cut_profit: Decimal
    family_names: Mapping[str, str]

    def total(self, part: str) -> Decimal:
        """The sum of `policy` or `limit`."""
        return sum((getattr(each, part) for each in self.given), ZERO)


def allocated(accounts: Accounts, register: Register, budgets: Budgets) -> Allocated:
    """The limits that earn most under the budgets; nobody gets more than the policy allows.

    Raises UsageRefused where the budgets leave nothing to anybody, name a group that is not there, or are less than what is set
    aside for customers without a probability.
    """
    rows = {row["customer_id"]: row for row in accounts.customers}
    decided = [accounts.decisions[who] for who in sorted(accounts.decisions)]
    open_to_all = [decision for decision in decided if not _is_a_persons(decision)]
    priced = [decision for decision in open_to_all if decision.case is not None and decision.case.pd is not None]
    others = [decision for decision in open_to_all if decision.case is None or decision.case.pd is None]
    set_aside = sum((_policy_limit(decision) for decision in others), ZERO)
    candidates = candidates_of(priced, rows, register, accounts.signed.params)
    left = _less(budgets, set_aside)
    refuse_hopeless(candidates, left)
    found = allocate(candidates, left)
    limits = np.array([float(limit) for limit in found.limits])
    earned, lost = profit(candidates.trade, limits), expected_loss(candidates.trade, limits)
    given = [
        _given(decision, rows, register, limit, _money(one), _money(other))
        for decision, limit, one, other in zip(priced, found.limits, earned.tolist(), lost.tolist(), strict=True)
    ]
    given += [_given(decision, rows, register, _policy_limit(decision), None, None) for decision in others]
    return Allocated(
        budgets=budgets,
        allocation=found,
        given=tuple(given),
        set_aside=set_aside,
        left_out=len(decided) - len(open_to_all),
        policy_profit=_money(float(np.sum(profit(candidates.trade, candidates.ceiling)))),
        policy_loss=_money(float(np.sum(expected_loss(candidates.trade, candidates.ceiling)))),
        cut_profit=_money(float(np.sum(profit(candidates.trade, proportional_cut(candidates, left))))),
        family_names=accounts.family_names,
    )


def candidates_of(
    priced: Sequence[Decision], rows: Mapping[str, Mapping[str, str | None]], register: Register, params: Params
) -> Candidates:
    """The customers with a probability, in their order. The curve is at the mean PD, the ceiling the policy's limit."""
    trades = [
        trade_of(decision.case, params, decision.case.pd) for decision in priced if decision.case and decision.case.pd is not None
    ]
    who = [decision.customer_id for decision in priced]
    policies = [register.policies.get(customer) for customer in who]

    def column(name: str) -> Floats:
        return np.array([getattr(trade, name) for trade in trades], np.float64)

    def texts(values: Sequence[str]) -> np.ndarray:
        return np.array(values, np.str_) if values else np.array([], "U1")

    return Candidates(
        trade=Trade(**{each.name: column(each.name) for each in fields(Trade)}),
        ceiling=np.array([float(_policy_limit(decision)) for decision in priced]),
        family=texts([rows[customer]["family_id"] or customer for customer in who]),
        risk_class=texts([_class(decision) for decision in priced]),
        sector=texts([rows[customer]["industry"] or "" for customer in who]),
        insurer=texts([(policy.insurer or "") if policy else "" for policy in policies]),
        insured_share=np.array([float(policy.insured_share) if policy else 0.0 for policy in policies]),
    )


def _is_a_persons(decision: Decision) -> bool:
    """Is it for a person to decide whether anything is given at all?"""
    referred = decision.referral.reasons if decision.referral else ()
    return decision.recommendation is None or "natural_person" in referred


def _policy_limit(decision: Decision) -> Decimal:
    return decision.recommendation.limit if decision.recommendation else ZERO


def _class(decision: Decision) -> str:
    return WITHHELD if decision.grade is None else str(decision.grade)


def _less(budgets: Budgets, set_aside: Decimal) -> Budgets:
    if budgets.total is None:
        return budgets
    if budgets.total <= set_aside:
        raise UsageRefused(
            f"budgets: the total of {budgets.total} does not exceed the {set_aside} set aside for customers without a "
            "probability, so that nothing is left to allocate. Raise the total, or decide those customers first."
        )
    return replace(budgets, total=budgets.total - set_aside)


def _given(
    decision: Decision,
    rows: Mapping[str, Mapping[str, str | None]],
    register: Register,
    limit: Decimal,
    earned: Decimal | None,
    lost: Decimal | None,
) -> Given:
    row = rows[decision.customer_id]
    policy = register.policies.get(decision.customer_id)
    return Given(
        decision=decision,
        name=row["name"],
        family=row["family_id"] or decision.customer_id,
        sector=row["industry"] or "",
        insurer=(policy.insurer or "") if policy else "",
        policy=_policy_limit(decision),
        limit=limit,
        profit=earned,
        expected_loss=lost,
    )


def _money(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(CENT)
