"""What the policy reads from the ledger besides the probability, which terms it offers, and what follows from a decision."""

from datetime import date
from decimal import Decimal

import pytest

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, case, features_of, policy, positions_of, shipped
from riskscore.policy import SIGNS, Amount, Signs, grace_until, recommend, review_of, signs_of
from riskscore.policy.menu import menu_of
from riskscore.scoring import decide_rows
from riskscore.scoring.conduct import conduct_of
from riskscore.scoring.lawful import buyer_type_of, lawful_terms

ON = date(2026, 6, 30)

THRESHOLDS = [
    ("order_jump", "order_jump", "2.49", "2.5"),
    ("limit_nearly_used", "utilisation", "0.899", "0.9"),
    ("severely_overdue", "overdue_share", "0.249", "0.25"),
    ("lateness_jump", "lateness_change", "14.9", "15"),
    ("dispute_spike", "dispute_rate", "0.249", "0.25"),
    ("discounts_stopped", "discount_change", "-0.009", "-0.01"),
    ("statement_late", "statement_age_days", "547", "548"),
    ("insolvency_news", "rating_notch", "21", "22"),
]


@pytest.mark.parametrize(("sign", "measure", "before", "at"), THRESHOLDS, ids=[row[0] for row in THRESHOLDS])
def test_sign_holds_from_its_threshold_on_and_only_where_it_is_known(sign, measure, before, at):
    def found(value):
        return signs_of(case(signs=Signs(**{measure: value})), policy())

    assert found(None) == found(Decimal(before)) == ()
    assert found(Decimal(at)) == (sign,)


def test_every_sign_has_a_specification():
    assert [row[0] for row in THRESHOLDS] == list(SIGNS)


def test_sign_without_a_threshold_is_off():
    assert signs_of(case(signs=Signs(order_jump=Decimal(99))), policy(abnormal_order_jump=None)) == ()


def test_conduct_is_read_from_the_features_by_customer():
    frame = features_of("a", "b", late_share_7_365d=0.3, order_jump_30d=1 / 3, altman_z2=float("inf"), annual_revenue=5e6)
    conduct = conduct_of(frame, ["b", "a"])

    assert list(conduct) == ["b", "a"]
    assert conduct["a"].signs == Signs(on_time_share=Decimal("0.7"), order_jump=Decimal("0.333333"))
    assert conduct["a"].annual_revenue == Decimal(5_000_000)


LARGE = {"statute_large_revenue": Amount(Decimal(400), "EUR")}


@pytest.mark.parametrize(
    ("legal_form", "revenue", "buyer"),
    [
        pytest.param(None, None, "enterprise", id="nothing-known"),
        pytest.param("GmbH", "399.99", "enterprise", id="below-the-revenue"),
        pytest.param("GmbH", "400", "large_enterprise", id="at-the-revenue"),
        pytest.param(" Public Body ", "400", "public_authority", id="public-whatever-its-revenue"),
        pytest.param("事业单位", None, "public_authority", id="public-in-chinese"),
    ],
)
def test_buyer_is_of_a_kind_by_law(legal_form, revenue, buyer):
    assert buyer_type_of(legal_form, revenue and Decimal(revenue), policy(**LARGE)) == buyer


@pytest.mark.parametrize(
    ("legal_form", "revenue", "country", "size", "on", "rule", "days"),
    [
        pytest.param("GmbH", None, "DE", "medium", ON, "eu-2011-7-business", 60, id="eu-business"),
        pytest.param("KdöR", None, "DE", "medium", ON, "eu-2011-7-public", 30, id="eu-public-body"),
        pytest.param("GmbH", None, "DE", "medium", date(2013, 3, 15), None, None, id="eu-the-day-before"),
        pytest.param("GmbH", None, "DE", "medium", date(2013, 3, 16), "eu-2011-7-business", 60, id="eu-the-first-day"),
        pytest.param("有限公司", "400", "CN", "small", date(2025, 5, 31), None, None, id="china-large-the-day-before"),
        pytest.param("有限公司", "400", "CN", "small", date(2025, 6, 1), "cn-802-large", 60, id="china-large-from-decree-802"),
        pytest.param("有限公司", "400", "CN", "large", ON, None, None, id="china-protects-small-suppliers-only"),
        pytest.param("有限公司", "399", "CN", "small", ON, None, None, id="china-other-enterprise"),
        pytest.param("机关", None, "CN", "small", date(2025, 5, 31), "cn-728-public", 30, id="china-public-before-802"),
        pytest.param("机关", None, "CN", "small", date(2025, 6, 1), "cn-802-public", 30, id="china-public-from-802"),
        pytest.param("Inc", None, "US", "medium", ON, None, None, id="no-statute-there"),
        pytest.param("GmbH", None, None, "medium", ON, None, None, id="country-not-known"),
    ],
)
def test_law_caps_the_terms_by_buyer_supplier_country_and_day(legal_form, revenue, country, size, on, rule, days):
    params = policy(statute_supplier_size=size, **LARGE)
    found = lawful_terms(legal_form, country, revenue and Decimal(revenue), params, on)

    assert (found["statutory_rule"], found["statutory_days"]) == (rule, days)
    if rule:
        assert "article" in found["statutory_source"]
        assert "in force since 20" in found["statutory_source"]


def decided(model=None, values=None, **facts):
    frame, standing = features_of("acme", **(GOOD | (values or {}))), positions_of("acme", **facts)
    model = model or LinearModel(base=-7.0)
    return decide_rows(frame, standing, model, GRADES, shipped(), receivables=RECEIVABLES, provenance=PROVENANCE)[0]


