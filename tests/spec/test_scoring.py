"""Who is decided, who is referred, who is stopped: a customer's facts, what the model says, and the answer."""

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from deciding import GOOD, GRADES, ON, PROVENANCE, RECEIVABLES, LinearModel, features_of, policy, positions_of, shipped
from riskscore.errors import InputRefused, UsageRefused
from riskscore.model import Probability
from riskscore.policy import Amount
from riskscore.scoring import concluding, decide_rows, isolating, missing_share, receivables_of, too_many_not_scored


def decided(model, values=None, *, params=None, receivables=RECEIVABLES, **facts):
    frame, standing = features_of("acme", **{**GOOD, **(values or {})}), positions_of("acme", **facts)
    answers = decide_rows(frame, standing, model, GRADES, params or shipped(), receivables=receivables, provenance=PROVENANCE)
    assert len(answers) == 1
    return answers[0]


def test_good_customer_is_scored_with_grade_limit_and_terms():
    decision = decided(LinearModel(base=-4.0))

    assert decision.status == "scored"
    assert decision.referral is None
    assert decision.grade == GRADES.grade(decision.pd)
    assert decision.recommendation.limit > 0
    assert decision.chain.base + math.fsum(decision.chain.contributions.values()) == pytest.approx(
        decision.chain.log_odds, abs=1e-9
    )


@pytest.mark.parametrize(
    ("facts", "status", "reasons"),
    [
        pytest.param({"n_paid_invoices": 0}, "referred", ("no_payment_history",), id="no-settled-invoice"),
        pytest.param({"n_paid_invoices": 1}, "scored", (), id="one-settled-invoice"),
    ],
)
def test_no_model_approves_a_customer_without_history(facts, status, reasons):
    decision = decided(LinearModel(base=-7.0), **facts)

    assert decision.status == status
    assert (decision.referral.reasons if decision.referral else ()) == reasons
    assert decision.pd is not None


def test_a_newcomer_is_spoken_of_by_what_is_known_before_a_payment_and_less_surely():
    newcomer = decided(LinearModel(), n_paid_invoices=0)
    customer = decided(LinearModel())

    assert set(newcomer.chain.features) == set(newcomer.chain.contributions) == {"current_ratio", "industry"}
    assert newcomer.chain.base + math.fsum(newcomer.chain.contributions.values()) == pytest.approx(
        newcomer.chain.log_odds, abs=1e-9
    )
    assert newcomer.pd_high / newcomer.pd_low > customer.pd_high / customer.pd_low
    assert newcomer.score is not None
    assert {each.code for each in (*newcomer.reasons.adverse, newcomer.reasons.favourable) if each} <= {"F01", "S01"}


@pytest.mark.parametrize("spread", [0.1, 3.0], ids=["a sure model", "an unsure model"])
def test_a_newcomer_keeps_the_first_limit_of_the_rules_however_unsure_the_model_is(spread):
    decision = decided(LinearModel(spread=spread, base=-5.0), n_paid_invoices=0)

    assert decision.recommendation.binding_cap == "new_customer"
    assert decision.recommendation.limit == Decimal(15_000)
    assert (decision.grade is None) == ("wide_interval" in decision.referral.reasons) == (spread == 3.0)


def test_a_risky_newcomer_gets_less_than_the_first_limit_of_the_rules():
    assert decided(LinearModel(base=0.5), n_paid_invoices=0).recommendation.limit < Decimal(15_000)


def test_customer_without_history_gets_the_rule_based_limit_of_a_new_customer():
    decision = decided(None, n_paid_invoices=0, tenure_days=400)

    assert (decision.pd, decision.score, decision.grade, decision.chain, decision.reasons) == (None,) * 5
    assert decision.recommendation.binding_cap == "new_customer"
    assert decision.recommendation.limit == Decimal(15_000)  # 15 % of 100,000 a month
    assert decision.recommendation.terms == 30


@pytest.mark.parametrize("n_paid", [0, 1, 2])
def test_thin_customer_never_gets_more_than_a_new_one(n_paid):
    assert decided(LinearModel(base=-6.0), n_paid_invoices=n_paid, tenure_days=400).recommendation.limit <= Decimal(15_000)


