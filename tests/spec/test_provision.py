"""What is provided for receivables: the published goldens, rates from history, signed judgement that ends, and to the cent."""

from datetime import date
from decimal import Decimal

import pytest

from riskscore import provision
from riskscore.errors import UsageRefused
from riskscore.provision import BUCKETS, Flow, Overlay, Rate, Scenario

D = Decimal
TODAY = date(2026, 3, 31)


def gross(*amounts: str, segment: str = "") -> dict[tuple[str, str], Decimal]:
    return {(segment, bucket): D(amount) for bucket, amount in zip(BUCKETS, amounts, strict=False)}


def percent(*rates: str, segment: str = "") -> tuple[Rate, ...]:
    return provision.given_rates({bucket: D(rate) / 100 for bucket, rate in zip(BUCKETS, rates, strict=False)}, segment=segment)


IE12 = percent("0.3", "1.6", "3.6", "6.6", "10.6")
IE12_GROSS = gross("15000000", "7500000", "4000000", "2500000", "1000000")


def overlay(factor: str = "1.2", **changes) -> Overlay:
    usual = {
        "factor": D(factor), "owner": "A. Weber, CFO", "reason": "insolvencies in construction",
        "starts_on": date(2026, 1, 1), "expires_on": date(2026, 3, 31),
    }  # fmt: skip
    return Overlay(**{**usual, **changes})


class TestGoldens:
    def test_illustrative_example_12_of_ifrs_9_is_580_000(self) -> None:
        found = provision.provide(IE12_GROSS, IE12, on=TODAY)

        assert found.total == D(580_000)
        assert [row.amount for row in found.rows] == [D(45_000), D(120_000), D(144_000), D(165_000), D(106_000)]

    def test_the_second_golden_is_526_500(self) -> None:
        given = {("", bucket): D(amount) for bucket, amount in zip(BUCKETS[:4], ("7e6", "4e6", "2.5e6", "1e6"), strict=True)}

        assert provision.provide(given, percent("1.5", "3.4", "7.1", "10.8"), on=TODAY).total == D(526_500)


class TestRounding:
    @pytest.mark.parametrize(
        ("owed", "amount"),
        [
            pytest.param("0.49", "0.00", id="just-below-half-a-cent"),
            pytest.param("0.50", "0.01", id="half-a-cent-goes-up"),
            pytest.param("1.49", "0.01", id="just-below-one-and-a-half"),
            pytest.param("1.50", "0.02", id="one-and-a-half"),
        ],
    )
    def test_each_amount_is_rounded_half_up(self, owed: str, amount: str) -> None:
        assert provision.provide(gross(owed), percent("1"), on=TODAY).total == D(amount)

    def test_the_total_is_the_sum_of_what_is_shown(self) -> None:
        found = provision.provide(gross("0.50", "0.50", "0.50"), percent("1", "1", "1"), on=TODAY)

        assert found.total == D("0.03")  # not 1.5 cents rounded

    def test_credits_beyond_what_is_owed_need_no_provision(self) -> None:
        found = provision.provide(gross("-1000", "100"), percent("1", "10"), on=TODAY)

        assert [row.amount for row in found.rows] == [D(0), D(10)]
        assert found.rows[0].gross == D(-1000)


class TestRatesFromRolls:
    def test_a_rate_is_the_product_of_what_rolls_from_there_on(self) -> None:
        rolls = {"not_due": 200, "due_1_30": 300, "due_31_60": 500, "due_61_90": 600, "due_over_90": 700}
        flows = [Flow(bucket, D(1000), D(rolled)) for bucket, rolled in rolls.items()]

        rates = {rate.bucket: rate.rate for rate in provision.rates_by_roll(flows, D("0.5"))}

        assert rates["due_over_90"] == D("0.35")
        assert rates["due_61_90"] == D("0.21")
        assert rates["due_31_60"] == D("0.105")
        assert rates["due_1_30"] == D("0.0315")
        assert rates["not_due"] == D("0.0063")

    def test_large_months_count_more(self) -> None:
        flows = [Flow(bucket, D(100), D(100)) for bucket in BUCKETS[:4]]
        flows += [Flow("due_over_90", D(100), D(0)), Flow("due_over_90", D(300), D(300))]

        assert {rate.default_rate for rate in provision.rates_by_roll(flows, D(1))} == {D("0.75")}

    def test_a_bucket_that_was_never_open_is_named(self) -> None:
        flows = [Flow(bucket, D(100), D(50)) for bucket in BUCKETS if bucket != "due_61_90"]

        with pytest.raises(UsageRefused, match="due_61_90"):
            provision.rates_by_roll(flows, D(1))

    @pytest.mark.parametrize(("opened", "rolled"), [("100", "100.01"), ("100", "-1"), ("-1", "-1")])
    def test_more_cannot_roll_than_was_open(self, opened: str, rolled: str) -> None:
        with pytest.raises(UsageRefused, match="Count cohorts, not balances"):
            Flow("not_due", D(opened), D(rolled))


