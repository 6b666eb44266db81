"""A comparison on a terminal: what the payment hazard and newcomers were compared on, or why they were not."""

import io

import pytest
from rich.console import Console

from riskscore.promotion.parts import Basis
from riskscore.stores.comparisons import comparison_of
from riskscore_pipelines.promoting.shown import NOT_JUDGED, PARTS, show_comparison


def said(basis, passed=True):
    rows = [{"name": "hazard/late_30", "basis": basis, "n_rows": 1200, "n_customers": 300, "n_customers_with_event": 70}]
    value = None if basis in NOT_JUDGED else 0.004
    checks = [{"name": "hazard/late_30_worse", "value": value, "end": value, "bound": 0.02, "passed": passed}]
    facts = {"champion": {"version": "1"}, "as_of": "2026-06-30", "basis": "walk_forward", "checks": checks, "parts": rows}
    out = io.StringIO()
    show_comparison(Console(file=out, width=200), comparison_of("late_payment", "2", "c" * 64, "d" * 64, "held", facts))
    return out.getvalue()


def test_what_was_compared_is_told_with_its_invoices_and_its_bound():
    shown = said("walk_forward")

    assert "invoices, more than 30 days late: 1,200 of 300 customers, 70 of them late at least once" in shown
    assert "0.40%" in shown
    assert "at most 2.00%" in shown


@pytest.mark.parametrize("basis", NOT_JUDGED)
def test_what_was_not_compared_is_told_as_a_line_with_the_reason(basis):
    shown = said(basis, passed=basis in {"neither", "champion_lacks"})

    assert "not judged" in shown
    assert NOT_JUDGED[basis] in shown
    assert "1,200" not in shown
    assert ("HELD" in shown) == (basis in {"challenger_lacks", "nothing_shared"})


def test_every_reason_has_words():
    assert {*NOT_JUDGED, "after_both", "walk_forward"} == set(Basis.__args__)
    assert set(PARTS) == {"hazard/late_0", "hazard/late_30", "newcomers"}


def test_a_comparison_kept_before_parts_were_compared_is_still_shown():
    facts = {"champion": {"version": "1"}, "as_of": "2026-06-30", "basis": "walk_forward", "checks": []}
    out = io.StringIO()
    show_comparison(Console(file=out), comparison_of("late_payment", "2", "c" * 64, "d" * 64, "held", facts))

    assert "held for review" in out.getvalue()
