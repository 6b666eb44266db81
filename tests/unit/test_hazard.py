"""The payment hazard: one falling curve an invoice, learned from what was watched, and read for every question."""

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logit

from ledger_text import ledger, observations
from modelling import small
from riskscore.errors import ModelRefused
from riskscore.hazard import Hazard, from_part, take_cases
from riskscore.hazard.bins import EDGES, N_BINS, OPENS, age_when, survival, unpaid_at
from riskscore.hazard.cases import LATELY, Cases
from riskscore.hazard.fit import CERTAINTY
from riskscore.hazard.formula import FILES_BEFORE_4, WITH_NEWCOMERS
from riskscore.hazard.inputs import OF_CASE, describe, paid_lately
from riskscore.hazard.issued import customers_of
from riskscore.hazard.rundays import fit_base, habit, meant_days, run_mass
from riskscore.hazard.watched import Watched, periods_seen
from riskscore.snapshot import customers_known_at
from riskscore.snapshot.calendar import day_number
from riskscore.stores.engines import ledger_of
from riskscore.training.gathering_invoices import gather_invoices, known_by
from riskscore.training.invoices import learn_hazard, walk_forward_invoices
from riskscore.training.judging_invoices import judge_invoices
from simulated import world_of

WORLD = {"preset": "default", "n_customers": 60, "n_months": 22, "seed": 8}


@lru_cache(maxsize=1)
def gathered():
    world = world_of(**WORLD)
    return gather_invoices([ledger_of(dict(world.tables), "EUR")], small(), until=world.end_on)


@lru_cache(maxsize=1)
def files():
    return learn_hazard(gathered(), small())


@lru_cache(maxsize=1)
def open_cases():
    world = world_of(**WORLD)
    ledger = ledger_of(dict(world.tables), "EUR")
    return take_cases(ledger, customers_known_at(ledger, world.end_on))


def curves():
    return Hazard(files()).curves(open_cases())


def test_the_curve_falls_with_the_days_and_starts_at_one():
    found = curves()
    late = np.column_stack([found.late(k) for k in range(-30, 400, 3)])

    assert len(found) > 50
    assert (np.diff(late, axis=1) <= 1e-12).all()
    assert (found.late(found.age) == 1).all()
    assert ((late >= 0) & (late <= 1)).all()


def test_a_customer_has_the_same_curves_to_the_last_bit_whoever_else_is_asked_about():
    """A matrix product adds in an order that depends on how many rows it has; a forecast may not."""
    hazard, ledger, day = Hazard(files()), ledger_of(dict(world_of(**WORLD).tables), "EUR"), world_of(**WORLD).end_on
    cases = take_cases(ledger, customers_known_at(ledger, day - timedelta(days=500)))
    among_all, who = hazard.curves(cases).survived, customers_of(cases)
    alone = {name: hazard.curves(cases.take(who == name)).survived for name in sorted(set(who))}

    assert [name for name in alone if not np.array_equal(alone[name], among_all[who == name])] == []
    assert len(alone) > 20
    assert cases.newcomer.any()


def test_the_day_of_payment_is_where_the_curve_says_so():
    found = curves()
    for share in (0.1, 0.5, 0.9):
        day = found.age_when(share)
        there = np.isfinite(day) & (day > found.age)

        assert there.mean() > 0.9
        assert (found.late(np.where(there, day, 0))[there] <= 1 - share + 1e-9).all()
        assert (found.late(np.where(there, day - 1, 0))[there] >= 1 - share - 1e-9).all()


def test_between_two_edges_the_chance_of_payment_is_the_same_every_day():
    survived = survival(np.full((1, N_BINS), 0.5), np.array([-40.0]))

    assert unpaid_at(survived, np.array([-40.0]), 20.0, -0.01)[0] == pytest.approx(0.5 ** (1 + list(EDGES).index(20)))
    assert unpaid_at(survived, np.array([-40.0]), 25.0, -0.01)[0] == pytest.approx(
        np.sqrt(unpaid_at(survived, np.array([-40.0]), 20.0, -0.01)[0] * unpaid_at(survived, np.array([-40.0]), 30.0, -0.01)[0])
    )
    assert age_when(survived, np.array([-40.0]), 1 - 0.5**13, -0.01)[0] == 30


