"""Cover adds up, never pays more than was lost, and an appetite turned into an exposure is kept."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from riskscore import insurance
from riskscore.insurance import Collateral, Policy

TODAY = date(2026, 5, 1)
money = st.decimals(0, 10**7, places=2)
policies = st.builds(
    lambda limit, share, deductible: Policy(
        "P", "acme", "EUR", limit, date(2026, 1, 1), date(2026, 12, 31), 30, 60, 20, share, deductible
    ),
    money,
    st.decimals("0.01", "0.95", places=2),
    st.one_of(st.just(Decimal(0)), st.decimals(0, 10**5, places=2)),
)
securities = st.lists(
    st.builds(
        Collateral, st.just("acme"), st.just("deposit"), money, st.decimals(0, 1, places=2), st.one_of(st.none(), st.dates())
    ),
    max_size=3,
)


@given(policies, money, money)
def test_a_payout_never_exceeds_the_loss_and_never_falls_with_it(policy: Policy, one: Decimal, other: Decimal) -> None:
    small, large = sorted((one, other))

    assert 0 <= insurance.payout(policy, small) <= small
    assert insurance.payout(policy, small) <= insurance.payout(policy, large)


@given(policies, money)
def test_an_exposure_within_the_appetite_leaves_no_more_than_it_and_a_little_more_would(
    policy: Policy, appetite: Decimal
) -> None:
    exposure = insurance.exposure_within(policy, appetite)

    rounding = Decimal("0.01")
    assert insurance.uninsured_exposure(policy, exposure) <= appetite + rounding
    assert insurance.uninsured_exposure(policy, exposure + 10) > appetite - rounding


@given(money, securities, st.one_of(st.none(), policies))
def test_the_parts_of_a_cover_add_up_and_lower_the_loss(exposure, collaterals, policy) -> None:
    found = insurance.cover(exposure, on=TODAY, collaterals=collaterals, policy=policy)

    assert found.collateral + found.insured + found.own_risk == exposure
    assert min(found.collateral, found.insured, found.own_risk) >= 0
    assert 0 <= insurance.lgd_after_cover(Decimal("0.5"), found) <= Decimal("0.5")


@given(money, securities, policies)
def test_more_security_never_raises_what_is_borne(exposure, collaterals, policy) -> None:
    bare = insurance.cover(exposure, on=TODAY, collaterals=collaterals, policy=policy)
    secured = insurance.cover(
        exposure,
        on=TODAY,
        collaterals=[*collaterals, Collateral("acme", "deposit", Decimal(1000), Decimal("0.2"))],
        policy=policy,
    )

    assert secured.own_risk <= bare.own_risk + Decimal("0.01")
