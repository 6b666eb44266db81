"""What a credit committee must be able to rely on, whatever the customer: risk never buys credit, and the caps are the limit."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from deciding import case, policy, shipped
from riskscore.grades import Grades
from riskscore.policy import RULES, Amount, recommend, terms
from riskscore.policy.limits import caps_of, lowest, rounded_down
from riskscore.policy.measured import grade_shares, ladder_for
from riskscore.policy.recommendation import credit_days

GRADES = Grades(
    horizon_days=365,
    percent_up_to=[Decimal(each) for each in (".25", ".5", "1", "2", "4", "8", "16", "32")],
    withhold_beyond_grades=2,
)

money = st.decimals(0, 10**9, places=2)
probabilities = st.one_of(st.sampled_from((0.0, 0.0025, 0.01, 0.02, 0.08, 0.32, 1.0)), st.floats(0, 1)).map(
    lambda pd: Decimal(repr(pd))
)
cases = st.builds(
    case,
    horizon_days=st.sampled_from((180, 365)),
    tenure_days=st.one_of(st.none(), st.sampled_from((0, 29, 30, 179, 180, 181, 364, 365, 2000))),
    n_paid_invoices=st.integers(0, 5),
    monthly_purchases=money,
    peak_monthly_purchases=st.one_of(st.none(), money),
    days_late_p80=st.one_of(st.none(), st.integers(-40, 200)),
    typical_terms_days=st.one_of(st.none(), st.integers(0, 120)),
    tangible_net_worth=st.one_of(st.none(), st.decimals(-(10**7), 10**9, places=2)),
    insured_amount=money,
    insured_share=st.decimals(0, 1, places=2),
    insurer_days=st.one_of(st.none(), st.integers(0, 120)),
    collateral_amount=st.one_of(st.just(Decimal(0)), money),
    receivables_others=money,
    family_exposure=st.one_of(st.just(Decimal(0)), money),
    annual_sales=money,
    manual_cap=st.one_of(st.none(), money),
)
policies = st.builds(
    policy,
    # As shipped, and as `riskscore policy measure` would have a house of that margin and those losses sign it.
    profit_margin=st.decimals(0, Decimal("0.6"), places=2),
    loss_given_lateness=st.one_of(st.none(), st.decimals(Decimal("0.1"), 1, places=2)),
    need_peak_factor=st.sampled_from((Decimal(1), Decimal(2), Decimal("3.8"), Decimal(12))),
    insurance_uninsured_appetite=st.one_of(st.none(), st.builds(Amount, money, st.just("EUR"))),
    ceiling_hard=st.one_of(st.none(), st.builds(Amount, money, st.just("EUR"))),
    limit_basis=st.sampled_from(("conservative", "aggressive")),
    limit_digits=st.integers(1, 4),
)


def refitted(params, appetite):
    shares = grade_shares(params, GRADES, lost=params.loss_of_late, days_late=params.need_days_late, appetite=appetite)
    return replace(params, grade_multiple=shares, terms_ladder=ladder_for(shares, params.terms_ladder))


policies = st.one_of(policies, st.builds(refitted, policies, st.sampled_from((Decimal("0.1"), Decimal("0.5"), Decimal(1)))))


def at(customer, pd, pd_high):
    return replace(
        customer, pd=pd, pd_high=pd_high, grade=GRADES.grade(float(pd)), grade_high=GRADES.grade(float(pd_high))
    )  # fmt: skip


@given(cases, policies, probabilities, probabilities, probabilities)
def test_worse_probability_never_gets_more_or_longer(customer, params, one, two, width):
    better, worse = sorted((one, two))
    good = recommend(at(customer, better, max(better, width)), params)
    bad = recommend(at(customer, worse, max(worse, width)), params)

    assert bad.limit <= good.limit
    assert bad.conservative <= good.conservative
    assert bad.aggressive <= good.aggressive
    assert credit_days(bad.terms) <= credit_days(good.terms)


@given(policies)
def test_measured_shares_and_ladder_never_loosen_with_risk(params):
    days = [credit_days(step) for step in params.terms_ladder]

    assert list(params.grade_multiple) == sorted(params.grade_multiple, reverse=True)
    assert days == sorted(days, reverse=True)


@given(cases, policies, probabilities)
def test_wider_interval_never_gets_more(customer, params, pd):
    sure, unsure = recommend(at(customer, pd, pd), params), recommend(at(customer, pd, (1 + pd) / 2), params)

    assert unsure.conservative <= sure.conservative
    assert unsure.aggressive == sure.aggressive


@given(cases, policies, probabilities, st.decimals(1, 20, places=1))
def test_more_purchases_never_get_less(customer, params, pd, factor):
    customer = at(customer, pd, pd)
    peak = customer.peak_monthly_purchases
    larger = replace(
        customer,
        monthly_purchases=customer.monthly_purchases * factor,
        peak_monthly_purchases=None if peak is None else peak * factor,
    )

    assert recommend(larger, params).limit >= recommend(customer, params).limit


@given(cases, policies, probabilities, probabilities)
def test_limit_is_the_lowest_cap_and_conservative_is_not_above_aggressive(customer, params, one, two):
    answer = recommend(at(customer, min(one, two), max(one, two)), params)

    assert all(answer.limit <= max(cap.amount, Decimal(0)) for cap in answer.caps)
    assert answer.limit == rounded_down(min(cap.amount for cap in answer.caps), params.limit_digits)
    assert answer.conservative <= answer.aggressive
    assert answer.binding.amount == min(cap.amount for cap in answer.caps)


@given(cases, policies, probabilities)
def test_removing_the_binding_cap_changes_the_limit_and_removing_another_does_not(customer, params, pd):
    customer = at(customer, pd, pd)
    caps = caps_of(customer, params)
    binding = lowest(caps)

    for cap in caps:
        rest = tuple(
            other for other in caps_of(customer, params, {name: rule for name, rule in RULES.items() if name != cap.rule})
        )
        alone = sum(other.amount == binding.amount for other in caps) == 1
        if cap.rule == binding.rule and alone:
            assert lowest(rest).amount > binding.amount
        else:
            assert lowest(rest).amount == binding.amount


def test_a_cap_that_rises_with_risk_would_be_seen():
    # The planted fault: a rule that grants more to the worse. The property above must notice it.
    def generous(of, params):
        return replace(RULES["need"](of, params), rule="generous", amount=of.pd * 1000)

    low, high = (
        recommend(at(case(), each, each), shipped(), {"generous": generous}) for each in (Decimal("0.01"), Decimal("0.5"))
    )

    assert high.limit > low.limit


@given(cases, policies, probabilities, money)
def test_a_manual_cap_only_tightens(customer, params, pd, cap):
    customer = replace(at(customer, pd, pd), manual_cap=None)

    assert recommend(replace(customer, manual_cap=cap), params).limit <= min(recommend(customer, params).limit, cap)


@given(cases, policies, probabilities)
def test_insured_customer_never_gets_terms_beyond_what_its_insurer_covers(customer, params, pd):
    covered = replace(at(customer, pd, pd), insured_amount=customer.insured_amount + 1)
    answer, bare = recommend(covered, params), recommend(replace(covered, insurer_days=None), params)

    allowed = [days for days in (covered.insurer_days, params.insurance_longest_terms) if days is not None]
    assert credit_days(answer.terms) <= credit_days(answer.longest_terms) <= min(allowed)
    assert credit_days(answer.longest_terms) <= credit_days(bare.longest_terms)
    assert answer.limit == bare.limit


def test_terms_that_forget_the_insurer_would_be_seen(monkeypatch):
    monkeypatch.setattr(terms, "TERM_RULES", {name: rule for name, rule in terms.TERM_RULES.items() if name != "cover"})

    @settings(phases=[Phase.generate])  # that it is seen is enough: to make the example smaller takes twenty seconds
    @given(cases, policies, probabilities)
    def planted(customer, params, pd):
        test_insured_customer_never_gets_terms_beyond_what_its_insurer_covers.hypothesis.inner_test(customer, params, pd)

    with pytest.raises(AssertionError):
        planted()


@given(cases, policies, probabilities)
def test_customer_in_default_gets_nothing_and_no_terms(customer, params, pd):
    stopped = recommend(replace(at(customer, pd, pd), in_default=True, grade=10, grade_high=10), params)

    assert (stopped.limit, stopped.terms, stopped.binding_cap) == (0, "stop", "default")
