"""What is said to people: every code in both languages, with the same placeholders, and numbers as each language writes them."""

import re
import string
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from deciding import case, policy, shipped
from riskscore import order_check, phrases
from riskscore.decisions import NOT_SCORED_REASONS, REFERRAL_REASONS
from riskscore.features import CATALOGUE
from riskscore.phrases import (
    LANGUAGES,
    cap_sentence,
    chinese,
    english,
    order_outcome_name,
    order_reason_sentence,
    sentence,
    template_key,
    terms_sentence,
)  # fmt: skip
from riskscore.policy import PARAMETERS, RULES, SIGNS, TERM_RULES, Amount, Flip, Menu, Offer, Review, Signs, TermCap
from riskscore.policy.limits import caps_of
from riskscore.policy.values import CURRENCY
from riskscore.reasons import Reason
from riskscore.terms_menu import STANDARD_CODES
from riskscore.verdicts import CONDITIONS, WOULD_HELP, Outcome

PARTS = [name for name in vars(english) if name.isupper() and isinstance(getattr(english, name), dict)]
CODES = sorted({feature.reason for feature in CATALOGUE.values()})


def placeholders(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


def unequal(one, other) -> set[str]:
    """Keys that one side lacks, or whose placeholders differ."""
    missing = set(one) ^ set(other)
    return missing | {key for key in set(one) & set(other) if placeholders(one[key]) != placeholders(other[key])}


def reason(feature: str, value, typical=None, direction="adverse"):
    declared = CATALOGUE[feature]
    return Reason(declared.reason, direction, 0.5, 0.5, feature, value, typical, declared.unit, declared.window_days)


def test_both_languages_have_the_same_parts():
    assert [name for name in vars(chinese) if name.isupper() and isinstance(getattr(chinese, name), dict)] == PARTS
    assert len(PARTS) >= 10


@pytest.mark.parametrize("part", PARTS)
def test_every_phrase_is_in_both_languages_with_the_same_placeholders(part):
    assert unequal(getattr(english, part), getattr(chinese, part)) == set()


def test_a_missing_phrase_and_a_lost_placeholder_would_be_seen():
    # The planted faults of the test above.
    without = {key: text for key, text in chinese.REASONS.items() if key != "overdue_share"}
    changed = {**chinese.REASONS, "dso": "敞口很大"}

    assert unequal(english.REASONS, without) == {"overdue_share"}
    assert unequal(english.REASONS, changed) == {"dso"}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("feature", CATALOGUE)
def test_every_feature_can_be_told(feature, lang):
    values = ["C10"] if CATALOGUE[feature].kind == "category" else [None, 0.0, 0.004, -0.4, 0.234, 1.0, 23.4, 1234.5]

    for value in values:
        for typical in (None, value):
            text = sentence(reason(feature, value, typical), lang, "EUR")
            assert text
            assert "{" not in text
            assert "None" not in text


def test_every_phrase_about_a_reason_is_used_by_some_feature():
    used = {template_key(feature, english.REASONS)[0] for feature in CATALOGUE}

    assert {key.partition(".")[0] for key in english.REASONS} == used


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_rule_and_refusal_has_its_words(lang):
    for code in CODES:
        assert phrases.code_name(code, lang)
    assert set(english.MISSING) == set(english.CODES) == set(CODES)
    assert set(english.RULES) == set(english.CAPS) == set(RULES)
    assert set(english.REFERRALS) == set(REFERRAL_REASONS)
    assert set(english.NOT_SCORED) == set(NOT_SCORED_REASONS)
    assert set(chinese.PARAMETERS) == set(PARAMETERS)
    assert set(chinese.UNITS) == set(english.UNITS) == {u for each in PARAMETERS.values() for u in each.units} - {CURRENCY}
    assert set(chinese.FULLER_CAPS) == set(english.FULLER_CAPS)
    assert set(english.OUTCOMES) == set(get_args(Outcome))
    assert set(english.CONDITIONS) == set(CONDITIONS)
    assert set(english.WOULD_HELP) == set(WOULD_HELP)
    assert set(english.TERM_RULES) == set(TERM_RULES)
    assert set(english.SIGNS) == set(SIGNS)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_answer_about_an_order_can_be_told(lang):
    reasons = [each for part in get_args(order_check.Reason) for each in get_args(part) or (part,)]
    told = [
        order_reason_sentence(order_check.Answer("block", each, None, None, None, None), lang, "EUR")
        for each in get_args(order_check.Doubt)
    ]
    figures = [Decimal(each) for each in (100, 1200, 1000, 900)]
    over = order_reason_sentence(order_check.Answer("block", "over_limit", *figures), lang, "EUR")

    assert set(english.ORDER_REASONS) == set(reasons)
    assert set(english.ORDER_OUTCOMES) == set(get_args(order_check.Outcome))
    assert all(told)
    assert all(each in over for each in ("1,200", "1,000", "900"))
    assert order_outcome_name("prepay", lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_cap_can_be_told(lang):
    from dataclasses import replace

    full = case(
        tenure_days=1, tangible_net_worth=Decimal(-5), in_default=True, manual_cap=Decimal(5), collateral_amount=Decimal(100),
        grade=10, signs=Signs(altman_z2=Decimal(1), rating_notch=Decimal(22), on_time_share=Decimal("0.5")),
    )  # fmt: skip
    params = replace(
        shipped(),
        ceiling_hard=Amount(Decimal(1), "EUR"),
        insurance_uninsured_appetite=Amount(Decimal("0.01"), "share of annual sales"),
    )
    caps = caps_of(full, params)

    assert {cap.rule for cap in caps} == set(RULES)
    for cap in caps:
        assert "{" not in cap_sentence(cap, lang, "EUR")


@pytest.mark.parametrize(
    ("facts", "numbers", "rule", "en", "zh"),
    [
        pytest.param(
            {"pd": Decimal("0.05"), "insured_share": Decimal("0.9")}, {"loss_budget": Amount(Decimal(1000), "EUR")}, "loss",
            "A loss budget of €1,000 at a probability of 5% and a loss of 40% of the exposure, of which insurance pays 90%",
            "损失预算€1,000，违约概率5%，损失率为敞口的40%，其中保险赔付90%", id="insured",
        ),
        pytest.param(
            {"pd": Decimal("0.05")}, {"loss_budget": Amount(Decimal(1000), "EUR")}, "loss",
            "A loss budget of €1,000 at a probability of 5% and a loss of 40% of the exposure",
            "损失预算€1,000，违约概率5%，损失率为敞口的40%", id="not-insured",
        ),
        pytest.param(
            {}, {}, "sales",
            "At most 10% of the seller's annual sales of €400,000,000 for one corporate family; the rest of it owes €0",
            "一个关联集团不超过卖方年销售额€400,000,000的10%；本集团其余成员欠€0", id="a-share-of-sales",
        ),
        pytest.param(
            {}, {"ceiling_by_sales": Amount(Decimal(700), "EUR")}, "sales",
            "At most what the house lets one corporate family owe, whatever all others owe; the rest of it owes €0",
            "一个关联集团不超过本公司规定的欠款上限，与其他客户欠款无关；本集团其余成员欠€0", id="an-amount",
        ),
    ],
)  # fmt: skip
def test_a_cap_tells_every_figure_it_was_reckoned_from(facts, numbers, rule, en, zh):
    cap = next(each for each in caps_of(case(**facts), policy(**numbers)) if each.rule == rule)

    assert (cap_sentence(cap, "en", "EUR"), cap_sentence(cap, "zh", "EUR")) == (en, zh)


SAID = [
    ("days_beyond_terms_90d", 23.2, 7.0, "Pays 23 days late on average over 90 days; typical customer: 7", "近90天平均晚付23天；典型客户：7"),
    ("days_beyond_terms_365d", 1.0, 0.0, "Pays 1 day late on average over 12 months; typical customer: 0", "近12个月平均晚付1天；典型客户：0"),
    ("days_beyond_terms_90d", 0.0, 7.0, "Pays on time on average over 90 days; typical customer: 7 days late", "近90天平均按期付款；典型客户晚付7天"),
    ("days_beyond_terms_90d", None, 7.0, "No payment to judge lateness by", "没有付款可供判断晚付天数"),
    ("median_days_late_180d", -5.0, 2.0, "Usually pays 5 days early; typical customer: 2 days late", "通常提前5天付款；典型客户晚付2天"),
    ("mean_days_late_1095d", 25.0, 2.0, "Invoices of 36 months were 25 days late on average; typical customer: 2",
     "近36个月每张发票平均晚付25天；典型客户：2"),
    ("median_days_late_180d", 0.04, 2.0, "Usually pays on the due date; typical customer: 2 days late", "通常在到期日付款；典型客户晚付2天"),
    ("late_share_30_365d", 0.123, 0.0, "12% of the invoices of 12 months were more than 30 days late; typical customer: 0%",
     "近12个月有12%的发票晚付超过30天；典型客户：0%"),
    ("late_share_change_90d", -0.125, 0.0, ("In the last 90 days the share of late invoices was 12.5 percentage points lower "
     "than over the year; change of a typical customer: 0 percentage points"), "近90天的晚付比例比全年低12.5个百分点；典型客户的变化：0个百分点"),
    ("dispute_rate_365d", 0.0, 0.021, "No invoice of 12 months was contested; typical customer: 2.1%", "近12个月没有发票存在争议；典型客户：2.1%"),
    ("limit_utilisation", 1.21, 0.52, "Uses 121% of its limit; typical customer: 52%", "额度使用率为121%；典型客户：52%"),
    ("open_balance", 1234567.4, 5000.0, "Owes €1,234,567; typical customer: €5,000", "敞口为€1,234,567；典型客户：€5,000"),
    ("current_ratio", 0.834, 1.4, "Current assets are 0.83 times what falls due within a year; typical customer: 1.4",
     "流动资产是一年内到期债务的0.83倍；典型客户：1.4"),
    ("interest_cover", -1.5, 4.0, "The operating result is a loss of 1.5 times the interest; typical customer: 4 times covered",
     "营业亏损是利息的1.5倍；典型客户的利润是利息的4倍"),
    ("rating_notch", None, 9.0, "No external rating is in force", "没有有效的外部评级"),
    ("industry", "F41", "C10", "Line of business F41; most common: C10", "行业为F41；最常见：C10"),
]  # fmt: skip


@pytest.mark.parametrize(("feature", "value", "typical", "en", "zh"), SAID, ids=[f"{case[0]}={case[1]}" for case in SAID])
def test_reason_says(feature, value, typical, en, zh):
    assert sentence(reason(feature, value, typical), "en", "EUR") == en
    assert sentence(reason(feature, value, typical), "zh", "EUR") == zh


SIGNED_DAYS = ("median_days_late_180d", "mean_days_late_1095d", "days_late_p80_365d", "max_days_late_90d", "receipt_days_365d",
               "days_beyond_terms_change_90d", "lateness_slope_365d", "terms_change_90d")  # fmt: skip
"""Days that may be below zero: early, earlier, less, shorter."""

BESIDE_EARLY_PAYERS = [
    ("mean_days_late_1095d", 25.0, -0.2, "Invoices of 36 months were 25 days late on average; typical customer: 0.2 days early",
     "近36个月每张发票平均晚付25天；典型客户：提前0.2天付清"),
    ("mean_days_late_1095d", 25.0, -0.04, "Invoices of 36 months were 25 days late on average; typical customer: on the due date",
     "近36个月每张发票平均晚付25天；典型客户：在到期日付清"),
    ("mean_days_late_1095d", -5.0, -0.2, "Invoices of 36 months were paid 5 days early on average; typical customer: 0.2 days early",
     "近36个月每张发票平均提前5天付清；典型客户提前0.2天付清"),
    ("mean_days_late_1095d", 0.0, None, "Invoices of 36 months were paid on the due date on average; typical customer: not known",
     "近36个月每张发票平均在到期日付清；典型客户未知"),
    ("median_days_late_180d", 0.0, -1.0, "Usually pays on the due date; typical customer: 1 day early", "通常在到期日付款；典型客户提前1天付清"),
    ("days_late_p80_365d", 12.0, -3.0, "Four in five invoices are paid within 12 days of the due date; typical customer: 3 days early",
     "五分之四的发票在到期后12天内付清；典型客户：提前3天付清"),
    ("max_days_late_365d", 0.0, -2.0, "No invoice of 12 months was late; worst of a typical customer: 2 days early",
     "近12个月没有发票晚付；典型客户最晚的一张提前2天付清"),
    ("receipt_days_365d", -4.0, -1.5, ("The money of 12 months came 4 days before the due date on average; "
     "typical customer: 1.5 days early"), "近12个月的款项平均提前4天到账；典型客户提前1.5天付清"),
    ("days_beyond_terms_change_90d", 8.0, -0.5, ("Money came 8 days later in the last 90 days than over the year; "
     "typical customer: 0.5 days earlier"), "近90天的付款比全年晚8天；典型客户：早0.5天"),
    ("lateness_slope_365d", 2.0, -0.1, "Lateness grows by 2 days a month; typical customer: 0.1 days less a month",
     "晚付天数每月增加2天；典型客户：每月减少0.1天"),
    ("terms_change_90d", -5.0, 3.0, "Terms are 5 days shorter than over the year; typical customer: 3 days longer",
     "账期比全年短5天；典型客户长3天"),
    ("terms_change_90d", 0.0, -0.01, "Terms are those of the year; typical customer: no change", "账期与全年一致；典型客户没有变化"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("feature", "value", "typical", "en", "zh"),
    BESIDE_EARLY_PAYERS,
    ids=[f"{row[0]}={row[1]}~{row[2]}" for row in BESIDE_EARLY_PAYERS],
)
def test_a_customer_that_pays_early_is_said_to_and_not_given_a_minus(feature, value, typical, en, zh):
    assert sentence(reason(feature, value, typical), "en") == en
    assert sentence(reason(feature, value, typical), "zh") == zh


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("feature", SIGNED_DAYS)
def test_no_sentence_of_days_has_a_minus_whoever_pays_early(feature, lang):
    figures = (-1234.5, -10.0, -9.96, -1.0, -0.05, -0.04, 0.0, 0.04, 3.0, 23.4, None)

    told = [sentence(reason(feature, value, typical), lang) for value in figures for typical in figures]

    assert [text for text in told if re.search(r"[-\u2212]\d", text)] == []
    assert len(set(told)) > len(figures)


def test_terms_say_what_is_asked_besides():
    assert terms_sentence(30, "en") == "net 30 days"
    assert terms_sentence(1, "en") == "net 1 day"
    assert terms_sentence("prepayment", "en", security_required=True) == (
        "prepayment; credit only against a guarantee, collateral or a deposit"
    )
    assert terms_sentence("stop", "en", security_required=True) == "no further delivery"
    assert terms_sentence(30, "zh") == "账期30天"


def test_figures_are_written_as_each_language_does():
    assert [phrases.day(date(2026, 6, 30), lang) for lang in LANGUAGES] == ["30 Jun 2026", "2026年6月30日"]
    assert [phrases.money(Decimal("1333333.33"), "EUR", lang) for lang in LANGUAGES] == ["€1,333,333", "€1,333,333"]
    assert [phrases.percent(share, "en") for share in (0, 0.004, 0.0417, 0.5, 1)] == ["0%", "0.4%", "4.2%", "50%", "100%"]
    assert [phrases.window(days, "en") for days in (30, 90, 180, 365)] == ["30 days", "90 days", "6 months", "12 months"]
    assert phrases.money(Decimal(-5), "INR", "zh") == "-₹5"


def test_what_is_too_small_to_show_is_zero_and_has_no_sign():
    assert [phrases.number(-0.004, "en"), phrases.number(-0.005001, "en"), phrases.number(-10, "zh")] == ["0", "-0.01", "-10"]
    assert [phrases.percent(-0.00001, "en"), phrases.percent(-0.0001, "en")] == ["0%", "-0.01%"]
    assert [phrases.money(Decimal("-0.2"), "EUR", "en"), phrases.money(Decimal("-0.6"), "EUR", "en")] == ["€0", "-€1"]


OPTION_CODES = [
    *(f"{code}{cover}" for code in ("net_15", "net_30", "net_90") for cover in ("", "_insured", "_guaranteed")),
    *STANDARD_CODES,
]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("option", OPTION_CODES)
def test_every_option_of_a_menu_has_its_words(option, lang):
    assert phrases.option_name(option, lang)
    assert not set("{_") & set(phrases.option_name(option, lang))


def test_terms_tell_the_best_the_next_and_where_the_choice_flips():
    menu = Menu(
        Offer("net_45_insured", Decimal("120.40")), Offer("net_30", Decimal("100.40")), Flip(Decimal("0.08"), "net_30"),
        Flip(Decimal("0.004"), "net_60"),
    )  # fmt: skip

    assert phrases.menu_sentences(menu, "en", "EUR") == (
        "net 45 days, insured: earns €120 a year",
        "Next best: net 30 days, €20 less",
        "Below a probability of 0.4% the choice would be net 60 days",
        "From a probability of 8% on the choice would be net 30 days",
    )
    assert phrases.menu_sentences(menu, "zh", "EUR")[3] == "违约概率达到8%起改为账期30天"
    assert phrases.menu_sentences(Menu(menu.best, None, None, None), "zh", "EUR") == ("账期45天，投保：一年可得€120",)


def test_longest_terms_name_who_allows_no_longer_ones_and_where_it_is_written():
    law = TermCap("statute", 60, "Directive 2011/7/EU, article 3(5)")

    assert phrases.term_cap_sentence(law, "en") == "No longer than net 60 days: the law (Directive 2011/7/EU, article 3(5))"
    assert phrases.term_cap_sentence(TermCap("no_limit", "prepayment", ""), "zh") == "不超过预付款：没有额度，不给账期"


@pytest.mark.parametrize(
    ("review", "en", "zh"),
    [
        (Review(date(2026, 9, 30), "medium", "scheduled"), "30 Sep 2026 (medium risk)", "2026年9月30日（中风险）"),
        (Review(date(2026, 9, 30), "low", "first_review"), "30 Sep 2026: the first review of a new customer",
         "2026年9月30日：新客户首次复审"),
        (Review(date(2026, 6, 30), "low", "event", ("order_jump", "statement_late")),
         "30 Jun 2026, at once: orders jumped, new accounts are late", "2026年6月30日，立即：订单激增、新报表迟迟未到"),
    ],
    ids=["scheduled", "first", "event"],
)  # fmt: skip
def test_next_review_says_when_and_why(review, en, zh):
    assert phrases.review_sentence(review, "en") == en
    assert phrases.review_sentence(review, "zh") == zh
    assert phrases.grace_sentence(date(2026, 7, 30), "en").endswith("until 30 Jul 2026")
