"""Whoever decides a whole book is told where assumptions that nobody measured on it deny credit to many."""

from decimal import Decimal

import pytest

from deciding import case, policy
from riskscore.phrases import word
from riskscore.policy import recommend
from riskscore.policy.unmeasured import Unmeasured, denied_by_grade, unmeasured

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


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_is_told_with_its_figures_and_the_way_out_in_both_languages(lang):
    said = word("policy_unmeasured", lang, **Unmeasured(312, 1_987).told)

    assert all(part in said for part in ("312", "1,987", "16%", "riskscore policy measure"))
