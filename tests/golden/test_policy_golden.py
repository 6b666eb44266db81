"""The trade's golden values, to the last digit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from deciding import case, policy
from riskscore.insurance import Policy, payout
from riskscore.phrases.terms import term_cap_sentence
from riskscore.policy import Amount, recommend
from riskscore.policy.demand import trade_of
from riskscore.policy.rules import RULES
from riskscore.profit import optimal_limit, profit
from riskscore.terms_menu import discount_rate


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


def test_conservative_limit_is_taken_at_the_upper_probability_and_the_aggressive_at_the_mean():
    params = policy(loss_budget=Amount(Decimal(1000), "EUR"), loss_given_default=Decimal("0.50"))
    unsure = case(pd=Decimal("0.02"), pd_high=Decimal("0.04"), insured_share=Decimal(0))
    answer = recommend(unsure, params)

    assert (answer.conservative, answer.aggressive) == (Decimal(50_000), Decimal(100_000))


def test_two_percent_off_within_ten_days_costs_37_24_percent_a_year_and_44_59_compounded():
    assert [f"{rate:.2%}" for rate in discount_rate(0.02, 10, 30)] == ["37.24%", "44.59%"]


def test_insurer_pays_72k_of_a_loss_of_100k_insured_for_80k_at_90_percent():
    cover = Policy(
        policy_id="p", customer_id="acme", currency="EUR", insured_limit=Decimal(80_000), starts_on=date(2026, 1, 1),
        expires_on=date(2026, 12, 31), notice_days=30, hand_over_days=60, max_extension_days=30,
    )  # fmt: skip

    assert payout(cover, Decimal(100_000)) == Decimal("72000.00")
    assert (cover.insured_share, cover.protracted_default_days) == (Decimal("0.90"), 90)


def test_insurer_that_covers_45_days_caps_the_60_of_the_ladder_and_is_named():
    insured = case(grade=1, grade_high=1, insured_amount=Decimal(500_000), insurer_days=45, insurer="Atlas")
    told = recommend(insured, policy()), recommend(replace(insured, insurer_days=60), policy())
    without = recommend(replace(insured, insured_amount=Decimal(0)), policy())

    assert [(each.longest_terms, each.binding_term.rule) for each in told] == [(45, "cover"), (60, "ladder")]
    assert term_cap_sentence(told[0].binding_term, "en") == "No longer than net 45 days: this customer's insurer (Atlas)"
    assert term_cap_sentence(told[0].binding_term, "zh") == "不超过账期45天：该客户的保险公司规定（Atlas）"
    assert (without.longest_terms, without.binding_term.rule) == (60, "ladder")


def test_highest_profit_is_at_the_same_limit_by_formula_and_by_search():
    trade = trade_of(case(pd=Decimal("0.05")), policy(), Decimal("0.05"))
    best = float(optimal_limit(trade))
    grid = [best * step / 1000 for step in range(500, 1501)]

    assert max(grid, key=lambda limit: float(profit(trade, limit))) == best