CURVE = ((-30, 1.0), (0, 0.5), (30, 0.25), (60, 0.2), (90, 0.16), (120, 0.128), (365, 0.064))
AGES = {
    "not_due": {0: D(100)},
    "due_1_30": {30: D(100)},
    "due_31_60": {60: D(300), 31: D(0)},
    "due_61_90": {90: D(100)},
    "due_over_90": {120: D(100), 365: D(100), 500: D(200)},
}


class TestRatesFromSurvival:
    def test_a_rate_is_what_is_unpaid_after_a_year_of_what_is_unpaid_now(self) -> None:
        rates = {rate.bucket: float(rate.default_rate) for rate in provision.rates_by_survival(CURVE, AGES, D("0.5"))}

        assert rates["not_due"] == pytest.approx(0.064 / 0.5)
        assert rates["due_1_30"] == pytest.approx(0.064 / 0.25)
        assert rates["due_31_60"] == pytest.approx(0.064 / 0.2)
        assert rates["due_61_90"] == pytest.approx(0.064 / 0.16)

    def test_what_is_older_than_a_year_is_lost_and_amounts_are_the_weights(self) -> None:
        last = provision.rates_by_survival(CURVE, AGES, D("0.5"))[-1]

        assert float(last.default_rate) == pytest.approx((100 * 0.5 + 100 + 200) / 400)
        assert float(last.rate) == pytest.approx(float(last.default_rate) * 0.5)

    def test_between_two_days_of_the_curve_the_hazard_is_constant(self) -> None:
        middle = {**AGES, "due_1_30": {15: D(1)}}

        rate = provision.rates_by_survival(CURVE, middle, D(1))[1].default_rate

        assert float(rate) == pytest.approx(0.064 / (0.5 * 0.25) ** 0.5)

    @pytest.mark.parametrize(
        ("curve", "said"),
        [
            pytest.param(CURVE[:-1], "day 365", id="does-not-reach-a-year"),
            pytest.param(CURVE[2:], "day 0", id="does-not-reach-the-youngest"),
            pytest.param(((0, 0.5), (30, 0.6), (365, 0.1)), "shares fall", id="rises"),
            pytest.param(((0, 0.5), (0, 0.4), (365, 0.1)), "days must rise", id="a-day-twice"),
            pytest.param(((0, 0.5), (365, 0.0)), "stay above 0", id="nobody-left"),
            pytest.param(((0, 1.1), (365, 0.5)), "at most 1", id="more-than-all"),
        ],
    )
    def test_a_curve_that_cannot_be_is_refused(self, curve: tuple, said: str) -> None:
        with pytest.raises(UsageRefused, match=said):
            provision.rates_by_survival(curve, AGES, D(1))

    def test_a_bucket_without_weights_is_named(self) -> None:
        with pytest.raises(UsageRefused, match="due_61_90"):
            provision.rates_by_survival(CURVE, {**AGES, "due_61_90": {}}, D(1))


