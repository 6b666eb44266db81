"""An amount that is a remainder of an ordinary invoice is no amount that says somebody does not pay."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from riskscore.hazard import Invoices
from riskscore_pipelines.materiality import means_little, median_invoice

MEDIAN = Decimal(25_000)


@pytest.mark.parametrize(
    ("min_amount", "told"),
    [
        pytest.param("499.99", True, id="just-below-a-fiftieth"),
        pytest.param("500", False, id="a-fiftieth"),
        pytest.param("500.01", False, id="just-above"),
        pytest.param("0.01", True, id="next-to-nothing"),
        pytest.param("0", False, id="switched-off"),
        pytest.param("90000", False, id="more-than-an-invoice"),
    ],
)
def test_below_a_fiftieth_of_the_median_invoice_an_amount_means_little(min_amount: str, told: bool) -> None:
    assert (means_little(Decimal(min_amount), MEDIAN, "CNY", "late_payment") is not None) is told


def test_what_is_told_names_the_figures_the_place_and_what_to_write() -> None:
    said = means_little(Decimal(500), Decimal(630_000), "JPY", "late_payment_12_months")

    assert said is not None
    assert all(part in said for part in ("500", "0.08%", "630,000", "63,000", "JPY", "models/late_payment_12_months/recipe.toml"))


def test_of_a_book_without_invoices_nothing_is_told() -> None:
    assert means_little(Decimal(500), median_invoice(invoices([], [])), "EUR", "late_payment") is None


def test_the_median_is_of_invoices_as_issued_not_of_what_is_left_of_them() -> None:
    assert median_invoice(invoices([100_00, 300_00, 50_000_50, 1, 2, 3], [True] * 3 + [False] * 3)) == Decimal(300)


def invoices(cents: list[int], new: list[bool]) -> Invoices:
    """Invoices of one customer with these amounts."""
    table = pa.table({"cents": pa.array(cents, pa.int64()), "new": pa.array(new, pa.bool_())})
    return Invoices(table, np.zeros(len(cents), dtype=np.int64), pa.table({}))
