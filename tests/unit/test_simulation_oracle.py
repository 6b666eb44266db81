"""The oracle of invoices: calibrated, dominant, exact against brute force, and never wiser than it may be."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.stats import rankdata

from riskscore.simulation import PRESETS, simulate
from riskscore.simulation.filtering import beliefs, run_class_shares
from riskscore.simulation.oracle import odds_at_issue, odds_when_open
from riskscore.simulation.payments import NEVER
from simulated import CALM, calm_world, world_of


def log_loss(truth, chance):
    chance = np.clip(chance, 1e-12, 1 - 1e-12)
    return float(-(truth * np.log(chance) + (1 - truth) * np.log1p(-chance)).mean())


@pytest.fixture(scope="module")
def world():
    return calm_world()


@pytest.fixture(scope="module")
def odds(world):
    return odds_at_issue(world)


@pytest.mark.parametrize("knower", ["latent", "filtered"])
@pytest.mark.parametrize("k", [0, 15, 30, 60])
def test_chances_are_calibrated_against_what_came_of_it(odds, knower, k):
    column = odds.lateness.index(k)
    mature = ~np.isnan(odds.realised[:, column])
    chance, came = getattr(odds, knower)[mature, column], odds.realised[mature, column]
    # The latent chances of one customer's invoices share its regime to come, so the binomial error is widened by a design effect.
    error = np.sqrt((chance * (1 - chance)).sum()) * 2.5
    groups = np.searchsorted(np.quantile(chance, [0.2, 0.4, 0.6, 0.8]), chance)

    assert abs(chance.sum() - came.sum()) < 3 * error
    for group in range(5):
        mine = groups == group
        spread = np.sqrt((chance[mine] * (1 - chance[mine])).sum()) * 2.5 + 1
        assert abs(chance[mine].sum() - came[mine].sum()) < 3.5 * spread


@pytest.mark.parametrize("preset", ["default", "sme", "hr_like"])
def test_knowing_more_is_worth_more(preset):
    world = world_of(preset)
    odds = odds_at_issue(world, lateness=(0, 30))
    for column in range(2):
        mature = ~np.isnan(odds.realised[:, column])
        came = odds.realised[mature, column]
        prior = log_loss(came, np.full(len(came), came.mean()))
        filtered, latent = log_loss(came, odds.filtered[mature, column]), log_loss(came, odds.latent[mature, column])

        assert latent < filtered < prior


def test_filter_beats_the_shrunken_rate_of_each_customer(world, odds):
    billing, payments = world.truth.billing, world.truth.payments
    late = (payments.paid > billing.rolled_due).astype(float)
    mature = ~np.isnan(odds.realised[:, 0]) & (billing.issued > 365)
    rate = np.empty(len(billing))
    mean, weight = late[billing.issued < 365].mean(), 4.0
    for who in range(len(world.truth.people)):
        mine = np.flatnonzero(billing.customer == who)
        # Known at issue: lateness of what was due by then.
        for k in mine:
            past = mine[billing.rolled_due[mine] < billing.issued[k]]
            rate[k] = (late[past].sum() + weight * mean) / (len(past) + weight)

    assert log_loss(odds.realised[mature, 0], odds.filtered[mature, 0]) < log_loss(odds.realised[mature, 0], rate[mature]) - 0.02


def test_chance_of_lateness_falls_with_k_and_stays_within_zero_and_one(odds):
    for chances in (odds.latent, odds.filtered):
        assert (np.diff(chances, axis=1) <= 1e-12).all()
        assert (chances >= 0).all()
        assert (chances <= 1 + 1e-9).all()


def test_belief_in_runs_qualities_and_regimes_comes_true_as_often_as_believed(world):
    truth = world.truth
    day = truth.calendar.n_days - 1
    active = np.flatnonzero(truth.announced >= truth.calendar.n_months)
    weights = next(beliefs(world, [day])).of(active)
    month = truth.calendar.n_months - 1
    for believed, true in (
        (weights.sum(axis=(2, 3)), truth.people.run_kind[active]),
        (weights.sum(axis=(1, 3)), truth.people.quality_node[active]),
        (weights.sum(axis=(1, 2)), truth.regimes[active, month]),
    ):
        n_states = believed.shape[1]
        came = np.eye(n_states)[true]
        error = np.sqrt((believed * (1 - believed)).sum(axis=0)) + 0.5
        assert believed.sum(axis=1) == pytest.approx(np.ones(len(active)))
        assert (np.abs(believed.sum(axis=0) - came.sum(axis=0)) < 4 * error).all()
        # What is believed is worth something: the truth has more mass than chance gives it.
        assert believed[np.arange(len(active)), true].mean() > 1.1 * (came.mean(axis=0) ** 2).sum()


def test_filter_starts_from_the_prior_and_rules_out_other_runs_after_payments(world):
    truth = world.truth
    first = next(beliefs(world, [0])).of(np.flatnonzero(truth.people.joined_month == 0))
    last = next(beliefs(world, [truth.calendar.n_days - 1]))
    regular = np.flatnonzero((truth.people.run_kind == 6) & (np.bincount(truth.billing.customer, minlength=300) > 30))

    assert first.sum(axis=(2, 3)) == pytest.approx(np.broadcast_to(run_class_shares(CALM), (len(first), 7)))
    assert last.of(regular)[:, 6].sum(axis=(1, 2)).min() > 0.99


def test_belief_sees_nothing_of_tomorrow():
    """Cutting the world short changes nothing that was believed before the cut."""
    long, short = world_of(n_months=18), world_of(n_months=9)
    # Joining months are drawn over the window, so only customers who were there from the start have the same life in both.
    both = np.flatnonzero((long.truth.people.joined_month == 0) & (short.truth.people.joined_month == 0))
    day = 200

    np.testing.assert_allclose(next(beliefs(long, [day])).of(both), next(beliefs(short, [day])).of(both), rtol=1e-9, atol=1e-12)


def brute_force(law, day, matches, n_worlds):
    """The share of late invoices among all that look alike at issue, over many small worlds: the law by counting."""
    late, count = 0, 0
    for seed in range(n_worlds):
        world = simulate(law, n_customers=400, n_months=4, seed=1000 + seed)
        truth = world.truth
        first = truth.billing.serial == 0
        alike = first & matches(truth) & (truth.billing.issued < day)
        late += int((truth.payments.paid[alike] > truth.billing.rolled_due[alike] + 15).sum())
        count += int(alike.sum())
    return late / count, count


def test_forecast_of_a_first_invoice_equals_counting_over_many_worlds():
    law = replace(CALM, statement_share=0.0, rating_share=0.0, countries=(("DE", 1.0),), joining_share=0.0)
    counted, n = brute_force(law, 40, lambda truth: truth.billing.due - truth.billing.issued == 30, 12)
    world = simulate(law, n_customers=400, n_months=4, seed=77)
    odds = odds_at_issue(world, lateness=(15,))
    truth = world.truth
    first = (truth.billing.serial == 0) & (truth.billing.issued < 40) & (truth.billing.due - truth.billing.issued == 30)

    assert odds.filtered[first, 0].mean() == pytest.approx(counted, abs=4 * np.sqrt(counted * (1 - counted) / n) + 0.004)


def test_open_invoices_are_forecast_given_that_they_are_open(world):
    as_of = date(2023, 6, 30)
    day = (as_of - world.start_on).days
    odds = odds_when_open(world, as_of)
    payments, billing = world.truth.payments, world.truth.billing
    passed = billing.rolled_due[odds.invoice][:, None] + np.array(odds.lateness) <= day
    sure = odds.filtered[passed]
    came, chance = odds.realised[~passed], odds.filtered[~passed]

    assert len(odds.invoice) > 300
    assert (payments.paid[odds.invoice] > day).all()
    assert (billing.issued[odds.invoice] <= day).all()
    assert sure == pytest.approx(np.ones(len(sure)))
    assert chance.mean() == pytest.approx(np.nanmean(came), abs=0.04)
    assert odds.table(world).column_names[:3] == ["invoice_id", "customer_id", "as_of"]


def test_immature_invoices_have_no_outcome_whether_or_not_they_were_paid(world, odds):
    billing, payments = world.truth.billing, world.truth.payments
    immature = billing.rolled_due + 30 >= world.truth.calendar.n_days
    column = odds.lateness.index(30)

    assert np.isnan(odds.realised[immature, column]).all()
    assert (payments.paid[immature] < NEVER).any()
    assert not np.isnan(odds.realised[~immature, column]).any()


def test_mean_economy_is_as_good_as_the_integral_over_economies():
    world = world_of(n_customers=25, n_months=12)
    mean, integrated = odds_at_issue(world), odds_at_issue(world, economy="integrated")

    assert np.abs(mean.filtered - integrated.filtered).max() < 0.002
    assert np.abs(mean.latent - integrated.latent).max() < 0.002
    assert np.abs(mean.filtered - integrated.filtered).max() > 0


def test_economy_as_it_came_is_used_only_where_asked_for():
    world = simulate(replace(PRESETS["default"], macro_shock=1.0), n_customers=25, n_months=9, seed=2)

    assert np.abs(odds_at_issue(world).latent - odds_at_issue(world, economy="realised").latent).max() > 0.01


def test_one_who_peeks_beats_the_bayes_limit(odds):
    """The planted fault behind the upper guard: a little knowledge of the outcome and the limit is broken."""
    mature = ~np.isnan(odds.realised[:, 0])
    came, limit = odds.realised[mature, 0], odds.filtered[mature, 0]
    peeking = np.clip(limit + 0.03 * (came - 0.5), 0.001, 0.999)

    assert log_loss(came, peeking) < log_loss(came, limit) - 0.01


@pytest.mark.slow
def test_limits_of_the_default_world_are_those_of_the_written_law():
    """The written limits come from one world; from one draw of customers to the next a limit moves by about .01."""
    world = simulate("default", n_customers=700, n_months=30, seed=7)
    odds = odds_at_issue(world, lateness=(0, 30))
    late = odds.today >= 540
    for column, limit in ((0, 0.823), (1, 0.854)):
        rows = late & ~np.isnan(odds.realised[:, column])
        assert area(odds.realised[rows, column], odds.filtered[rows, column]) == pytest.approx(limit, abs=0.02)


def area(came, chance):
    """The area under the ROC curve: how often a late invoice had the higher chance (ties by their mean rank)."""
    ranks = rankdata(chance)
    n_late = came.sum()
    return (ranks[came == 1].sum() - n_late * (n_late + 1) / 2) / (n_late * (len(came) - n_late))
