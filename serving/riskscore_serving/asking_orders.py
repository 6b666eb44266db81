"""What may be asked about an order: the order, and what else its customer has on order that this server does not know of."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field, model_validator

from riskscore.order_check import Order
from riskscore_serving.asking import LARGEST, Amount, Code, Currency, Day, Given, Text, exact_amount, shown_amount

OLDEST = timedelta(days=366)
"""An order placed longer ago is no order any more: its limit of then could not be told from a typing error."""

Above = Annotated[Decimal, BeforeValidator(exact_amount), Field(gt=0, lt=LARGEST), shown_amount(0)]

ORDER_EXAMPLES: dict[str, Any] = {
    "check and reserve": {
        "summary": "check and reserve",
        "value": {
            "customer_id": "0000100007",
            "order": {"order_id": "SO-4711", "amount": "5200.00"},
            "unbilled": "0", "open_orders": [], "reserve": True,
        },
    },
    "only check, with what the ERP knows besides": {
        "summary": "only check, with what the ERP knows besides",
        "value": {
            "customer_id": "0000100007",
            "order": {"order_id": "SO-4712", "amount": "900", "ordered_on": "2026-06-20", "due_on": "2026-07-15"},
            "unbilled": "1250.00",
            "open_orders": [{"order_id": "SO-4690", "amount": "3100.00", "due_on": "2026-07-08", "prepaid": False}],
            "reserve": False,
        },
    },
}  # fmt: skip

RELEASE_EXAMPLES: dict[str, Any] = {
    "the order was cancelled": {"summary": "the order was cancelled", "value": {"because": "cancelled"}},
    "the order was billed": {"summary": "the order was billed", "value": {"because": "billed", "billed_on": "2026-07-09"}},
}


class OrderAsked(Given):
    """The order. due_on: the day of delivery. prepaid: paid before or on that day. shipped: the goods have left."""

    order_id: Code
    amount: Above
    currency: Currency | None = Field(None, description="must be the currency of the book; absent: that one")
    ordered_on: Day | None = Field(None, description="at most 366 days ago; absent: today")
    due_on: Day | None = Field(None, description="absent: at once")
    prepaid: bool = False
    shipped: bool = False


class OpenOrder(Given):
    """An order that was taken and is not delivered."""

    order_id: Code
    amount: Above
    due_on: Day
    prepaid: bool = False


class OrderWanted(Given):
    """An order of a customer of the book. unbilled and open_orders are said, also where they are nothing: absent is not zero.

    What was reserved here need not be told again; an order that is told as well counts once, as whichever account is larger.
    """

    customer_id: Text
    order: OrderAsked
    unbilled: Amount = Field(description="delivered and not billed, beyond what is reserved here")
    open_orders: Annotated[tuple[OpenOrder, ...], Field(max_length=500, strict=False)] = Field(
        description="taken and not delivered, beyond what is reserved here"
    )
    reserve: bool = Field(description="hold the room where the order may be taken; then an Idempotency-Key is required")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.order_id for each in self.open_orders}) < len(self.open_orders):
            raise ValueError("an open order stands twice")
        return self

    def as_order(self, on: date) -> Order:
        """The order as the core takes it. on: today."""
        asked = self.order
        return Order(
            asked.order_id, asked.amount, asked.ordered_on or on, asked.due_on or on, prepaid=asked.prepaid, shipped=asked.shipped
        )

    def others(self, on: date) -> tuple[Order, ...]:
        """What the customer has on order besides, as it was told."""
        return tuple(Order(each.order_id, each.amount, on, each.due_on, prepaid=each.prepaid) for each in self.open_orders)


class ReleaseWanted(Given):
    """Why a reservation is let go. billed_on: the date of the invoice, where it was billed, and only then."""

    because: Literal["cancelled", "billed"]
    billed_on: Day | None = None

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if (self.because == "billed") != (self.billed_on is not None):
            raise ValueError("billed has a date, cancelled has none")
        return self


def check_terms(wanted: OrderWanted, on: date, currency: str) -> None:
    """Raises RequestValidationError where the order is in another currency than the book, or of a day that cannot be."""
    faults: list[tuple[str, str]] = []
    if wanted.order.currency not in {None, currency}:
        faults.append(("currency", "not_the_currency_of_the_book"))
    if wanted.order.ordered_on is not None and not on - OLDEST <= wanted.order.ordered_on <= on:
        faults.append(("ordered_on", "date_order"))
    if faults:
        raise RequestValidationError([{"loc": ("body", "order", name), "type": why} for name, why in faults])
