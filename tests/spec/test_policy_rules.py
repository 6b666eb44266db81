"""What each rule of the policy says: a customer, a number, the case in words; just below, at and just above where it turns."""

from decimal import Decimal
from typing import Any

import pytest

from deciding import case, policy
from riskscore.policy import RULES, Amount
from riskscore.policy.limits import caps_of, rounded_down, terms_of

SPECIFICATION: dict[str, list[Any]] = {
    "default": [
        pytest.param({}, {}, None, id="not-in-default"),
        pytest.param({"in_default": True}, {}, "0.00", id="in-default"),
        pytest.param({"in_default": True, "collateral_amount": Decimal(10**9)}, {}, "0.00", id="in-default-with-collateral"),
    ],
    "need": [
        pytest.param({"typical_terms_days": 0, "days_late_p80": 0}, {}, "0.00", id="pays-at-once"),
        pytest.param({"days_late_p80": -5}, {}, "1000000.00", id="early-shortens-nothing"),
        pytest.param({"days_late_p80": 14}, {}, "1466666.66", id="lateness-below-what-counts"),
        pytest.param({"days_late_p80": 15}, {}, "1500000.00", id="lateness-at-what-counts"),
        pytest.param({"days_late_p80": 16}, {}, "1500000.00", id="lateness-above-counts-no-more"),
        pytest.param({"days_late_p80": None}, {}, "1333333.33", id="lateness-not-known"),
        pytest.param({"typical_terms_days": None}, {}, "1333333.33", id="terms-not-known"),
        pytest.param({"peak_monthly_purchases": Decimal(900_000)}, {}, "1333333.33", id="peak-below-the-mean"),
        pytest.param({"peak_monthly_purchases": Decimal(1_500_000)}, {}, "2000000.00", id="peak-within-the-factor"),
        pytest.param({"peak_monthly_purchases": Decimal(2_000_001)}, {}, "2666666.66", id="peak-beyond-the-factor"),
        pytest.param({"monthly_purchases": Decimal(0)}, {}, "0.00", id="buys-nothing"),
    ],
    "profit": [
        pytest.param({"pd": None}, {}, None, id="probability-not-known"),
        pytest.param({"pd": Decimal(0)}, {}, None, id="no-risk-no-optimum"),
        pytest.param({"pd": Decimal(1)}, {"profit_margin": Decimal("0.01")}, "0.00", id="never-earns"),
        pytest.param({"monthly_purchases": Decimal(0)}, {}, "0.00", id="buys-nothing"),
    ],
    "grade": [
        pytest.param({"grade": None}, {}, None, id="no-grade"),
        pytest.param({"grade": 4}, {}, "1333333.33", id="grade-4-all-of-its-need"),
        pytest.param({"grade": 5}, {}, "1200000.00", id="grade-5-nine-tenths"),
        pytest.param({"grade": 7}, {}, "666666.66", id="grade-7-half"),
        pytest.param({"grade": 8}, {}, "0.00", id="grade-8-nothing"),
    ],
    "capacity": [
        pytest.param({"tangible_net_worth": None}, {}, None, id="no-statement"),
        pytest.param({"tangible_net_worth": Decimal("-0.01")}, {}, "0.00", id="net-worth-below-zero"),
        pytest.param({"tangible_net_worth": Decimal(0)}, {}, "0.00", id="net-worth-zero"),
        pytest.param({"tangible_net_worth": Decimal("0.10")}, {}, "0.01", id="net-worth-above-zero"),
    ],
    "loss": [
        pytest.param({"pd": None}, {}, None, id="probability-not-known"),
        pytest.param({"pd": Decimal(0)}, {}, None, id="nothing-to-lose"),
        pytest.param({"insured_share": Decimal(1)}, {}, None, id="fully-insured"),
        pytest.param({"insured_share": Decimal("0.9")}, {}, "100000000.00", id="a-tenth-uninsured"),
        pytest.param({}, {}, "10000000.00", id="uninsured"),
    ],
    "new_customer": [
        pytest.param({"tenure_days": 179}, {}, "150000.00", id="day-179-still-new"),
        pytest.param({"tenure_days": 180}, {}, None, id="day-180-eligible"),
        pytest.param({"tenure_days": 181}, {}, None, id="day-181-eligible"),
        pytest.param({"tenure_days": None}, {}, "150000.00", id="tenure-not-known"),
        pytest.param({"n_paid_invoices": 2}, {}, "150000.00", id="two-paid-invoices-are-too-few"),
        pytest.param({"n_paid_invoices": 3}, {}, None, id="three-paid-invoices-are-enough"),
        pytest.param({"pd": None}, {}, "150000.00", id="old-customer-without-a-probability"),
        pytest.param(
            {"tenure_days": 1}, {"new_customer_base": "seller_monthly_sales"}, "5000000.00", id="of-the-sellers-monthly-sales"
        ),
    ],
    "concentration": [
        pytest.param({"receivables_others": Decimal(0)}, {}, None, id="nobody-else-owes"),
        pytest.param({"receivables_others": Decimal("0.04")}, {}, "0.01", id="somebody-else-owes-a-little"),
        pytest.param({"receivables_others": Decimal(-1)}, {}, None, id="others-are-in-credit"),
        pytest.param({"family_exposure": Decimal(500_000)}, {}, "19500000.00", id="the-family-shares-the-room"),
        pytest.param({"family_exposure": Decimal(20_000_001)}, {}, "0.00", id="the-family-has-used-the-room"),
        pytest.param({"family_exposure": Decimal(-1)}, {}, "20000000.00", id="a-credit-balance-makes-no-room"),
    ],
    "sales": [
        pytest.param({}, {}, "40000000.00", id="a-tenth-of-annual-sales"),
        pytest.param({}, {"ceiling_by_sales": Amount(Decimal(700), "EUR")}, "700.00", id="an-amount"),
    ],
    "insurance": [
        pytest.param({}, {}, None, id="no-appetite-set"),
        pytest.param(
            {"insured_amount": Decimal(80_000)}, {"insurance_uninsured_appetite": Amount(Decimal(20_000), "EUR")}, "100000.00",
            id="insured-and-appetite",
        ),
        pytest.param({}, {"insurance_uninsured_appetite": Amount(Decimal(20_000), "EUR")}, "20000.00", id="appetite-alone"),
    ],
    "manual": [
        pytest.param({}, {}, None, id="none-set"),
        pytest.param({"manual_cap": Decimal(5)}, {}, "5.00", id="set-by-a-person"),
    ],
    "ceiling": [
        pytest.param({}, {}, None, id="none-set"),
        pytest.param({}, {"ceiling_hard": Amount(Decimal(2_000_000), "EUR")}, "2000000.00", id="set"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "facts", "numbers", "expected"),
    [
        pytest.param(rule, *each.values, id=f"{rule}-{each.id}")
        for rule, cases in SPECIFICATION.items()
        for each in cases
    ],
)  # fmt: skip
def test_rule_allows(rule, facts, numbers, expected):
    cap = RULES[rule](case(**facts), policy(**numbers))

    assert (None if cap is None else str(cap.amount)) == expected
    assert cap is None or cap.rule == rule


def test_every_rule_has_a_specification_and_cites_its_policy_section():
    assert list(SPECIFICATION) == list(RULES)
    for rule in RULES.values():
        assert "(Policy, " in (rule.__doc__ or "")


@pytest.mark.parametrize(
    ("facts", "lift"),
    [
        pytest.param({"collateral_amount": Decimal(100_000)}, "60000.00", id="collateral-less-two-fifths"),
        pytest.param({"guarantee_amount": Decimal(100_000)}, "80000.00", id="guarantee-less-a-fifth"),
        pytest.param({"deposit_amount": Decimal(100_000)}, "100000.00", id="deposit-in-full"),
    ],
)
def test_security_lifts_what_may_be_lost_but_neither_need_nor_ceilings(facts, lift):
    hard = policy(ceiling_hard=Amount(Decimal(2_000_000), "EUR"))
    plain = {cap.rule: cap.amount for cap in caps_of(case(tenure_days=1), hard)}
    secured = {cap.rule: cap.amount for cap in caps_of(case(tenure_days=1, **facts), hard)}

    lifted = {rule: str(secured[rule] - plain[rule]) for rule in plain if secured[rule] != plain[rule]}

    assert lifted == dict.fromkeys(("profit", "grade", "loss", "new_customer"), lift)


@pytest.mark.parametrize(
    ("amount", "digits", "limit"),
    [
        ("0", 2, "0"), ("0.99", 2, "0"), ("-3", 2, "0"), ("9.99", 2, "9"), ("99.99", 2, "99"), ("100", 2, "100"), ("109.99", 2, "100"),
        ("110", 2, "110"), ("149999.99", 2, "140000"), ("150000", 2, "150000"), ("1333333.33", 3, "1330000"), ("7654321", 1, "7000000"),
    ],
)  # fmt: skip
def test_limit_is_rounded_down_to_significant_digits(amount, digits, limit):
    assert str(rounded_down(Decimal(amount), digits)) == limit


@pytest.mark.parametrize(
    ("facts", "numbers", "limit", "terms"),
    [
        pytest.param({"grade": 2}, {}, 1000, 60, id="ladder"),
        pytest.param({"grade": 2}, {"terms_statutory": 59}, 1000, 59, id="law-below-the-ladder"),
        pytest.param({"grade": 2}, {"terms_statutory": None}, 1000, 60, id="no-law-in-force"),
        pytest.param({"grade": 2}, {}, 0, "prepayment", id="no-limit-no-credit"),
        pytest.param({"grade": 8}, {}, 1000, "prepayment", id="grade-8"),
        pytest.param({"grade": 8, "deposit_amount": Decimal(1)}, {}, 1000, 15, id="grade-8-with-security"),
        pytest.param({"grade": 8, "deposit_amount": Decimal(1)}, {}, 0, "prepayment", id="grade-8-with-security-and-no-limit"),
        pytest.param({"grade": 10, "deposit_amount": Decimal(1), "in_default": True}, {}, 0, "stop", id="in-default"),
        pytest.param({"grade": None}, {}, 1000, 30, id="no-grade-yet"),
    ],
)
def test_terms(facts, numbers, limit, terms):
    assert terms_of(case(**facts), policy(**numbers), Decimal(limit)) == terms
