"""What a policy would have lost, done by hand: the failing customer's money to the cent, and the bounds of what nobody saw."""

from datetime import date
from decimal import Decimal

import pytest

from deciding import case, policy
from ledger_text import tables_of
from riskscore.backtest import (
    NEVER,
    Customer,
    Economics,
    Order,
    Period,
    Piece,
    backtest,
    customers_of,
    day_of,
    draw_unseen,
    machine,
    measure,
)  # fmt: skip
from riskscore.backtest import orders as reading
from riskscore.policy import elastic_of, recommend

JANUARY, FEBRUARY, MARCH = (day_of(day) for day in (date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)))
PERIOD = Period((JANUARY, FEBRUARY, MARCH))
MONEY = Economics(margin=0.2, capital_cost=0.1)
FAILED = day_of(date(2025, 3, 20))
POLICIES = {"old": {"acme": 1000, "bell": 1000}, "new": {"acme": 400, "bell": 1000}, "loose": {"acme": 3000, "bell": 1000}}

# Acme fails on 20 March. Of 1 a part was paid before; of 2 thirty are paid after the write-off; 3 does not fit under the new policy.
PAGE = """
    customers
    customer_id | known_on
    acme        | 2024-01-01
    bell        | 2024-01-01

    invoices
    invoice_id | customer_id | issued_on  | due_on     | amount
    1          | acme        | 2025-01-10 | 2025-02-10 | 300
    2          | acme        | 2025-02-06 | 2025-03-06 | 150
    3          | acme        | 2025-03-03 | 2025-04-03 | 500
    4          | bell        | 2025-02-10 | 2025-03-10 | 400

    settlements
    invoice_id | kind      | settled_on | amount
    1          | payment   | 2025-02-05 | 100
    1          | write_off | 2025-03-20 | 200
    2          | write_off | 2025-03-20 | 150
    2          | payment   | 2025-03-27 | 30
    3          | write_off | 2025-03-20 | 500
    4          | payment   | 2025-03-10 | 400

    limits
    customer_id | amount | granted_on
    acme        | 1000   | 2024-01-01
    bell        | 1000   | 2024-01-01

    rates
    currency | to_currency | rate | rated_on
    USD      | EUR         | 0.5  | 2024-01-01
"""


def granted(limit: float):
    """A recommendation whose limit nothing moves: a cap by hand."""
    facts = case(manual_cap=Decimal(limit))
    return elastic_of(facts, policy(), recommend(facts, policy()))


SAID = {name: {who: granted(limit) for who, limit in limits.items()} for name, limits in POLICIES.items()}


def asked(monkeypatch: pytest.MonkeyPatch, draws, page: str = PAGE):
    """The three policies, where these are the orders that nobody saw: by draw, Acme's."""
    monkeypatch.setattr(machine, "draw_unseen", lambda *_args, **_more: ({0: orders} if orders else {} for orders in draws))
    customers = customers_of(tables_of(page), "EUR")
    return backtest(customers, list(SAID), lambda *_: SAID, PERIOD, MONEY, n_draws=99)


def alone(monkeypatch: pytest.MonkeyPatch, page: str = PAGE) -> dict[str, dict[str, float]]:
    found = asked(monkeypatch, [()] * 99, page)
    return {each.name: {name: interval.seen for name, interval in each.measures.items()} for each in found.outcomes}


def test_a_failing_customer_costs_what_was_left_open_of_what_each_policy_sold_less_what_came_back(monkeypatch):
    found = alone(monkeypatch)

    # Old: 200 of invoice 1, 150 - 30 of invoice 2, 500 of invoice 3. New: 200 + 150 + 500 are more than 400, so 3 is not sold.
    assert {name: each["losses"] for name, each in found.items()} == {"old": 820.0, "new": 320.0, "loose": 820.0}
    assert {name: each["sales"] for name, each in found.items()} == {"old": 1050.0, "new": 550.0, "loose": 1050.0}
    # At the end of February 200, 150 and 400 are owed, at the end of March nothing: 375 on average under both policies.
    assert {each["receivables"] for each in found.values()} == {375.0}
    capital = 0.1 * 0.8 * 375 * 59 / 365
    assert found["old"]["profit"] == pytest.approx(0.2 * 1050 - capital - 820, abs=1e-9)
    assert found["new"]["profit"] == pytest.approx(0.2 * 550 - capital - 320, abs=1e-9)
    assert found["new"]["dso"] == pytest.approx(375 / 550 * 59)


