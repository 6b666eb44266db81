"""Stress: no shock is what is expected, a harder one never loses less, and the reverse finds the multiple it asks for."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.errors import UsageRefused
from riskscore.provision import expected_loss
from riskscore.stress import Debt, Shock, largest_families, reverse, stressed_loss

CUSTOMERS = st.builds(
    Debt,
    customer_id=st.uuids().map(str),
    family=st.sampled_from("abc"),
    sector=st.sampled_from(["C", "F"]),
    pd=st.sampled_from([0.0, 0.001, 0.03, 0.5, 0.999, 1.0]),
    lgd=st.sampled_from([Decimal(0), Decimal("0.4"), Decimal(1)]),
    exposure=st.decimals(0, 10_000_000, places=2),
    lgd_late=st.sampled_from([None, Decimal(0), Decimal("0.16"), Decimal("0.9")]),
)
BOOKS = st.lists(CUSTOMERS, max_size=12)
TIMES = st.floats(1.0, 100.0)


@given(BOOKS)
def test_no_shock_is_what_is_expected(debts):
    expected = sum(
        (expected_loss(debt.pd, debt.lgd if debt.lgd_late is None else debt.lgd_late, debt.exposure) for debt in debts),
        Decimal(0),
    )

    assert stressed_loss(debts, Shock()) == expected


@given(BOOKS, TIMES, TIMES, TIMES, st.integers(0, 4), st.integers(0, 4))
def test_a_harder_shock_never_loses_less(debts, times, harder, sector, top, more):
    mild = Shock(pd_times=times, sector_times={"C": sector}, top_families=top)
    hard = Shock(pd_times=times * harder, sector_times={"C": sector, "F": harder}, top_families=top + more)

    assert stressed_loss(debts, Shock()) <= stressed_loss(debts, mild) <= stressed_loss(debts, hard)
    assert stressed_loss(debts, hard) <= sum((debt.at_stake for debt in debts), Decimal(0)) + Decimal("0.01") * len(debts)


@given(BOOKS, st.floats(1.0, 50.0))
def test_the_reverse_finds_the_least_multiple(debts, times):
    loss = stressed_loss(debts, Shock(pd_times=times))
    found = reverse(debts, loss)

    assert found is not None
    assert 1.0 <= found <= times * (1 + 1e-6)
    assert stressed_loss(debts, Shock(pd_times=found)) >= loss


def test_a_loss_that_nothing_reaches():
    debts = [Debt("a", "a", "C", 0.0, Decimal(1), Decimal(100)), Debt("b", "b", "C", 0.1, Decimal("0.5"), Decimal(100))]

    assert reverse(debts, Decimal("50.01")) is None
    assert reverse(debts, Decimal(50)) == pytest.approx(10, rel=1e-3)
    assert reverse(debts, Decimal(5)) == 1.0


def test_who_only_pays_late_loses_less_than_who_fails():
    debts = [
        Debt("a", "a", "C", 0.5, Decimal("0.4"), Decimal(1000), lgd_late=Decimal("0.1")),
        Debt("b", "b", "C", 0, Decimal(1), Decimal(1)),
    ]

    assert stressed_loss(debts, Shock()) == 50
    assert stressed_loss(debts, Shock(pd_times=9)) == 100
    assert stressed_loss(debts, Shock(top_families=1)) == 400
    assert reverse(debts, Decimal("100.01")) is None, "though a failure would lose more"


def test_the_largest_families_are_those_with_most_at_stake():
    debts = [
        Debt("a", "big", "C", 0.1, Decimal("0.1"), Decimal(1000)),
        Debt("b", "small", "C", 0.1, Decimal(1), Decimal(60)),
        Debt("c", "small", "C", 0.1, Decimal(1), Decimal(60)),
    ]

    assert largest_families(debts, 2) == ("small", "big")
    assert stressed_loss(debts, Shock(top_families=1)) == Decimal(120) + Decimal(10)


@pytest.mark.parametrize(
    "shock", [{"pd_times": 0.9}, {"sector_times": {"C": 0.5}}, {"top_families": -1}, {"pd_times": float("nan")}]
)
def test_a_shock_that_would_lower_a_risk_is_refused(shock):
    with pytest.raises(UsageRefused, match="stress"):
        Shock(**shock)
