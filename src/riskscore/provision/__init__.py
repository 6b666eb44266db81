"""The provision for receivables (IFRS 9, simplified approach): a matrix of loss rates by ageing bucket, and what explains it.

    amount = gross x min(1, rate x macro scalar x overlay factor)    rate = P(unpaid a year after due | open in the bucket) x LGD

The rate comes from history, either from roll rates between buckets or from a payment hazard's survival curve. Scenarios with
weights give the forward-looking scalar (IFRS 9 5.5.17, B5.5.35). An overlay is judgement, so it has an owner, a reason and a last
day; past that day it changes nothing. `bridge` walks from the model's expected loss to the booked matrix.

Money is `Decimal`, each amount rounded to the cent half up; totals are sums of rounded amounts, so that every table adds up.
"""

from riskscore.provision.assembling import Debtor, Made, make
from riskscore.provision.matrix import BUCKETS, Overlay, Provision, Rate, Row, Scenario, given_rates, macro_scalar, provide
from riskscore.provision.rates import Flow, Roll, defaults_by_roll, rates_by_roll, rates_by_survival
from riskscore.provision.reconciliation import Bridge, Item, Steps, bridge, expected_loss
from riskscore.provision.text import ProvisionText, digest_of, parse

__all__ = [
    "BUCKETS", "Bridge", "Debtor", "Flow", "Item", "Made", "Overlay", "Provision", "ProvisionText", "Rate", "Roll", "Row",
    "Scenario", "Steps", "bridge", "defaults_by_roll", "digest_of", "expected_loss", "given_rates", "macro_scalar", "make",
    "parse", "provide", "rates_by_roll", "rates_by_survival",
]  # fmt: skip
