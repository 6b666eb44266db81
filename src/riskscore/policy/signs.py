"""Signs that a customer no longer operates as usual: each is a measure of its conduct against a threshold of the policy.

They shrink the limit (rule `abnormal`), and each is an event that brings the next review forward to today. They only tighten. A
measure that is not known is no sign, and neither is one whose threshold the policy does not set.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from riskscore.policy.case import Case, Signs
from riskscore.policy.params import Params
from riskscore.review_calendar import Trigger

Measure = Callable[[Signs], Decimal | None]
Threshold = Callable[[Params], Decimal | int | None]

SIGNS: Mapping[Trigger, tuple[Measure, Threshold]] = MappingProxyType(
    {
        "order_jump": (lambda signs: signs.order_jump, lambda params: params.abnormal_order_jump),
        "limit_nearly_used": (lambda signs: signs.utilisation, lambda params: params.abnormal_utilisation),
        "severely_overdue": (lambda signs: signs.overdue_share, lambda params: params.abnormal_overdue_share),
        "lateness_jump": (lambda signs: signs.lateness_change, lambda params: params.abnormal_lateness_change),
        "dispute_spike": (lambda signs: signs.dispute_rate, lambda params: params.abnormal_dispute_rate),
        "discounts_stopped": (
            lambda signs: None if signs.discount_change is None else -signs.discount_change,
            lambda params: params.abnormal_discount_drop,
        ),
        "statement_late": (lambda signs: signs.statement_age_days, lambda params: params.abnormal_statement_age),
        "insolvency_news": (lambda signs: signs.rating_notch, lambda params: params.abnormal_rating_notch),
    }
)
"""Sign to what is measured and where it begins: at the threshold, the sign holds."""


def signs_of(case: Case, params: Params) -> tuple[Trigger, ...]:
    """The signs of abnormal operation that hold for this customer, in the order of `SIGNS`."""
    found = []
    for sign, (measure, threshold) in SIGNS.items():
        measured, begins = measure(case.signs), threshold(params)
        if measured is not None and begins is not None and measured >= begins:
            found.append(sign)
    return tuple(found)
