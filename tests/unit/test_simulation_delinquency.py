"""The oracle of customers against the product's own label on the simulated ledger."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from riskscore.errors import UsageRefused
from riskscore.outcomes import Outcome, observe
from riskscore.simulation.delinquency import odds_of_delinquency, reporting_amounts, trailing_billing
from riskscore.stores.engines import ledger_of
from simulated import calm_world

LAW = Outcome()
AS_OF = (date(2022, 12, 31), date(2023, 5, 15))


@pytest.fixture(scope="module")
def world():
    return calm_world()


@pytest.fixture(scope="module")
def judged(world):
    """Chance, latent chance and the observed outcome of every active customer."""
    ledger = ledger_of(world.tables, "EUR")
    parts = []
    for as_of in AS_OF[1:]:
        filtered = odds_of_delinquency(world, as_of, LAW, n_paths=64)
        latent = odds_of_delinquency(world, as_of, LAW, n_paths=64, knowledge="latent")
        seen = observe(ledger, filtered.select(["customer_id", "as_of"]), LAW, until=world.end_on)
        outcome = dict(zip(seen["customer_id"].to_pylist(), seen["outcome"].to_pylist(), strict=True))
        came = [float(outcome[who]) for who in filtered["customer_id"].to_pylist()]
        parts.append(np.column_stack([filtered["probability"].to_numpy(), latent["probability"].to_numpy(), came]))
    return np.concatenate(parts)


def test_chances_of_delinquency_are_calibrated_against_the_label_of_the_ledger(judged):
    chance, came = judged[:, 0], judged[:, 2]
    error = np.sqrt((chance * (1 - chance)).sum())
    groups = np.searchsorted([0.05, 0.2, 0.6], chance)

    assert abs(chance.sum() - came.sum()) < 3.5 * error
    for group in range(4):
        mine = groups == group
        assert abs(chance[mine].sum() - came[mine].sum()) < 3.5 * np.sqrt((chance[mine] * (1 - chance[mine])).sum()) + 1


def test_knowing_everything_hidden_beats_the_filter_and_the_filter_the_prior(judged):
    came = judged[:, 2]

    def brier(chance):
        return ((chance - came) ** 2).mean()

    assert brier(judged[:, 1]) < brier(judged[:, 0]) < 0.8 * brier(came.mean())


def test_customers_whose_insolvency_is_public_and_those_to_come_are_left_out(world):
    truth = world.truth
    table = odds_of_delinquency(world, AS_OF[1], LAW, n_paths=2)
    today = (AS_OF[1] - world.start_on).days
    ids = set(table["customer_id"].to_pylist())
    for k, name in enumerate(truth.people.customer_id):
        gone = truth.announced_day[k] <= today
        to_come = truth.calendar.month_starts[truth.people.joined_month[k]] > today

        assert (name in ids) == (not gone and not to_come)


def test_longer_horizon_and_milder_threshold_make_delinquency_more_likely(world):
    def mean(law):
        return odds_of_delinquency(world, AS_OF[0], law, n_paths=16, knowledge="latent")["probability"].to_numpy().mean()

    usual = mean(LAW)

    assert mean(replace(LAW, horizon_days=60)) < usual
    assert mean(replace(LAW, late_share=Decimal("0.9"), min_amount=Decimal(10**9))) < usual


def test_simulation_error_is_stated_and_the_answer_is_the_same_every_time(world):
    table = odds_of_delinquency(world, AS_OF[0], LAW, n_paths=16, knowledge="latent")
    p, error = table["probability"].to_numpy(), table["standard_error"].to_numpy()

    assert error == pytest.approx(np.sqrt(p * (1 - p) / 16))
    assert table.equals(odds_of_delinquency(world, AS_OF[0], LAW, n_paths=16, knowledge="latent"))


def test_amounts_are_those_of_the_books_at_the_rates_of_the_day(world):
    today = (AS_OF[0] - world.start_on).days
    amounts = reporting_amounts(world, today)
    billed = trailing_billing(world, today)
    recent = (world.truth.billing.issued <= today) & (world.truth.billing.issued > today - 365)

    assert billed.sum() == pytest.approx(amounts[recent].sum())
    # Rates drift by a percent and a half a month, so a year's amounts stay near those of the day they were issued.
    assert amounts / world.truth.billing.amount == pytest.approx(np.ones(len(amounts)), rel=0.35)


@pytest.mark.parametrize(
    ("as_of", "n_paths", "sentence"),
    [
        (date(2021, 12, 31), 4, "outside the window"),
        (date(2024, 1, 1), 4, "outside the window"),
        (date(2023, 1, 1), 3, "must be even"),
        (date(2023, 1, 1), 0, "must be even"),
    ],
    ids=["before the window", "after the window", "odd", "none"],
)
def test_impossible_questions_are_refused(world, as_of, n_paths, sentence):
    with pytest.raises(UsageRefused, match=sentence):
        odds_of_delinquency(world, as_of, LAW, n_paths=n_paths)
