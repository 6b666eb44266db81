"""The menu of payment terms, worked by hand: what each option earns, which is best, and what may not be offered."""

from decimal import Decimal

import pytest

from riskscore import terms_menu
from riskscore.errors import UsageRefused
from riskscore.terms_menu import Deal, Option, TermCap

DEAL = Deal(volume=Decimal(100_000), margin=0.2, capital_cost=0.073, lgd=0.5, delay_days=10, pd_horizon_days=180)
VOLUMES = {
    "prepayment": 0.55, "cash_on_delivery": 0.65, "net_15": 0.85, "net_30": 1.0, "net_45": 1.04, "net_60": 1.07, "net_90": 1.09,
    "early_2_10_net_30": 1.0, "instalments_30_60_90": 1.05,
}  # fmt: skip
MENU = terms_menu.standard_menu(VOLUMES, taken_share=0.5)


def net(days: int, volume: float = 1.0) -> Option:
    return terms_menu.net(days, volume_share=volume)


class TestWhatAnOptionEarns:
    """At .073 a year and a margin of 20 %, a day away costs .073 x .8 / 365 = 1.6 hundred-thousandths of the sale."""

    @pytest.mark.parametrize(
        ("option", "pd", "value"),
        [
            # 100,000 x (.2 - .00016 x 40) without a loss.
            pytest.param(net(30), 0.0, "19360.00", id="net-30-of-a-sure-payer"),
            # ... and with the whole of LGD once default is certain.
            pytest.param(net(30), 1.0, "-30640.00", id="net-30-of-a-sure-defaulter"),
            # 1 - .64 ^ (40 / 180) = .094416: a loss of 4,720.79.
            pytest.param(net(30), 0.36, "14639.21", id="default-within-the-days-of-the-option-only"),
            pytest.param(terms_menu.prepayment(volume_share=0.6), 1.0, "12000.00", id="prepayment-risks-nothing"),
            pytest.param(
                terms_menu.cash_on_delivery(volume_share=0.6, fixed_cost=Decimal(250)),
                1.0,
                "11750.00",
                id="refused-deliveries-cost",
            ),
            # theta half pay 2 % less at day 10, half at day 40: 25 days away; half is at risk.
            pytest.param(
                terms_menu.early_payment(0.02, 10, 30, taken_share=0.5, volume_share=1.0),
                1.0,
                "-6400.00",
                id="early-payers-risk-nothing",
            ),
            # Thirds after 30, 60 and 90 days are 60 days on average, 70 with the delay.
            pytest.param(
                terms_menu.instalments([(1 / 3, 30), (1 / 3, 60), (1 / 3, 90)], volume_share=1.0),
                0.0,
                "18880.00",
                id="instalments",
            ),
            pytest.param(terms_menu.insured(net(30), insured_share=0.9, premium=0.004), 1.0, "13960.00", id="insured"),
            pytest.param(
                terms_menu.guaranteed(net(30), covered_share=1.0, fee=0.003, fixed_cost=Decimal(100)),
                1.0,
                "18960.00",
                id="guaranteed",
            ),
        ],
    )
    def test_the_value_is_the_formula(self, option: Option, pd: float, value: str) -> None:
        assert terms_menu.expected_value(option, DEAL, pd) == Decimal(value)

    def test_insurance_is_worth_its_premium_exactly_where_the_loss_it_takes_exceeds_it(self) -> None:
        plain, covered = net(30), terms_menu.insured(net(30), insured_share=0.9, premium=0.004)
        # PD_T x .5 x .9 = .004 -> PD_T = .008889 -> PD = 1 - (1 - PD_T)^(180/40).
        even = 1 - (1 - 0.004 / 0.45) ** (180 / 40)

        just_below, just_above = (
            terms_menu.expected_value(covered, DEAL, pd) - terms_menu.expected_value(plain, DEAL, pd)
            for pd in (even - 0.001, even + 0.001)
        )

        assert just_below < 0 < just_above

    def test_a_discount_costs_a_buyer_who_lets_it_go_37_percent_a_year(self) -> None:
        simple, effective = terms_menu.discount_rate(0.02, 10, 30)

        assert (f"{simple:.2%}", f"{effective:.2%}") == ("37.24%", "44.59%")

    @pytest.mark.parametrize(
        ("pd", "gains"),
        [
            # Saved: .0016 % x 30 days (at day 40 instead of 10) = .0048, and PD_T x .5; given away: .02.
            # Even where PD_T = .0304, so PD = 1 - .9696^4.5.
            pytest.param(1 - 0.9696**4.5 - 0.001, False, id="just-below"),
            pytest.param(1 - 0.9696**4.5 + 0.001, True, id="just-above"),
        ],
    )
    def test_a_discount_is_worth_offering_only_to_who_is_late_or_risky_enough(self, pd: float, gains: bool) -> None:
        option = terms_menu.early_payment(0.02, 10, 30, taken_share=0.5, volume_share=1.0)

        assert (terms_menu.discount_gain(option, DEAL, pd) > 0) is gains
        assert abs(terms_menu.discount_gain(option, DEAL, 1 - 0.9696**4.5)) <= Decimal("0.01")

    def test_the_gain_of_a_discount_is_the_difference_to_the_same_net_date(self) -> None:
        option = terms_menu.early_payment(0.02, 10, 30, taken_share=0.5, volume_share=1.0)

        difference = terms_menu.expected_value(option, DEAL, 0.2) - terms_menu.expected_value(net(30), DEAL, 0.2)

        assert abs(terms_menu.discount_gain(option, DEAL, 0.2) - difference) <= Decimal("0.01")


