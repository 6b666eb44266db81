"""A small simulated book with newcomers in it, and the payment hazard learned from it once."""

from datetime import timedelta
from functools import lru_cache

from modelling import small
from riskscore.hazard import Hazard, take_cases
from riskscore.snapshot import customers_known_at
from riskscore.stores.engines import ledger_of
from riskscore.training.gathering_invoices import gather_invoices
from riskscore.training.invoices import learn_hazard
from simulated import world_of

WORLD = {"preset": "default", "n_customers": 150, "n_months": 18, "seed": 8}


@lru_cache(maxsize=1)
def ledger():
    return ledger_of(dict(world_of(**WORLD).tables), "EUR")


@lru_cache(maxsize=1)
def lessons():
    """Cases and what became of them."""
    gathered = gather_invoices([ledger()], small(), until=world_of(**WORLD).end_on)
    return gathered, *gathered.cases_known(gathered.until)


@lru_cache(maxsize=1)
def hazard():
    return Hazard(learn_hazard(lessons()[0], small()))


@lru_cache(maxsize=1)
def open_cases():
    day = world_of(**WORLD).end_on - timedelta(days=150)
    return take_cases(ledger(), customers_known_at(ledger(), day))


def newcomers():
    return open_cases().take(open_cases().newcomer & (open_cases().age < 0))
