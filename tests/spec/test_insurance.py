"""What an insurer pays, by when it wants to know, and what security is worth on which day."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from riskscore import insurance
from riskscore.errors import UsageRefused
from riskscore.insurance import Collateral, Cover, OpenInvoice, Policy

D = Decimal
DUE = date(2026, 3, 1)


def policy(**changes) -> Policy:
    usual = {
        "policy_id": "P-1", "customer_id": "acme", "currency": "EUR", "insured_limit": D(80_000), "starts_on": date(2026, 1, 1),
        "expires_on": date(2026, 12, 31), "notice_days": 30, "hand_over_days": 60, "max_extension_days": 20,
    }  # fmt: skip
    return Policy(**{**usual, **changes})


def invoice(**changes) -> OpenInvoice:
    return OpenInvoice(**{"invoice_id": "INV-1", "due_on": DUE, "agreed_due_on": DUE, **changes})


class TestPayout:
    def test_the_golden_72k(self) -> None:
        assert insurance.payout(policy(), D(100_000)) == D(72_000)

    @pytest.mark.parametrize(
        ("loss", "paid"),
        [
            pytest.param("79999.99", "71999.99", id="just-below-the-limit"),
            pytest.param("80000.00", "72000.00", id="at-the-limit"),
            pytest.param("80000.01", "72000.00", id="just-above"),
            pytest.param("0", "0.00", id="no-loss"),
        ],
    )
    def test_no_more_than_the_limit_is_insured(self, loss: str, paid: str) -> None:
        assert insurance.payout(policy(), D(loss)) == D(paid)

    @pytest.mark.parametrize(
        ("loss", "paid"),
        [
            pytest.param("1111.10", "0.00", id="just-below-the-deductible"),
            pytest.param("1111.11", "0.00", id="at-it"),
            pytest.param("1112.00", "0.80", id="just-above"),
        ],
    )
    def test_the_deductible_is_borne_first(self, loss: str, paid: str) -> None:
        assert insurance.payout(policy(deductible=D(1000)), D(loss)) == D(paid)

    def test_an_insured_share_is_90_percent_where_nothing_else_is_agreed(self) -> None:
        assert (policy().insured_share, policy().protracted_default_days) == (D("0.90"), 90)

    @pytest.mark.parametrize(
        ("share", "warnings"),
        [("0.69", ("share_below_usual",)), ("0.70", ()), ("0.95", ())],
        ids=["just-below-warns", "seventy", "ninety-five"],
    )
    def test_a_share_below_70_percent_warns_and_is_taken(self, share: str, warnings: tuple) -> None:
        assert policy(insured_share=D(share)).warnings == warnings

    def test_what_stays_with_the_seller(self) -> None:
        assert insurance.uninsured_exposure(policy(), D(100_000)) == D(28_000)

    @pytest.mark.parametrize(
        ("appetite", "exposure"),
        [
            pytest.param("0", "0.00", id="none"),
            pytest.param("7999.99", "79999.90", id="just-below-what-the-limit-leaves"),
            pytest.param("8000", "80000.00", id="at-it"),
            pytest.param("8000.01", "80000.01", id="beyond-it-nothing-is-insured"),
            pytest.param("28000", "100000.00", id="the-golden-turned-round"),
        ],
    )
    def test_the_exposure_that_an_uninsured_appetite_allows(self, appetite: str, exposure: str) -> None:
        assert insurance.exposure_within(policy(), D(appetite)) == D(exposure)

    @pytest.mark.parametrize(
        ("appetite", "exposure"),
        [
            pytest.param("899", "899.00", id="no-claim-would-reach-it"),
            pytest.param("1000", "1000.00", id="where-claims-begin"),
            pytest.param("1100", "2000.00", id="ten-percent-of-the-next-thousand"),
        ],
    )
    def test_a_deductible_takes_of_the_appetite_first(self, appetite: str, exposure: str) -> None:
        assert insurance.exposure_within(policy(deductible=D(900)), D(appetite)) == D(exposure)

    def test_the_whole_register_with_and_without_cover(self) -> None:
        exposures = {"acme": D(100_000), "bolt": D(10_000)}
        over = policy(policy_id="P-2", customer_id="bolt", expires_on=date(2026, 2, 28))

        found = [insurance.uninsured_total(exposures, [policy(), over], on=on) for on in (date(2026, 2, 28), date(2026, 3, 1))]

        assert found == [D(29_000), D(38_000)]

    def test_two_policies_in_force_for_one_customer_are_refused(self) -> None:
        with pytest.raises(UsageRefused, match="two policies"):
            insurance.uninsured_total({"acme": D(1)}, [policy(), policy(policy_id="P-2")], on=date(2026, 6, 1))


class TestCalendar:
    def test_the_days_are_exact(self) -> None:
        found = insurance.calendar(policy(), DUE)

        assert found.notice_by == date(2026, 3, 31)
        assert found.hand_over_by == date(2026, 4, 30)
        assert found.claim_from == date(2026, 5, 31)  # 90 days of waiting end on 30 May

    def test_sixty_days_of_waiting_are_common_too(self) -> None:
        assert insurance.calendar(policy(protracted_default_days=60), DUE).claim_from == date(2026, 5, 1)

    @pytest.mark.parametrize(
        ("day", "raised"),
        [
            pytest.param(22, [], id="eight-days-ahead"),
            pytest.param(23, [("notice_due", 7)], id="a-week-ahead"),
            pytest.param(30, [("notice_due", 0)], id="the-last-day"),
            pytest.param(31, [("notice_missed", -1)], id="the-day-after"),
        ],
    )
    def test_a_notice_is_called_for_and_then_missed(self, day: int, raised: list) -> None:
        found = insurance.alarms(policy(), [invoice()], on=DUE + timedelta(days=day))

        assert [(alarm.code, alarm.days) for alarm in found] == raised

    @pytest.mark.parametrize(
        ("notified", "raised"),
        [
            pytest.param(29, [], id="before"),
            pytest.param(30, [], id="on-the-last-day"),
            pytest.param(31, ["notice_missed"], id="a-day-late-stays-missed"),
            pytest.param(41, ["notice_missed"], id="an-act-of-the-future-is-not-known"),
        ],
    )
    def test_a_notice_in_time_is_quiet_and_a_late_one_is_not(self, notified: int, raised: list) -> None:
        found = insurance.alarms(policy(), [invoice(notified_on=DUE + timedelta(days=notified))], on=DUE + timedelta(days=40))

        assert [alarm.code for alarm in found] == raised
        assert all(alarm.endangers_cover for alarm in found)

    def test_the_hand_over_follows_the_notice(self) -> None:
        found = insurance.alarms(policy(), [invoice(notified_on=DUE)], on=DUE + timedelta(days=61))

        assert [alarm.code for alarm in found] == ["hand_over_missed"]
        assert insurance.alarms(policy(), [invoice(notified_on=DUE, handed_over_on=DUE)], on=DUE + timedelta(days=61)) == ()

    @pytest.mark.parametrize(
        ("extended", "raised"), [(19, []), (20, []), (21, ["extension_too_long"])], ids=["just-below", "at", "just-above"]
    )
    def test_an_extension_beyond_the_policys_days_endangers_cover(self, extended: int, raised: list) -> None:
        moved = invoice(due_on=DUE + timedelta(days=extended))

        found = insurance.alarms(policy(), [moved], on=DUE)

        assert [alarm.code for alarm in found] == raised
        assert all((alarm.on, alarm.days) == (DUE + timedelta(days=20), 20) for alarm in found)

    @pytest.mark.parametrize(
        ("longest", "raised"),
        [(46, []), (45, []), (44, ["terms_too_long"]), (None, [])],
        ids=["just-below", "at", "just-above", "not-known"],
    )
    def test_an_invoice_sold_on_longer_terms_than_the_insurer_covers_endangers_cover(self, longest, raised) -> None:
        sold = invoice(issued_on=DUE - timedelta(days=45))

        found = insurance.alarms(policy(longest_terms_days=longest), [sold], on=DUE)

        assert [alarm.code for alarm in found] == raised
        assert all((alarm.days, alarm.endangers_cover) == (-1, True) for alarm in found)

    def test_an_extension_is_judged_as_an_extension_and_not_as_longer_terms(self) -> None:
        moved = invoice(due_on=DUE + timedelta(days=20), issued_on=DUE - timedelta(days=45))

        assert insurance.alarms(policy(longest_terms_days=45), [moved], on=DUE) == ()

    def test_a_notice_given_today_counts_today(self) -> None:
        today = DUE + timedelta(days=30)

        assert insurance.alarms(policy(), [invoice(notified_on=today)], on=today) == ()

    @pytest.mark.parametrize(
        ("on", "raised"),
        [
            pytest.param("2026-12-23", [], id="eight-days-ahead"),
            pytest.param("2026-12-24", ["cover_expiring"], id="a-week-ahead"),
            pytest.param("2026-12-31", ["cover_expiring"], id="the-last-day"),
            pytest.param("2027-01-01", [], id="over"),
        ],
    )
    def test_a_cover_that_ends_is_told_before(self, on: str, raised: list) -> None:
        assert [alarm.code for alarm in insurance.alarms(policy(), [], on=date.fromisoformat(on))] == raised

    def test_the_soonest_comes_first(self) -> None:
        two = [invoice(invoice_id="INV-2", due_on=DUE + timedelta(days=1), agreed_due_on=DUE), invoice()]

        found = insurance.alarms(policy(), two, on=DUE + timedelta(days=28))

        assert [alarm.invoice_id for alarm in found] == ["INV-1", "INV-2"]


class TestCollateral:
    GUARANTEE = Collateral("acme", "guarantee", D(50_000), D("0.1"), expires_on=date(2026, 6, 30))

    @pytest.mark.parametrize(
        ("on", "value"),
        [
            pytest.param("2026-06-29", "45000.00", id="the-day-before"),
            pytest.param("2026-06-30", "45000.00", id="its-last-day"),
            pytest.param("2026-07-01", "0.00", id="expired"),
        ],
    )
    def test_it_counts_after_its_haircut_until_it_expires(self, on: str, value: str) -> None:
        assert self.GUARANTEE.value(date.fromisoformat(on)) == D(value)

    def test_without_a_last_day_it_stays(self) -> None:
        assert Collateral("acme", "deposit", D("0.99"), D("0.5")).value(date(2099, 1, 1)) == D("0.49")

    def test_an_expired_guarantee_leaves_the_loss_given_default_the_next_day(self) -> None:
        lgd = [
            insurance.lgd_after_cover(D("0.6"), insurance.cover(D(90_000), on=on, collaterals=[self.GUARANTEE]))
            for on in (date(2026, 6, 30), date(2026, 7, 1))
        ]

        assert lgd == [D("0.3"), D("0.6")]

    def test_collateral_pays_first_and_insurance_on_the_rest(self) -> None:
        found = insurance.cover(D(100_000), on=date(2026, 5, 1), collaterals=[self.GUARANTEE], policy=policy())

        assert (found.collateral, found.insured, found.own_risk) == (D(45_000), D(49_500), D(5_500))

    def test_more_security_than_exposure_is_not_more_than_the_exposure(self) -> None:
        found = insurance.cover(D(10_000), on=date(2026, 5, 1), collaterals=[self.GUARANTEE], policy=policy())

        assert (found.collateral, found.insured, found.own_risk) == (D(10_000), 0, 0)

    @pytest.mark.parametrize(
        ("on", "insured"),
        [
            pytest.param(date(2025, 12, 31), 0, id="the-day-before-it-starts"),
            pytest.param(date(2026, 1, 1), 9_000, id="its-first-day"),
            pytest.param(date(2026, 12, 31), 9_000, id="its-last-day"),
            pytest.param(date(2027, 1, 1), 0, id="the-day-after-it-ended"),
        ],
    )
    def test_a_policy_out_of_force_covers_nothing(self, on: date, insured: int) -> None:
        assert insurance.cover(D(10_000), on=on, policy=policy()).insured == insured

    @pytest.mark.parametrize("lgd", [D(0), D(1)], ids=["nothing-lost", "all-lost"])
    def test_a_loss_given_default_may_be_nothing_or_all(self, lgd: Decimal) -> None:
        assert insurance.lgd_after_cover(lgd, Cover(D(100), D(0), D(0))) == lgd

    def test_no_exposure_has_the_uncovered_loss_given_default(self) -> None:
        assert insurance.lgd_after_cover(D("0.6"), insurance.cover(D(0), on=DUE, policy=policy())) == D("0.6")


class TestRefusals:
    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param({"insured_share": D("0.96")}, id="no-insurer-covers-more-than-95"),
            pytest.param({"insured_share": D(0)}, id="nothing-insured"),
            pytest.param({"insured_share": D(90)}, id="a-percentage"),
            pytest.param({"insured_limit": D(-1)}, id="limit"),
            pytest.param({"deductible": D(-1)}, id="deductible"),
            pytest.param({"notice_days": -1}, id="notice"),
            pytest.param({"hand_over_days": 29}, id="handed-over-before-notice"),
            pytest.param({"expires_on": date(2025, 12, 31)}, id="ends-before-it-starts"),
        ],
    )
    def test_a_policy_that_cannot_be_is_refused(self, wrong: dict) -> None:
        with pytest.raises(UsageRefused, match="P-1"):
            policy(**wrong)

    @pytest.mark.parametrize(
        "edge",
        [
            pytest.param({"notice_days": 0, "hand_over_days": 0, "max_extension_days": 0}, id="all-on-the-due-day"),
            pytest.param({"hand_over_days": 30}, id="notice-and-hand-over-on-one-day"),
            pytest.param({"expires_on": date(2026, 1, 1)}, id="one-day-of-cover"),
            pytest.param({"insured_limit": D(0)}, id="nothing-insured-yet"),
        ],
    )
    def test_a_policy_at_the_edge_is_taken(self, edge: dict) -> None:
        assert policy(**edge).warnings == ()

    def test_security_nobody_counts_on_is_worth_nothing(self) -> None:
        assert Collateral("acme", "collateral", D(100), D(1)).value(DUE) == 0

    @pytest.mark.parametrize(("amount", "haircut"), [("-1", "0"), ("1", "1.01"), ("1", "-0.01"), ("NaN", "0")])
    def test_security_that_cannot_be_is_refused(self, amount: str, haircut: str) -> None:
        with pytest.raises(UsageRefused, match="acme"):
            Collateral("acme", "deposit", D(amount), D(haircut))

    def test_losses_and_exposures_are_not_negative(self) -> None:
        with pytest.raises(ValueError, match="loss"):
            insurance.payout(policy(), D(-1))
        with pytest.raises(ValueError, match="exposure"):
            insurance.cover(D(-1), on=DUE)
        with pytest.raises(ValueError, match="loss given default"):
            insurance.lgd_after_cover(D("1.1"), Cover(D(1), D(0), D(0)))
