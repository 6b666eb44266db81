"""What would raise the grade, the limit or the terms: which events, at which cost, and why there may be none."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

import pytest

from deciding import ON, LinearModel, policy, shipped
from rehearsing import OVERDUE, WHO, pages, rehearsal
from riskscore import phrases
from riskscore.plans import Accounts, Means, Plans, Publish, Secure, Settle, Target, cost_of, facts_of, search
from riskscore.plans.goals import WHY_NONE, reaches
from riskscore.policy.recommendation import credit_days
from riskscore.verdicts import would_help

E = Decimal


def settled(plan):
    return {each.invoice_id for each in plan.events if isinstance(each, Settle)}


def of_kind(found, *kinds):
    """The plans made of events of these kinds only."""
    return [plan for plan in found.plans if {type(each) for each in plan.events} <= set(kinds)]


@pytest.fixture(scope="module")
def acme():
    return rehearsal()


@pytest.fixture(scope="module")
def found(acme):
    return {kind: acme.plans(Target(kind), most_replays=100) for kind in ("grade", "limit", "terms")}


class TestWhatIsShown:
    @pytest.mark.parametrize("kind", ["grade", "limit", "terms"])
    def test_each_plan_reaches_its_target_when_decided_alone(self, acme, found, kind):
        assert found[kind].plans
        for plan in found[kind].plans:
            after = acme.decide(plan.events)
            assert reaches(found[kind].goal, acme.base, after)
            assert (plan.after.limit, plan.after.terms, plan.after.grade, plan.after.pd) == (
                after.recommendation.limit, after.recommendation.terms, after.grade, after.pd
            )  # fmt: skip

    @pytest.mark.parametrize("kind", ["grade", "limit", "terms"])
    def test_no_event_of_a_plan_can_be_left_out(self, acme, found, kind):
        for plan in found[kind].plans:
            assert plan.minimal
            rests = [[each for each in plan.events if each != event] for event in plan.events]
            assert not any(reaches(found[kind].goal, acme.base, after) for after in acme.decide_each(rests))

    def test_the_least_cost_comes_first_and_is_in_money(self, found):
        totals = [plan.cost.total for plan in found["limit"].plans]
        deposit, guarantee = (
            next(plan for plan in found["limit"].plans if plan.events[0] == Secure(kind, amount, "EUR"))
            for kind, amount in (("deposit", E(13_000)), ("guarantee", E(16_300)))
        )

        assert totals == sorted(totals)
        assert (deposit.cost.cash, deposit.cost.guaranteed) == (13_000, 0)
        assert (guarantee.cost.cash, guarantee.cost.guaranteed) == (0, 16_300), "a fifth is cut off a guarantee"

    def test_of_few_invoices_the_cheapest_set_there_is(self, acme, found):
        (plan,) = of_kind(found["grade"], Settle)
        goal = found["grade"].goal
        sets = [some for size in range(1, len(OVERDUE) + 1) for some in combinations(acme.means.invoices, size)]
        by_hand = [
            sum(each.cost for each in some)
            for some, after in zip(sets, acme.decide_each(sets), strict=True)
            if reaches(goal, acme.base, after)
        ]

        assert plan.cost.cash == min(by_hand)

    def test_of_many_invoices_a_set_that_reaches_it_and_holds_nothing_needless(self, acme, found, monkeypatch):
        monkeypatch.setattr("riskscore.plans.seeking.FEW", 0)
        many = acme.plans(Target("terms"), most_replays=100)
        (plan,) = of_kind(many, Settle)

        assert reaches(many.goal, acme.base, acme.decide(plan.events))
        rests = [[each for each in plan.events if each != event] for event in plan.events]
        assert not any(reaches(many.goal, acme.base, after) for after in acme.decide_each(rests))

    def test_security_is_no_more_than_the_limit_needs(self, acme, found):
        for plan in of_kind(found["limit"], Secure):
            (secure,) = plan.events
            less = replace(secure, amount=secure.amount - 100)
            assert not reaches(found["limit"].goal, acme.base, acme.decide([less]))

    def test_a_wanted_amount_is_reached_to_the_last_unit(self, acme):
        wanted = acme.plans(Target("limit", E(21_500)), most_replays=100)

        assert {plan.after.limit for plan in of_kind(wanted, Secure)} == {E(22_000)}, "limits have two digits, rounded down"

    def test_nothing_else_gets_worse_on_the_way(self, acme, found):
        for each in found.values():
            for plan in each.plans:
                assert plan.after.limit >= each.now.limit
                assert credit_days(plan.after.terms) >= credit_days(each.now.terms)
                assert plan.after.grade <= each.now.grade

    def test_the_words_name_the_invoices_the_money_and_the_change(self, found):
        (plan,) = of_kind(found["grade"], Settle)
        now = found["grade"].now

        assert phrases.plan_sentence(plan, now, "en", "EUR") == (
            "settle invoices 12, 13, 14, 15 (€55,000) → grade 8 → 7, limit +€27,000 (€27,000), prepayment → net 15 days"
        )
        assert phrases.plan_sentence(plan, now, "zh", "EUR") == (
            "结清发票12、13、14、15（€55,000） → 等级8 → 7、额度+€27,000（€27,000）、预付款 → 账期15天"
        )


class TestWhatIsNoPlan:
    def test_a_contested_invoice_is_settled_in_none_and_told(self):
        contested = rehearsal(pages(contested="12"))
        found = contested.plans(Target("grade"), most_replays=100)

        assert found.n_disputed == 1
        assert all("12" not in settled(plan) for plan in found.plans)
        assert phrases.search_notes(found, "en") == ("Contested invoices are settled in no plan: 1",)

    def test_a_limit_beyond_what_it_buys_names_the_cap(self, acme):
        found = acme.plans(Target("limit", E(10_000_000)), most_replays=100)

        assert (found.plans, found.why_none, found.held_by, found.n_replays) == ((), "out_of_reach", "need", 0)
        assert "what holds it: need" in phrases.why_none_sentence(found, "en")

    def test_a_cap_of_the_book_that_no_event_lifts_is_named(self):
        alone = rehearsal(others=50_000)
        found = alone.plans(Target("limit", E(20_000)), most_replays=100)

        assert (found.plans, found.held_by) == ((), "concentration")

    def test_without_a_model_there_is_no_grade_to_raise(self):
        found = rehearsal(model=None).plans(Target("grade"), most_replays=100)

        assert (found.plans, found.why_none) == ((), "no_probability")

    def test_of_a_person_who_is_denied_credit_none_is_made(self):
        tables = pages()
        place = tables["customers"].column_names.index("is_natural_person")
        tables["customers"] = tables["customers"].set_column(place, "is_natural_person", [[True]])
        found = rehearsal(tables).plans(Target("limit"), most_replays=100)

        assert (found.plans, found.why_none) == ((), "person_decides")

    def test_what_is_recommended_already_needs_none(self, acme):
        better = rehearsal(model=LinearModel(base=-9.0))
        limit = better.base.recommendation.limit

        assert limit > 0
        assert better.plans(Target("limit", limit), most_replays=10).why_none == "reached_already"
        assert better.plans(Target("grade"), most_replays=10).why_none == "nothing_better"

    def test_nothing_reaches_a_grade_that_only_the_past_holds_and_the_reason_is_named(self):
        # 30 days late all year, nothing is overdue now and fresh accounts are there: only time helps.
        tables = pages(statements=[accounts(ON - timedelta(days=181))])
        late = rehearsal(only_paid(tables), model=LinearModel(base=-1.0))
        found = late.plans(Target("grade"), most_replays=100)

        assert (found.plans, found.why_none, found.n_replays) == ((), "out_of_reach", 0)
        assert found.held_by == late.base.reasons.adverse[0].code

    def test_when_the_replays_run_out_it_says_so(self, acme):
        spent = acme.plans(Target("grade"), most_replays=2)

        assert spent.spent
        assert spent.n_replays == 2
        assert spent.why_none == "spent" or phrases.search_notes(spent, "en")[0].startswith("Not everything could be tried")

    def test_every_code_has_its_words(self):
        for lang in phrases.LANGUAGES:
            for code in WHY_NONE:
                none = Plans(WHO, ON, "EUR", Target("limit"), None, None, (), code, None, 0, False, 0, 0)
                assert phrases.why_none_sentence(none, lang)


def accounts(published_on, **figures):
    plain = dict.fromkeys(("total_assets", "current_assets"), E(900_000)) | {
        "equity": E(400_000),
        "current_liabilities": E(600_000),
    }
    return {
        "customer_id": WHO, "period_end": date(published_on.year - 1, 12, 31), "published_on": published_on,
        "known_on": published_on, "currency": "EUR", **plain, **figures,
    }  # fmt: skip


def only_paid(tables):
    paid = set(tables["settlements"]["invoice_id"].to_pylist())
    keep = [name in paid for name in tables["invoices"]["invoice_id"].to_pylist()]
    return {**tables, "invoices": tables["invoices"].filter(keep)}


class TestAccounts:
    def test_they_are_proposed_where_none_are_known_with_the_figures_they_must_show(self, found):
        (plan,) = of_kind(found["grade"], Publish)
        (published,) = plan.events
        figures = dict(published.figures)

        assert published.period_end == date(2025, 12, 31)
        assert figures["equity"] + figures["total_liabilities"] == figures["total_assets"]
        assert "with weaker accounts the plan does not hold" in phrases.plan_notes(plan, "en")[0]
        assert plan.cost.total == 0

    def test_of_old_ones_the_next_year_no_weaker_than_they_were(self):
        old = rehearsal(pages(statements=[accounts(ON - timedelta(days=800))]))
        (published,) = old.means.publications(E(1))

        assert published.assumption == "as_before"
        assert published.period_end == date(2025, 12, 31)
        assert dict(published.figures)["equity"] == 400_000

    def test_fresh_ones_are_not_asked_for_again(self):
        fresh = rehearsal(pages(statements=[accounts(ON - timedelta(days=60))]))

        assert fresh.means.publications(E(1)) == ()

    @pytest.mark.parametrize("published_before", [None, 60, 800])
    def test_plans_and_answers_agree_on_when_accounts_would_help(self, published_before):
        rows = [] if published_before is None else [accounts(ON - timedelta(days=published_before))]
        one = rehearsal(pages(statements=rows))

        assert bool(one.means.publications(E(1))) == ("statements" in would_help(one.base))

    def test_a_year_that_ended_less_than_a_quarter_ago_has_none_yet(self):
        means = Means(date(2026, 2, 1), "EUR", accounts=Accounts(date(2023, 12, 31), "EUR", ()), wants_accounts=True)

        assert [each.period_end for each in means.publications(E(1))] == [date(2024, 12, 31)]

    def test_a_fiscal_year_may_end_in_february(self):
        means = Means(date(2028, 7, 1), "EUR", accounts=Accounts(date(2025, 2, 28), "EUR", ()), wants_accounts=True)

        assert [each.period_end for each in means.publications(E(1))] == [date(2028, 2, 29)]


class TestRehearsal:
    def test_many_at_once_are_decided_as_each_alone(self, acme):
        invoices = acme.means.invoices
        sets = [
            (),
            invoices[:1],
            invoices,
            (Secure("deposit", E(5_000), "EUR"), *invoices[1:]),
            acme.means.publications(E(90_000))[:1],
        ]
        together = acme.decide_each(sets)

        assert [each.to_bytes() for each in together] == [acme.decide(some).to_bytes() for some in sets]
        assert len({each.to_bytes() for each in together}) == len(sets)

    def test_what_is_settled_is_no_longer_owed_by_the_family_either(self):
        receivables = rehearsal().receivables
        book = replace(
            receivables, total=E(160_000), by_family={"top": E(60_000)}, families={WHO: "top", "sister": "top"},
            owed={WHO: E(55_000), "sister": E(5_000)},
        )  # fmt: skip
        after = book.owing(WHO, E(15_000))

        assert (after.of_others(WHO), book.of_others(WHO)) == (100_000, 100_000)
        assert after.of_family(WHO, E(15_000)) == book.of_family(WHO, E(55_000)) == 5_000

    def test_a_partly_paid_invoice_costs_what_is_left_and_what_comes_later_is_not_known(self):
        tables = pages()
        rows = tables["settlements"].to_pylist()
        for number, (day, amount) in enumerate(((ON, 10_000), (ON + timedelta(days=1), 5_000))):
            rows.append({**rows[0], "settlement_id": f"X{number}", "invoice_id": "12", "settled_on": day, "known_on": day,
                         "amount": E(amount)})  # fmt: skip
        from ledger_text import arrow

        (first, *_) = rehearsal({**tables, "settlements": arrow("settlements", rows)}).means.invoices

        assert (first.invoice_id, first.amount, first.cost) == ("12", 20_000, 20_000)

    def test_facts_are_rows_of_the_day(self):
        settle = Settle("12", E("30000.0000"), "EUR", E(30_000), 25)
        rows = facts_of([settle, Secure("guarantee", E(100), "EUR")], WHO, ON)

        assert rows["settlements"][0]["settled_on"] == rows["settlements"][0]["known_on"] == ON
        assert rows["securities"][0]["valid_from"] == ON
        assert cost_of([settle]).cash == 30_000


def test_a_plan_that_claims_an_event_it_does_not_replay_is_caught(acme):
    """The planted fault: the search is told of decisions in which two invoices more were settled than it asked for."""
    more = acme.means.invoices[:2]
    lying = search(
        Target("terms"), acme.base, acme.means, acme.params,
        lambda sets: acme.decide_each([tuple(dict.fromkeys((*some, *more))) for some in sets]), most_replays=100,
    )  # fmt: skip

    assert lying.plans
    assert not all(reaches(lying.goal, acme.base, acme.decide(plan.events)) for plan in lying.plans)


def test_a_second_security_of_the_same_kind_and_day_is_not_asked_for():
    row = {"customer_id": WHO, "kind": "deposit", "amount": E(100), "currency": "EUR", "valid_from": ON, "known_on": ON}
    found = rehearsal(pages(securities=[row])).plans(Target("limit"), most_replays=100)

    assert found.plans
    assert all(each.kind == "guarantee" for plan in found.plans for each in plan.events if isinstance(each, Secure))


def test_a_haircut_of_everything_makes_security_worthless():
    params = policy(security_guarantee_haircut=E(1), security_deposit_haircut=E(1))
    found = rehearsal(params=params).plans(Target("limit"), most_replays=100)

    assert params != shipped()
    assert not any(isinstance(each, Secure) for plan in found.plans for each in plan.events)
