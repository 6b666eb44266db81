"""A bigger order, more owed or a smaller limit never gets a milder answer."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from riskscore.order_check import Order, Rules, Standing, check_order, exposure

ON = date(2026, 5, 10)
STRICTNESS = {"allow": 0, "warn": 1, "block": 2, "prepay": 2}

amounts = st.integers(1, 300).map(Decimal)
owed = st.integers(0, 300).map(Decimal)
rules = st.builds(Rules, st.just(60), st.sampled_from([Decimal("0.5"), Decimal("0.9"), Decimal(1)]), owed, st.just(30))
orders = st.builds(Order, st.just("new"), amounts, st.just(ON), st.just(ON), st.booleans(), st.booleans())
opened = st.lists(st.builds(Order, st.just("open"), amounts, st.just(ON), st.just(ON)), max_size=2)
standings = st.builds(
    Standing,
    st.none() | owed,
    st.sampled_from(["open", "prepayment", "stop"]),
    st.integers(-100, 300).map(Decimal),
    owed,
    opened,
    doubt=st.sampled_from([None, None, None, "stale_book"]),
)


def strictness(order, standing, given_rules) -> int:
    return STRICTNESS[check_order(order, standing, given_rules, on=ON).outcome]


@given(orders, standings, rules, amounts)
def test_a_bigger_order_is_never_answered_more_mildly(order, standing, numbers, more) -> None:
    bigger = replace(order, amount=order.amount + more)

    assert strictness(order, standing, numbers) <= strictness(bigger, standing, numbers)


@given(orders, standings, rules, amounts, st.sampled_from(["receivables", "unbilled", "open_orders"]))
def test_more_exposure_is_never_answered_more_mildly(order, standing, numbers, more, part) -> None:
    added = (*standing.open_orders, Order("more", more, ON, ON)) if part == "open_orders" else getattr(standing, part) + more

    assert strictness(order, standing, numbers) <= strictness(order, replace(standing, **{part: added}), numbers)


@given(orders, standings.filter(lambda standing: standing.limit is not None), rules, amounts)
def test_a_smaller_limit_is_never_answered_more_mildly(order, standing, numbers, more) -> None:
    larger = replace(standing, limit=standing.limit + more)

    assert strictness(order, larger, numbers) <= strictness(order, standing, numbers)


@given(standings, rules, st.lists(amounts, max_size=30))
def test_however_an_order_is_split_no_more_is_taken_than_what_is_free_and_one_small_amount(standing, numbers, parts) -> None:
    before = exposure(standing, numbers, on=ON)
    free = max((standing.limit or Decimal(0)) - before, Decimal(0)) if standing.credit == "open" else Decimal(0)
    taken = Decimal(0)
    for place, amount in enumerate(parts):
        part = Order(f"part-{place}", amount, ON, ON)
        if check_order(part, standing, numbers, on=ON).takes_it:
            standing, taken = replace(standing, open_orders=(*standing.open_orders, part)), taken + amount

    assert taken <= max(free, -min(before, Decimal(0))) + numbers.de_minimis
    assert taken == 0 or (standing.doubt is None and standing.credit != "stop")