class TestTheChoice:
    def test_the_best_option_earns_most_of_all_that_may_be_offered(self) -> None:
        found = terms_menu.choose(MENU, DEAL, 0.02)

        assert found.best.expected_value == max(offer.expected_value for offer in found.offers)
        assert found.runner_up == found.offers[1]
        assert found.earns

    def test_the_choice_changes_exactly_where_it_says(self) -> None:
        found = terms_menu.choose(MENU, DEAL, 0.08)

        assert found.flips_below is not None
        assert found.flips_above is not None
        better, worse = found.flips_below.pd, found.flips_above.pd
        assert better < 0.08 < worse
        assert terms_menu.choose(MENU, DEAL, better - 1e-9).best.option == found.flips_below.option
        assert terms_menu.choose(MENU, DEAL, better + 1e-9).best.option == found.best.option
        assert terms_menu.choose(MENU, DEAL, worse - 1e-9).best.option == found.best.option
        assert terms_menu.choose(MENU, DEAL, worse + 1e-9).best.option == found.flips_above.option

    def test_the_flip_of_two_options_is_where_their_values_meet(self) -> None:
        two = [terms_menu.prepayment(volume_share=0.5), net(30)]
        # 10,000 = 19,360 - 50,000 PD_T -> PD_T = .1872.
        meet = 1 - (1 - 0.1872) ** 4.5

        found = terms_menu.choose(two, DEAL, 0.1)

        assert found.best.option.code == "net_30"
        assert found.flips_above is not None
        assert found.flips_above.pd == pytest.approx(meet, rel=1e-12)
        assert found.flips_above.option.code == "prepayment"
        assert found.flips_below is None

    def test_a_sure_payer_has_nothing_below_and_a_sure_defaulter_nothing_above(self) -> None:
        assert terms_menu.choose(MENU, DEAL, 0.0).flips_below is None
        assert terms_menu.choose(MENU, DEAL, 1.0).flips_above is None

    def test_a_costly_cover_does_not_win_a_weak_payer_longer_terms(self) -> None:
        # Insured net 60 is beaten by net 15 for good payers and would beat it for weak ones.
        menu = [
            terms_menu.prepayment(volume_share=0.3),
            net(15),
            terms_menu.insured(net(60, 1.01), insured_share=0.95, premium=0.01),
        ]

        found = terms_menu.choose(menu, DEAL, 0.3)

        assert terms_menu.expected_value(menu[2], DEAL, 0.3) > terms_menu.expected_value(menu[1], DEAL, 0.3)
        assert found.best.option.code == "net_15"
        assert [(left.offer.option.code, left.why, left.days) for left in found.left_out] == [
            ("net_60_insured", "longer_than_better_payers_get", 15)
        ]

    def test_the_same_cover_is_taken_where_it_is_no_longer_than_what_better_payers_get(self) -> None:
        menu = [net(60), terms_menu.insured(net(60), insured_share=0.95, premium=0.01)]

        assert [terms_menu.choose(menu, DEAL, pd).best.option.code for pd in (0.0, 0.3)] == ["net_60", "net_60_insured"]

    def test_of_two_options_worth_the_same_the_shorter_wins(self) -> None:
        free = Deal(volume=Decimal(1000), margin=0.2, capital_cost=0.0, lgd=0.0, delay_days=0, pd_horizon_days=180)

        found = terms_menu.choose([net(60), net(30)], free, 0.5)

        assert found.best.option.code == "net_30"
        assert found.runner_up is not None
        assert found.runner_up.option.code == "net_60"

    def test_a_menu_of_one_has_no_runner_up_and_never_flips(self) -> None:
        found = terms_menu.choose([net(30)], DEAL, 0.9)

        assert (found.runner_up, found.flips_below, found.flips_above, found.left_out) == (None, None, None, ())
        assert not found.earns

    def test_with_equal_volumes_prepayment_always_wins_which_is_why_volumes_have_no_default(self) -> None:
        menu = terms_menu.standard_menu(dict.fromkeys(VOLUMES, 1.0), taken_share=0.5)

        assert {terms_menu.choose(menu, DEAL, pd).best.option.days for pd in (0.0, 0.1, 1.0)} == {0}


