"""The time machine moves a limit with what was bought; the policy asked anew would have said the same."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deciding import case, policy
from riskscore.policy import Amount, Signs, elastic_of, recommend

PDS = st.sampled_from([None, "0.001", "0.02", "0.09", "0.4"])
TIMES = st.sampled_from(["1", "0.5", "0.73", "1.9", "4"])
SIGNS = st.builds(
    Signs,
    on_time_share=st.sampled_from([None, Decimal("0.95"), Decimal("0.6"), Decimal("0.2")]),
    altman_z2=st.sampled_from([None, Decimal(3), Decimal(1)]),
    rating_notch=st.sampled_from([None, Decimal(5), Decimal(18), Decimal(22)]),
    order_jump=st.sampled_from([None, Decimal(1), Decimal(3)]),
    utilisation=st.sampled_from([None, Decimal("0.3"), Decimal("0.95")]),
    dispute_rate=st.sampled_from([None, Decimal("0.4")]),
)


@st.composite
def cases(draw):
    pd, grade = draw(PDS), draw(st.integers(1, 9))
    monthly = Decimal(draw(st.integers(0, 2_000_000)))
    return case(
        pd=None if pd is None else Decimal(pd),
        pd_high=None if pd is None else Decimal(pd),
        grade=None if pd is None else grade,
        grade_high=None if pd is None else grade,
        in_default=draw(st.booleans()) and draw(st.booleans()),
        tenure_days=draw(st.sampled_from([None, 90, 900])),
        n_paid_invoices=draw(st.sampled_from([0, 2, 50])),
        monthly_purchases=monthly,
        peak_monthly_purchases=draw(st.sampled_from([None, monthly, monthly * 3 / 2, monthly * 5])),
        typical_terms_days=draw(st.sampled_from([None, 14, 60])),
        tangible_net_worth=draw(st.sampled_from([None, Decimal(-5), Decimal(900_000)])),
        guarantee_amount=draw(st.sampled_from([Decimal(0), Decimal(70_000)])),
        receivables_others=draw(st.sampled_from([Decimal(0), Decimal(600_000), Decimal(80_000_000)])),
        family_exposure=draw(st.sampled_from([Decimal(0), Decimal(40_000)])),
        annual_sales=draw(st.sampled_from([Decimal(3_000_000), Decimal(400_000_000)])),
        manual_cap=draw(st.sampled_from([None, Decimal(50_000)])),
        signs=draw(SIGNS),
    )


POLICIES = {
    "shipped": {},
    "by the seller's sales": {"new_customer_base": "seller_monthly_sales", "ceiling_hard": Amount(Decimal(90_000), "EUR")},
    "in amounts": {"loss_budget": Amount(Decimal(3000), "EUR"), "ceiling_by_sales": Amount(Decimal(400_000), "EUR")},
    "with an insurer": {"insurance_uninsured_appetite": Amount(Decimal("0.0001"), "share of annual sales")},
    "without signs": {"abnormal_multiple": None, "abnormal_utilisation": None},
}


@given(cases(), st.sampled_from(sorted(POLICIES)))
def test_at_its_own_purchases_it_is_the_limit_that_was_recommended(customer, name):
    params = policy(**POLICIES[name])
    found = recommend(customer, params)
    elastic = elastic_of(customer, params, found)

    assert elastic.at(elastic.monthly, elastic.peak, others=1.0, sales=1.0, used=elastic.used) == float(found.limit)


@given(cases(), st.sampled_from(sorted(set(POLICIES) - {"with an insurer"})), TIMES, TIMES, TIMES, st.booleans())
@example(case(monthly_purchases=Decimal(10)), "shipped", "4", "1", "1", True)
def test_at_other_purchases_it_is_what_the_policy_would_have_said(customer, name, more, others, sales, used):
    params = policy(**POLICIES[name], limit_digits=12)
    elastic = elastic_of(customer, params, recommend(customer, params))
    more, others, sales = Decimal(more), Decimal(others), Decimal(sales)
    if name == "by the seller's sales" and customer.annual_sales:
        sales = Decimal(1)  # the rule for new customers is then taken as it was
    peak = customer.peak_monthly_purchases
    moved = replace(
        customer,
        monthly_purchases=customer.monthly_purchases * more,
        peak_monthly_purchases=None if peak is None else peak * more,
        receivables_others=customer.receivables_others * others,
        annual_sales=customer.annual_sales * sales,
        signs=replace(customer.signs, utilisation=Decimal("0.95") if used else Decimal("0.1")),
    )
    said = recommend(moved, params)
    busy = used and params.abnormal_utilisation is not None

    estimate = elastic.at(
        float(moved.monthly_purchases), None if peak is None else float(peak * more), others=float(others), sales=float(sales),
        used=busy,
    )  # fmt: skip

    assert estimate == pytest.approx(float(said.limit), rel=1e-6, abs=1.01)
