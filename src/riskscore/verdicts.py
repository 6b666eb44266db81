"""What a decision amounts to for whoever asked: approve, conditional, refer or decline. When in doubt: refer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from riskscore.decisions import Decision, Referral
from riskscore.policy import Case, Recommendation
from riskscore.policy.recommendation import credit_days
from riskscore.positions import ENOUGH_PAYMENTS, FRESH_ACCOUNTS

Outcome = Literal["approve", "conditional", "refer", "decline"]

CONDITIONS = ("first_limit", "lower_limit", "shorter_terms", "security")
"""Why an answer is conditional: the first limit of a customer who never paid yet; less or shorter than asked or granted now;
only against security."""

WOULD_HELP = ("statements", "payments", "rating", "references", "purchases", "legal_form", "industry")
"""What would make an answer surer, where it is not known."""


@dataclass(frozen=True)
class Verdict:
    """An outcome. conditions: codes of `CONDITIONS`, in that order; empty unless the outcome is conditional.

    limit: what is granted, never more than was asked for; null where a person decides, 0 where credit is declined.
    """

    outcome: Outcome
    conditions: tuple[str, ...] = ()
    limit: Decimal | None = None


REFER = Verdict("refer")
ONLY_NEW = Referral(("no_payment_history",))


def verdict_of(decision: Decision) -> Verdict:
    """The outcome of a decision.

    A referral, a decision without an answer and one without a probability are referred. Nobody is approved by a model before a
    first invoice was paid: where that is all there is to say and a model of newcomers spoke, the first limit of the rules is
    offered as a condition. A natural person is approved or referred, never declined and
    never offered less by a machine alone; who may be one counts as one where credit is declined. A limit of zero because nothing
    is bought is no verdict on the customer and is referred.
    """
    case, found, referral = decision.case, decision.recommendation, decision.referral
    if case is None or found is None or decision.provenance.doubt is not None:
        return REFER
    is_new = referral == ONLY_NEW and decision.chain is not None
    if not is_new and (decision.status != "scored" or referral is not None):
        return REFER
    if decision.pd is None or not 0.0 <= decision.pd <= 1.0:
        return REFER
    if found.limit <= 0 or found.terms == "stop":
        ruled_out = found.binding_cap != "need" or found.terms == "stop"
        return Verdict("decline", limit=Decimal(0)) if ruled_out and decision.is_natural_person is False and not is_new else REFER
    conditions = tuple(_conditions(decision, case, found))
    if conditions and decision.is_natural_person:
        return REFER
    limit = found.limit if decision.asked is None else min(found.limit, decision.asked.limit)
    return Verdict("conditional" if conditions else "approve", conditions, limit)


def _conditions(decision: Decision, case: Case, found: Recommendation) -> Iterator[str]:
    asked = decision.asked
    wanted, days = (decision.limit_now, decision.terms_now) if asked is None else (asked.limit, asked.terms)
    if not case.n_paid_invoices:
        yield "first_limit"
    if wanted is not None and found.limit < wanted:
        yield "lower_limit"
    if days is not None and credit_days(found.terms) < days:
        yield "shorter_terms"
    if found.security_required:
        yield "security"


def wants_accounts(decision: Decision) -> bool:
    """Would new annual accounts say something: is the customer's net worth not known, or are the accounts too old?

    Beyond `positions.FRESH_ACCOUNTS` days they count as old, as everywhere.
    """
    case = decision.case
    if case is None:
        return False
    age = case.signs.statement_age_days
    return case.tangible_net_worth is None or (age is not None and age > FRESH_ACCOUNTS)


def would_help(decision: Decision, lacking: Iterable[str] = ()) -> tuple[str, ...]:
    """What would make this answer surer: codes of `WOULD_HELP`, in that order. lacking: what an applicant left out besides."""
    case, missing = decision.case, set(lacking)
    if case is None:
        return ()
    if wants_accounts(decision):
        missing.add("statements")
    if decision.asked is None and case.n_paid_invoices < ENOUGH_PAYMENTS:
        missing.add("payments")
    if decision.is_natural_person is None:
        missing.add("legal_form")
    return tuple(code for code in WOULD_HELP if code in missing)
