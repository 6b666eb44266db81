"""The leaks that raise figures without skill: each is planted here, and a guard goes red."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from modelling import small
from riskscore.evaluation import LeakFound, attained, check_below_limit, check_known_before, check_point_in_time
from riskscore.hazard import cases as cases_module
from riskscore.hazard import issued_of, take_cases
from riskscore.hazard.inputs import fit_habits
from riskscore.simulation.oracle import odds_at_issue
from riskscore.snapshot import customers_known_at
from riskscore.stores.engines import ledger_of
from riskscore.training import gathering_invoices
from riskscore.training.gathering_invoices import check_inputs, gather_invoices, known_by
from riskscore.training.invoices import walk_forward_invoices
from simulated import world_of

WORLD = {"preset": "default", "n_customers": 60, "n_months": 22, "seed": 8}


def ledger():
    return ledger_of(dict(world_of(**WORLD).tables), "EUR")


def middle():
    return world_of(**WORLD).end_on - timedelta(days=300)


def planted(column):
    """A column computed by `column(ledger, customer ids)` of customers known in the middle, from all facts and from those known."""
    whole = ledger()
    who = customers_known_at(whole, middle())["customer_id"].to_pylist()
    return tuple(np.array([column(each, customer) for customer in who])[:, None] for each in (whole, known_by(whole, middle())))


def delays_of(each, customer, issued_by):
    """Days from issue to payment of a customer's invoices issued by a day, whenever that payment became known."""
    settled = each.frames["settlements"].collect("pyarrow").to_native().to_pandas()
    issued = each.frames["invoices"].collect("pyarrow").to_native().to_pandas()
    issued = issued[(issued["customer_id"] == customer) & (issued["issued_on"] <= issued_by)]
    joined = issued.merge(settled, on="invoice_id")
    return (joined["settled_on"] - joined["issued_on"]).mean()


def test_the_delay_of_invoices_issued_but_not_settled_yet_is_a_leak():
    day = (middle() - date(1970, 1, 1)).days

    with pytest.raises(LeakFound, match="delay"):
        check_point_in_time(["delay"], *planted(lambda each, customer: delays_of(each, customer, day)))


def test_the_mean_of_a_customer_over_the_whole_file_is_a_leak():
    with pytest.raises(LeakFound, match="mean_delay"):
        check_point_in_time(["mean_delay"], *planted(lambda each, customer: delays_of(each, customer, 10**6)))


def test_a_column_that_is_filled_in_after_issue_is_a_leak():
    def disputed(each, customer):
        rows = each.frames["disputes"].collect("pyarrow")["customer_id"].to_list()
        return float(rows.count(customer))

    with pytest.raises(LeakFound, match="disputed"):
        check_point_in_time(["disputed"], *planted(disputed))


def test_the_inputs_of_the_hazard_are_no_leak_and_a_training_with_one_stops(monkeypatch):
    whole = ledger()
    cases = take_cases(whole, customers_known_at(whole, middle()))
    habits = fit_habits(cases)
    check_inputs(whole, cases, habits)

    honest = gathering_invoices.take_cases

    def with_tomorrow(each, observations):
        later = observations.set_column(
            1, "as_of", pa.array([middle() + timedelta(days=60)] * observations.num_rows, pa.date32())
        )
        return honest(each, later)

    monkeypatch.setattr(gathering_invoices, "take_cases", with_tomorrow)
    with pytest.raises(LeakFound, match="later facts"):
        gather_invoices([whole], small(), until=world_of(**WORLD).end_on)


def test_a_leak_is_found_although_the_first_ledger_of_the_book_holds_no_invoice(monkeypatch):
    world = world_of(**WORLD)
    empty = ledger_of({name: table.slice(0, 0) for name, table in world.tables.items()}, "EUR")
    honest = gathering_invoices.take_cases
    asked = []

    def with_tomorrow(each, observations):
        asked.append(len(observations))
        return honest(
            each, observations.set_column(1, "as_of", pa.array([middle() + timedelta(days=60)] * len(observations), pa.date32()))
        )

    monkeypatch.setattr(gathering_invoices, "take_cases", with_tomorrow)
    with pytest.raises(LeakFound, match="later facts"):
        gather_invoices([empty, ledger()], small(), until=world.end_on)
    assert asked


def test_who_will_have_settled_an_invoice_is_a_leak(monkeypatch):
    """Whether a customer is a newcomer decides which hazard speaks: it may not be known from later payments."""
    whole = ledger()
    cases = take_cases(whole, customers_known_at(whole, middle()))
    honest = gathering_invoices.take_cases

    def with_later_payments(each, observations):
        found = honest(each, observations)
        paid = each.frames["settlements"].collect("pyarrow").to_native()["customer_id"].to_pylist()
        return replace(found, ended=np.array([paid.count(who) for who in found.who["customer_id"].to_pylist()], float))

    monkeypatch.setattr(gathering_invoices, "take_cases", with_later_payments)
    with pytest.raises(LeakFound, match="ended"):
        check_inputs(whole, cases, fit_habits(cases))


