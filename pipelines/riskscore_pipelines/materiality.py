"""Is the smallest amount that counts as materially late an amount at all in the currency of this book?"""

from decimal import Decimal

import numpy as np

from riskscore.hazard import Invoices
from riskscore.phrases import money

SMALL = Decimal("0.02")
"""Cash discounts of 2 to 3 % are usual terms of trade: what is left of an invoice below 2 % of it is a deduction, a charge of the
bank or a rounding, not an invoice that somebody does not pay. The shipped 500 are 13 % of the median invoice of the invented
company in EUR; the same number is 1.6 % of it in CNY and less than 0.1 % in JPY."""

ADVISED = Decimal("0.10")


def median_invoice(invoices: Invoices) -> Decimal:
    """The median amount of invoices on the day of their issue, in the reporting currency; 0 where there are none."""
    issued = invoices.column("cents")[invoices.invoices["new"].to_numpy(zero_copy_only=False)]
    return Decimal(round(float(np.median(issued)))) / 100 if len(issued) else Decimal(0)


def means_little(min_amount: Decimal, median: Decimal, currency: str, model: str) -> str | None:
    """What to tell where `min_amount` of a recipe is below `SMALL` of the median invoice; None where it is not, or is off (0)."""
    if not 0 < min_amount < SMALL * median:
        return None
    return (
        f"min_amount = {min_amount} of the recipe is {min_amount / median:.2%} of the median invoice of this book "
        f"({money(median, currency, 'en')}): what a discount or a bank charge leaves open counts as an invoice not paid. It "
        f"is in the reporting currency. Write one for {currency} into models/{model}/recipe.toml, about a tenth of the median "
        f"invoice ({money(ADVISED * median, currency, 'en')}), and train again."
    )