def lost(amount: float) -> Order:
    return Order("", day_of(date(2025, 3, 4)), amount, (Piece(FAILED, amount, lost=True),))


def test_its_bounds_reach_from_what_was_seen_to_the_worst_of_the_draws_but_a_hundredth_at_either_end(monkeypatch):
    # Draw k brings Acme an order of 10 k more, lost with the rest. Beside 850 owed, up to 150 fit under the old policy (k to 15),
    # all under the loose one; under the new one none does (350 are owed, 50 are free: k to 5).
    found = asked(monkeypatch, [(lost(10.0 * k),) if k else () for k in range(1, 100)])
    by_name = {each.name: each for each in found.outcomes}

    loose, new, old = (by_name[name].measures["losses"] for name in ("loose", "new", "old"))
    # Of 99 draws the 98 % interval leaves out none at either end beyond the lowest and the highest: 10 and 990.
    assert (loose.seen, loose.low, loose.expected, loose.high) == (820, 820, 820 + 500, 820 + 990)
    assert (new.low, new.expected, new.high) == (320, 320, 320 + 50)
    assert (old.low, old.expected, old.high) == (820, 820, 820 + 150)
    # The difference is taken draw by draw: at k = 16 the loose policy loses 160 more than the old one, up to k = 15 the same.
    more = by_name["loose"].against["losses"]
    assert (more.low, more.expected, more.high) == (0, 500, 990)
    less = by_name["new"].against["losses"]
    assert (less.low, less.high) == (-500 - 150, -500)


LOSSES = {
    "what-was-left-open": ("payment | 2025-02-05 | 60", "write_off | 2025-03-20 | 40", 40),
    "in-two-parts": ("write_off | 2025-03-20 | 40", "write_off | 2025-03-25 | 60", 100),
    "more-than-was-owed": ("payment | 2025-02-05 | 60", "write_off | 2025-03-20 | 100", 40),
    "a-part-came-back": ("write_off | 2025-03-20 | 100", "payment | 2025-03-27 | 30", 70),
    "more-came-back-than-was-lost": ("write_off | 2025-03-20 | 100", "payment | 2025-03-27 | 130", 0),
    "taken-back-in-part": ("write_off | 2025-03-20 | 100", "write_off | 2025-03-27 | -30", 70),
    "taken-back-and-paid": ("write_off | 2025-03-20 | 100\n1 | write_off | 2025-03-27 | -30", "payment | 2025-03-27 | 30", 70),
    "a-payment-bounced-and-is-lost": ("payment | 2025-02-05 | 100\n1 | payment | 2025-02-07 | -100", "write_off | 2025-03-20 | 100", 100),
    "after-the-period": ("payment | 2025-02-05 | 60", "write_off | 2025-04-01 | 40", 0),
    "before-the-period": ("write_off | 2025-01-31 | 40", "payment | 2025-02-05 | 60", 0),
}  # fmt: skip


def one_invoice(first: str, second: str) -> Customer:
    (found,) = customers_of(
        tables_of(f"""
            customers
            customer_id | known_on
            acme        | 2024-01-01

            invoices
            invoice_id | customer_id | issued_on  | due_on     | amount
            1          | acme        | 2025-01-10 | 2025-02-10 | 100

            settlements
            invoice_id | kind | settled_on | amount
            1          | {first}
            1          | {second}

            rates
            currency | to_currency | rate | rated_on
            USD      | EUR         | 0.5  | 2024-01-01

            limits
            customer_id | amount | granted_on
            acme        | 1000   | 2024-01-01
        """),
        "EUR",
    )
    return found


