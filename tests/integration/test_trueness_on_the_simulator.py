"""The best possible forecast of a simulated company is true as a whole, and a planted error in it is found."""

from datetime import timedelta

import numpy as np
import pytest
from scipy.special import expit, logit

from riskscore.evaluation import by_year, spiegelhalter
from riskscore.outcomes import Outcome, observe
from riskscore.simulation.delinquency import odds_of_delinquency
from riskscore.stores.engines import ledger_of
from simulated import calm_world

pytestmark = pytest.mark.slow

LAW = Outcome()
N_PATHS = 64
SEEDS = (41, 42, 43, 101, 102)


@pytest.fixture(scope="module")
def worlds():
    """Chance of each active customer by the law, and whether it came, per world whose economy does not move.

    Only there are customers independent given what is public: where the economy moves, one outcome tells of the next.
    """
    return [chances(calm_world(n_customers=300, n_months=24, seed=seed)) for seed in SEEDS]


def chances(world):
    as_of = world.end_on - timedelta(days=LAW.horizon_days)
    odds = odds_of_delinquency(world, as_of, LAW, n_paths=N_PATHS)
    seen = observe(ledger_of(dict(world.tables), "EUR"), odds.select(["customer_id", "as_of"]), LAW, until=world.end_on)
    came = dict(zip(seen["customer_id"].to_pylist(), seen["outcome"].to_pylist(), strict=True))
    chance = (odds["probability"].to_numpy() * N_PATHS + 0.5) / (N_PATHS + 1)  # a share of none or all paths is no certainty
    return chance, np.array([float(came[who]) for who in odds["customer_id"].to_pylist()])


def test_the_best_possible_forecast_is_rejected_in_no_world(worlds):
    found = [spiegelhalter(*world) for world in worlds]

    assert [each.rejected for each in found] == [False] * len(SEEDS)
    assert not spiegelhalter(*(np.concatenate(parts) for parts in zip(*worlds, strict=True))).rejected


def test_of_the_best_possible_forecast_as_many_pay_late_as_predicted(worlds):
    (row,) = level_of(*(np.concatenate(parts) for parts in zip(*worlds, strict=True)))

    assert row.within
    assert row.low <= 1 <= row.high


def test_probabilities_that_are_too_sure_are_rejected(worlds):
    chance, came = (np.concatenate(parts) for parts in zip(*worlds, strict=True))

    assert spiegelhalter(expit(1.5 * logit(chance)), came).rejected


def test_a_level_that_is_off_is_seen_in_predicted_over_observed(worlds):
    """Here many chances lie above one half, where the shift pulls Spiegelhalter's sum the other way: it cancels out."""
    chance, came = (np.concatenate(parts) for parts in zip(*worlds, strict=True))
    (row,) = level_of(expit(logit(chance) + 0.5), came)

    assert not row.within
    assert row.low > 1


def level_of(chance, came):
    return by_year(chance, came, np.full(len(came), 2023))