def test_interval_over_more_grades_than_allowed_withholds_the_grade():
    sure, unsure = decided(LinearModel(base=-4.0, spread=0.3)), decided(LinearModel(base=-4.0, spread=1.5))

    assert sure.status == "scored"
    assert (unsure.status, unsure.grade, unsure.referral.reasons) == ("referred", None, ("wide_interval",))
    assert unsure.pd is not None
    assert unsure.score is not None
    assert unsure.recommendation.limit <= sure.recommendation.limit


def test_mostly_unknown_payment_history_is_referred():
    two_of_three = {"days_beyond_terms_90d": None, "late_share_30_365d": None}

    assert decided(LinearModel(), {"late_share_30_365d": None}).status == "scored"
    assert decided(LinearModel(), two_of_three).referral.reasons == ("thin_history",)
    assert missing_share({**dict.fromkeys(GOOD, None), "current_ratio": 1.0}) == 1
    assert missing_share({"current_ratio": None}) == 0


def test_customer_in_default_is_grade_10_and_stopped_whatever_the_model_says():
    decision = decided(LinearModel(base=-9.0), in_default=True, collateral_amount=Decimal(10**7))

    assert (decision.status, decision.pd, decision.score, decision.grade) == ("scored", 1.0, 300, 10)
    assert (decision.recommendation.limit, decision.recommendation.terms) == (0, "stop")
    assert decision.recommendation.binding_cap == "default"


def test_default_is_seen_without_any_history_and_without_a_model():
    assert decided(LinearModel(), in_default=True, n_paid_invoices=0).grade == 10
    assert decided(None, in_default=True).status == "scored"


@pytest.mark.parametrize(
    ("facts", "base", "status"),
    [
        pytest.param({}, -6.0, "scored", id="granted"),
        pytest.param({}, 0.5, "referred", id="denied-by-grade"),
        pytest.param({"tangible_net_worth": Decimal(-1)}, -6.0, "referred", id="denied-by-net-worth"),
        pytest.param({"in_default": True}, -6.0, "referred", id="in-default"),
        pytest.param({"monthly_purchases": Decimal(0)}, -6.0, "scored", id="needs-nothing"),
    ],
)
def test_natural_person_is_never_denied_by_a_machine_alone(facts, base, status):
    person, company = (decided(LinearModel(base=base), is_natural_person=each, **facts) for each in (True, False))

    assert person.status == status
    assert company.status == "scored"
    if status == "referred":
        assert person.referral.reasons == ("natural_person",)


def test_without_a_model_everybody_is_referred_and_gets_no_more_than_a_new_customer():
    decision = decided(None)

    assert (decision.status, decision.referral.reasons) == ("referred", ("no_model",))
    assert (decision.pd, decision.score, decision.grade, decision.chain) == (None,) * 4
    assert decision.recommendation.limit == Decimal(15_000)


@pytest.mark.parametrize("answer", [math.nan, math.inf, -0.1, 1.1])
def test_model_in_doubt_is_referred_and_never_approved(answer):
    class Doubtful(LinearModel):
        def probability(self, log_odds):
            wrong = np.full(len(log_odds), answer)
            return Probability(wrong, wrong, wrong)

    decision = decided(Doubtful())

    assert (decision.status, decision.referral.reasons) == ("referred", ("no_probability",))
    assert (decision.pd, decision.chain) == (None, None)
    assert decision.to_bytes()


def test_what_training_never_saw_is_flagged():
    decision = decided(LinearModel(seen_to=60.0), {"days_beyond_terms_90d": 61.0})

    assert decision.unfamiliar == ("days_beyond_terms_90d",)
    assert decided(LinearModel(seen_to=60.0), {"days_beyond_terms_90d": 60.0}).unfamiliar == ()


def test_one_infinite_feature_costs_one_customer_its_score_and_nobody_else():
    frame = features_of("a", "b", "c", **GOOD)
    values = frame["overdue_share"].to_pylist()
    values[1] = math.inf
    place = frame.column_names.index("overdue_share")
    frame = frame.set_column(place, "overdue_share", [values])
    answers = decide_rows(
        frame, positions_of("a", "b", "c"), LinearModel(), GRADES, shipped(), receivables=RECEIVABLES, provenance=PROVENANCE
    )

    assert [answer.status for answer in answers] == ["scored", "not_scored", "scored"]
    assert answers[1].not_scored_reason == "non_finite_feature"


