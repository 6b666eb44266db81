"""What a customer may owe for an order: the decision in force, what people put in its place, and what the book says today.

The limit is the one that was decided and given out, not one computed on the way. What the book says today can only tighten it.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from riskscore.decisions import Decision
from riskscore.grades import IN_DEFAULT
from riskscore.order_check import Credit, Doubt, Rules, Standing
from riskscore.policy import Params, Terms
from riskscore.policy.recommendation import credit_days
from riskscore.review import Override
from riskscore.review_calendar import Cut
from riskscore.verdicts import verdict_of

ZERO = Decimal(0)


def rules_of(params: Params, annual_sales: Decimal | None) -> Rules:
    """The numbers of the policy that an order is checked with; one without a value in force is read as strictly as can be.

    annual_sales: the seller's own of twelve months; where they are not known, a share of them is nothing.
    """
    small = params.order_de_minimis
    return Rules(
        horizon_days=params.order_horizon,
        warn_share=params.order_warn_share,
        de_minimis=ZERO if small is None else small.of(annual_sales or ZERO),
        grace_days=params.cut_grace,
        no_grace_from_grade=params.cut_no_grace_from_grade,
    )


def one_a_day(given: Sequence[Decision]) -> list[Decision]:
    """Of decisions in the order in which they were given out, the one that counts for each date, oldest date first.

    It is the last one given out. A decision in doubt says nothing about the customer, so it counts only where there is no other.
    """
    found: dict[date, Decision] = {}
    for decision in given:
        other = found.get(decision.as_of)
        if other is None or decision.provenance.doubt is None or other.provenance.doubt is not None:
            found[decision.as_of] = decision
    return [found[day] for day in sorted(found)]


def in_force(given: Sequence[Decision], on: date) -> Decision | None:
    """The decision that counts on a day, of those given out in that order; null where none was for that day or one before."""
    decided = one_a_day([each for each in given if each.as_of <= on])
    return decided[-1] if decided else None


def standing_of(
    today: Decision | None,
    given: Sequence[Decision],
    override: Override | None,
    params: Params,
    *,
    ordered_on: date,
    on: date,
    currency: str,
    is_stale: bool,
) -> Standing:
    """Where a customer stands for an order placed on a day, before anything that is on order or unbilled.

    today: what the book says now, null where it does not know the customer. given: the decisions given out up to `on`, in that
    order; those since the order, and the one in force before it, are enough. override: the one that holds on that day.
    """
    decided = one_a_day([each for each in given if each.as_of <= on])
    limit, credit, doubt = _decided(in_force(given, on), override, params, on, currency)
    if _stops_today(today, override):
        credit, doubt = ("stop", doubt) if today is not None and today.is_natural_person is False else (credit, "person_decides")
    if is_stale:
        doubt = "stale_book"
    if today is None:
        doubt = "unknown_customer"
    cut = None if doubt or limit is None or override is not None else _cut(decided, limit, ordered_on)
    return Standing(
        limit=limit,
        credit=credit,
        receivables=None if today is None else today.exposure,
        unbilled=ZERO,
        cut=cut,
        doubt=doubt,
    )


def _decided(
    latest: Decision | None, override: Override | None, params: Params, on: date, currency: str
) -> tuple[Decimal | None, Credit, Doubt | None]:
    """Limit, credit and doubt by what was decided. An override stands for itself as long as it holds."""
    mine = override if override is not None and override.currency == currency else None
    by_people = None if mine is None else mine.wanted.limit
    if latest is None or latest.currency != currency:
        return by_people, _credit(mine.wanted.terms if mine else None), "no_decision" if by_people is None else None
    found = latest.recommendation
    terms = mine.wanted.terms if mine is not None and mine.wanted.terms is not None else found.terms if found else None
    if by_people is not None:
        return by_people, _credit(terms), None
    verdict = verdict_of(latest)
    if verdict.limit is None:
        return None, _credit(terms) if mine and mine.wanted.terms else "open", "person_decides"
    return verdict.limit, _credit(terms), "limit_lapsed" if _is_lapsed(latest, params, on) else None


def _is_lapsed(decision: Decision, params: Params, on: date) -> bool:
    """Is its review overdue by more than the policy lets pass? A decision that names no review has lapsed."""
    if decision.review is None:
        return True
    return on > decision.review.next_on + timedelta(days=params.order_review_overdue or 0)


def _stops_today(today: Decision | None, override: Override | None) -> bool:
    """Does the book say now that nothing more is delivered, and did nobody decide otherwise who knew it?"""
    if today is None:
        return False
    in_default = today.case is not None and today.case.in_default
    stopped = in_default or (today.recommendation is not None and today.recommendation.terms == "stop")
    knew = override is not None and override.wanted.terms is not None and override.decided_grade == IN_DEFAULT
    return stopped and not knew


def _credit(terms: Terms | None) -> Credit:
    if terms is None:
        return "open"
    days = credit_days(terms)
    return "open" if days > 0 else "prepayment" if days == 0 else "stop"


def _cut(decided: Sequence[Decision], limit: Decimal, ordered_on: date) -> Cut | None:
    """The cut that an order placed on that day met since: from the limit in force then to this one; null where there is none.

    The grace counts from the first decision since that lowered it. Where nothing was decided before the order, what the book had
    as the granted limit was in force; where what was decided then was a referral, nothing was, and there is nothing to honour.
    """
    before = [each for each in decided if each.as_of <= ordered_on]
    since = [each for each in decided if each.as_of > ordered_on]
    if not since:
        return None
    old = verdict_of(before[-1]).limit if before else since[0].limit_now
    if old is None or old <= limit:
        return None
    lowered = next((each for each in since if (found := verdict_of(each).limit) is not None and found < old), None)
    return None if lowered is None else Cut(lowered.as_of, old, limit, since[-1].grade)