def test_a_rating_of_tomorrow_read_at_issue_is_a_leak(monkeypatch):
    """What is read of the many invoices at their issue is looked at too, not only the cases."""
    whole = ledger()
    cases = take_cases(whole, customers_known_at(whole, middle()))

    def with_every_rating(each, known):
        found = issued_of(each, known)
        rated = each.frames["ratings"].collect("pyarrow").to_native()["customer_id"].to_pylist()
        counts = [float(rated.count(who)) for who in found.who["customer_id"].to_pylist()]
        at = found.who.column_names.index("rating_notch")
        return replace(found, who=found.who.set_column(at, "rating_notch", pa.array(counts)))

    monkeypatch.setattr(gathering_invoices, "issued_of", with_every_rating)
    with pytest.raises(LeakFound, match="rating_notch"):
        check_inputs(whole, cases, fit_habits(cases))


def by_customer(each, column):
    """What is said of a customer in a ledger, whatever the date: a function of customer and date."""
    said = {}

    def answer(customer, as_of):
        if customer not in said:
            said[customer] = column(each, customer)
        return said[customer]

    return answer


def of_prior_issued(each):
    """Mean days to payment of all invoices issued by the date, as if those not settled yet had told."""
    settled = each.frames["settlements"].collect("pyarrow").to_native().to_pandas()
    issued = each.frames["invoices"].collect("pyarrow").to_native().to_pandas()
    joined = issued.merge(settled, on="invoice_id").sort_values("issued_on")
    delays = {who: (rows["issued_on"].to_numpy(), rows["settled_on"].to_numpy()) for who, rows in joined.groupby("customer_id_x")}

    def answer(customer, as_of):
        days, paid = delays.get(customer, (np.empty(0), np.empty(0)))
        n = np.searchsorted(days, as_of, side="right")
        return float((paid - days)[:n].mean()) if n else np.nan

    return answer


def of_whole_file(each):
    return by_customer(each, lambda ledger, customer: delays_of(ledger, customer, 10**6))


def of_later_disputes(each):
    rows = each.frames["disputes"].collect("pyarrow")["customer_id"].to_list()
    return by_customer(each, lambda ledger, customer: float(rows.count(customer)))


@pytest.mark.parametrize(
    ("leak", "column"),
    [
        (of_prior_issued, "tenure_days"),
        (of_whole_file, "tenure_days"),
        (of_later_disputes, "tenure_days"),
        pytest.param(of_whole_file, "debt_ratio_two_years", id="an input of newcomers alone"),
    ],
)
def test_a_training_with_a_leak_among_the_inputs_stops(monkeypatch, leak, column):
    honest = cases_module.cases_of

    def leaking(each, known, **options):
        cases = honest(each, known, **options)
        tell = leak(each)
        days = cases.who["as_of"].cast(pa.int32()).to_pylist()
        told = pa.array(
            [tell(who, day) for who, day in zip(cases.who["customer_id"].to_pylist(), days, strict=True)], pa.float64()
        )
        place = cases.who.column_names.index(column)
        return replace(cases, who=cases.who.set_column(place, column, told))

    monkeypatch.setattr(cases_module, "cases_of", leaking)
    monkeypatch.setattr(gathering_invoices, "cases_of", leaking)

    with pytest.raises(LeakFound, match=column):
        gather_invoices([ledger()], small(), until=world_of(**WORLD).end_on)


@pytest.mark.parametrize("of", ["fates", "fates_of_issued"])
def test_outcomes_as_a_random_split_would_know_them_stop_the_judging(of):
    gathered = gather_invoices([ledger()], small(), until=world_of(**WORLD).end_on)
    fates = getattr(gathered, of)
    as_if_random = replace(gathered, **{of: dict.fromkeys(fates, fates[gathered.until])})

    with pytest.raises(LeakFound, match="Split by time"):
        walk_forward_invoices(as_if_random, small())


def test_rows_split_at_random_are_a_leak():
    check_known_before(date(2024, 6, 30), date(2024, 7, 1))

    with pytest.raises(LeakFound, match="Split by time"):
        check_known_before(date(2024, 12, 31), date(2024, 7, 1))


def test_what_beats_the_best_possible_forecast_has_seen_the_outcome():
    world = world_of(**WORLD)
    odds = odds_at_issue(world, lateness=(30,))
    known = ~np.isnan(odds.realised[:, 0])
    came, best = odds.realised[known, 0], np.clip(odds.filtered[known, 0], 1e-6, 1 - 1e-6)
    customers = np.unique(world.truth.billing.customer[odds.invoice[known]], return_inverse=True)[1]

    def judged(chance):
        return attained(chance, best, np.full(len(came), came.mean()), came, customers, seed=1)

    shares = np.bincount(customers, came) / np.bincount(customers)
    leaked = 0.5 * best + 0.5 * shares[customers]

    check_below_limit(judged(best))
    check_below_limit(judged(best * 0.9))
    with pytest.raises(LeakFound, match="has seen"):
        check_below_limit(judged(leaked))
