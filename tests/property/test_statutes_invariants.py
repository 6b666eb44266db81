"""What holds of statutory terms and interest for every case and every day."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore import statutes
from riskscore.statutes import DatedRate, Debt, Statutes

RATES = tuple(DatedRate(date(2012 + year, 1 + 5 * (year % 2), 1), Decimal(year) / 200) for year in range(18))
days = st.dates(date(2012, 1, 1), date(2031, 12, 31))
cases = st.fixed_dictionaries(
    {
        "buyer_type": st.sampled_from(["public_authority", "large_enterprise", "enterprise"]),
        "supplier_size": st.sampled_from(["micro", "small", "medium", "large"]),
        "country": st.sampled_from(["DE", "HR", "CN", "US"]),
    }
)


@pytest.fixture(scope="module")
def law(repository) -> Statutes:
    return statutes.parse((repository / "models" / "statutes.toml").read_text("utf-8"))


@given(case=cases, on=days)
def test_an_agreement_never_shortens_what_the_law_allows(law: Statutes, case: dict, on: date) -> None:
    plain, agreed = statutes.statutory_cap(law, on=on, **case), statutes.statutory_cap(law, on=on, agreed=True, **case)

    assert (plain is None) == (agreed is None)
    if plain is not None and agreed is not None and agreed.days is not None:
        assert plain.days <= agreed.days


@given(case=cases, on=days)
def test_no_rule_answers_before_it_is_in_force(law: Statutes, case: dict, on: date) -> None:
    found = statutes.statutory_cap(law, on=on, **case)

    assert found is None or found.effective_on <= on


@given(
    case=cases,
    due_on=st.dates(date(2013, 7, 1), date(2028, 12, 31)),
    late=st.integers(-5, 1200),
    more=st.integers(0, 400),
    cents=st.integers(0, 10**10),
)
def test_interest_covers_each_late_day_once_and_never_falls(
    law: Statutes, case: dict, due_on: date, late: int, more: int, cents: int
) -> None:
    debt = Debt(amount=Decimal(cents) / 100, currency="EUR", due_on=due_on, signed_on=due_on, **case)

    sooner = statutes.penalty(law, debt, until=due_on + timedelta(days=late), reference_rates=RATES)
    later = statutes.penalty(law, debt, until=due_on + timedelta(days=late + more), reference_rates=RATES)

    assert (sooner is None) == (later is None)
    if sooner is None or later is None:
        return
    assert sooner.n_days == max(late, 0)
    assert 0 <= sooner.interest <= later.interest
    for before, after in zip(later.stretches, later.stretches[1:], strict=False):
        assert after.first_on == before.last_on + timedelta(days=1)
    if later.stretches:
        assert later.stretches[0].first_on == due_on + timedelta(days=1)
