"""The register as a ledger held it: what was known by the day, in force on it, and what a person should put right."""

from datetime import date
from decimal import Decimal

import pytest

from ledger_text import ledger
from riskscore.errors import InputRefused
from riskscore.insurance import Register, lgd_after_cover, take_register
from riskscore.portfolio import take_open_invoices

D = Decimal

HAIRCUTS = {"guarantee": D("0.2"), "collateral": D("0.4"), "deposit": D(0)}
PAGE = """
    customers
    customer_id | country
    acme        | DE
    rates
    currency | to_currency | rate | rated_on
    USD      | EUR         | 0.5  | 2025-01-01
    securities
    customer_id | kind      | amount | currency | cover_share | valid_from | valid_until | provider | deductible | waiting_days | notice_days | hand_over_days | known_on
    acme        | insurance | 1000   | USD      |             | 2025-01-01 |             | Atlas    | 100        |              | 30.5        | 60             | 2025-01-15
    acme        | guarantee | 300    | EUR      |             | 2025-01-01 | 2025-06-30  | A Bank   |            |              |             |                | 2025-01-01
    acme        | deposit   | 50     | EUR      |             | 2025-02-01 |             |          |            |              |             |                | 2025-02-01
"""


def register(on: str = "2025-06-30", page: str = PAGE) -> Register:
    return take_register([ledger(page)], date.fromisoformat(on), HAIRCUTS)


def faults(page: str) -> list[str]:
    return [fault.code for fault in register(page=page).faults]


def test_a_policy_is_what_was_agreed_in_the_reporting_currency():
    policy = register().policies["acme"]

    assert (policy.insured_limit, policy.deductible, policy.currency) == (D("500.00"), D("50.00"), "EUR")
    assert (policy.insured_share, policy.protracted_default_days) == (D("0.90"), 90)
    assert (policy.notice_days, policy.hand_over_days, policy.insurer) == (30, 60, "Atlas")


@pytest.mark.parametrize(
    ("on", "insured", "secured"),
    [
        pytest.param("2025-01-14", False, D("240.00"), id="the-policy-is-not-known-yet"),
        pytest.param("2025-01-15", True, D("240.00"), id="known-from-today"),
        pytest.param("2025-02-01", True, D("290.00"), id="a-deposit-came"),
        pytest.param("2025-06-30", True, D("290.00"), id="last-day-of-the-guarantee"),
        pytest.param("2025-07-01", True, D("50.00"), id="the-guarantee-has-ended"),
    ],
)
def test_only_what_is_known_and_in_force_covers(on, insured, secured):
    found = register(on).cover("acme", D(400))

    assert (found.insured > 0) == insured
    assert found.collateral == secured
    assert found.exposure == found.collateral + found.insured + found.own_risk


def test_an_ended_guarantee_leaves_the_loss_given_default_on_the_next_day():
    before, after = (lgd_after_cover(D("0.4"), register(on).cover("acme", D(100))) for on in ("2025-06-30", "2025-07-01"))

    assert (before, after) == (0, D("0.4") * D(50) / 100)


def test_a_customer_in_credit_has_no_exposure_to_cover():
    assert register().cover("acme", D(-10)).exposure == 0


LINE = "acme        | insurance | 1000   | USD      |             | 2025-01-01 |             | Atlas    | 100        |              | 30.5        | 60             | 2025-01-15"


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        pytest.param(LINE, [], id="nothing-wrong"),
        pytest.param(LINE.replace("USD      |            ", "USD      | 0.6        "), ["share_below_usual"], id="share-60"),
        pytest.param(LINE.replace("USD      |            ", "USD      | 0.7        "), [], id="share-70"),
        pytest.param(LINE.replace("USD      |            ", "USD      | 1          "), ["share_above_highest"], id="share-100"),
        pytest.param(LINE.replace("USD      |            ", "USD      | 0          "), ["pays_nothing"], id="share-0"),
        pytest.param(LINE.replace("| 30.5 ", "|      "), ["no_notice_days"], id="no-notice-days"),
        pytest.param(LINE.replace("| 60 ", "| 20 "), ["dates_out_of_order"], id="hand-over-before-notice"),
        pytest.param(LINE + "\n    " + LINE.replace("2025-01-01", "2025-03-01"), ["two_policies"], id="renewed-while-in-force"),
    ],
)
def test_what_should_be_put_right_is_told(line, codes):
    assert LINE in PAGE

    assert faults(PAGE.replace(LINE, line)) == codes


def test_of_two_policies_the_later_one_counts():
    later = LINE.replace("2025-01-01", "2025-03-01").replace("1000", "4000")

    assert register(page=PAGE.replace(LINE, f"{LINE}\n    {later}")).policies["acme"].insured_limit == 2000


def test_an_amount_without_a_rate_is_refused():
    with pytest.raises(InputRefused, match="no rate for USD by 2025-06-30"):
        register(page=PAGE.replace("0.5  | 2025-01-01", "0.5  | 2025-07-01"))


OPEN = """
    customers
    customer_id | country
    acme        | DE
    invoices
    customer_id | invoice_id | issued_on  | due_on     | amount
    acme        | saturday   | 2025-05-02 | 2025-05-31 | 100
    acme        | coming     | 2025-06-02 | 2025-07-02 | 200
    acme        | credit     | 2025-06-02 | 2025-06-02 | -50
    acme        | paid       | 2025-05-02 | 2025-06-02 | 300
    settlements
    invoice_id | settlement_id | kind    | settled_on | amount | known_on
    paid       | a             | payment | 2025-06-10 | 300    | 2025-06-11
    saturday   | b             | payment | 2025-06-10 | 40     | 2025-06-10
    disputes
    invoice_id | opened_on  | amount
    coming     | 2025-06-05 | 20
"""


def test_open_invoices_are_those_of_the_day():
    def at(day: str) -> list[tuple[str, int, D, D]]:
        rows = take_open_invoices(ledger(OPEN), date.fromisoformat(day)).to_pylist()
        return [(row["invoice_id"], row["days_past_due"], row["opened"], row["contested"]) for row in rows]

    # Due on Saturday 31 May: late from Tuesday 3 June, a day after the Monday it rolled to.
    assert at("2025-06-10") == [
        ("saturday", 8, D("60.00"), D("0.00")),
        ("paid", 8, D("300.00"), D("0.00")),
        ("coming", -22, D("200.00"), D("20.00")),
    ]
    assert [row[0] for row in at("2025-06-11")] == ["saturday", "coming"]