class TestCaps:
    @pytest.mark.parametrize(
        ("statute", "longest"),
        [pytest.param(59, 45, id="just-below"), pytest.param(60, 60, id="at"), pytest.param(61, 60, id="just-above")],
    )
    def test_no_option_beyond_the_cap_is_offered(self, statute: int, longest: int) -> None:
        found = terms_menu.choose(MENU, DEAL, 0.0, caps=[TermCap("statute", statute)])

        assert max(offer.option.days for offer in found.offers) == longest
        assert {(left.why, left.cap) for left in found.left_out} == {("beyond_cap", "statute")}

    def test_the_tightest_cap_is_named(self) -> None:
        found = terms_menu.choose(MENU, DEAL, 0.0, caps=[TermCap("statute", 60), TermCap("insurer", 30), TermCap("ladder", 45)])

        assert {(left.cap, left.days) for left in found.left_out} == {("insurer", 30)}
        assert found.best.option.days == 30

    def test_prepayment_is_within_every_cap(self) -> None:
        assert terms_menu.choose(MENU, DEAL, 0.0, caps=[TermCap("ladder", 0)]).best.option.days == 0

    def test_the_last_instalment_is_what_a_cap_bounds(self) -> None:
        found = terms_menu.choose(MENU, DEAL, 0.0, caps=[TermCap("statute", 89)])

        assert "instalments_30_60_90" in {left.offer.option.code for left in found.left_out}


class TestRefusals:
    def test_a_menu_with_no_option_within_the_caps_says_what_to_add(self) -> None:
        with pytest.raises(UsageRefused, match="Add prepayment"):
            terms_menu.choose([net(30)], DEAL, 0.1, caps=[TermCap("statute", 29)])

    def test_two_options_of_one_code_are_refused(self) -> None:
        with pytest.raises(UsageRefused, match="one code"):
            terms_menu.choose([net(30), net(30, 0.9)], DEAL, 0.1)

    def test_a_standard_menu_needs_every_volume(self) -> None:
        with pytest.raises(UsageRefused, match="net_90"):
            terms_menu.standard_menu({code: 1.0 for code in VOLUMES if code != "net_90"}, taken_share=0.5)

    @pytest.mark.parametrize("pd", [-0.001, 1.001, float("nan")])
    def test_a_probability_is_between_0_and_1(self, pd: float) -> None:
        with pytest.raises(ValueError, match="probability"):
            terms_menu.choose(MENU, DEAL, pd)

    @pytest.mark.parametrize(
        "build",
        [
            pytest.param(lambda: terms_menu.early_payment(1.01, 10, 30, taken_share=0.5, volume_share=1.0), id="discount"),
            pytest.param(
                lambda: terms_menu.early_payment(0.02, 31, 30, taken_share=0.5, volume_share=1.0), id="discount-after-net"
            ),
            pytest.param(lambda: terms_menu.early_payment(0.02, 10, 30, taken_share=-0.1, volume_share=1.0), id="taken"),
            pytest.param(lambda: net(30, -0.1), id="volume"),
            pytest.param(lambda: net(-1), id="days"),
            pytest.param(lambda: terms_menu.instalments([(0.5, 30), (0.4, 60)], volume_share=1.0), id="instalments-not-whole"),
            pytest.param(lambda: terms_menu.instalments([], volume_share=1.0), id="no-instalment"),
            pytest.param(lambda: terms_menu.insured(net(30), insured_share=1.1, premium=0.0), id="insured-share"),
            pytest.param(lambda: terms_menu.cash_on_delivery(volume_share=1.0, fixed_cost=Decimal(-1)), id="fixed-cost"),
        ],
    )
    def test_an_option_that_means_nothing_is_refused(self, build) -> None:
        with pytest.raises(UsageRefused):
            build()

    @pytest.mark.parametrize(
        "field",
        [
            {"margin": 1.1}, {"lgd": -0.1}, {"volume": Decimal(-1)}, {"volume": Decimal("NaN")}, {"pd_horizon_days": 0},
            {"capital_cost": -0.1}, {"delay_days": float("inf")},
        ],
    )  # fmt: skip
    def test_a_deal_that_means_nothing_is_refused(self, field: dict) -> None:
        usual = {"volume": Decimal(1), "margin": 0.2, "capital_cost": 0.1, "lgd": 0.5, "delay_days": 0, "pd_horizon_days": 180}

        with pytest.raises(ValueError, match="not"):
            Deal(**{**usual, **field})

    @pytest.mark.parametrize(("discount", "net_days"), [(1.0, 30), (-0.01, 30), (0.02, 10)])
    def test_a_discount_rate_needs_a_discount_and_a_later_net_date(self, discount: float, net_days: int) -> None:
        with pytest.raises(ValueError, match="net date"):
            terms_menu.discount_rate(discount, 10, net_days)
