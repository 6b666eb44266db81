"""A simulated world as a ledger: canonical, balanced, dated, complete, and the same every time."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from riskscore.errors import UsageRefused
from riskscore.simulation import PRESETS, simulate
from riskscore.simulation.facts import RATING_BOUNDS, expected_rating
from riskscore.simulation.presets import RATING_LETTERS, preset_named
from riskscore.simulation.statements import line_items
from riskscore.tables import STATEMENT_ITEMS, TABLES, validate
from simulated import calm_world, world_of


@pytest.fixture(scope="module", params=sorted(PRESETS))
def world(request):
    return world_of(request.param)


def test_every_table_is_canonical_and_no_row_has_a_fault(world):
    for name, rows in world.tables.items():
        verdict = validate(TABLES[name], rows, today=world.end_on)

        assert rows.schema == TABLES[name].arrow_schema
        assert verdict["reason"].null_count == rows.num_rows, (name, verdict.filter(pc.is_valid(verdict["reason"])).slice(0, 3))
    assert set(world.tables) == set(TABLES)


def test_keys_are_unique_and_references_hold(world):
    tables = world.tables
    for name, rows in tables.items():
        key = list(TABLES[name].key)
        assert rows.group_by(key).aggregate([]).num_rows == rows.num_rows, name
    customers, invoices = tables["customers"]["customer_id"], tables["invoices"]["invoice_id"]
    for name in ("invoices", "settlements", "disputes", "statements", "ratings", "limits", "securities"):
        assert pc.all(pc.is_in(tables[name]["customer_id"], value_set=customers.combine_chunks())).as_py()
    for name in ("settlements", "disputes"):
        assert pc.all(pc.is_in(tables[name]["invoice_id"], value_set=invoices.combine_chunks())).as_py()


def test_nothing_is_known_after_the_day_of_the_export(world):
    for name, rows in world.tables.items():
        column = "known_on" if "known_on" in rows.column_names else "rated_on"
        assert pc.max(rows[column]).as_py() <= world.end_on, name


def test_balance_sheets_balance_to_the_unit_and_parts_do_not_exceed_their_whole(world):
    rows = world.tables["statements"].to_pylist()

    assert len(rows) > 20
    for row in rows:
        assert row["total_assets"] == row["total_liabilities"] + row["equity"]
        assert row["cash"] + row["inventory"] + row["receivables"] <= row["current_assets"] <= row["total_assets"]
        assert row["payables"] <= row["current_liabilities"] <= row["total_liabilities"]
        assert row["intangibles"] <= row["total_assets"] - row["current_assets"]
        assert min(row[name] for name in ("cash", "inventory", "receivables", "revenue", "interest_expense", "payables")) >= 0


def test_each_statement_factor_moves_its_own_ratio_the_same_way():
    world = calm_world()
    statements = world.truth.statements
    raised = type(statements)(**{**vars(statements), "factors": statements.factors + np.array([1.0, 1.0, 1.0, 1.0])})
    before = line_items(world.truth.people, statements, world.preset, world.seed)
    after = line_items(world.truth.people, raised, world.preset, world.seed)

    def ratios(items):
        return np.array(
            [
                items["equity"] / items["total_assets"],
                items["current_assets"] / items["current_liabilities"],
                items["ebit"] / items["revenue"],
                items["operating_cash_flow"] / items["revenue"],
            ]
        )

    assert set(before) == set(STATEMENT_ITEMS)
    assert (ratios(after) > ratios(before)).all()


def test_accounts_are_published_at_the_end_of_may_for_december(world):
    for row in world.tables["statements"].select(["period_end", "published_on"]).to_pylist():
        assert (row["period_end"].month, row["period_end"].day) == (12, 31)
        assert row["published_on"] == date(row["period_end"].year + 1, 5, 31)


def test_ratings_come_on_joining_and_every_quarter_and_are_letters_of_the_scale(world):
    rows = world.tables["ratings"]
    days = {day for day in rows["rated_on"].to_pylist() if day.month % 3 != 1}
    joined = world.truth.calendar.month_starts[world.truth.people.joined_month] + world.truth.calendar.day_zero

    assert set(rows["rating"].to_pylist()) <= set(RATING_LETTERS)
    assert days <= {date.fromordinal(date(1970, 1, 1).toordinal() + int(day)) for day in joined}


def test_rating_scale_is_the_written_one_and_orders_its_letters():
    preset = PRESETS["default"]

    assert expected_rating(preset, np.array([1.0]), np.array([2.0])) == pytest.approx([0.6 - 1.2])
    assert preset.rating_noise == 0.9
    assert len(RATING_LETTERS) == len(RATING_BOUNDS) + 1
    assert list(RATING_BOUNDS) == sorted(RATING_BOUNDS)


def test_final_payment_is_on_the_true_day_and_settles_the_invoice_exactly_but_for_overpayments():
    world = calm_world()
    truth = world.truth
    left, last = defaultdict(Decimal), {}
    for row in world.tables["invoices"].select(["invoice_id", "amount"]).to_pylist():
        left[row["invoice_id"]] += row["amount"]
    for row in world.tables["settlements"].to_pylist():
        left[row["invoice_id"]] -= row["amount"]
        if row["kind"] == "payment":
            last[row["invoice_id"]] = max(row["settled_on"], last.get(row["invoice_id"], date.min))
    numbers = world.tables["invoices"]["invoice_id"].to_pylist()
    booked = set(
        world.tables["settlements"].filter(pc.equal(world.tables["settlements"]["kind"], "payment"))["invoice_id"].to_pylist()
    )
    paid = [k for k in range(len(truth.billing)) if truth.payments.paid[k] < truth.calendar.n_days - 30]
    over = sum(left[numbers[k]] < 0 for k in paid)

    assert len(paid) > 10_000
    assert all(left[numbers[k]] <= 0 for k in paid if numbers[k] in booked)
    assert all((last[numbers[k]] - world.start_on).days == truth.payments.paid[k] for k in paid)
    assert 0 < over / len(paid) < 0.006


def test_open_invoices_are_open_in_the_books_unless_written_off():
    world = calm_world()
    truth = world.truth
    settled = world.tables["settlements"].group_by("invoice_id").aggregate([("amount", "sum")])
    settled = dict(zip(settled["invoice_id"].to_pylist(), settled["amount_sum"].to_pylist(), strict=True))
    lost = set(
        world.tables["settlements"].filter(pc.equal(world.tables["settlements"]["kind"], "write_off"))["invoice_id"].to_pylist()
    )
    rows = world.tables["invoices"].slice(0, len(truth.billing)).select(["invoice_id", "amount"]).to_pylist()
    unpaid = [row for row, paid in zip(rows, truth.payments.paid, strict=True) if paid >= truth.calendar.n_days]

    assert len(lost) >= 3
    for row in unpaid:
        reduced = settled.get(row["invoice_id"], Decimal(0))
        assert reduced == row["amount"] if row["invoice_id"] in lost else reduced < row["amount"]


def test_write_offs_are_booked_on_the_day_an_insolvency_is_announced():
    world = calm_world()
    truth = world.truth
    day_of = dict(zip(truth.people.customer_id, truth.announced_day, strict=True))
    rows = world.tables["settlements"].filter(pc.equal(world.tables["settlements"]["kind"], "write_off")).to_pylist()

    assert len(rows) >= 3
    assert all((row["settled_on"] - world.start_on).days == day_of[row["customer_id"]] for row in rows)


@pytest.mark.parametrize(
    ("kind", "share", "within"),
    [("credit_note", 0.025, 0.006), ("write_off", 0.003, 0.003)],
)
def test_share_of_invoices_with_each_kind_of_settlement(kind, share, within):
    world = calm_world()
    rows = world.tables["settlements"].filter(pc.equal(world.tables["settlements"]["kind"], kind))

    assert pc.count_distinct(rows["invoice_id"]).as_py() / len(world.truth.billing) == pytest.approx(share, abs=within)


def test_some_bookings_are_late_and_none_is_early():
    settlements = calm_world().tables["settlements"]
    lag = pc.subtract(settlements["known_on"].cast(pa.int32()), settlements["settled_on"].cast(pa.int32())).to_numpy()

    assert lag.min() == 0
    assert lag.max() > 10
    assert (lag > 0).mean() == pytest.approx(0.12, abs=0.01)


def test_currencies_differ_and_every_foreign_fact_has_a_rate_in_force(world):
    rates = world.tables["rates"].to_pylist()
    first = {
        code: min(row["rated_on"] for row in rates if row["currency"] == code) for code in {row["currency"] for row in rates}
    }
    for name in ("invoices", "limits"):
        for row in world.tables[name].select(["currency", "known_on"]).to_pylist():
            assert row["currency"] == "EUR" or first[row["currency"]] <= row["known_on"]

    assert len(set(world.tables["invoices"]["currency"].to_pylist())) > 1


def test_families_have_no_cycle_and_may_be_joined_later():
    world = calm_world()
    people, rows = world.truth.people, world.tables["customers"].to_pylist()
    bought = [row["customer_id"] for row in rows if sum(other["customer_id"] == row["customer_id"] for other in rows) == 2]

    assert ((people.parent < np.arange(len(people))) | (people.parent < 0)).all()
    assert (people.parent >= 0).mean() == pytest.approx(0.12, abs=0.05)
    assert len(bought) >= 2


def test_some_customers_share_a_name_and_natural_persons_are_flagged_by_their_legal_form(world):
    rows = world.tables["customers"].to_pylist()
    names = {row["customer_id"]: row["name"] for row in rows}

    assert len(set(names.values())) < len(names)
    for row in rows:
        assert row["is_natural_person"] == (row["legal_form"] in ("sole_trader", "个体工商户"))


def test_same_seed_gives_the_same_books_and_another_seed_others():
    again = simulate("default", n_customers=120, n_months=18, seed=5)

    assert again.digest == world_of().digest
    assert simulate("default", n_customers=120, n_months=18, seed=6).digest != world_of().digest


def test_customers_life_does_not_depend_on_how_many_others_there_are():
    small, large = simulate("default", n_customers=20, n_months=18, seed=5), world_of()

    def life(world, who):
        mine = world.truth.billing.customer == who
        return [
            world.truth.regimes[who],
            world.truth.billing.issued[mine],
            world.truth.billing.amount[mine],
            world.truth.payments.paid[mine],
            world.truth.cents[mine],
        ]

    for who in range(20):
        for ours, theirs in zip(life(small, who), life(large, who), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_law_of_ones_own_can_be_simulated():
    calm = calm_world()

    assert (calm.truth.macro == 0).all()
    assert calm.preset.name == "calm"


@pytest.mark.parametrize(
    ("preset", "n_customers", "n_months", "start", "sentence"),
    [
        ("rich", 5, 5, date(2022, 1, 1), "preset 'rich' is unknown. There are: default, sme, hr_like."),
        ("default", 0, 5, date(2022, 1, 1), "at least one customer and one month, not 0 and 5"),
        ("default", 5, 0, date(2022, 1, 1), "at least one customer and one month, not 5 and 0"),
        ("default", 5, 5, date(2022, 1, 2), "begins on the first day of a month, not on 2022-01-02"),
    ],
    ids=["unknown preset", "no customer", "no month", "start within a month"],
)
def test_impossible_worlds_are_refused_with_the_reason(preset, n_customers, n_months, start, sentence):
    with pytest.raises(UsageRefused, match=sentence):
        simulate(preset, n_customers=n_customers, n_months=n_months, seed=1, start_on=start)


def test_preset_is_found_by_name():
    assert preset_named("sme") is PRESETS["sme"]


@pytest.mark.parametrize("n_months", [1, 2])
def test_the_smallest_worlds_are_whole(n_months):
    world = simulate("default", n_customers=1, n_months=n_months, seed=3)

    assert set(world.tables) == set(TABLES)
