"""What becomes of an invoice is learned only as far as the ledgers can tell: beyond their last day nobody is seen to pay."""

from contextlib import suppress
from datetime import timedelta
from functools import lru_cache

import numpy as np
import pyarrow.compute as pc
import pytest

from modelling import WORLD, small
from riskscore.errors import TooFewEvents, UsageRefused
from riskscore.snapshot import QUIET_DAYS, last_known_day
from riskscore.stores.engines import ledger_of
from riskscore.training import gather, gather_invoices, gathering
from riskscore.training.gathering import check_until
from riskscore.training.measuring import take_habits_and_losses, take_losses
from simulated import world_of

LONG = timedelta(days=150)
LEARNING = {
    "customers": lambda ledgers, until: gather(ledgers, small(), until=until),
    "invoices": lambda ledgers, until: gather_invoices(ledgers, small(), until=until),
    "habits": lambda ledgers, until: take_habits_and_losses(ledgers, small().definition, until=until),
    "losses": lambda ledgers, until: take_losses(ledgers, small().definition, until=until),
}


def known_by(last):
    """The tables as a company could have exported them on that day."""
    tables = {}
    for name, rows in world_of(**WORLD).tables.items():
        tables[name] = rows.filter(pc.less_equal(rows["rated_on" if name == "rates" else "known_on"], last))
    return tables


@lru_cache(maxsize=1)
def early_tables():
    return known_by(world_of(**WORLD).end_on - LONG)


def early():
    return ledger_of(early_tables(), "EUR")


def newest():
    return max(pc.max(early_tables()[name]["known_on"]).as_py() for name in ("invoices", "settlements", "disputes"))


def test_the_last_day_is_that_of_all_buckets_together():
    ids = pc.unique(early_tables()["invoices"]["customer_id"])
    halves = [
        ledger_of({name: _of(rows, half) for name, rows in early_tables().items()}, "EUR") for half in (ids[::2], ids[1::2])
    ]

    assert max(last_known_day(half) for half in halves) == last_known_day(early()) == newest()
    assert last_known_day(ledger_of({}, "EUR")) is None
    check_until([None, newest() - LONG, newest()], newest() + timedelta(days=QUIET_DAYS))
    check_until([None], newest())
    with pytest.raises(UsageRefused, match=f"nothing became known after {newest() - LONG}"):
        check_until([None, newest() - LONG], newest())


def _of(rows, customers):
    return rows if "customer_id" not in rows.column_names else rows.filter(pc.is_in(rows["customer_id"], customers))


@pytest.mark.parametrize("learn", LEARNING.values(), ids=LEARNING)
def test_what_nobody_can_know_is_not_learned(learn):
    until = newest() + timedelta(days=QUIET_DAYS + 1)

    with pytest.raises(UsageRefused, match=f"nothing became known after {newest()}"):
        learn([early()], until)


@pytest.mark.parametrize("learn", LEARNING.values(), ids=LEARNING)
def test_a_few_quiet_days_before_the_last_one_are_granted(learn):
    with suppress(TooFewEvents):  # there is too little to learn from, but nothing that cannot be known
        learn([early()], newest() + timedelta(days=QUIET_DAYS))


def test_without_the_check_open_invoices_become_customers_that_never_pay(monkeypatch):
    """The planted fault: the same cuts, judged on facts that are there and on facts that are not."""
    until = world_of(**WORLD).end_on
    honest = gather([ledger_of(dict(world_of(**WORLD).tables), "EUR")], small(), until=until)
    monkeypatch.setattr(gathering, "check_until", lambda _ledgers, _until: None)
    blinded = gather([early()], small(), until=until)

    last = max(honest.cuts)
    shares = [float(np.mean(each.rows.outcome[each.rows.days == (last - gathering.EPOCH).days])) for each in (honest, blinded)]
    assert shares[1] > 2 * shares[0] > 0
