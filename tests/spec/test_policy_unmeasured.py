"""Whoever decides a whole book is told where assumptions that nobody measured on it deny credit to many."""

from decimal import Decimal

import pytest

from deciding import case, policy
from riskscore.phrases import word
from riskscore.policy import Recommendation, recommend
from riskscore.policy.unmeasured import Denials, Unmeasured, denied_by_grade, unmeasured

MEASURED = Decimal("0.16")


@pytest.mark.parametrize(
    ("facts", "denied"),
    [
        pytest.param({"grade": 7, "grade_high": 7}, False, id="half-of-its-need"),
        pytest.param({"grade": 8, "grade_high": 8}, True, id="a-grade-that-gets-nothing"),
        pytest.param({"grade": 8, "grade_high": 8, "deposit_amount": Decimal(1000)}, False, id="but-for-security"),
        pytest.param({"grade": 10, "grade_high": 10, "in_default": True}, False, id="in-default-it-is-no-matter-of-grades"),
        pytest.param({"grade": 3, "grade_high": 3, "manual_cap": Decimal(0)}, False, id="a-person-decided-so"),
    ],
)
def test_who_has_no_limit_because_of_its_grade_is_denied_by_it(facts, denied):
    assert denied_by_grade(recommend(case(**facts), policy())) is denied


def test_who_has_no_recommendation_is_not_denied():
    assert not denied_by_grade(None)


@pytest.mark.parametrize(
    ("n_denied", "lost", "told"),
    [
        pytest.param(10, None, None, id="a-tenth-are-few"),
        pytest.param(11, None, Unmeasured(11, 100), id="one-more-are-many"),
        pytest.param(99, MEASURED, None, id="a-signed-loss-is-nobodys-assumption"),
        pytest.param(0, None, None, id="nobody"),
    ],
)
def test_it_is_told_where_many_are_denied_and_nobody_measured(n_denied, lost, told):
    assert unmeasured(policy(loss_given_lateness=lost), n_denied=n_denied, n_graded=100) == told


def test_of_an_empty_book_nothing_is_told():
    assert unmeasured(policy(), n_denied=0, n_graded=0) is None


GIVEN, DENIED, DEFAULTED, UNBOUGHT = (
    recommend(case(**facts), policy())
    for facts in (
        {"grade": 3, "grade_high": 3},
        {"grade": 9, "grade_high": 9},
        {"grade": 10, "grade_high": 10, "in_default": True},
        {"grade": 3, "grade_high": 3, "manual_cap": Decimal(0)},
    )
)


def counted(*customers: tuple[Recommendation | None, bool, int]) -> Denials:
    """So many customers of each kind; whether their grade is sure enough to be named."""
    found = Denials()
    for recommendation, is_graded, n in customers:
        for _ in range(n):
            found.add(recommendation, is_graded=is_graded)
    return found


def test_who_has_no_grade_to_name_is_not_counted_among_those_with_one():
    found = counted((GIVEN, True, 8), (DENIED, True, 2), (DENIED, False, 3), (None, False, 1)).unmeasured(policy())

    assert found == Unmeasured(n_denied=2, n_graded=10, n_without=5, n_customers=13)
    assert found.told == {"n": "2", "of": "10", "share": "20%"}


@pytest.mark.parametrize(
    ("customers", "says"),
    [
        pytest.param([(DENIED, True, 9), (GIVEN, True, 1)], "policy_unmeasured_all", id="nine-of-ten"),
        pytest.param([(DENIED, True, 89), (GIVEN, True, 11)], "policy_unmeasured", id="not-quite"),
        pytest.param([(DENIED, False, 50)], "policy_unmeasured_all", id="all-of-unsure-grades"),
        pytest.param([(DENIED, True, 9), (DEFAULTED, True, 80)], "policy_unmeasured_all", id="beside-many-in-default"),
        pytest.param([(DENIED, True, 10), (UNBOUGHT, True, 80)], "policy_unmeasured", id="nearly-all-for-another-reason"),
    ],
)
def test_where_hardly_anybody_gets_credit_for_that_reason_it_is_said_so(customers, says):
    found = counted(*customers)

    assert found.unmeasured(policy()).says == says
    assert found.unmeasured(policy(loss_given_lateness=MEASURED)) is None


@pytest.mark.parametrize("customers", [[(DEFAULTED, True, 50)], [(UNBOUGHT, True, 50)], [(None, False, 50)], [(GIVEN, True, 50)]])
def test_where_nobody_gets_credit_for_other_reasons_nothing_is_said(customers):
    assert counted(*customers).unmeasured(policy()) is None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_of_nearly_all_it_is_told_with_the_command(lang):
    said = word("policy_unmeasured_all", lang, **Unmeasured(0, 0, 4_812, 5_000).told)

    assert all(part in said for part in ("4,812", "5,000", "96%", "riskscore policy measure --out"))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_is_told_with_its_figures_and_the_way_out_in_both_languages(lang):
    said = word("policy_unmeasured", lang, **Unmeasured(312, 1_987).told)

    assert all(part in said for part in ("312", "1,987", "16%", "riskscore policy measure"))
