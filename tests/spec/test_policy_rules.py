"""What each rule of the policy says: a customer, a number, the case in words; just below, at and just above where it turns."""

from decimal import Decimal
from typing import Any

import pytest

from deciding import case, policy
from riskscore.policy import RULES, Amount, Signs
from riskscore.policy.limits import caps_of, rounded_down
from riskscore.policy.terms import TERM_RULES, shortest, term_caps_of

SPECIFICATION: dict[str, list[Any]] = {
    "default": [
        pytest.param({}, {}, None, id="not-in-default"),
        pytest.param({"in_default": True}, {}, "0.00", id="in-default"),
        pytest.param({"in_default": True, "collateral_amount": Decimal(10**9)}, {}, "0.00", id="in-default-with-collateral"),
    ],
    "need": [
        pytest.param({"typical_terms_days": 0}, {"need_days_late": 0}, "0.00", id="pays-at-once"),
        pytest.param({}, {"need_days_late": 9}, "1300000.00", id="house-allows-nine-days"),
        pytest.param({}, {"need_days_late": 11}, "1366666.66", id="house-allows-eleven-days"),
        pytest.param({"days_late_p80": 0}, {}, "1333333.33", id="punctual"),
        pytest.param({"days_late_p80": 60}, {}, "1333333.33", id="paying-late-is-no-need"),
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
    "accounts": [
        pytest.param({}, {}, None, id="no-accounts"),
        pytest.param({"signs": Signs(altman_z2=Decimal("2.60"))}, {}, "1333333.33", id="safe"),
        pytest.param({"signs": Signs(altman_z2=Decimal("2.59"))}, {}, "1000000.00", id="just-below-safe"),
        pytest.param({"signs": Signs(altman_z2=Decimal("1.10"))}, {}, "1000000.00", id="just-no-distress"),
        pytest.param({"signs": Signs(altman_z2=Decimal("1.09"))}, {}, "666666.66", id="distress"),
        pytest.param({"signs": Signs(altman_z2=Decimal("1.09"))}, {"dimension_accounts": None}, None, id="not-set"),
    ],
    "rating": [
        pytest.param({}, {}, None, id="no-rating"),
        pytest.param({"signs": Signs(rating_notch=Decimal(13))}, {}, "1333333.33", id="BB-minus"),
        pytest.param({"signs": Signs(rating_notch=Decimal(14))}, {}, "1000000.00", id="B-plus"),
        pytest.param({"signs": Signs(rating_notch=Decimal(19))}, {}, "666666.66", id="CCC-minus"),
        pytest.param({"signs": Signs(rating_notch=Decimal(20))}, {}, "0.00", id="CC"),
    ],
    "on_time": [
        pytest.param({}, {}, None, id="nothing-fell-due"),
        pytest.param({"signs": Signs(on_time_share=Decimal("0.70"))}, {}, "1333333.33", id="seven-in-ten"),
        pytest.param({"signs": Signs(on_time_share=Decimal("0.699"))}, {}, "1000000.00", id="just-below"),
        pytest.param({"signs": Signs(on_time_share=Decimal("0.50"))}, {}, "1000000.00", id="half"),
        pytest.param({"signs": Signs(on_time_share=Decimal("0.499"))}, {}, "666666.66", id="less-than-half"),
    ],
    "abnormal": [
        pytest.param({}, {}, None, id="nothing-known"),
        pytest.param({"signs": Signs(order_jump=Decimal("2.5"))}, {}, "1333333.33", id="one-sign-is-a-reason-to-look"),
        pytest.param({"signs": Signs(order_jump=Decimal("2.5"), utilisation=Decimal("0.9"))}, {}, "1000000.00", id="two-signs"),
        pytest.param({"signs": Signs(order_jump=Decimal("2.49"), utilisation=Decimal("0.89"))}, {}, None, id="just-below-both"),
        pytest.param(
            {"signs": Signs(order_jump=Decimal(3), utilisation=Decimal(1), dispute_rate=Decimal("0.5"))}, {}, "666666.66",
            id="three-signs",
        ),
        pytest.param({"signs": Signs(order_jump=Decimal(3), utilisation=Decimal(1))}, {"abnormal_multiple": None}, None, id="not-set"),
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
        pytest.param({"family_exposure": Decimal(30_000_000)}, {}, "10000000.00", id="the-family-shares-the-room"),
        pytest.param({"family_exposure": Decimal(40_000_001)}, {}, "0.00", id="the-family-has-used-the-room"),
        pytest.param({"family_exposure": Decimal(-1)}, {}, "40000000.00", id="a-credit-balance-makes-no-room"),
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


TERMS: dict[str, list[Any]] = {
    "default": [
        pytest.param({}, {}, 1, None, id="not-in-default"),
        pytest.param({"grade": 10, "deposit_amount": Decimal(1), "in_default": True}, {}, 0, "stop", id="in-default"),
    ],
    "ladder": [
        pytest.param({"grade": None}, {}, 1, None, id="no-grade"),
        pytest.param({"grade": 2}, {}, 1, 60, id="grade-2"),
        pytest.param({"grade": 3}, {}, 1, 45, id="grade-3"),
        pytest.param({"grade": 7}, {}, 1, 15, id="grade-7"),
        pytest.param({"grade": 8}, {}, 1, "prepayment", id="grade-8-prepays"),
        pytest.param({"grade": 8, "guarantee_amount": Decimal(1)}, {}, 1, 15, id="or-gives-a-guarantee"),
        pytest.param({"grade": 8, "guarantee_amount": Decimal(1)}, {"terms_secured": 0}, 1, "prepayment", id="not-even-then"),
        pytest.param({"grade": 10}, {}, 1, "stop", id="grade-10"),
    ],
    "new_customer": [
        pytest.param({"grade": None}, {}, 1, 30, id="no-grade-yet"),
        pytest.param({"grade": None}, {"new_customer_terms": 0}, 1, "prepayment", id="new-customers-prepay"),
        pytest.param({"grade": 3, "n_paid_invoices": 0}, {}, 1, 30, id="graded-on-accounts-alone"),
        pytest.param({"grade": 3, "n_paid_invoices": 1}, {}, 1, None, id="graded"),
    ],
    "statute": [
        pytest.param({}, {}, 1, None, id="no-line-covers-the-buyer"),
        pytest.param({"statutory_days": 60, "statutory_source": "article 3(5)"}, {}, 1, 60, id="sixty-days"),
    ],
    "cover": [
        pytest.param({}, {}, 1, None, id="not-insured"),
        pytest.param({"insured_amount": Decimal(1)}, {}, 1, None, id="the-register-does-not-say"),
        pytest.param({"insured_amount": Decimal("0.01"), "insurer_days": 45, "insurer": "Atlas"}, {}, 1, 45, id="forty-five-days"),
        pytest.param({"insured_amount": Decimal(1), "insurer_days": 0}, {}, 1, "prepayment", id="covers-no-credit"),
        pytest.param({"insurer_days": 45}, {}, 1, None, id="nothing-is-insured"),
    ],
    "insurer": [
        pytest.param({}, {}, 1, None, id="not-insured"),
        pytest.param({"insured_amount": Decimal("0.01")}, {}, 1, 60, id="insured"),
        pytest.param({"insured_amount": Decimal(1)}, {"insurance_longest_terms": None}, 1, None, id="insurer-says-nothing"),
    ],
    "no_limit": [
        pytest.param({}, {}, 1, None, id="a-limit"),
        pytest.param({}, {}, 0, "prepayment", id="no-limit-no-credit"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "facts", "numbers", "limit", "terms"),
    [pytest.param(rule, *each.values, id=f"{rule}-{each.id}") for rule, cases in TERMS.items() for each in cases],
)
def test_rule_of_terms_allows(rule, facts, numbers, limit, terms):
    cap = TERM_RULES[rule](case(**facts), policy(**numbers), Decimal(limit))

    assert (None if cap is None else cap.terms) == terms
    assert cap is None or cap.rule == rule


def test_every_rule_of_terms_has_a_specification_and_cites_its_policy_section():
    assert list(TERMS) == list(TERM_RULES)
    for rule in TERM_RULES.values():
        assert "(Policy, " in (rule.__doc__ or "")


@pytest.mark.parametrize(
    ("facts", "limit", "rule", "terms"),
    [
        pytest.param({"grade": 2}, 1, "ladder", 60, id="ladder"),
        pytest.param({"grade": 2, "statutory_days": 60}, 1, "ladder", 60, id="of-equal-ones-the-first"),
        pytest.param({"grade": 2, "statutory_days": 59}, 1, "statute", 59, id="law-below-the-ladder"),
        pytest.param({"grade": 2, "insured_amount": Decimal(1), "insurer_days": 59}, 1, "cover", 59, id="cover-below-the-ladder"),
        pytest.param(
            {"grade": 2, "statutory_days": 30, "insured_amount": Decimal(1)}, 1, "statute", 30, id="law-below-the-insurer"
        ),
        pytest.param({"grade": 2, "statutory_days": 30}, 0, "no_limit", "prepayment", id="no-limit"),
        pytest.param({"grade": 10, "in_default": True}, 0, "default", "stop", id="stop-before-all"),
    ],
)
def test_longest_terms_are_the_shortest_that_any_rule_allows(facts, limit, rule, terms):
    cap = shortest(term_caps_of(case(**facts), policy(), Decimal(limit)))

    assert (cap.rule, cap.terms) == (rule, terms)