def test_one_poisonous_customer_is_not_scored_and_the_others_are(monkeypatch):
    honest = concluding.recommend

    def poisoned(case, params):
        if case.customer_id == "b":
            raise ZeroDivisionError
        return honest(case, params)

    monkeypatch.setattr(concluding, "recommend", poisoned)
    answers = decide_rows(
        features_of("a", "b", "c", **GOOD), positions_of("a", "b", "c"), LinearModel(), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=PROVENANCE,
    )  # fmt: skip

    assert [(answer.customer_id, answer.not_scored_reason) for answer in answers] == [
        ("a", None),
        ("b", "internal_error"),
        ("c", None),
    ]


def test_group_with_a_poisonous_customer_is_halved_until_it_stands_alone():
    calls = []

    def work(some):
        calls.append(len(some))
        if "poison" in some:
            raise OverflowError
        return list(some)

    parts, broken = isolating(["a", "b", "poison", "c", "d"], work)

    assert broken == ["poison"]
    assert {customer for part in parts for customer in part} == {"a", "b", "c", "d"}
    assert calls[0] == 5


def test_a_refusal_about_all_is_not_taken_for_poison():
    def refuse(some):
        raise InputRefused("there is no rate")

    with pytest.raises(InputRefused):
        isolating(["a", "b"], refuse)


@pytest.mark.parametrize(
    ("n_not_scored", "n_customers", "stops"),
    [
        (0, 10, False),
        (1, 1, False),
        (2, 10, True),
        (2, 2000, False),
        (3, 2000, True),
        (100, 100_000, False),
        (101, 100_000, True),
    ],
)
def test_run_stops_when_more_than_one_in_a_thousand_cannot_be_scored(n_not_scored, n_customers, stops):
    assert too_many_not_scored(n_not_scored, n_customers, shipped()) is stops


def test_family_shares_its_room_and_a_chain_of_parents_across_parts_has_one_top():
    east = positions_of("daughter", exposure=Decimal(1_000_000)).set_column(5, "family_id", [["mother"]])
    west = positions_of("mother", exposure=Decimal(500_000)).set_column(5, "family_id", [["grandmother"]])
    others = positions_of("else", exposure=Decimal(8_000_000))
    book = receivables_of([east, west, others])

    assert book.families["daughter"] == "grandmother"
    assert book.by_family == {"grandmother": Decimal(1_500_000), "else": Decimal(8_000_000)}
    assert book.of_others("daughter") == Decimal(8_000_000)
    assert book.of_family("daughter", Decimal(1_000_000)) == Decimal(500_000)
    assert book == receivables_of([others, west, east])

    cap = next(
        cap
        for cap in decided(LinearModel(), receivables=replace(book, families={"acme": "else"})).recommendation.caps
        if cap.rule == "concentration"
    )
    assert cap.amount == Decimal("0.00")  # a quarter of 1.5m, and the rest of its family owes 7.88m already


def test_ring_of_parents_is_one_family():
    ring = [positions_of(one).set_column(5, "family_id", [[other]]) for one, other in (("b", "c"), ("c", "a"), ("a", "b"))]

    assert set(receivables_of(ring).families.values()) == {"a"}


def test_annual_sales_are_what_everybody_was_billed_in_a_year():
    young = positions_of("young", tenure_days=60, monthly_purchases=Decimal(300))
    old = positions_of("old", tenure_days=900, monthly_purchases=Decimal(300))

    assert receivables_of([young]).annual_sales == Decimal("600.00")
    assert receivables_of([young, old]).annual_sales == Decimal("4250.00")


def test_manual_cap_of_the_policy_reaches_its_customer_only():
    capped = replace(shipped(), manual_caps={"acme": Amount(Decimal(500), "EUR")})

    assert decided(LinearModel(base=-5.0), params=capped).recommendation.limit == 500
    assert (
        decided(
            LinearModel(base=-5.0), params=replace(capped, manual_caps={"else": Amount(Decimal(500), "EUR")})
        ).recommendation.limit
        > 500
    )


def test_policy_in_another_currency_than_the_book_is_refused():
    dollars = policy(ceiling_hard=Amount(Decimal(500), "USD"))

    with pytest.raises(UsageRefused, match="its amounts are in USD, the book reports in EUR"):
        decided(LinearModel(), params=dollars)


def test_grades_of_another_horizon_than_the_model_are_refused():
    class Yearly(LinearModel):
        horizon_days = 365

    with pytest.raises(UsageRefused, match="read at 180 days, but the model predicts 365"):
        decided(Yearly())


def test_snapshot_of_another_date_than_the_provenance_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="the snapshot is at"):
        decided(LinearModel(), as_of=ON.replace(day=1))
