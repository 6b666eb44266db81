"""`riskscore policy measure` on a book that has seen little: whose answer the numbers are."""

import pytest

from finance import company_of
from riskscore.policy.measured import PRIOR_CUSTOMERS
from riskscore_pipelines.main import main
from riskscore_pipelines.policy_measuring import few_followed


@pytest.mark.parametrize(("more", "told"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize(("lang", "words"), [("en", "assumption"), ("zh", "假设")])
def test_fewer_followed_customers_than_the_assumption_weighs_are_told(more: int, told: bool, lang: str, words: str) -> None:
    said = few_followed(PRIOR_CUSTOMERS + more, lang)

    assert (said is not None and words in said) is told


def test_a_book_without_late_customers_says_that_its_numbers_are_assumed(tmp_path, monkeypatch, capsys):
    company_of(
        tmp_path,
        customers="customer_id,country,onboarded_on\nacme,DE,2020-01-02",
        invoices="invoice_id,customer_id,issued_on,due_on,amount,currency\na,acme,2026-06-01,2026-06-15,100,EUR",
        settlements="settlement_id,invoice_id,kind,settled_on,amount\nz,a,payment,2026-06-16,100",
    )
    monkeypatch.chdir(tmp_path)

    assert main(["policy", "measure"]) == 0
    told = capsys.readouterr()
    assert "Fewer than 20 late customers were followed (0)" in told.err
    assert "grade.multiple" in told.out
