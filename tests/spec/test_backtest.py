"""The time machine on ledgers small enough to be done by hand: what fits is sold, what it comes to, what the bounds say."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from deciding import case, shipped
from ledger_text import tables_of
from riskscore.backtest import (
    NEVER,
    Customer,
    Economics,
    Order,
    Period,
    Piece,
    Replay,
    backtest,
    customers_of,
    day_of,
    draw_unseen,
    live,
    measure,
    replay,
    rooms_of,
)  # fmt: skip
from riskscore.policy import elastic_of, recommend

JANUARY, FEBRUARY, MARCH = (day_of(day) for day in (date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)))
PERIOD = Period((JANUARY, FEBRUARY, MARCH))
MONEY = Economics(margin=0.2, capital_cost=0.1)


def order(name: str, issued: int, amount: float, closed: int = NEVER, *, lost: bool = False) -> Order:
    return Order(name, issued, amount, (Piece(closed, amount, lost),))


def customer(*orders: Order, limits=((0, 1000.0),), since: int = 0, until: int = NEVER, name: str = "acme") -> Customer:
    return Customer(name, orders, tuple(limits), since, until)


def granted(limit: float, **more):
    """A recommendation whose limit nothing moves: a cap by hand."""
    facts = case(manual_cap=Decimal(str(limit)), **more)
    return elastic_of(facts, shipped(), recommend(facts, shipped()))


def lived(customers, *months) -> Replay:
    """The life of a policy that decides this in the months of the period, whatever became of it before."""
    return live(customers, ["it"], lambda month, _lives: {"it": months[month]}, PERIOD)["it"].replay


def names(orders) -> list[str]:
    return [each.name for each in orders]


def test_a_limit_decided_by_hand_is_not_moved_by_what_is_bought():
    assert granted(600).at(10.0**9, None, others=3.0, sales=0.1, used=True) == 600


def test_what_does_not_fit_is_turned_away_whole_and_what_is_paid_makes_room_the_same_day():
    limit = {"acme": granted(600)}
    found = lived(
        [
            customer(
                order("before", JANUARY - 5, 300, closed=FEBRUARY - 10),
                order("fits", JANUARY + 1, 300, closed=MARCH),  # 300 + 300 = 600
                order("not", JANUARY + 2, 1),
                order("freed", FEBRUARY - 10, 300),  # `before` was paid that day
                order("next month", FEBRUARY + 1, 50),
            )
        ],
        limit,
        limit,
    )

    assert names(found.sold[0]) == ["before", "fits", "freed"]
    assert names(found.refused[0]) == ["not", "next month"]
    assert found.limits == [[600], [600]]


def test_where_the_policy_has_not_spoken_the_limit_on_file_holds_and_where_none_is_nothing_is_turned_away():
    orders = (order("small", JANUARY + 1, 900), order("large", JANUARY + 2, 900))

    assert names(lived([customer(*orders)], {}, {}).sold[0]) == ["small"]
    assert names(lived([customer(*orders, limits=())], {}, {}).sold[0]) == ["small", "large"]
    raised = customer(*orders, limits=((0, 1000.0), (JANUARY + 2, 1800.0)))
    assert names(lived([raised], {}, {}).sold[0]) == ["small", "large"]


def test_a_policy_is_asked_with_the_life_it_has_led_so_far():
    asked = []

    def decide(month, lives):
        asked.append((month, sorted(lives["it"].refused_names), [list(each) for each in lives["it"].limits]))
        return {"it": {"acme": granted(100)}}

    live([customer(order("1", JANUARY + 1, 500), order("2", FEBRUARY + 1, 50))], ["it"], decide, PERIOD)

    assert asked == [(0, [], []), (1, ["1"], [[100]])]


def test_orders_that_nobody_saw_raise_what_the_next_limit_is_reckoned_from():
    facts = case(monthly_purchases=Decimal(100), peak_monthly_purchases=Decimal(100), typical_terms_days=20)
    need = elastic_of(facts, shipped(), recommend(facts, shipped()))  # a month's purchases
    customers = [customer(order("old", JANUARY - 20, 90, closed=JANUARY - 1), order("late", FEBRUARY + 3, 150))]
    life = live(customers, ["it"], lambda *_: {"it": {"acme": need}}, PERIOD)["it"]
    unseen = order("", JANUARY + 3, 90, closed=JANUARY + 10)

    found = replay(customers, life, PERIOD, {0: [unseen]})

    assert life.replay.limits == [[100], [100]]
    assert names(life.replay.refused[0]) == ["late"]
    # Twice as much was bought in the year: the mean doubles, the largest month is 90 and lifts nothing.
    assert found.limits == [[100], [200]]
    assert names(found.sold[0]) == ["old", "", "late"]


def test_without_anything_unseen_a_replay_is_the_life_itself():
    customers = invented(300.0, n=6)
    amounts = {each.customer_id: granted(90 + 40 * place) for place, each in enumerate(customers)}
    life = live(customers, ["it"], lambda *_: {"it": amounts}, PERIOD)["it"]

    assert replay(customers, life, PERIOD, {}) == life.replay
    assert life.replay.refused_names


def test_measures_at_the_values_that_can_be_done_by_hand():
    sold = [
        order("before", JANUARY - 30, 100, closed=FEBRUARY - 1, lost=True),
        order("paid", JANUARY + 1, 400, closed=FEBRUARY),  # owed at no month's end
        Order("in parts", FEBRUARY, 300, (Piece(MARCH - 1, 100), Piece(MARCH + 1, 200))),  # 300 in February, 200 in March
        order("after", MARCH + 1, 5000),
    ]

    found = measure(sold, PERIOD, MONEY)

    assert (found.sales, found.losses, found.receivables) == (700, 100, 250)
    assert found.margin == pytest.approx(140)
    assert found.dso == pytest.approx(250 / 700 * 59)
    assert found.profit == pytest.approx(140 - 0.1 * 0.8 * 250 * 59 / 365 - 100)
    assert math.isnan(measure([], PERIOD, MONEY).dso)


def test_orders_are_read_with_what_became_of_them():
    tables = tables_of("""
        customers
        customer_id | known_on
        acme        | 2024-01-01

        invoices
        invoice_id | customer_id | issued_on  | due_on     | amount | currency
        1          | acme        | 2025-01-10 | 2025-02-10 | 100    | EUR
        2          | acme        | 2025-01-11 | 2025-02-10 | 100    | USD
        3          | acme        | 2025-01-12 | 2025-02-10 | -50    | EUR
        4          | acme        | 2025-01-13 | 2025-02-10 | 100    | EUR

        settlements
        invoice_id | kind      | settled_on | amount
        1          | payment   | 2025-02-01 | 30
        1          | payment   | 2025-02-05 | 90
        2          | write_off | 2025-03-01 | 60

        rates
        currency | to_currency | rate | rated_on
        USD      | EUR         | 0.5  | 2025-01-01
        USD      | EUR         | 0.9  | 2025-02-01

        limits
        customer_id | amount | currency | granted_on
        acme        | 1000   | USD      | 2025-01-05
        acme        | 700    | EUR      | 2025-02-05
    """)

    (found,) = customers_of(tables, "EUR")

    day = {n: day_of(date(2025, 1, n)) for n in (5, 10, 11, 13)}
    assert found.orders == (
        Order("1", day[10], 100, (Piece(day_of(date(2025, 2, 1)), 30), Piece(day_of(date(2025, 2, 5)), 70))),
        Order("2", day[11], 50, (Piece(day_of(date(2025, 3, 1)), 30, lost=True), Piece(NEVER, 20))),
        Order("4", day[13], 100, (Piece(NEVER, 100),)),
    )
    assert found.limits == ((day[5], 500), (day_of(date(2025, 2, 5)), 700))
    assert (found.since, found.until) == (day_of(date(2024, 1, 1)), day_of(date(2025, 3, 1)))


def test_room_is_what_the_limit_leaves_and_a_limit_that_was_exceeded_did_not_bind():
    days = np.arange(JANUARY + 1, JANUARY + 6)
    found = customer(
        order("1", JANUARY + 1, 400, closed=JANUARY + 4),
        order("2", JANUARY + 3, 100, closed=JANUARY + 4),
        order("3", JANUARY + 3, 800),
        limits=((JANUARY + 2, 1000.0),),
    )

    place, share, room = rooms_of(found, days)

    # The first day had no limit; then 400 are owed. Two orders part the third day: 600 are free, then 500 where 800 passed, then
    # less than nothing. On the fourth 800 are owed.
    assert place.tolist() == [0, 0, 1, 2, 2, 2, 3, 4]
    assert share.tolist() == pytest.approx([1 / 2, 1 / 2, 1, 1 / 3, 1 / 3, 1 / 3, 1, 1])
    assert room.tolist() == [math.inf, math.inf, 600, 600, 800, 0, 200, 200]


def invented(limit: float | None, seed: int = 3, n: int = 40) -> list[Customer]:
    """Customers that order three times a month for about 100 each, pay after 30 days, and meet that limit in the last year."""
    generator = np.random.default_rng(seed)
    found = []
    for place in range(n):
        sold: list[Order] = []
        for number, day in enumerate(sorted(generator.choice(np.arange(MARCH - 500, MARCH + 1), 50).tolist())):
            amount = float(np.exp(4.6 + 0.6 * generator.standard_normal()))
            owed = sum(each.open_on(day) for each in sold)
            if limit is None or day < MARCH - 365 or owed + amount <= limit:
                sold.append(order(f"{place:02}/{number:02}", day, amount, closed=day + 30))
        limits = () if limit is None else ((MARCH - 365, limit),)
        found.append(Customer(f"c{place:02}", tuple(sold), limits, MARCH - 500, NEVER))
    return found


def test_the_orders_that_were_turned_away_are_about_as_many_and_as_large_as_they_were():
    whole, seen = invented(None), invented(300.0)
    truly = [
        sum(each.amount for each in one.orders if each.issued > MARCH - 300)
        - sum(each.amount for each in other.orders if each.issued > MARCH - 300)
        for one, other in zip(whole, seen, strict=True)
    ]

    draws = list(draw_unseen(seen, MARCH - 300, MARCH, n_draws=30, seed=1))
    drawn = [sum(each.amount for orders in draw.values() for each in orders) for draw in draws]

    assert sum(truly) > 10_000
    assert min(drawn) < 1.25 * sum(truly)
    assert max(drawn) > 0.8 * sum(truly)
    assert np.mean(drawn) == pytest.approx(sum(truly), rel=0.3)
    assert all(each.concluded == each.issued + 30 or each.concluded > MARCH for orders in draws[0].values() for each in orders)


def test_where_no_limit_was_on_file_nothing_is_drawn():
    assert list(draw_unseen(invented(None, n=3), MARCH - 300, MARCH, n_draws=2, seed=1)) == [{}, {}]
    assert list(draw_unseen([customer()], MARCH - 300, MARCH, n_draws=1, seed=1)) == [{}]


def test_nobody_orders_after_it_failed():
    day = MARCH - 100
    whole = invented(300.0)
    failed = [replace(each, orders=tuple(o for o in each.orders if o.concluded <= day), until=day) for each in whole]

    assert all(
        each.issued <= MARCH - 100 and each.concluded <= MARCH - 100
        for draw in draw_unseen(failed, MARCH - 300, MARCH, n_draws=3, seed=1)
        for orders in draw.values()
        for each in orders
    )


def both_policies(limit: float, other: float, customers):
    said = {
        name: {each.customer_id: granted(amount) for each in customers} for name, amount in (("kept", limit), ("moved", other))
    }
    return ("kept", "moved"), lambda *_: said


def test_an_interval_reaches_from_what_was_seen_to_what_was_drawn():
    customers = invented(300.0, n=8)

    found = backtest(customers, *both_policies(300.0, 900.0, customers), PERIOD, MONEY, n_draws=99, seed=7)
    kept, moved = found.outcomes

    assert kept.measures["sales"].low == kept.measures["sales"].seen == found.happened.sales
    assert kept.against == {}
    assert moved.measures["sales"].low == found.happened.sales  # had nobody been turned away, more room sells no more
    assert moved.measures["sales"].expected > 1.1 * found.happened.sales
    assert moved.measures["sales"].high > moved.measures["sales"].expected
    assert moved.against["sales"].low == 0
    assert all(
        each.low <= each.expected <= each.high and each.low <= each.seen <= each.high
        for outcome in found.outcomes
        for each in outcome.measures.values()
    )
    # The old limits again: what they turned away is turned away again, whatever it was.
    assert {(each.low, each.high) for each in kept.measures.values()} == {
        (each.seen, each.seen) for each in kept.measures.values()
    }
    assert min(found.n_unseen) > 0


def test_a_tighter_policy_sells_no_more_and_the_same_question_has_the_same_answer():
    customers = invented(300.0, n=8)
    asked = both_policies(300.0, 150.0, customers)

    once, again = (backtest(customers, *asked, PERIOD, MONEY, n_draws=99, seed=7) for _ in range(2))

    assert [each.measures for each in once.outcomes] == [each.measures for each in again.outcomes]
    assert once.outcomes[1].against["sales"].high < 0
    assert once.outcomes[1].against["margin"].expected == pytest.approx(0.2 * once.outcomes[1].against["sales"].expected)


def test_too_few_draws_make_no_interval():
    with pytest.raises(ValueError, match="needs 99 draws or more, not 98"):
        backtest([customer()], ["it"], lambda *_: {"it": {}}, PERIOD, MONEY, n_draws=98)


def test_a_currency_without_a_rate_is_an_error_and_not_a_guess():
    tables = tables_of("""
        invoices
        invoice_id | customer_id | issued_on  | due_on     | amount | currency
        1          | acme        | 2025-01-10 | 2025-02-10 | 100    | CHF

        rates
        currency | to_currency | rate | rated_on
        USD      | EUR         | 0.5  | 2025-01-01

        settlements
        invoice_id | settled_on | amount
        1          | 2025-02-01 | 30
    """)

    with pytest.raises(KeyError, match="CHF"):
        customers_of(tables, "EUR")
