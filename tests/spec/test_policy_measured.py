"""What a ledger says of numbers the policy assumes: the loss of late debt, habits, and the risk a grade may carry by them."""

from datetime import date
from decimal import Decimal
from functools import cache

import pyarrow as pa
import pytest

from deciding import GRADES, ON, POLICY, case, policy
from ledger_text import ledger, polars_ledger, tables_of
from riskscore import positions
from riskscore.errors import UsageRefused
from riskscore.outcomes import Outcome
from riskscore.policy import parse, recommend
from riskscore.policy.measured import Habits, LossHistory, as_toml, grade_shares, ladder_for, loss_given_lateness, propose
from riskscore.policy.recommendation import credit_days
from riskscore.snapshot import customers_known_at, take_snapshot
from riskscore.stores.engines import ledger_of
from riskscore.training.measuring import follow_late, habits_of, take_habits_and_losses, take_losses
from simulated import world_of

D = Decimal
HALF = D("0.5")
UNTIL = date(2026, 6, 30)
NOBODY = LossHistory(D(0), D(0), 0, UNTIL)
UNKNOWN = Habits()

# Horizons of 180 days end a year and more before UNTIL: the newest begins on 1 January 2025 and ends on 30 June 2025. What is lost
# of what was owed that day is known on 30 June 2026. Due dates are working days. Each customer buys twice: an invoice of 6,000 that
# falls due on 3 March 2025, and one of 4,000 that is not due when the horizon ends and is paid in time.
FATES = {
    "late-but-paid-in-the-end": ("payment | 2025-07-01 | 6000", (10_000, 0)),
    "paid-on-the-last-day-of-the-year": ("payment | 2026-06-30 | 6000", (10_000, 0)),
    "a-day-after-it-is-lost": ("payment | 2026-07-01 | 6000", (10_000, 6_000)),
    "what-is-left-of-a-part-payment": ("payment | 2025-09-01 | 4500", (10_000, 1_500)),
    "written-off-in-the-year": ("write_off | 2025-09-01 | 6000", (10_000, 6_000)),
    "written-off-in-the-horizon": ("write_off | 2025-05-20 | 6000", (10_000, 6_000)),
    "what-came-back-was-not-lost": (
        "write_off | 2025-09-01 | 6000\nwhat-came-back-was-not-lost-late | payment | 2026-02-02 | 2000", (10_000, 4_000)
    ),
    "a-write-off-taken-back": (
        "write_off | 2025-09-01 | 6000\na-write-off-taken-back-late | write_off | 2025-12-01 | -6000", (10_000, 6_000)
    ),
    "a-write-off-taken-back-and-paid": (
        ("write_off | 2025-09-01 | 6000\na-write-off-taken-back-and-paid-late | write_off | 2025-12-01 | -6000\n"
        "a-write-off-taken-back-and-paid-late | payment | 2025-12-01 | 6000"),
        (10_000, 0),
    ),
    "what-comes-back-after-the-year-does-not-count": (
        "write_off | 2025-09-01 | 6000\nwhat-comes-back-after-the-year-does-not-count-late | payment | 2026-07-01 | 2000",
        (10_000, 6_000),
    ),
    "credited-is-not-lost": ("credit_note | 2025-09-01 | 6000", (10_000, 0)),
    "owed-is-what-is-open-when-the-horizon-ends": ("payment | 2025-05-30 | 6000", (4_000, 0)),
    "who-paid-in-time-is-not-followed": ("payment | 2025-03-03 | 6000", None),
}  # fmt: skip
PAGE = "\n".join(
    [
        "customers",
        "customer_id | country",
        *(f"{who} | DE" for who in (*FATES, "defaulted", "prompt")),
        "invoices",
        "customer_id | invoice_id | issued_on | due_on | amount",
        *(f"{who} | {who}-late | 2025-01-15 | 2025-03-03 | 6000" for who in FATES),
        *(f"{who} | {who}-coming | 2025-06-02 | 2025-07-16 | 4000" for who in FATES),
        "defaulted | stale | 2024-09-02 | 2024-10-02 | 9000",
        "prompt | first | 2024-06-03 | 2024-07-02 | 100",
        "settlements",
        "invoice_id | kind | settled_on | amount",
        *(f"{who}-late | {fate}" for who, (fate, _) in FATES.items()),
        *(f"{who}-coming | payment | 2025-07-16 | 4000" for who in FATES),
        "first | payment | 2024-07-02 | 100",
    ]
)