def test_public_body_gets_thirty_days_and_the_record_names_article_and_first_day():
    company, public = decided(country="FR"), decided(country="FR", legal_form="public body")

    assert (company.recommendation.longest_terms, company.recommendation.terms) == (60, 60)
    assert (public.recommendation.longest_terms, public.recommendation.terms) == (30, 30)
    assert public.recommendation.binding_term.rule == "statute"
    assert "article 4(3), 4(6), in force since 2013-03-16" in public.recommendation.binding_term.source


def test_terms_are_those_that_earn_most_within_the_caps_with_the_next_best_and_the_flip():
    answer = recommend(case(grade=1, grade_high=1, pd=Decimal("0.001"), pd_high=Decimal("0.001")), policy())
    menu = answer.menu

    assert (answer.longest_terms, answer.terms, menu.best.option) == (60, 60, "net_60")
    assert menu.best.expected_value > menu.runner_up.expected_value
    assert menu.flips_below is None
    just_below, at = (
        recommend(case(grade=1, grade_high=1, pd=pd, pd_high=pd), policy()).menu.best.option
        for pd in (menu.flips_above.pd - Decimal("0.000002"), menu.flips_above.pd + Decimal("0.000002"))
    )
    assert (just_below, at) == ("net_60", menu.flips_above.option)


def test_without_a_probability_nothing_is_priced_and_the_longest_terms_are_proposed():
    answer = recommend(case(pd=None, pd_high=None, grade=None, grade_high=None), policy())

    assert (answer.menu, answer.terms, answer.longest_terms) == (None, 30, 30)


def test_high_risk_prepays_and_is_offered_no_cash_on_delivery():
    answer = recommend(case(grade=8, grade_high=8, pd=Decimal("0.2"), pd_high=Decimal("0.2")), policy())

    assert (answer.terms, answer.security_required, answer.menu.runner_up) == ("prepayment", True, None)


@pytest.mark.parametrize(
    ("facts", "more"),
    [
        pytest.param({}, set(), id="no-cover"),
        pytest.param({"insured_amount": Decimal(1), "insured_share": Decimal("0.9")}, {"net_30_insured"}, id="insured"),
        pytest.param({"insured_amount": Decimal(0), "insured_share": Decimal("0.9")}, set(), id="insurance-of-nothing"),
        pytest.param({"guarantee_amount": Decimal(166_667)}, {"net_30_guaranteed"}, id="guarantee-of-a-tenth-of-the-need"),
        pytest.param({"guarantee_amount": Decimal(166_666)}, set(), id="guarantee-of-less-than-a-tenth"),
    ],
)
def test_menu_holds_insured_and_guaranteed_terms_only_where_cover_is_in_force(facts, more):
    codes = {option.code for option in menu_of(case(**facts), policy())}

    assert {code for code in codes if code in {"net_30_insured", "net_30_guaranteed"}} == more


@pytest.mark.parametrize(
    ("facts", "next_on", "why"),
    [
        pytest.param({"grade": 3}, date(2027, 6, 30), "scheduled", id="low-risk-yearly"),
        pytest.param({"grade": 4}, date(2026, 9, 30), "scheduled", id="medium-risk-quarterly"),
        pytest.param({"grade": 7}, date(2026, 7, 30), "scheduled", id="high-risk-monthly"),
        pytest.param({"grade": None}, date(2026, 7, 30), "scheduled", id="no-grade-is-high-risk"),
        pytest.param({"grade": 3, "tenure_days": 179}, date(2026, 7, 1), "first_review", id="day-179-first-review-tomorrow"),
        pytest.param({"grade": 3, "tenure_days": 180}, date(2027, 6, 30), "scheduled", id="day-180-reviewed-now"),
        pytest.param({"grade": 3, "tenure_days": 0}, date(2026, 12, 27), "first_review", id="new-today"),
        pytest.param({"grade": 3, "signs": Signs(order_jump=Decimal(3))}, ON, "event", id="a-sign-at-once"),
    ],
)
def test_next_review_is_set_by_risk_first_review_and_events(facts, next_on, why):
    review = review_of(case(**facts), policy(), as_of=ON)

    assert (review.next_on, review.why) == (next_on, why)


@pytest.mark.parametrize(
    ("facts", "limit", "now", "until"),
    [
        pytest.param({}, 99, 100, date(2026, 7, 30), id="cut"),
        pytest.param({}, 100, 100, None, id="no-cut"),
        pytest.param({}, 99, None, None, id="no-limit-before"),
        pytest.param({"grade": 9}, 99, 100, date(2026, 7, 30), id="grade-9"),
        pytest.param({"grade": 10}, 99, 100, None, id="worst-grade-at-once"),
        pytest.param({"in_default": True}, 0, 100, None, id="in-default-at-once"),
    ],
)
def test_orders_placed_before_a_cut_are_honoured_for_thirty_days_but_not_for_the_worst(facts, limit, now, until):
    found = grace_until(case(**facts), policy(), limit=Decimal(limit), limit_now=now and Decimal(now), as_of=ON)

    assert found == until


def test_record_holds_the_next_review_and_the_grace_of_a_cut():
    decision = decided(LinearModel(base=-1.0), limit_now=Decimal(10**9))

    assert decision.review.why == "scheduled"
    assert decision.grace_until == date(2026, 7, 30)
    assert decided(limit_now=None).grace_until is None


def test_signs_reach_the_record_and_shrink_the_limit():
    calm = decided()
    abnormal = decided(values={"order_jump_30d": 3.0, "limit_utilisation": 0.95, "dispute_rate_90d": 0.5})

    assert abnormal.review.triggers == ("order_jump", "limit_nearly_used", "dispute_spike")
    assert abnormal.recommendation.limit < calm.recommendation.limit
    assert abnormal.recommendation.binding_cap == "abnormal"