def test_an_open_invoice_teaches_the_bins_it_has_survived_and_no_other():
    described = describe(open_cases(), (), gathered_habits())
    n = len(described.age)
    watched = Watched(np.full(n, np.inf), np.full(n, 16.0))
    _, place, paid = periods_seen(described, watched)

    assert paid.sum() == 0
    assert EDGES[place].max() == 15


def gathered_habits():
    return Hazard(files()).habits


def test_a_paid_invoice_ends_in_the_bin_of_its_payment():
    described = describe(open_cases(), (), gathered_habits())
    n = len(described.age)
    young = described.age < 4
    case, place, paid = periods_seen(described, Watched(np.full(n, 5.0), np.full(n, 100.0)))

    assert (EDGES[place[paid == 1]][young[case[paid == 1]]] == 7).all()
    assert paid.sum() == (described.age < EDGES[-1]).sum()


NO_DAYS = np.zeros((1, 31))


def base_of_many():
    return fit_base(np.tile([20.0, 20, 20, 20, 20, 0, 0], (50, 1)), np.full((50, 31), 2.0), np.full((50, 31), 1.0))


def test_a_customer_that_always_paid_on_fridays_is_expected_on_fridays():
    weekdays = np.array([[0, 0, 0, 0, 12, 0, 0], [3, 2, 3, 2, 2, 0, 0]], dtype=float)
    any_day, by_weekday, _ = habit(weekdays, np.full((2, 31), 12 / 31), base_of_many())

    assert any_day[0].max() < 0.02
    assert by_weekday[0, 4] > 5
    assert by_weekday[0, 0] < 0.2
    assert any_day[1, 2] > 0.5


def test_what_a_monday_pays_was_meant_for_the_weekend_where_the_other_payments_say_so():
    tuesdays_and_later, mondays = NO_DAYS.copy(), NO_DAYS.copy()
    tuesdays_and_later[0, [9, 24]] = 7  # the 10th and the 25th
    mondays[0, [9, 10, 11, 25, 26]] = 1  # paid on the 10th, 11th, 12th, 26th and 27th

    meant = meant_days(tuesdays_and_later, mondays)[0]

    assert meant.sum() == pytest.approx(19)
    assert meant[[9, 24]].tolist() == pytest.approx([10, 9], abs=0.1)


@given(arrays(float, (2, 31), elements=st.integers(0, 30)), arrays(float, (2, 31), elements=st.integers(0, 30)))
def test_no_payment_day_is_lost_or_made_up(tuesdays_and_later, mondays):
    meant = meant_days(tuesdays_and_later, mondays)

    assert (meant >= tuesdays_and_later - 1e-9).all()
    assert meant.sum(axis=1) == pytest.approx(tuesdays_and_later.sum(axis=1) + mondays.sum(axis=1))


def paying_on_the_tenth(due: date, country: str = "DE"):
    """One invoice issued twenty days before it is due, of a customer that paid on twenty-four tenths, whatever the weekday."""
    invoices = pa.table(
        {
            "due": pa.array([day_number(due)]),
            "as_of": pa.array([day_number(due - timedelta(days=20))]),
            "country": pa.array([country]),
        }
    )
    tenths = NO_DAYS.copy()
    tenths[0, 9] = 24
    weekdays = np.array([[5.0, 5, 5, 5, 4, 0, 0]])
    nothing = np.zeros((1, N_BINS))
    lately = np.zeros((1, len(LATELY), N_BINS))
    days = weekdays, tenths, NO_DAYS
    return Cases(invoices, np.zeros(1, dtype=np.int64), pa.table({}), *days, nothing, nothing, lately, lately, np.zeros(1))


