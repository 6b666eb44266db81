"""The law of the simulated world against the numbers it is written with (each just below, at and just above its edge)."""

from datetime import date, timedelta

import numpy as np
import pytest

from riskscore.simulation import PRESETS, economy, simulate
from riskscore.simulation.calendars import N_RUN_CLASSES, Calendar
from riskscore.simulation.payments import NEVER, Followed, dispute_days, follow, month_logit
from riskscore.simulation.population import populate
from riskscore.simulation.randomness import normals, uniforms
from riskscore.snapshot.calendar import next_business_day
from simulated import CALM, calm_world, world_of

DEFAULT = PRESETS["default"]
MONDAY = date(2022, 5, 2)  # the first business day of that month in Germany


def calendar(start: date = date(2022, 5, 1), n_months: int = 3, countries: tuple[str, ...] = ("DE",)) -> Calendar:
    return Calendar(start, n_months, countries)


def paid_on_first_day(days_past_due: int, threshold: float, *, disputed: bool = False, steady: float = 0.0) -> bool:
    """Whether an invoice is paid on the first day it is followed, a Monday, when that many days past its rolled due date."""
    days = calendar()
    day = (MONDAY - days.start_on).days
    one = Followed(
        since=np.array([day - 1]),
        rolled_due=np.array([day - days_past_due]),
        run_class=np.array([0]),
        disputed=np.array([day if disputed else NEVER]),
        steady=np.array([steady]),
        owner=np.array([0]),
        threshold=np.array([threshold]),
    )
    return bool(follow(DEFAULT, days, one, np.zeros((1, 20)), until=day + 1)[0] == day)


@pytest.mark.parametrize(
    ("days_past_due", "written"),
    [
        (-11, -4.0), (-10, -2.3), (-4, -2.3), (-3, 0.25), (-1, 0.25), (0, 0.85), (3, 0.85), (4, 0.75),
        (10, 0.75), (11, 0.35), (30, 0.35), (31, -0.1), (60, -0.1), (61, -0.6), (400, -0.6),
    ],
)  # fmt: skip
def test_hazard_of_a_run_day_is_the_written_one_in_every_bin_and_at_every_edge(days_past_due, written):
    summed = np.log1p(np.exp(written))

    assert paid_on_first_day(days_past_due, summed * (1 - 1e-9))
    assert not paid_on_first_day(days_past_due, summed * (1 + 1e-9))


def test_dispute_lowers_the_log_odds_by_1_6_from_the_day_it_is_raised():
    summed = np.log1p(np.exp(0.85 - 1.6))

    assert paid_on_first_day(0, summed * (1 - 1e-9), disputed=True)
    assert not paid_on_first_day(0, summed * (1 + 1e-9), disputed=True)


def test_regime_hazards_run_levels_and_amount_effect_are_the_written_ones():
    assert DEFAULT.regime_hazard == (0.0, -0.9, -1.9, -np.inf)
    assert DEFAULT.run_hazard == (-1.30, 0.35, 1.30)
    assert (DEFAULT.amount_hazard, DEFAULT.dispute_hazard, DEFAULT.macro_on_hazard) == (-0.10, -1.6, 0.25)


def test_months_worsen_by_a_quarter_of_the_macro_index_and_by_the_season():
    days = calendar(date(2022, 11, 1), 2)

    november, december = month_logit(DEFAULT, days, np.array([0.0, 2.0]))

    assert november == pytest.approx(0.0)
    assert december == pytest.approx(-0.20 - 0.25 * 2.0)


def test_regime_matrix_in_an_average_economy_is_the_written_one():
    written = [[0.980, 0.018, 0.0018, 0.0002], [0.10, 0.866, 0.032, 0.002], [0.02, 0.13, 0.83, 0.02], [0, 0, 0, 1]]

    assert economy.transition(DEFAULT, 0.0) == pytest.approx(np.array(written))


@pytest.mark.parametrize("macro", [-1.5, 0.3, 1.5], ids=["boom", "slightly worse", "recession"])
def test_macro_index_tilts_the_odds_down_and_up_by_exp_of_45_percent(macro):
    base, tilted = np.array(DEFAULT.regime_matrix), economy.transition(DEFAULT, macro)
    solvent = slice(0, 3)
    against_staying = (tilted / np.diag(tilted)[:, None])[solvent] / (base / np.diag(base)[:, None])[solvent]

    assert tilted.sum(axis=1) == pytest.approx(np.ones(4))
    assert against_staying[0, 1:] == pytest.approx(np.exp(0.45 * macro))
    assert against_staying[2, :2] == pytest.approx(np.exp(-0.45 * macro))
    assert tilted[3] == pytest.approx([0, 0, 0, 1])


