"""Applicants: what they say becomes a ledger of one; who may be a person, and what is needed where nothing is expected."""

from datetime import date
from decimal import Decimal

import pytest

from deciding import GRADES, PROVENANCE, RECEIVABLES, LinearModel, shipped
from riskscore.decisions import Asked
from riskscore.scoring import Application, decide_applicant
from riskscore.stores.engines import ledger_in_memory, ledger_of

ACCOUNTS = {
    "period_end": date(2025, 12, 31), "published_on": date(2026, 4, 1), "currency": "EUR", "equity": Decimal(100_000),
    "intangibles": Decimal(20_000), "total_assets": Decimal(400_000),
}  # fmt: skip


def decided(*, engine=ledger_in_memory, **facts):
    application = Application(applicant_id="applicant-1", country="DE", **{"asked": Asked(Decimal(20_000), 30), **facts})
    return decide_applicant(
        application, lambda tables: engine(tables, "EUR"), LinearModel(), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=PROVENANCE,
    )  # fmt: skip


def test_the_same_bits_on_the_engine_of_one_and_the_engine_of_the_book():
    facts = {"statements": [ACCOUNTS], "industry": "F41", "monthly_purchases": Decimal(40_000)}

    assert decided(**facts).to_bytes() == decided(engine=ledger_of, **facts).to_bytes()


def test_accounts_count_from_the_day_of_the_application():
    assert decided(statements=[ACCOUNTS]).case.tangible_net_worth == Decimal(80_000)
    assert decided().case.tangible_net_worth is None


def test_a_newcomer_starts_with_the_set_share_of_what_it_expects_to_buy():
    found = decided(monthly_purchases=Decimal(40_000))

    assert (found.recommendation.binding_cap, found.recommendation.limit) == ("new_customer", Decimal(6_000))


@pytest.mark.parametrize(("terms", "days"), [(30, 40), (60, 70), (None, 40), (0, 10)])
def test_who_expects_nothing_is_taken_to_need_what_it_asks_for(terms, days):
    found = decided(asked=Asked(Decimal(20_000), terms))

    assert found.case.monthly_purchases == (Decimal(20_000) * 30 / days).quantize(Decimal("0.01"), "ROUND_FLOOR")


@pytest.mark.parametrize(
    ("form", "ticked", "person"),
    [("GmbH", False, False), ("GmbH", None, None), ("sole_trader", False, True), ("E.K.", None, True), ("个体工商户", None, True), (None, True, True)],
)  # fmt: skip
def test_the_legal_form_says_who_is_a_natural_person(form, ticked, person):
    assert decided(legal_form=form, is_natural_person=ticked).is_natural_person is person