def expected_on(due: date, day: date, country: str = "DE") -> float:
    """Usual payment days that fall on a day."""
    mass = run_mass(paying_on_the_tenth(due, country), base_of_many())[0]
    column = (day - due).days - OPENS
    return float(mass[column] - mass[column - 1])


def test_a_run_that_falls_on_a_day_of_rest_comes_on_the_next_business_day():
    due = date(2025, 5, 5)

    assert expected_on(due, date(2025, 5, 9)) < 2
    assert expected_on(due, date(2025, 5, 10)) == 0  # a Saturday
    assert expected_on(due, date(2025, 5, 12)) > 20
    assert expected_on(due, date(2025, 6, 10)) > 20  # the Tuesday after Whit Monday
    assert expected_on(due, date(2025, 6, 12)) < 2


def test_what_would_be_lost_without_moving_runs():
    """The planted fault: nothing closes, and the run is expected on a Saturday, on which nobody pays."""
    with patch("riskscore.hazard.rundays.days_off", return_value=frozenset()):
        assert expected_on(date(2025, 5, 5), date(2025, 5, 12)) < 2


def test_a_run_due_today_on_a_day_of_rest_is_still_to_come():
    cases = paying_on_the_tenth(date(2025, 5, 30))  # as of Saturday, the 10th of May
    mass = run_mass(cases, base_of_many())[0]
    today, monday = -20 - OPENS, -18 - OPENS

    assert mass[today] == 0
    assert mass[monday] > 20


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_hazard_that_described_invoices_otherwise_loads_and_forecasts_nothing(version):
    old = from_part(as_of_version(version))

    with pytest.raises(ModelRefused, match="train and approve a model again"):
        old.curves(open_cases())


def as_of_version(version):
    """The files as that version would have written them: before the fourth without those of newcomers."""
    stored = json.loads(files()["formula.json"]) | {"format": version}
    if version == WITH_NEWCOMERS:
        del stored["newcomers"]["late_at_all"]
        return files() | {"formula.json": json.dumps(stored).encode()}
    del stored["newcomers"]
    if version == 1:
        del stored["format"]
    old = {name: files()[name] for name in FILES_BEFORE_4}
    return old | {"formula.json": json.dumps(stored).encode()}


def test_no_payment_day_is_expected_on_a_holiday_or_before_the_date():
    cases = open_cases()
    mass = run_mass(cases, gathered_habits()["base"])

    assert (np.diff(mass, axis=1) >= 0).all()
    today = np.clip(cases.age + 60, 0, mass.shape[1] - 1).astype(int)
    assert (mass[np.arange(len(cases)), today][cases.age >= -60] == 0).all()


def test_equal_ledgers_give_equal_bytes_whatever_the_order_of_rows():
    world = world_of(**WORLD)
    shuffled = {
        name: table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows))) for name, table in world.tables.items()
    }
    again = learn_hazard(gather_invoices([ledger_of(shuffled, "EUR")], small(), until=world.end_on), small())

    assert again == files()


def test_a_hazard_that_answers_otherwise_than_when_it_was_made_is_refused():
    assert from_part({}) is None
    assert isinstance(from_part(files()), Hazard)
    with pytest.raises(ModelRefused, match="exactly the files"):
        from_part({"booster.txt": b""})
    stored = json.loads(files()["formula.json"])
    stored["weights"]["logistic"] += 0.01
    changed = json.dumps(stored).encode()
    with pytest.raises(ModelRefused, match="self-test"):
        from_part(files() | {"formula.json": changed})


def test_on_later_invoices_the_hazard_is_better_than_the_customers_own_record():
    forecast = walk_forward_invoices(gathered(), small())
    figures = judge_invoices(forecast, small())["late > 0"].figures

    assert figures["hazard"]["log_loss"].value < figures["shrunken rate"]["log_loss"].value
    assert figures["hazard"]["auc"].value > 0.7
    assert (np.diff(np.column_stack([forecast.curves.late(k) for k in range(-20, 90)]), axis=1) <= 1e-12).all()