def test_macro_index_is_the_written_autoregression_from_zero():
    path = economy.macro_path(DEFAULT, 24, seed=3)

    assert path[0] == 0.0
    assert path[1:] - 0.92 * path[:-1] == pytest.approx(0.35 * normals(3, "macro", np.arange(1, 24)))


def test_regimes_start_and_move_in_the_written_shares():
    macro = np.zeros(12)
    paths = economy.regime_paths(CALM, macro, np.zeros(40_000, dtype=np.int64), np.zeros(40_000, dtype=np.bool_), seed=1)
    start = np.bincount(paths[:, 0], minlength=4) / 40_000
    moved = np.zeros((4, 4))
    np.add.at(moved, (paths[:, :-1].ravel(), paths[:, 1:].ravel()), 1)

    assert start == pytest.approx([0.82, 0.14, 0.04, 0.0], abs=0.01)
    # Four binomial standard errors of each cell.
    totals = moved.sum(axis=1, keepdims=True)
    share, written = moved / totals, np.array(DEFAULT.regime_matrix)
    assert (np.abs(share - written) <= 4 * np.sqrt(written * (1 - written) / totals) + 1e-12).all()


def test_population_has_the_written_shares():
    people = populate(DEFAULT, 40_000, 36, seed=2)
    kinds = np.bincount(people.run_kind, minlength=7) / 40_000
    terms = np.array([(people.terms_days == days).mean() for days in (15, 30, 45, 60)])

    assert kinds == pytest.approx([0.40, 0.035, 0.035, 0.07, 0.0525, 0.1575, 0.25], abs=0.01)
    assert terms == pytest.approx([0.15, 0.50, 0.20, 0.15], abs=0.01)
    assert (people.joined_month > 0).mean() == pytest.approx(0.40, abs=0.01)
    assert people.volume.mean() == pytest.approx(0.3 + 1.2 * 2.2, abs=0.05)
    assert people.volume.var() == pytest.approx(1.2 * 2.2**2, rel=0.05)
    assert people.volume.min() >= 0.3
    assert people.size.std() == pytest.approx(1.0, abs=0.02)
    assert DEFAULT.quality_nodes[people.quality_node].std() == pytest.approx(0.95, abs=0.01)
    assert people.publishes[~people.is_natural_person].mean() == pytest.approx(0.70, abs=0.01)


def test_quality_grid_has_nine_equal_steps_and_the_written_spread():
    nodes, weights = DEFAULT.quality_nodes, DEFAULT.quality_weights

    assert len(nodes) == 9
    assert np.ptp(np.diff(nodes)) == pytest.approx(0, abs=1e-12)
    assert weights.sum() == pytest.approx(1)
    assert np.sqrt(weights @ nodes**2) == pytest.approx(0.95)


def test_payment_runs_take_place_on_the_written_days_and_move_on_when_closed():
    days = calendar(date(2022, 4, 1), 3)
    runs = days.runs
    on = lambda row: [days.start_on + timedelta(days=int(k)) for k in np.flatnonzero(runs[row, : days.n_days])]  # noqa: E731

    assert len(days.runs) == N_RUN_CLASSES
    assert all(day.weekday() < 5 for day in on(0))
    # Good Friday (15 April 2022) and Easter Monday are closed in Germany: Friday's run takes place on Tuesday.
    assert date(2022, 4, 15) not in on(5)
    assert date(2022, 4, 19) in on(5)
    assert date(2022, 4, 22) in on(5)
    # 10 April 2022 is a Sunday, 25 June a Saturday.
    assert on(6) == [
        date(2022, 4, 11),
        date(2022, 4, 25),
        date(2022, 5, 10),
        date(2022, 5, 25),
        date(2022, 6, 10),
        date(2022, 6, 27),
    ]


def test_due_dates_roll_to_the_next_business_day_of_the_country():
    days = calendar(date(2022, 7, 1), 1, ("DE", "US"))
    fourth = 3  # 4 July 2022, a Monday: closed in the United States only

    assert days.rolled[0, fourth] == fourth
    assert days.rolled[1, fourth] == fourth + 1
    assert days.rolled[0, fourth - 2] == fourth


@pytest.mark.parametrize("country", ["DE", "FR", "NL", "IT", "PL", "GB", "US", "CN", "CH", "CA"])
def test_simulator_and_product_roll_due_dates_to_the_same_day(country):
    days = calendar(date(2022, 1, 1), 12, (country,))
    ours = days.rolled[0, : days.n_days] + days.day_zero

    assert ours.tolist() == [next_business_day(country, days.day_zero + k) for k in range(days.n_days)]