@cache
def followed() -> dict[tuple[str, date], tuple[int, int]]:
    rows = follow_late(ledger(PAGE), Outcome(), until=UNTIL).to_pylist()
    return {(row["customer_id"], row["begins_on"]): (row["owed"] // 100, row["lost"] // 100) for row in rows}


@pytest.mark.parametrize(("who", "expected"), [pytest.param(who, expected, id=who) for who, (_, expected) in FATES.items()])
def test_debt_of_who_paid_materially_late_is_followed_for_a_year(who, expected):
    assert followed().get((who, date(2025, 1, 1))) == expected


def test_who_was_in_default_already_is_followed_from_the_horizon_before_alone():
    assert {begins: found for (who, begins), found in followed().items() if who == "defaulted"} == {
        date(2024, 7, 5): (9_000, 9_000)
    }


def test_another_engine_finds_the_same_and_the_sums_are_of_all():
    found = take_losses(polars_ledger(tables_of(PAGE)), Outcome(), until=UNTIL)

    assert (found.owed, found.lost) == tuple(sum(each[place] for each in followed().values()) for place in (0, 1))
    assert found.n_customers == len(followed())


def test_a_year_that_is_not_over_says_nothing():
    assert take_losses(ledger(PAGE), Outcome(), until=date(2025, 5, 31)) == LossHistory(D(0), D(0), 0, date(2025, 5, 31))


@pytest.mark.parametrize("until", [UNTIL, date(2025, 5, 31)])
def test_habits_and_losses_in_one_pass_are_those_of_two(until):
    world = world_of(preset="default", n_customers=60, n_months=22, seed=8)
    book, day = ledger_of(dict(world.tables), "EUR"), min(until, world.end_on)
    today = positions.compute(take_snapshot(book, customers_known_at(book, day)))

    assert take_habits_and_losses(book, Outcome(), until=day) == (habits_of(today), take_losses(book, Outcome(), until=day))
    assert take_habits_and_losses(ledger(PAGE), Outcome(), until=until)[1] == take_losses(ledger(PAGE), Outcome(), until=until)


def standing(days: list[float | None], *, in_default: bool = False, tenure: int = 365, peak: int = 300) -> pa.Table:
    n = len(days)
    money = pa.decimal128(18, 2)
    return pa.table(
        {
            "in_default": pa.array([in_default] * n),
            "days_late_p80": pa.array(days, pa.float64()),
            "tenure_days": pa.array([tenure] * n, pa.int32()),
            "monthly_purchases": pa.array([D(100)] * n, money),
            "peak_monthly_purchases": pa.array([D(peak)] * n, money),
        }
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([5.0] * 40 + [90.0] * 10, 5, id="four-of-five-keep-within"),
        pytest.param([5.0] * 39 + [90.0] * 11, 90, id="one-less-do-not"),
        pytest.param([5.2] * 50, 6, id="whole-days-up"),
        pytest.param([-3.0] * 50, 0, id="early-payers-ask-for-no-days"),
        pytest.param([5.0] * 29 + [None] * 50, None, id="too-few-are-known"),
        pytest.param([5.0] * 30, 5, id="just-enough"),
    ],
)
def test_usual_lateness_is_what_four_of_five_customers_keep_within(days, expected):
    assert habits_of(standing(days)).days_late == expected


def test_usual_peak_is_of_customers_of_a_year_and_none_in_default():
    assert habits_of(standing([1.0] * 30)).peak_factor == D("3.0")
    assert habits_of(standing([1.0] * 30, peak=50)).peak_factor == 1
    assert habits_of(standing([1.0] * 30, tenure=364)).peak_factor is None
    assert habits_of(standing([1.0] * 30, in_default=True)) == UNKNOWN


@pytest.mark.parametrize(
    ("lost", "n", "expected"),
    [
        pytest.param(200, 0, "0.40", id="nobody-followed-the-assumption-holds"),
        pytest.param(200, 20, "0.30", id="as-many-as-the-assumption-weighs-halfway"),
        pytest.param(200, 1_000_000, "0.21", id="very-many-the-ledger-rounded-up"),
        pytest.param(0, 1_000_000, "0.10", id="never-below-a-tenth"),
        pytest.param(1000, 1_000_000, "1.00", id="all-of-it"),
    ],
)
def test_loss_given_lateness_is_drawn_from_the_assumption_to_the_ledger(lost, n, expected):
    owed = D(1000 if n else 0)
    history = LossHistory(owed, min(D(lost), owed), n, UNTIL)

    assert loss_given_lateness(history, D("0.40")) == D(expected)


def shares(margin: str, *, lost: str = "0.40", appetite: Decimal = HALF) -> list[str]:
    found = grade_shares(policy(profit_margin=D(margin)), GRADES, lost=D(lost), days_late=10, appetite=appetite)
    return [f"{share:f}" for share in found]


def test_thin_margins_carry_few_grades_and_fat_ones_all_but_default():
    assert [D(share) for share in shares("0.03")] == [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert [D(share) for share in shares("0.20")] == [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]


def test_nothing_is_carried_where_the_loss_eats_more_than_the_appetite():
    """Grade 9 at its worst loses 0.40 a year; the trade earns 0.20 x 365 / 40 - 0.08 x 0.80 = 1.761: 22.7 % of it."""
    assert [D(shares("0.20", appetite=D(each))[8]) for each in ("0.227", "0.228")] == [0, 1]


def test_a_better_measured_loss_never_takes_credit_away():
    for worse, better in (("1.00", "0.40"), ("0.40", "0.10")):
        more, less = shares("0.05", lost=better), shares("0.05", lost=worse)
        assert all(D(a) >= D(b) for a, b in zip(more, less, strict=True))


def test_shares_and_ladder_never_loosen_with_risk():
    for margin in ("0", "0.01", "0.03", "0.05", "0.10", "0.20", "0.60"):
        found = tuple(D(each) for each in shares(margin))
        ladder = ladder_for(found, policy().terms_ladder)

        assert list(found) == sorted(found, reverse=True)
        days = [credit_days(step) for step in ladder]
        assert days == sorted(days, reverse=True)
        assert all((step == "prepayment") == (share == 0) for step, share in zip(ladder[:9], found[:9], strict=True))
        assert ladder[9] == "stop"


def test_a_grade_that_need_not_prepay_gets_the_shortest_days():
    assert ladder_for((D(1),) * 9 + (D(0),), policy().terms_ladder) == (60, 60, 45, 45, 30, 30, 15, 15, 15, "stop")


def test_what_is_proposed_can_be_signed_as_it_stands_and_then_nothing_is_left_to_propose():
    history, habits = LossHistory(D(1000), D(100), 200, UNTIL), Habits(13, D("3.8"))
    found = propose(policy(), GRADES, history, habits, appetite=HALF)
    text = POLICY.read_text() + "\n" + as_toml(found, on=ON, source='minutes of "June"')
    signed = parse(text, on=ON)

    assert {each.key for each in found} == {
        "need.days_late", "need.peak_factor", "loss.given_lateness", "grade.multiple", "security.required_from_grade",
        "terms.ladder",
    }  # fmt: skip
    assert signed.loss_of_late == signed.loss_given_lateness == D("0.13")
    assert signed.loss_given_default == D("0.40")  # what is lost of who never pays stays what it was
    assert (signed.need_days_late, signed.need_peak_factor, signed.terms_ladder[8]) == (13, D("3.8"), 15)
    assert signed.sources["terms.ladder"] == 'minutes of "June"'
    again = propose(signed, GRADES, history, habits, appetite=HALF)
    assert again == ()


def test_house_rules_are_never_proposed():
    found = propose(policy(), GRADES, LossHistory(D(1000), D(1), 500, UNTIL), Habits(60, D(12)), appetite=D(1))

    house = ("new_customer.", "concentration.", "capacity.", "dimension.", "abnormal.", "ceiling.", "loss.budget", "limit.")
    assert not [each.key for each in found if each.key.startswith(house)]


def test_of_a_book_too_young_to_follow_anybody_no_loss_is_proposed():
    found = {each.key for each in propose(policy(), GRADES, NOBODY, Habits(12, D("2.5")), appetite=HALF)}

    assert "loss.given_lateness" not in found
    assert {"need.days_late", "need.peak_factor"} <= found


@pytest.mark.parametrize("appetite", ["0", "-0.1", "1.01"])
def test_an_appetite_that_is_no_share_is_refused(appetite):
    with pytest.raises(UsageRefused, match="an appetite is a share above 0 and at most 1"):
        propose(policy(), GRADES, NOBODY, UNKNOWN, appetite=D(appetite))


def test_losing_more_than_was_owed_is_refused():
    with pytest.raises(ValueError, match="cannot be lost"):
        LossHistory(D(1), D(2), 1, UNTIL)


def test_loss_given_lateness_moves_profit_and_loss_budget_and_without_it_the_loss_given_default_does():
    doubtful = case(pd=D("0.30"), pd_high=D("0.30"), grade=5, grade_high=5, annual_sales=D(40_000_000))
    plain, same, cured = (recommend(doubtful, policy(loss_given_lateness=share)) for share in (None, D("0.40"), D("0.10")))

    assert plain == same
    assert cured.limit > plain.limit
    assert {cap.rule for cap in plain.caps if cap.amount < next(c.amount for c in cured.caps if c.rule == cap.rule)} == {
        "profit", "loss",
    }  # fmt: skip
