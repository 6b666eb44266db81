"""Orders in the store: room is held in the transaction of the answer, counts until it is let go, and nothing of it can be changed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from riskscore.errors import Conflict, StorageFailed
from riskscore.order_check import Answer, Order, Rules, Standing, check_order, told_once
from riskscore.stores import audit, orders
from riskscore.stores.answers import Key
from riskscore.stores.database import open_database, reading, writing
from riskscore.stores.orders import Asked, Given, Held

ON = date(2026, 6, 30)
NOW = 1_782_800_000
RULES = Rules(horizon_days=60, warn_share=None, de_minimis=Decimal(0), grace_days=30)


def ask(engine: sa.Engine, amount: int, name: str = "SO-1", *, key: str | None = "", limit: int = 1000, **facts: Any) -> Given:
    """Check an order of acme, who owes nothing that is billed; reserve it under the key, by default its own."""
    about = {"customer_id": "acme", "currency": "EUR", "book_on": ON} | facts.pop("about", {})
    order = Order(name, Decimal(amount), ON, facts.pop("due_on", ON), **facts)
    asked = Asked(order=order, **about)

    def judge(held: Held) -> Answer:
        standing = Standing(Decimal(limit), "open", Decimal(0), held.billed, told_once(held.open_orders))
        return check_order(order, standing if held.is_sound else Standing(None, "open", None, Decimal(0)), RULES, on=ON)

    def tell(answer: Answer, held: Held, reservation_id: str | None) -> str:
        return f"{answer.outcome} {answer.before} {reservation_id}"

    if key is None:
        return orders.look(engine, asked, judge, tell)
    request = f"{about['customer_id']} {name} {amount}"
    return orders.reserve(engine, Key("erp", key or f"k-{name}-{amount}"), request, asked, judge, tell, now=NOW)


def reservation_of(given: Given) -> str:
    return given.body.split()[-1]


def before(engine: sa.Engine, **facts: Any) -> str:
    """What counts against acme at the moment."""
    return ask(engine, 1, "another", key=None, **facts).body.split()[1]


def count(engine: sa.Engine, table: sa.Table) -> int:
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_what_is_reserved_is_not_free_for_the_next(engine):
    found = [ask(engine, 600, "SO-1").outcome, ask(engine, 401, "SO-2").outcome, ask(engine, 400, "SO-3").outcome]

    assert found == ["allow", "block", "allow"]
    assert ask(engine, 1000, about={"customer_id": "other"}, key="o").outcome == "allow", "another customer's room is its own"


def test_looking_holds_and_records_nothing(engine):
    assert ask(engine, 600, key=None).body == "allow 0 None"
    assert (before(engine), count(engine, orders.ANSWERS), audit.verify(engine)) == ("0", 0, 0)


def test_a_blocked_order_holds_nothing_and_its_answer_is_recorded(engine):
    assert ask(engine, 1001).body == "block 0 None"
    assert (count(engine, orders.ANSWERS), count(engine, orders.RESERVATIONS)) == (1, 0)


def test_a_prepaid_order_holds_nothing_and_goods_that_have_left_hold_what_they_cost_whatever_the_limit(engine):
    ask(engine, 500, "SO-1", prepaid=True)
    ask(engine, 5000, "SO-2", shipped=True)

    assert before(engine) == "5000"


def test_the_first_answer_holds_for_its_key(engine):
    first, again = ask(engine, 600, key="k"), ask(engine, 600, key="k")
    other = ask(engine, 700, key="k")

    assert (again.body, again.replayed, again.same_request) == (first.body, True, True)
    assert (other.body, other.same_request) == (first.body, False)
    assert orders.find(engine, Key("erp", "k"), "acme SO-1 600") == again
    assert orders.find(engine, Key("another", "k"), "acme SO-1 600") is None
    assert before(engine) == "600"


def test_an_order_that_is_checked_again_replaces_its_reservation_only_where_it_may_be_taken(engine):
    first = ask(engine, 600)
    assert ask(engine, 1000).outcome == "allow", "it does not stand in its own way"
    assert ask(engine, 1001).outcome == "block"
    assert before(engine) == "1000"
    with pytest.raises(Conflict, match="replaced already"):
        orders.release(engine, reservation_of(first), "cancelled", billed_on=None, by="erp", now=NOW)


def test_a_cancelled_order_gives_its_room_back_at_once(engine):
    held = reservation_of(ask(engine, 600))
    found = orders.release(engine, held, "cancelled", billed_on=None, by="erp", now=NOW)

    assert found is not None
    assert (found.because, found.amount, found.order_id) == ("cancelled", 600, "SO-1")
    assert before(engine) == "0"


@pytest.mark.parametrize(("book_on", "counts"), [(29, "600"), (30, "600"), (31, "0")], ids=["older", "same day", "later"])
def test_a_billed_order_counts_until_a_book_of_a_later_day_is_read(engine, book_on, counts):
    held = reservation_of(ask(engine, 600))
    orders.release(engine, held, "billed", billed_on=date(2026, 5, 30), by="erp", now=NOW)

    assert before(engine, about={"book_on": date(2026, 5, book_on)}) == counts


def test_letting_go_twice_changes_nothing_and_for_another_reason_is_refused(engine):
    held = reservation_of(ask(engine, 600))
    first = orders.release(engine, held, "billed", billed_on=ON, by="erp", now=NOW)

    assert orders.release(engine, held, "billed", billed_on=ON, by="ann", now=NOW + 9) == first
    for because, billed_on in (("cancelled", None), ("billed", date(2026, 6, 29))):
        with pytest.raises(Conflict, match="billed already"):
            orders.release(engine, held, because, billed_on=billed_on, by="erp", now=NOW)
    assert orders.release(engine, "0" * 32, "cancelled", billed_on=None, by="erp", now=NOW) is None
    assert count(engine, orders.RELEASES) == 1


def test_what_is_held_in_another_currency_cannot_be_added_up(engine):
    ask(engine, 600, about={"currency": "USD"})

    assert ask(engine, 1, "SO-2").outcome == "block"


def test_every_row_stands_in_the_audit_log(engine):
    held = reservation_of(ask(engine, 600))
    ask(engine, 700)
    orders.release(engine, held, "replaced", billed_on=None, by="erp", now=NOW)
    actions = [(each.actor, each.action) for each in audit.events(engine)]

    assert actions == [
        ("erp", "order.answered"), ("erp", "order.reserved"), ("erp", "order.answered"), ("erp", "order.released"),
        ("erp", "order.reserved"),
    ]  # fmt: skip
    assert orders.verify(engine) == audit.verify(engine) == 5


TABLES = ("order_answers", "order_reservations", "order_releases")


def test_nothing_of_it_can_be_changed_or_taken_back(engine):
    held = reservation_of(ask(engine, 600))
    orders.release(engine, held, "cancelled", billed_on=None, by="erp", now=NOW)

    for statement in [each.format(table) for table in TABLES for each in ("update {} set audit_sequence = 9", "delete from {}")]:
        with pytest.raises((sa.exc.IntegrityError, StorageFailed), match="append-only"), writing(engine) as connection:
            connection.execute(sa.text(statement))


@pytest.mark.parametrize(
    "forged",
    [
        "update order_reservations set amount = '1'",
        "update order_answers set outcome = 'warn'",
        "update order_answers set body = 'allow 0 none'",
        "update order_releases set because = 'cancelled', billed_on = null",
        "delete from order_releases",
    ],
)
def test_whoever_has_the_file_can_forge_a_row_but_not_unseen(tmp_path, forged):
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    held = reservation_of(ask(engine, 600))
    orders.release(engine, held, "billed", billed_on=ON, by="erp", now=NOW)
    assert orders.verify(engine) == 3
    with engine.begin() as connection:
        for trigger in connection.execute(sa.text("select name from sqlite_master where type = 'trigger'")).scalars().all():
            connection.execute(sa.text(f"drop trigger {trigger}"))
        connection.execute(sa.text(forged))

    with pytest.raises(StorageFailed, match=r"is not what was recorded|is about an order that is gone"):
        orders.verify(engine)
    engine.dispose()


def test_a_store_that_fails_on_the_way_holds_nothing_and_answers_nothing(engine, monkeypatch):
    honest = audit.append

    def failing(connection: sa.Connection, **facts: Any) -> int:
        if facts["action"] == "order.reserved":
            raise StorageFailed("disk full")
        return honest(connection, **facts)

    monkeypatch.setattr(audit, "append", failing)
    with pytest.raises(StorageFailed):
        ask(engine, 600)
    monkeypatch.undo()

    assert (before(engine), count(engine, orders.ANSWERS), audit.verify(engine)) == ("0", 0, 0)