def test_payments_fall_on_run_days_after_issue_and_never_come_from_the_insolvent():
    world = world_of()
    truth = world.truth
    paid = np.flatnonzero(truth.payments.paid < NEVER)
    customer, day = truth.billing.customer[paid], truth.payments.paid[paid]
    regime = truth.regimes[customer, truth.calendar.month_of[day]]

    assert len(paid) > 1000
    assert truth.calendar.runs[truth.people.country[customer] * N_RUN_CLASSES + truth.people.run_kind[customer], day].all()
    assert (day > truth.billing.issued[paid]).all()
    assert (regime < 3).all()


def test_orders_stop_when_an_insolvency_is_announced_and_not_before():
    world = calm_world()
    truth = world.truth
    month = truth.calendar.month_of[truth.billing.issued]

    assert (truth.announced < truth.calendar.n_months).sum() >= 3
    assert (month <= truth.announced[truth.billing.customer]).all()
    assert (month >= truth.people.joined_month[truth.billing.customer]).all()


def test_five_percent_are_disputed_within_ten_days_of_issue():
    world = calm_world()
    days = dispute_days(CALM, world.truth.billing, world.seed)
    contested = days < NEVER
    after = (days - world.truth.billing.issued)[contested]

    assert contested.mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / len(days)))
    assert (after.min(), after.max()) == (1, 10)


def test_random_numbers_are_uniform_uncorrelated_and_named_by_their_counters():
    numbers = uniforms(1, "test", np.arange(300)[:, None], np.arange(300)[None, :])

    assert 0 < numbers.min() < 1e-4
    assert 1 > numbers.max() > 1 - 1e-4
    assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(9000, rel=0.05)
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.015
    assert abs(np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())[0, 1]) < 0.015
    assert numbers[7, 9] == uniforms(1, "test", 7, 9)
    assert numbers[7, 9] != uniforms(1, "other", 7, 9)
    assert numbers[7, 9] != uniforms(2, "test", 7, 9)


@pytest.fixture(scope="module")
def processor():
    """A world of the preset that imitates a payment processor's cleared items."""
    return simulate("hr_like", n_customers=1200, n_months=14, seed=3)


@pytest.mark.parametrize(
    ("days", "published", "within"),
    [(0, 0.430, 0.03), (15, 0.039, 0.010), (30, 0.023, 0.006), (45, 0.013, 0.006), (60, 0.0054, 0.003)],
)
def test_processors_items_are_late_as_often_as_published(processor, days, published, within):
    truth = processor.truth
    mature = truth.billing.rolled_due + 61 < truth.calendar.n_days
    late = (truth.payments.paid - truth.billing.rolled_due)[mature] > days

    assert late.mean() == pytest.approx(published, abs=within)


def test_processors_amounts_and_concentration_are_as_published(processor):
    truth = processor.truth
    early = (truth.payments.paid < truth.billing.rolled_due)[truth.billing.rolled_due + 61 < truth.calendar.n_days]

    assert np.percentile(truth.cents / 100, [25, 50, 75]) == pytest.approx([4600, 17300, 47000], rel=0.2)
    assert np.bincount(truth.billing.customer).max() / len(truth.billing) == pytest.approx(0.22, abs=0.05)
    assert early.mean() == pytest.approx(0.361, abs=0.03)


def test_largest_customer_of_the_processor_is_steady_and_no_other(processor):
    people, regimes = processor.truth.people, processor.truth.regimes

    assert people.steady.tolist() == [True] + [False] * (len(people) - 1)
    assert (regimes[0] == 0).all()
    assert np.bincount(processor.truth.billing.customer).argmax() == 0
    assert not world_of().truth.people.steady.any()


def test_small_firms_pay_as_late_as_europe_is_reported_to():
    """Payment studies: 18 days after terms of 32 (indicative)."""
    truth = simulate("sme", n_customers=1200, n_months=20, seed=3).truth
    paid = (truth.payments.paid < truth.calendar.n_days) & (truth.billing.rolled_due + 120 < truth.calendar.n_days)
    late, weight = (truth.payments.paid - truth.billing.due)[paid], truth.billing.amount[paid]

    assert np.average((truth.billing.due - truth.billing.issued)[paid], weights=weight) == pytest.approx(32, abs=2)
    assert np.average(late, weights=weight) == pytest.approx(18, abs=5)