class TestScenariosAndOverlays:
    def test_the_economy_ahead_is_the_weighted_mean_of_its_scenarios(self) -> None:
        scenarios = (
            Scenario("base", D("0.6"), D("1.0")), Scenario("worse", D("0.3"), D("1.5")), Scenario("better", D("0.1"), D("0.8")),
        )  # fmt: skip

        found = provision.provide(IE12_GROSS, IE12, on=TODAY, scenarios=scenarios)

        assert provision.macro_scalar(scenarios) == D("1.13")
        assert found.total == D(580_000) * D("1.13")
        assert sum(row.macro for row in found.rows) == D(75_400)

    @pytest.mark.parametrize("weight", ["0.39", "0.41"])
    def test_weights_sum_to_one_exactly(self, weight: str) -> None:
        with pytest.raises(UsageRefused, match="sum to 1"):
            provision.macro_scalar([Scenario("base", D("0.6"), D(1)), Scenario("worse", D(weight), D(2))])

    @pytest.mark.parametrize(
        "scenario", [Scenario("worse", D("1"), D("-0.1")), Scenario("worse", D(1), D("NaN")), Scenario("worse", D(1), D("inf"))]
    )
    def test_a_scalar_is_a_number_not_below_0(self, scenario: Scenario) -> None:
        with pytest.raises(UsageRefused, match="scalar"):
            provision.macro_scalar([scenario])

    def test_a_negative_weight_is_refused_though_the_sum_is_one(self) -> None:
        with pytest.raises(UsageRefused, match="weights"):
            provision.macro_scalar([Scenario("base", D("1.5"), D(1)), Scenario("worse", D("-0.5"), D(2))])

    @pytest.mark.parametrize(
        ("on", "total"),
        [
            pytest.param("2025-12-31", "580000", id="the-day-before-it-starts"),
            pytest.param("2026-01-01", "696000", id="its-first-day"),
            pytest.param("2026-03-31", "696000", id="its-last-day"),
            pytest.param("2026-04-01", "580000", id="the-day-after-it-expired"),
        ],
    )
    def test_an_expired_overlay_changes_nothing(self, on: str, total: str) -> None:
        found = provision.provide(IE12_GROSS, IE12, on=date.fromisoformat(on), overlays=[overlay()])

        assert found.total == D(total)
        assert (len(found.overlays), len(found.ignored)) == ((1, 0) if total == "696000" else (0, 1))

    def test_an_overlay_means_its_own_segment_and_bucket(self) -> None:
        owed = {**gross("100", "100", segment="retail"), **gross("100", "100", segment="building")}
        matrix = (*percent("10", "10", segment="retail"), *percent("10", "10", segment="building"))

        found = provision.provide(
            owed,
            matrix,
            on=TODAY,
            overlays=[overlay("2", segment="building"), overlay("3", bucket="due_1_30"), overlay("1", segment="trade")],
        )

        assert {(row.segment, row.bucket): row.amount for row in found.rows} == {
            ("building", "not_due"): D(20), ("building", "due_1_30"): D(60),
            ("retail", "not_due"): D(10), ("retail", "due_1_30"): D(30),
        }  # fmt: skip

    def test_no_more_is_provided_for_than_is_owed(self) -> None:
        found = provision.provide(gross("100"), percent("60"), on=TODAY, overlays=[overlay("2")])

        assert found.total == D(100)

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"owner": " "}, id="no-owner"),
            pytest.param({"reason": ""}, id="no-reason"),
            pytest.param({"expires_on": date(2025, 12, 31)}, id="ends-before-it-starts"),
            pytest.param({"factor": D("-0.1")}, id="below-0"),
            pytest.param({"bucket": "over_90"}, id="unknown-bucket"),
        ],
    )
    def test_judgement_nobody_signs_is_refused(self, changes: dict) -> None:
        with pytest.raises(UsageRefused):
            overlay(**changes)


class TestTheMatrix:
    def test_receivables_without_a_rate_are_not_silently_left_out(self) -> None:
        with pytest.raises(UsageRefused, match="due_over_90"):
            provision.provide(IE12_GROSS, IE12[:-1], on=TODAY)

    def test_two_rates_of_one_bucket_are_refused(self) -> None:
        with pytest.raises(UsageRefused, match="two rates"):
            provision.provide(IE12_GROSS, (*IE12, IE12[0]), on=TODAY)

    @pytest.mark.parametrize("share", ["-0.01", "1.01", "NaN"])
    def test_a_rate_is_a_share(self, share: str) -> None:
        with pytest.raises(UsageRefused, match="share"):
            Rate("not_due", D(share))

    def test_the_buckets_are_those_of_the_portfolio(self) -> None:
        from riskscore.portfolio.taking import AGEING

        assert BUCKETS == AGEING


class TestExpectedLoss:
    @pytest.mark.parametrize(
        ("pd", "loss"),
        [
            pytest.param(0.0399, "997.50", id="just-below"),
            pytest.param(0.04, "1000.00", id="four-percent"),
            pytest.param(0.0401, "1002.50", id="just-above"),
            pytest.param(0.0, "0.00", id="never"),
            pytest.param(1.0, "25000.00", id="for-sure"),
        ],
    )
    def test_it_is_pd_times_lgd_times_exposure(self, pd: float, loss: str) -> None:
        assert provision.expected_loss(pd, D("0.5"), D(50_000)) == D(loss)