def test_how_was_paid_lately_is_counted_from_the_newest_days_only():
    page = """
        customers
            customer_id | country
            acme        | DE
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            acme        | old        | 2024-12-02 | 2025-01-07 | 100
            acme        | new        | 2025-03-03 | 2025-04-02 | 100
            acme        | open       | 2025-03-03 | 2025-04-02 | 100
        settlements
            invoice_id | settled_on | amount
            old        | 2025-01-10 | 100
            new        | 2025-04-03 | 100
    """
    cases = take_cases(ledger(page), observations(("acme", date(2025, 4, 28))))  # 26 days past due
    place = {edge: list(EDGES).index(edge) for edge in (-7, 0, 2, 4, 20, 30)}

    paid, exposed = cases.lately_paid_in[0], cases.lately_exposed_in[0]
    thirty, sixty, longest = range(len(LATELY))
    assert paid.sum(axis=1).tolist() == [1, 1, 2]  # the old one 108 days ago
    assert exposed[thirty, [place[edge] for edge in (-7, 0, 2, 4, 20, 30)]].tolist() == [0, 2, 2, 1, 1, 0]
    assert exposed[sixty, place[-7]] == 2
    assert exposed[longest, [place[0], place[4]]].tolist() == [3, 2]
    assert (exposed[longest] <= cases.exposed_in[0]).all()


def test_how_an_invoice_was_sent_is_an_input_of_its_own_and_may_be_unknown():
    page = """
        customers
            customer_id | country
            acme        | DE
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount | is_electronic
            acme        | 1          | 2025-03-03 | 2025-04-02 | 100    | yes
            acme        | 2          | 2025-03-03 | 2025-04-02 | 100    | no
            acme        | 3          | 2025-03-03 | 2025-04-02 | 100    |
    """
    cases = take_cases(ledger(page), observations(("acme", date(2025, 3, 28))))
    described = describe(cases, (), gathered_habits())

    assert described.matrix[:, OF_CASE.index("is_electronic")] == pytest.approx([1, 0, np.nan], nan_ok=True)


def test_before_the_due_date_the_mean_of_the_members_is_moved_away_from_the_books_chance():
    hazard = Hazard(files())
    vectors = json.loads(files()["selftest.json"])
    periods, place = np.array(vectors["periods"], dtype=float), np.array(vectors["bins"])
    members = hazard.member_log_odds(periods, place)
    mean = sum(hazard.weights[name] * members[name] for name in members)
    usual = logit(np.clip(np.array(hazard.habits["mean"]), 1e-4, 1 - 1e-4))[place]
    said, early = hazard.log_odds(periods, place), EDGES[place] <= 0

    assert (said - usual)[early] == pytest.approx(CERTAINTY * (mean - usual)[early])
    assert said[~early] == pytest.approx(mean[~early])
    assert early.any()
    assert not early.all()


def test_who_paid_less_than_the_book_foretells_lately_is_told_apart_before_its_year_is():
    cases = open_cases()
    mean = np.asarray(gathered_habits()["mean"])
    exposed = np.full((1, len(LATELY), N_BINS), 3.0)
    at = {"who": cases.who.slice(0, 1), "lately_exposed_in": exposed}
    silent = paid_lately(replace(cases, **at, lately_paid_in=np.zeros_like(exposed)), mean)
    usual = paid_lately(replace(cases, **at, lately_paid_in=exposed * mean), mean)

    assert usual == pytest.approx(np.zeros((1, 2 * len(LATELY))))
    assert (silent < -1).all()


def test_what_is_asked_on_a_date_knows_nothing_that_came_later():
    world = world_of(**WORLD)
    ledger = ledger_of(dict(world.tables), "EUR")
    day = world.end_on - timedelta(days=200)
    asked = [take_cases(each, customers_known_at(ledger, day)) for each in (ledger, known_by(ledger, day))]

    assert asked[0].invoices.equals(asked[1].invoices)
    assert (Hazard(files()).curves(asked[0]).survived == Hazard(files()).curves(asked[1]).survived).all()
