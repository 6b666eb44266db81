"""What an answer amounts to: approve, conditional, refer, decline; whatever is in doubt is referred, people are never declined."""

from dataclasses import replace
from decimal import Decimal

import pytest

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, policy, positions_of, shipped
from riskscore.decisions import Asked, Decision
from riskscore.scoring import decide_rows, not_scored
from riskscore.verdicts import Verdict, verdict_of

RISKY = {**GOOD, "days_beyond_terms_90d": 90.0, "late_share_30_365d": 1.0}
COMPANY = {"is_natural_person": False, "limit_now": None, "terms_now": None}


def decided(values=GOOD, *, model=None, asked=None, provenance=PROVENANCE, params=None, **facts) -> Decision:
    rows = positions_of("acme", **(COMPANY | facts))
    decision = decide_rows(
        features_of("acme", **values), rows, model or LinearModel(), GRADES, params or shipped(),
        receivables=RECEIVABLES, provenance=provenance,
    )[0]  # fmt: skip
    return replace(decision, asked=asked)


def limit_of(decision: Decision) -> Decimal:
    assert decision.recommendation is not None
    return decision.recommendation.limit


def test_a_customer_who_pays_is_approved_for_what_the_policy_recommends():
    decision = decided()

    assert verdict_of(decision) == Verdict("approve", (), limit_of(decision))
    assert limit_of(decision) > 0


def test_what_was_asked_for_is_granted_and_no_more():
    limit = limit_of(decided())

    assert verdict_of(decided(asked=Asked(limit - 1))) == Verdict("approve", (), limit - 1)
    assert verdict_of(decided(asked=Asked(limit))) == Verdict("approve", (), limit)
    assert verdict_of(decided(asked=Asked(limit + 1))) == Verdict("conditional", ("lower_limit",), limit)


def test_terms_shorter_than_asked_for_are_a_condition():
    recommended = decided().recommendation.terms

    assert verdict_of(decided(asked=Asked(Decimal(1), recommended))).outcome == "approve"
    assert verdict_of(decided(asked=Asked(Decimal(1), recommended + 1))).conditions == ("shorter_terms",)


def test_less_than_granted_now_is_a_condition_where_nobody_asked():
    limit = limit_of(decided())

    assert verdict_of(decided(limit_now=limit)).outcome == "approve"
    assert verdict_of(decided(limit_now=limit + 1)).conditions == ("lower_limit",)


def test_credit_only_against_security_is_a_condition():
    decision = decided(RISKY, collateral_amount=Decimal(900_000))

    assert decision.recommendation.security_required
    assert "security" in verdict_of(decision).conditions


def test_a_company_that_risk_rules_out_is_declined():
    assert verdict_of(decided(RISKY)) == Verdict("decline", (), Decimal(0))
    assert verdict_of(decided(in_default=True)) == Verdict("decline", (), Decimal(0))


@pytest.mark.parametrize("natural", [True, None], ids=["a-person", "nobody-knows"])
def test_who_is_or_may_be_a_natural_person_is_never_declined(natural):
    assert verdict_of(decided(RISKY, is_natural_person=natural)).outcome == "refer"
    assert verdict_of(decided(in_default=True, is_natural_person=natural)).outcome == "refer"


def test_a_natural_person_is_approved_or_referred_and_nothing_between():
    limit = limit_of(decided())

    assert verdict_of(decided(is_natural_person=True, asked=Asked(limit))).outcome == "approve"
    assert verdict_of(decided(is_natural_person=True, asked=Asked(limit + 1))).outcome == "refer"


def test_nothing_bought_is_no_verdict_on_the_customer():
    decision = decided(monthly_purchases=Decimal(0), peak_monthly_purchases=Decimal(0))

    assert (decision.recommendation.binding_cap, verdict_of(decision).outcome) == ("need", "refer")


def test_a_newcomer_is_offered_the_first_limit_of_the_rules_and_never_approved():
    newcomer = decided(n_paid_invoices=0)

    assert newcomer.recommendation.binding_cap == "new_customer"
    assert verdict_of(newcomer) == Verdict("conditional", ("first_limit",), limit_of(newcomer))
    assert verdict_of(replace(newcomer, status="scored", referral=None)).outcome == "conditional"


@pytest.mark.parametrize(
    "facts", [{"is_natural_person": True}, {"monthly_purchases": Decimal(0), "peak_monthly_purchases": Decimal(0)}],
    ids=["a-person", "nothing-bought"],
)  # fmt: skip
def test_a_newcomer_that_could_only_be_refused_or_is_a_person_is_referred(facts):
    assert verdict_of(decided(n_paid_invoices=0, **facts)).outcome == "refer"


def test_a_newcomer_of_whom_no_model_speaks_is_referred():
    assert verdict_of(replace(decided(n_paid_invoices=0), chain=None, pd=None)).outcome == "refer"


DOUBTS = {
    "no answer": lambda: not_scored("acme", "internal_error", PROVENANCE, "EUR"),
    "no model": lambda: decide_rows(
        features_of("acme", **GOOD), positions_of("acme"), None, GRADES, shipped(), receivables=RECEIVABLES, provenance=PROVENANCE
    )[0],
    "model unavailable": lambda: decided(provenance=replace(PROVENANCE, doubt="model_unavailable")),
    "old book": lambda: decided(provenance=replace(PROVENANCE, doubt="stale_book")),
    "old book, in default": lambda: decided(in_default=True, provenance=replace(PROVENANCE, doubt="stale_book")),
    "probability of NaN": lambda: decided(model=LinearModel(base=float("nan"))),
    "probability of NaN that passed": lambda: replace(decided(), pd=float("nan")),
    "probability above one": lambda: replace(decided(), pd=1.5),
    "probability missing": lambda: replace(decided(), pd=None),
    "wide interval": lambda: decided(model=LinearModel(spread=4.0)),
    "a doubt that reached no referral": lambda: replace(
        decided(), provenance=replace(PROVENANCE, doubt="model_unavailable")
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", DOUBTS.values(), ids=DOUBTS)
def test_whatever_is_in_doubt_is_referred_and_grants_nothing(make):
    assert verdict_of(make()) == Verdict("refer")


def test_a_doubt_leads_the_reasons_and_the_model_may_still_be_quoted():
    doubtful = decided(provenance=replace(PROVENANCE, doubt="stale_book"))

    assert (doubtful.status, doubtful.referral.reasons) == ("referred", ("stale_book",))
    assert doubtful.pd == decided().pd


def test_a_run_without_doubt_keeps_the_id_it_had_before_there_were_doubts():
    assert "doubt" not in PROVENANCE.manifest
    assert replace(PROVENANCE, doubt="stale_book").run_id != PROVENANCE.run_id


def test_prepayment_leaves_no_limit_to_approve():
    strict = policy(terms_ladder=("stop",) * 10)

    assert verdict_of(decided(params=strict)).outcome == "decline"
