"""The bridge from the model's expected loss to the booked provision: every step by hand, and what it must not hide."""

from datetime import date
from decimal import Decimal

import pytest

from riskscore import provision
from riskscore.errors import UsageRefused
from riskscore.provision import BUCKETS, Item, Overlay, Rate, Scenario

D = Decimal
TODAY = date(2026, 3, 31)


def book(*amounts: str, default_rate: str = "0.19", lgd: str = "0.4", booked: str | None = None, **options):
    """A provision over the first buckets, every rate the same default rate and LGD."""
    rate = D(default_rate) * D(lgd) if booked is None else D(booked)
    matrix = [Rate(bucket, rate, D(default_rate), D(lgd)) for bucket in BUCKETS]
    owed = {("", bucket): D(amount) for bucket, amount in zip(BUCKETS, amounts, strict=False)}
    return provision.provide(owed, matrix, on=TODAY, **options)


def item(name: str, ead: str, pd: float, lgd: str = "0.5", bucket: str = "not_due") -> Item:
    return Item(name, bucket, pd, D(lgd), D(ead))


class TestTheSteps:
    def test_each_step_replaces_one_thing(self) -> None:
        # Model: 1,000 x .02 x .5 = 10, 3,000 x .10 x .3 = 90. Means: PD (20 + 300) / 4,000 = .08, LGD (500 + 900) / 4,000 = .35.
        items = [item("ann", "1000", 0.02, "0.5"), item("bob", "3000", 0.10, "0.3")]
        # Half a year of .19 a year is 1 - .81 ^ .5 = .10.
        booked = book("4000", default_rate="0.19", lgd="0.4")

        (row,) = provision.bridge(items, booked, pd_horizon_days=365).rows[:1]

        assert row.model == D(100)
        assert row.mix == D("112.00") - 100
        assert row.pd == D("266.00") - 112  # 4,000 x .19 x .35
        assert row.lgd == D("304.00") - 266
        assert row.horizon == 0
        assert row.residual == 0
        assert row.booked == booked.rows[0].amount == D(304)

    def test_the_horizon_carries_the_rate_of_a_year_to_that_of_the_model(self) -> None:
        # 1 - .81 ^ (182.5 / 365) = .1; with a horizon of 73 days 1 - .81 ^ .2 = .04127.
        items = [item("ann", "4000", 0.04, "0.4")]

        found = provision.bridge(items, book("4000"), pd_horizon_days=73).rows[0]

        at_horizon = D("0.0412668")
        assert found.pd == pytest.approx(4000 * (at_horizon - D("0.04")) * D("0.4"), abs=D("0.01"))
        assert found.horizon == pytest.approx(4000 * (D("0.19") - at_horizon) * D("0.4"), abs=D("0.01"))
        assert found.residual == 0

    def test_macro_and_overlay_are_their_own_steps(self) -> None:
        overlays = [Overlay(D("1.5"), "A. Weber, CFO", "insolvencies", TODAY, TODAY)]
        booked = book("1000", scenarios=[Scenario("worse", D(1), D("1.1"))], overlays=overlays)

        found = provision.bridge([item("ann", "1000", 0.19, "0.4")], booked, pd_horizon_days=365)

        assert found.total("macro") == D("7.60")
        assert found.total("overlay") == D("41.80")
        assert found.total("booked") == booked.total == D("125.40")
        assert found.reconciles

    def test_the_steps_of_every_bucket_add_up_to_what_is_booked(self) -> None:
        items = [item(f"c{i}", str(100 + i), i / 40, "0.45", bucket) for i, bucket in enumerate(BUCKETS * 3)]
        owed = [sum((one.ead for one in items if one.bucket == bucket), D(0)) for bucket in BUCKETS]
        booked = book(*(str(amount) for amount in owed))

        found = provision.bridge(items, booked, pd_horizon_days=180)

        assert [row.booked for row in found.rows] == [row.amount for row in booked.rows]
        assert found.total("booked") == booked.total
        assert found.reconciles
        assert found.unexplained_share < D("0.001")


class TestWhatItMustNotHide:
    @pytest.mark.parametrize(
        ("missing", "reconciles"),
        [
            pytest.param("9", True, id="just-below-one-percent"),
            pytest.param("10", True, id="one-percent"),
            pytest.param("11", False, id="just-above"),
        ],
    )
    def test_receivables_the_model_did_not_see_stay_unexplained(self, missing: str, reconciles: bool) -> None:
        items = [item("ann", str(1000 - int(missing)), 0.19, "0.4")]

        found = provision.bridge(items, book("1000", default_rate="0.5", lgd="1"), pd_horizon_days=365)

        assert found.total("residual") == D(missing) / 2
        assert found.reconciles is reconciles

    def test_errors_of_two_buckets_do_not_cancel_out(self) -> None:
        # The model has the two amounts in each other's bucket.
        items = [item("ann", "2000", 0.1, "0.4", "not_due"), item("bob", "1000", 0.1, "0.4", "due_1_30")]

        found = provision.bridge(items, book("1000", "2000"), pd_horizon_days=365)

        assert found.total("residual") == 0
        assert not found.reconciles
        assert found.unexplained_share == pytest.approx(D(2) / 3)

    def test_a_rate_that_is_not_its_own_default_rate_times_lgd_stays_unexplained(self) -> None:
        found = provision.bridge([item("ann", "1000", 0.19, "0.4")], book("1000", booked="0.08"), pd_horizon_days=365)

        assert found.total("residual") == D("4.00")
        assert not found.reconciles

    def test_what_only_the_model_sees_is_all_residual(self) -> None:
        items = [item("ann", "1000", 0.19, "0.4"), item("bob", "100", 0.5, "0.5", "due_61_90")]

        found = provision.bridge(items, book("1000"), pd_horizon_days=365)

        assert {row.bucket: (row.model, row.residual, row.booked) for row in found.rows}["due_61_90"] == (25, -25, 0)
        assert not found.reconciles

    def test_nothing_booked_and_nothing_seen_reconciles_and_nothing_booked_for_a_loss_does_not(self) -> None:
        empty = provision.provide({}, [], on=TODAY)

        assert provision.bridge([], empty, pd_horizon_days=180).reconciles
        assert not provision.bridge([item("ann", "1000", 0.5)], empty, pd_horizon_days=180).reconciles

    def test_a_rate_without_its_parts_cannot_be_walked(self) -> None:
        booked = provision.provide({("", "not_due"): D(1)}, provision.given_rates({"not_due": D("0.01")}), on=TODAY)

        with pytest.raises(UsageRefused, match="default rate and LGD"):
            provision.bridge([], booked, pd_horizon_days=180)

    def test_a_horizon_is_at_least_a_day(self) -> None:
        with pytest.raises(UsageRefused, match="horizon"):
            provision.bridge([], book("1"), pd_horizon_days=0)

    @pytest.mark.parametrize("wrong", [{"pd": 1.01}, {"lgd": "1.01"}, {"ead": "-0.01"}, {"bucket": "over_90"}])
    def test_an_item_that_means_nothing_is_refused(self, wrong: dict) -> None:
        with pytest.raises((ValueError, UsageRefused)):
            item(**{"name": "ann", "ead": "1", "pd": 0.1, **wrong})
