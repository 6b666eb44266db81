"""Which limit an order meets: that of the decision in force, what people put in its place, and what the book of today tightens."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from deciding import ON, PROVENANCE, policy, shipped
from desks import BookDesk
from riskscore.decisions import Decision
from riskscore.order_check import Standing
from riskscore.order_standing import in_force, one_a_day, rules_of, standing_of
from riskscore.policy import Amount
from riskscore.review import Override
from riskscore.review.overrides import Closing, Wanted

DESK = BookDesk()
TODAY = DESK.decide("acme")
assert TODAY is not None
assert TODAY.recommendation is not None
assert TODAY.review is not None
LIMIT = TODAY.recommendation.limit


def days_ago(n: int) -> date:
    return ON - timedelta(days=n)


def decided(ago: int = 0, *, limit: Decimal | None = None, doubt: Any = None, **facts: Any) -> Decision:
    """What was decided about acme so many days ago; limit: another one than was recommended."""
    found = DESK.decide("acme")
    assert found is not None
    assert found.recommendation is not None
    made = replace(PROVENANCE, as_of=days_ago(ago), doubt=doubt)
    given = found.recommendation if limit is None else replace(found.recommendation, limit=limit)
    return replace(found, provenance=made, recommendation=given, **facts)


def overridden(**wanted: Any) -> Override:
    """What two people put in its place."""
    parts: dict[str, Any] = {"limit": None, "terms": None, "grade": None, "reason": "why not", "valid_until": ON}
    return Override(
        review_id="r", decision_id="d", customer_id="acme", currency="EUR", decided_for=ON, decided_limit=LIMIT,
        decided_grade=wanted.pop("decided_grade", 5), is_natural_person=False, wanted=Wanted(**(parts | wanted)),
        proposed_by="ann", proposed_on=ON, closing=Closing("approved", "ben", "", ON),
    )  # fmt: skip


def standing(*given: Decision, today: Decision | None = TODAY, override: Override | None = None, **more: Any) -> Standing:
    facts: dict[str, Any] = {"ordered_on": ON, "on": ON, "currency": "EUR", "is_stale": False} | more
    return standing_of(today, given, override, facts.pop("params", shipped()), **facts)


def test_the_limit_is_the_one_that_was_decided_and_what_is_owed_is_todays():
    found = standing(decided(5, limit=Decimal(70_000)))

    assert (found.limit, found.credit, found.doubt, found.receivables) == (70_000, "open", None, Decimal("120000.00"))


class TestWhereAPersonLooksFirst:
    def test_nobody_of_that_name_is_in_the_book(self):
        found = standing(decided(), today=None)

        assert (found.why_a_person, found.receivables) == ("unknown_customer", None)

    def test_the_book_is_stale(self):
        assert standing(decided(), is_stale=True).why_a_person == "stale_book"

    def test_the_customers_data_break_the_computation(self):
        broken = replace(TODAY, status="not_scored", exposure=None, case=None, recommendation=None)

        assert standing(decided(), today=broken).why_a_person == "exposure_unknown"

    def test_nothing_was_decided(self):
        assert standing().why_a_person == "no_decision"

    def test_what_was_decided_for_a_later_day_is_not_in_force_yet(self):
        assert standing(decided(-1)).why_a_person == "no_decision"

    def test_a_decision_in_another_currency_is_none(self):
        assert standing(decided(), currency="USD").why_a_person == "no_decision"

    def test_the_decision_was_a_referral(self):
        assert standing(decided(is_natural_person=None, pd=None)).why_a_person == "person_decides"

    def test_a_probability_that_is_none_is_nonsense(self):
        assert standing(decided(pd=float("nan"))).why_a_person == "person_decides"

    @pytest.mark.parametrize(("overdue", "why"), [(29, None), (30, None), (31, "limit_lapsed")])
    def test_the_review_is_too_long_overdue(self, overdue, why):
        review = replace(TODAY.review, next_on=days_ago(overdue))

        assert standing(decided(200, review=review)).why_a_person == why

    def test_without_a_number_in_the_policy_a_limit_lapses_the_day_after_its_review(self):
        strict = policy(order_review_overdue=None)
        lapsed = [standing(decided(9, review=replace(TODAY.review, next_on=days_ago(n))), params=strict).doubt for n in (0, 1)]

        assert lapsed == [None, "limit_lapsed"]

    def test_a_decision_that_names_no_review_has_lapsed(self):
        assert standing(decided(review=None)).why_a_person == "limit_lapsed"


class TestWhatTheBookOfTodayTightens:
    broke = DESK.decide("broke")

    def test_in_default_nothing_more_is_delivered_whatever_was_decided(self):
        assert standing(decided(5), today=self.broke).credit == "stop"

    def test_unless_two_people_who_knew_it_gave_terms(self):
        knew = overridden(limit=Decimal(9_000), terms=15, decided_grade=10)
        did_not = overridden(limit=Decimal(9_000), terms=15, decided_grade=4)

        assert standing(decided(5), today=self.broke, override=knew).credit == "open"
        assert standing(decided(5), today=self.broke, override=did_not).credit == "stop"

    @pytest.mark.parametrize("natural", [True, None])
    def test_no_machine_alone_stops_who_may_be_a_natural_person(self, natural):
        found = standing(decided(5), today=replace(self.broke, is_natural_person=natural))

        assert (found.credit, found.why_a_person) == ("open", "person_decides")

    def test_a_higher_limit_computed_today_is_not_the_one_in_force(self):
        assert standing(decided(5, limit=Decimal(10))).limit == 10


class TestWhatPeoplePutInItsPlace:
    def test_their_limit_holds_also_where_a_person_was_to_decide_and_where_the_review_is_overdue(self):
        referred, old = decided(pd=None), decided(5, review=replace(TODAY.review, next_on=days_ago(99)))
        found = [standing(each, override=overridden(limit=Decimal(7))) for each in (referred, old)]

        assert [(each.limit, each.why_a_person) for each in found] == [(7, None)] * 2

    def test_without_a_limit_of_theirs_the_decided_one_holds(self):
        assert standing(decided(), override=overridden(terms=15)).limit == LIMIT
        assert standing(decided(pd=None), override=overridden(terms=15)).why_a_person == "person_decides"

    @pytest.mark.parametrize(
        ("terms", "credit"), [(15, "open"), ("prepayment", "prepayment"), ("cash_on_delivery", "prepayment"), ("stop", "stop")]
    )
    def test_their_terms_hold(self, terms, credit):
        assert standing(decided(), override=overridden(terms=terms)).credit == credit

    def test_in_another_currency_they_say_nothing(self):
        assert standing(decided(), override=replace(overridden(limit=Decimal(7)), currency="USD")).limit == LIMIT


class TestOfSeveralDecisions:
    def test_the_one_for_the_newest_day_counts_and_of_one_day_the_one_given_out_last(self):
        found = one_a_day([decided(0, limit=Decimal(1)), decided(3, limit=Decimal(2)), decided(0, limit=Decimal(3))])

        assert [each.recommendation.limit for each in found] == [2, 3]

    def test_one_in_doubt_puts_none_of_its_day_out_of_force(self):
        sure, unsure = decided(0, limit=Decimal(1)), decided(0, doubt="model_unavailable")

        assert in_force([sure, unsure], ON) is in_force([unsure, sure], ON) is sure
        assert standing(decided(1), unsure).why_a_person == "person_decides"


class TestOrdersFromBeforeACut:
    def cut(self, *given: Decision, ordered: int, **more: Any) -> Any:
        found = standing(*given, ordered_on=days_ago(ordered), **more).cut
        return None if found is None else ((ON - found.cut_on).days, found.old_limit, found.new_limit)

    high, low = decided(40, limit=Decimal(90_000)), decided(10, limit=Decimal(30_000))

    def test_they_meet_the_limit_that_was_in_force_when_they_were_placed(self):
        assert self.cut(self.high, self.low, ordered=20) == (10, 90_000, 30_000)
        assert self.cut(self.high, self.low, ordered=10) is None, "placed on the day of the cut"

    def test_deciding_again_does_not_begin_the_grace_anew(self):
        again = [decided(n, limit=Decimal(30_000), limit_now=Decimal(90_000)) for n in (7, 3, 0)]

        assert self.cut(self.high, self.low, *again, ordered=20) == (10, 90_000, 30_000)
        assert self.cut(self.high, self.low, *again, ordered=5) is None, "placed between the cut and today's decision"

    def test_before_the_first_decision_it_is_what_the_book_had_as_granted(self):
        assert self.cut(decided(10, limit=Decimal(5), limit_now=Decimal(8)), ordered=20) == (10, 8, 5)
        assert self.cut(decided(10, limit=Decimal(5), limit_now=None), ordered=20) is None

    def test_a_raise_needs_no_grace_and_a_referral_gave_nothing_to_honour(self):
        assert self.cut(self.low, decided(5, limit=Decimal(40_000)), ordered=8) is None
        assert self.cut(decided(40, pd=None), self.low, ordered=20) is None

    def test_what_people_decided_holds_at_once(self):
        assert self.cut(self.high, self.low, ordered=20, override=overridden(limit=Decimal(7))) is None


def test_the_numbers_are_those_of_the_policy():
    found = rules_of(policy(cut_no_grace_from_grade=8), Decimal(400_000_000))

    assert (found.horizon_days, found.warn_share, found.de_minimis) == (60, Decimal("0.90"), 400)
    assert (found.grace_days, found.no_grace_from_grade) == (30, 8)


def test_a_number_that_is_not_in_force_is_read_as_strictly_as_can_be():
    bare = policy(order_horizon=None, order_warn_share=None, order_de_minimis=None)
    found = rules_of(bare, Decimal(400_000_000))

    assert (found.horizon_days, found.warn_share, found.de_minimis) == (None, None, 0)
    assert rules_of(shipped(), None).de_minimis == 0
    assert rules_of(policy(order_de_minimis=Amount(Decimal(75), "EUR")), None).de_minimis == 75
