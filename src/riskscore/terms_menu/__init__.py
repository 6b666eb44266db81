"""Which payment terms earn most: every option of a menu by expected value, the best, the runner-up, and where the choice flips.

    EV = V [m - d theta - r (1 - m) T / 365 - c] - V (1 - theta) PD_T LGD - fix

V is what the customer buys under the option, m the margin, d the discount and theta the share that takes it, r the cost of
capital, T the days the money is away, c the cost of cover, fix what the option costs whatever is sold. PD_T is the probability of
default within those days. All shares are of the sale.

A worse payer never gets longer terms (rule C3 of the product specification). Ranking by expected value alone would break that: a
costly cover can make long terms worth while only for weak payers. So the menu is walked from PD 0 upwards, and no option longer
than the one already reached is taken again. The walk is exact: it moves from crossing to crossing of the curves, not over a grid.
"""

from riskscore.terms_menu.choice import (
    Choice,
    Flip,
    LeftOut,
    Offer,
    TermCap,
    choose,
    discount_gain,
    expected_value,
    ladder,
)
from riskscore.terms_menu.curves import Deal
from riskscore.terms_menu.options import (
    STANDARD_CODES,
    Option,
    cash_on_delivery,
    discount_rate,
    early_payment,
    guaranteed,
    instalments,
    insured,
    net,
    prepayment,
    standard_menu,
)

__all__ = [
    "STANDARD_CODES", "Choice", "Deal", "Flip", "LeftOut", "Offer", "Option", "TermCap",
    "cash_on_delivery", "choose", "discount_gain", "discount_rate", "early_payment", "expected_value", "guaranteed",
    "instalments", "insured", "ladder", "net", "prepayment", "standard_menu",
]  # fmt: skip
