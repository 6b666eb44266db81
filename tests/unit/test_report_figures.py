"""What the report derives from the customers' lines."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from invented_report import invented_customers
from riskscore_pipelines.reporting import figures
from riskscore_pipelines.reporting.facts import Scored

Line = Callable[..., Scored]


@pytest.fixture
def line() -> Line:
    def make(customer_id: str, exposure: int, **known: object) -> Scored:
        facts: dict[str, object] = {
            "name": customer_id, "country": "DE", "status": "scored", "grade": 5, "pd": 0.03, "pd_low": None, "pd_high": None,
            "score": 560, "data_depth": "B", "overdue": Decimal(0), "oldest": "not_due", "limit_now": None, "limit": None,
            "terms_now": "", "terms": "", "binding_cap": "", "reasons": (),
        }  # fmt: skip
        return Scored(customer_id=customer_id, exposure=Decimal(exposure), **{**facts, **known})  # type: ignore[arg-type]  # a test's shorthand

    return make


def test_the_cells_of_the_risk_matrix_add_up_to_the_book() -> None:
    customers = invented_customers()

    assert sum(figures.risk_matrix(customers).values()) == figures.headline(customers).exposure


def test_the_grades_add_up_to_the_book() -> None:
    customers = invented_customers()
    rows = figures.by_grade(customers)

    assert sum(row.n for row in rows) == len(customers)
    assert sum(row.exposure for row in rows) == figures.headline(customers).exposure


def test_large_means_together_half_of_the_exposure(line: Line) -> None:
    customers = [line("a", 40), line("b", 30), line("c", 20), line("d", 10)]

    assert [found.customer_id for found in figures.large(customers)] == ["a", "b"]


def test_a_small_exposure_is_not_among_the_riskiest_however_risky(line: Line) -> None:
    customers = [line("big", 90, pd=0.01), line("small", 1, pd=0.9), line("middle", 9, pd=0.5)]

    assert [found.customer_id for found in figures.riskiest_large(customers)] == ["big"]


def test_a_customer_in_default_is_counted_and_not_ranked(line: Line) -> None:
    customers = [line("a", 40, pd=0.6), line("b", 40, pd=1.0, grade=10), line("c", 15), line("d", 5)]

    assert [found.customer_id for found in figures.riskiest_large(customers)] == ["a"]
    assert figures.in_default(customers) == (1, Decimal(40))


def test_a_referred_customer_is_counted_and_not_ranked(line: Line) -> None:
    customers = [line("a", 60, grade=None, pd=None, status="referred"), line("b", 40)]

    assert figures.headline(customers).n_referred == 1
    assert figures.headline(customers).without_score == Decimal(60)
    assert figures.riskiest_large(customers) == []


def test_a_customer_in_credit_lowers_the_exposure_and_not_the_risk(line: Line) -> None:
    head = figures.headline([line("a", 100, pd=0.1), line("b", -40, pd=0.5)])

    assert head.exposure == Decimal(60)
    assert head.at_risk == Decimal(10)


def test_limit_changes_count_each_customer_once(line: Line) -> None:
    customers = [
        line("cut", 1, limit_now=Decimal(50), limit=Decimal(20), binding_cap="need"),
        line("raise", 1, limit_now=Decimal(20), limit=Decimal(50), binding_cap="need"),
        line("keep", 1, limit_now=Decimal(20), limit=Decimal(20), binding_cap="equity"),
        line("new", 1, limit=Decimal(20), binding_cap="new"),
        line("referred", 1, limit_now=Decimal(20)),
    ]
    changes = figures.limit_changes(customers)

    assert (changes.n_cut, changes.n_raised, changes.n_kept, changes.n_new) == (1, 1, 1, 1)
    assert (changes.cut, changes.raised) == (Decimal(-30), Decimal(30))
    assert changes.binding[0] == ("need", 2, Decimal(70))
