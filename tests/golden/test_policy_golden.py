"""The trade's golden values, to the last digit."""

from decimal import Decimal

from deciding import case, policy
from riskscore.policy import Amount, recommend
from riskscore.policy.rules import RULES


def amount(rule: str, of, params) -> Decimal:
    cap = RULES[rule](of, params)

    assert cap is not None
    return cap.amount


def test_need_of_a_million_a_month_at_net_30_and_10_days_late_is_1_333m():
    assert amount("need", case(), policy()) == Decimal("1333333.33")


def test_new_customer_with_a_base_of_a_million_gets_150k():
    new = case(tenure_days=30, n_paid_invoices=1)

    assert amount("new_customer", new, policy()) == Decimal("150000.00")
    assert recommend(new, policy()).limit == Decimal(150_000)


def test_new_customer_answer_shows_the_need_beside_the_binding_cap():
    answer = recommend(case(tenure_days=30, n_paid_invoices=1), policy())
    caps = {cap.rule: cap.amount for cap in answer.caps}

    assert answer.binding_cap == "new_customer"
    assert (caps["new_customer"], caps["need"]) == (Decimal("150000.00"), Decimal("1333333.33"))


def test_tangible_net_worth_of_5m_carries_500k():
    assert amount("capacity", case(tangible_net_worth=Decimal(5_000_000)), policy()) == Decimal("500000.00")


def test_loss_budget_of_1000_at_4_percent_and_half_lost_allows_50k():
    params = policy(loss_budget=Amount(Decimal(1000), "EUR"), loss_given_default=Decimal("0.50"))
    four_percent = case(pd=Decimal("0.04"), pd_high=Decimal("0.04"), insured_share=Decimal(0))

    assert amount("loss", four_percent, params) == Decimal("50000.00")


def test_others_owing_8m_leave_a_single_buyer_2m_which_is_a_fifth_after_the_change():
    others = Decimal(8_000_000)
    room = amount("concentration", case(receivables_others=others), policy())

    assert room == Decimal("2000000.00")
    assert room / (room + others) == Decimal("0.2")


def test_term_ladder_is_the_trades():
    terms = [
        recommend(case(grade=grade, grade_high=grade), policy(grade_multiple=(Decimal(1),) * 10)).terms for grade in range(1, 10)
    ]

    assert terms == [60, 60, 45, 45, 30, 30, 15, "prepayment", "prepayment"]
    assert recommend(case(in_default=True, grade=10, grade_high=10), policy()).terms == "stop"