@pytest.mark.parametrize(("first", "second", "amount"), [pytest.param(*each, id=name) for name, each in LOSSES.items()])
def test_lost_is_what_was_written_off_in_the_period_and_never_paid(first, second, amount):
    (order,) = one_invoice(first, second).orders

    assert measure([order], PERIOD, MONEY).losses == amount
    assert sum(piece.amount for piece in order.pieces) == 100
    assert order.open_on(order.issued) == 100


def test_who_failed_and_paid_later_has_failed_and_who_was_written_off_by_mistake_has_not():
    assert one_invoice(*LOSSES["a-part-came-back"][:2]).until == FAILED
    assert one_invoice(*LOSSES["more-came-back-than-was-lost"][:2]).until == FAILED
    assert one_invoice("write_off | 2025-03-20 | 100", "write_off | 2025-03-21 | -100").until == NEVER
    assert one_invoice("payment | 2025-02-05 | 91", "write_off | 2025-03-20 | 9").until == NEVER


def crowded(*pieces: tuple[int, float, bool], until: int = NEVER) -> Customer:
    """Orders of 100 every third day that end in these pieces, under a limit that must have turned many away."""
    orders = tuple(
        Order(str(day), day, 100.0, tuple(Piece(closed if closed > 10**4 else day + closed, part, bad) for closed, part, bad in pieces))
        for day in range(JANUARY - 200, FAILED - 10, 3)
    )  # fmt: skip
    return Customer("acme", orders, ((JANUARY - 200, 120.0),), JANUARY - 200, until)


def drawn(customer: Customer) -> list[Order]:
    draws = draw_unseen([customer], JANUARY - 150, MARCH, n_draws=5, seed=2)
    return [order for draw in draws for orders in draw.values() for order in orders]


def test_a_drawn_order_is_lost_in_the_share_that_seen_ones_are():
    # Two of a hundred are written off as a bank's charge: no drawn order is lost whole for it.
    orders = drawn(crowded((20, 98.0, False), (20, 2.0, True)))

    assert len(orders) > 20
    for order in orders:
        assert sum(piece.amount for piece in order.pieces if piece.lost) == pytest.approx(0.02 * order.amount)
        assert sum(piece.amount for piece in order.pieces) == pytest.approx(order.amount)


def test_of_a_drawn_order_that_is_open_when_its_customer_fails_comes_back_what_came_back_of_seen_ones():
    # A quarter of what was open when it failed was paid ten days later.
    orders = drawn(crowded((FAILED, 75.0, True), (FAILED + 10, 25.0, False), until=FAILED))

    assert len(orders) > 20
    for order in orders:
        assert sum(piece.amount for piece in order.pieces if piece.lost) == pytest.approx(0.75 * order.amount)
        assert {piece.closed for piece in order.pieces if not piece.lost} == {FAILED + 10}


def test_a_part_payment_before_the_failure_stays_paid():
    orders = [each for each in drawn(crowded((5, 40.0, False), (FAILED, 60.0, True), until=FAILED)) if each.issued < FAILED - 5]

    assert len(orders) > 20
    for order in orders:
        assert sum(piece.amount for piece in order.pieces if piece.lost) == pytest.approx(0.6 * order.amount)


@pytest.mark.parametrize("fault", ["the-whole-invoice", "recoveries-forgotten", "whenever-written-off"])
def test_losses_counted_wrongly_would_be_seen(fault, monkeypatch):
    def wrong(sold, period, economics):
        sold = list(sold)
        right = measure(sold, period, economics)
        pieces = [(order, piece) for order in sold for piece in order.pieces if piece.lost]
        loss = {
            "the-whole-invoice": sum(order.amount for order, _ in pieces),
            "whenever-written-off": right.losses + 1.0,
        }.get(fault, right.losses)
        return type(right)(*list(vars(right).values())[:2], loss, *list(vars(right).values())[3:])

    if fault == "recoveries-forgotten":
        monkeypatch.setattr(reading, "_taken_back", lambda *_args, **_more: 0.0)
    else:
        monkeypatch.setattr(machine, "measure", wrong)

    with pytest.raises(AssertionError):
        test_a_failing_customer_costs_what_was_left_open_of_what_each_policy_sold_less_what_came_back(monkeypatch)
