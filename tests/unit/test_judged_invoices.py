"""The payment hazard is judged at every lateness that is asked about, with intervals, beside the record, and by kind of customer."""

from dataclasses import replace

import numpy as np
import pytest

from modelling import small, trained
from riskscore.hazard import Curves
from riskscore.stores.models.recording import invoices_of, metrics_of
from riskscore.training.invoices import DECIDED_BY
from riskscore.training.judging_invoices import BROKEN_DOWN, LATENESS, judge_invoices, kinds_of

pytestmark = pytest.mark.slow


def of_ruined_hazard(seed=1):
    """The forecast with its curves dealt out anew: equal on the whole, of no use for any single invoice."""
    forecast = trained().forecast
    curves, order = forecast.curves, np.random.default_rng(seed).permutation(len(forecast.curves))
    return replace(forecast, curves=Curves(curves.age, curves.survived[order], curves.pace))


def test_every_lateness_is_judged_of_which_both_outcomes_are_known():
    assert LATENESS == (0, 7, 15, 30, 60, 90)
    both = [f"late > {k}" for k in LATENESS if len(np.unique(outcomes(k))) == 2]

    assert list(trained().invoices) == both
    assert len(both) >= 4


def outcomes(k):
    forecast = trained().forecast
    return forecast.fates.late(k)[forecast.judged(k)]


def test_a_lateness_that_nobody_reached_is_left_out():
    forecast = trained().forecast
    in_time = replace(forecast, fates=replace(forecast.fates, paid=np.minimum(forecast.fates.paid, 10)))

    assert list(judge_invoices(in_time, small())) == ["late > 0", "late > 7"]


def test_who_answers_newcomers_is_decided_by_the_same_days_as_before():
    assert DECIDED_BY == (0, 15, 30)  # more of them would decide otherwise for the same book, and change its model


def test_the_figures_count_what_was_judged_and_hold_their_intervals():
    for k in (0, 30):
        found, late = trained().invoices[f"late > {k}"], outcomes(k)
        loss = found.figures["hazard"]["log_loss"]

        assert (found.n_invoices, found.n_late) == (len(late), int(late.sum()))
        assert found.n_customers_with_late <= found.n_customers <= found.n_invoices
        assert loss.low < loss.value < loss.high


def test_a_hazard_whose_chances_are_dealt_out_anew_is_found_behind_the_record():
    sound, ruined = trained().invoices["late > 0"], judge_invoices(of_ruined_hazard(), small())["late > 0"]

    assert sound.differences["log_loss"].high < 0 < sound.differences["auc"].low
    assert ruined.differences["log_loss"].low > 0 > ruined.differences["auc"].high


def test_the_segments_are_of_the_customer_on_the_day_of_issue():
    forecast = trained().forecast
    everyone = np.ones(len(forecast.cases), dtype=bool)
    kinds = kinds_of(forecast, everyone)

    assert set(kinds) == {"payment history", "size", "industry", "country", "legal_form", "newcomer"}
    assert {len(each) for each in kinds.values()} == {len(forecast.cases)}
    assert (np.array(kinds["newcomer"]) == "yes").tolist() == forecast.cases.newcomer.tolist()
    assert any(kinds["legal_form"])


def test_segments_are_told_where_they_are_asked_for_and_each_invoice_counts_once():
    for late, found in trained().invoices.items():
        assert bool(found.segments) == (int(late.removeprefix("late > ")) in BROKEN_DOWN)
    found = trained().invoices["late > 0"]
    sizes = [row for row in found.segments if row.dimension == "size"]

    assert sum(row.n for row in sizes) == found.n_invoices
    assert sum(row.observed * row.n for row in sizes) == pytest.approx(found.n_late)


def test_a_segment_that_pays_otherwise_than_foretold_shows():
    forecast = trained().forecast
    large = np.array(kinds_of(forecast, np.ones(len(forecast.cases), dtype=bool))["size"]) == "large"
    curves = forecast.curves
    worse = replace(forecast, curves=replace(curves, survived=np.where(large[:, None], curves.survived**0.1, curves.survived)))

    def intercepts(judged):
        return {row.segment: row.figures["calibration_intercept"] for row in judged.segments if row.dimension == "size"}

    sound, spoiled = intercepts(trained().invoices["late > 0"]), intercepts(judge_invoices(worse, small())["late > 0"])
    assert spoiled["large"].high < min(0, sound["large"].low)
    assert spoiled["small"] == sound["small"]


def test_the_run_keeps_every_figure_with_its_interval_and_nothing_json_cannot_hold():
    metrics, told = metrics_of(trained()), invoices_of(trained())
    measured = trained().invoices["late > 7"].figures["hazard"]["auc"]

    for end, value in (("", measured.value), ("_low", measured.low), ("_high", measured.high)):
        assert metrics[f"invoices/late_7/hazard/auc{end}"] == value
    assert told["late > 7"]["figures"]["hazard"]["auc"] == {"value": measured.value, "low": measured.low, "high": measured.high}
    assert set(told["late > 0"]["differences"]) == {"auc", "pr_auc", "log_loss", "brier"}
    assert {row["dimension"] for row in told["late > 30"]["segments"]} >= {"size", "payment history"}
