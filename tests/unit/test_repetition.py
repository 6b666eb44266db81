"""How many customers rows speak for: a few with most of the rows are few, however many others there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelling import small
from newcomers_book import lessons
from riskscore.hazard.fit import fit_hazard, ridge_of
from riskscore.hazard.formula import Hazard, inputs_of
from riskscore.hazard.inputs import OF_BIN, OF_CASE, OF_RECORD
from riskscore.hazard.repetition import AS_MANY, USUAL, customers_shown, rows_each
from riskscore.training.gathering_invoices import catalogue_of

COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=40)


def rows(counts):
    return np.repeat(np.arange(len(counts)), counts)


def test_customers_of_one_size_count_as_they_are():
    ids = rows([7] * 30)

    assert rows_each(ids) == 7
    assert customers_shown(ids) == 30


def test_one_customer_with_most_rows_stands_for_nearly_all_of_them():
    ids = rows([1000, *[1] * 500])

    assert rows_each(ids) == pytest.approx((1000**2 + 500) / 1500 / USUAL)
    assert customers_shown(ids) == int(AS_MANY * 1500**2 / (1000**2 + 500)) == 4


def test_no_rows_are_no_customers():
    nobody = np.zeros(0, dtype=np.int64)

    assert rows_each(nobody) == 1
    assert customers_shown(nobody) == 0


@given(COUNTS)
def test_never_more_customers_than_there_are_nor_fewer_rows_each_than_the_mean(counts):
    ids = rows(counts)

    assert 1 <= customers_shown(ids) <= len(counts)
    assert rows_each(ids) >= np.mean(counts) - 1e-9


@given(COUNTS, st.integers(2, 50))
def test_what_is_copied_shows_no_more_customers(counts, times):
    ids = rows(counts)

    assert customers_shown(np.repeat(ids, times)) == customers_shown(ids)
    assert rows_each(np.repeat(ids, times)) == pytest.approx(times * rows_each(ids))


@given(COUNTS)
def test_numbers_without_rows_are_nobody(counts):
    gaps = rows(counts) * 3 + 5

    assert customers_shown(gaps) == customers_shown(rows(counts))
    assert rows_each(gaps) == pytest.approx(rows_each(rows(counts)))


def test_every_input_of_a_period_has_the_penalty_of_its_kind():
    terms = small().hazard.logistic
    names = inputs_of(catalogue_of())
    told = dict(zip(names, ridge_of(names, terms), strict=True))

    assert {told[name] for name in (*catalogue_of(), "standing_before_due", "standing_after_due")} == {terms.ridge}
    assert {told[name] for name in OF_RECORD} == {terms.ridge_record}
    assert {told[name] for name in (*OF_CASE, *OF_BIN) if name not in OF_RECORD} == {terms.ridge_invoice}


def test_a_stronger_penalty_on_the_customer_leaves_its_slopes_smaller():
    _, cases, fates = lessons()
    of_customer = set(catalogue_of())

    def size(ridge):
        terms = small().hazard.logistic.model_copy(update={"ridge": ridge})
        recipe = small().model_copy(update={"hazard": small().hazard.model_copy(update={"logistic": terms})})
        stored = Hazard(fit_hazard(cases, fates, catalogue_of(), recipe)).logistic["terms"]
        return sum(term["coefficient"] ** 2 for term in stored if term["input"] in of_customer)

    assert size(200.0) < size(2.0) / 4
