"""What must not matter does not: names, ids, how a delivery is cut into files, in which unit a currency counts, noise in figures.

A trained model answers throughout. That ids do not matter is said of scoring with a given model and not of training: a training
draws its folds, its halves and its samples by a checksum of the ids, so that they are the same in every process and order.
"""

import zlib
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from deciding import PROVENANCE
from exporting import deliver, parse_limits
from ledger_text import observations
from modelling import WORLD, export, shipped_grades, trained
from riskscore import features, policy, positions
from riskscore.scoring import decide_rows, receivables_of
from riskscore.snapshot import customers_known_at, take_snapshot
from riskscore.stores.engines import ledger_of
from riskscore.stores.ledgers import open_book
from riskscore.stores.ledgers.mapping import parse
from riskscore.stores.signed_texts import find_text, shipped_models
from riskscore.tables import TABLES
from simulated import world_of

pytestmark = pytest.mark.slow


@cache
def tables():
    return dict(world_of(**WORLD).tables)


@cache
def as_of():
    return world_of(**WORLD).end_on


@cache
def params():
    law = find_text("statutes.toml").read_text("utf-8")
    return policy.parse(find_text("late_payment/policy.toml").read_text("utf-8"), on=as_of(), law=law)


def looked_at(rows, currency="EUR"):
    """Features and positions of everybody known at the date."""
    ledger = ledger_of(rows, currency)
    known = customers_known_at(ledger, as_of())["customer_id"].to_pylist()
    snapshot = take_snapshot(ledger, observations(*((customer, as_of()) for customer in known)))
    return features.compute(snapshot), positions.compute(snapshot)


def decided(frame, standing):
    """Customer to its decision, by the trained model, on the one path."""
    made = replace(PROVENANCE, as_of=as_of(), model=trained().model.digest)
    decisions = decide_rows(
        frame, standing, trained().model, shipped_grades(), params(), receivables=receivables_of([standing]), provenance=made
    )
    return {each.customer_id: each for each in decisions}


@cache
def plain():
    """What everybody is told of the ledger as it is."""
    return decided(*looked_at(tables()))


def test_the_book_is_worth_asking():
    said = [each for each in plain().values() if each.chain is not None]

    assert len(said) > 130
    assert len({round(each.pd, 6) for each in said}) > 100
    assert {each.status for each in plain().values()} == {"scored", "referred"}


def test_names_of_customers_are_of_no_account():
    customers = tables()["customers"]
    names = pa.array([f"=HYPERLINK({number})" if number % 3 else None for number in range(customers.num_rows)], pa.string())
    renamed = customers.set_column(customers.column_names.index("name"), "name", names)
    frame, standing = looked_at({**tables(), "customers": renamed})

    assert standing["name"].null_count > 0
    assert {who: each.to_bytes() for who, each in decided(frame, standing).items()} == {
        who: each.to_bytes() for who, each in plain().items()
    }


def other_id(text):
    """An id of another length in another order, the same for the same id."""
    return None if text is None else f"K-{zlib.crc32(text.encode()):08x}-{text[::-1]}"


def with_other_ids(rows, columns):
    found = {}
    for name, table in rows.items():
        for column in columns & set(table.column_names):
            ids = pa.array([other_id(each) for each in table[column].to_pylist()], pa.string())
            table = table.set_column(table.column_names.index(column), column, ids)
        found[name] = table
    return found


OF_IDS = {
    "customers": {"customer_id", "parent_id", "merged_into"},
    "invoices and settlements": {"invoice_id", "settlement_id"},
}


@pytest.mark.parametrize("which", OF_IDS)
def test_other_ids_change_no_answer_of_a_given_model(which):
    renamed = with_other_ids(tables(), OF_IDS[which])
    answers = decided(*looked_at(renamed))
    expected = {other_id(who) if which == "customers" else who: each for who, each in plain().items()}

    assert sorted(expected) != sorted(plain()) or which != "customers"
    assert {who: told(each) for who, each in answers.items()} == {who: told(each) for who, each in expected.items()}


def told(decision):
    """All that a decision says but whom it is about."""
    named = {"customer_id", "decision_id", "case"}
    return {name: value for name, value in decision.record.items() if name not in named} | {
        "case": {name: value for name, value in decision.record["case"].items() if name != "customer_id"}
    }


def test_a_delivery_cut_into_files_is_the_same_book(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    export(tables(), whole)
    export(tables(), cut)
    for table in ("invoices", "settlements"):
        head, *rows = (cut / f"{table}.csv").read_text("utf-8").splitlines(keepends=True)
        (cut / f"{table}.csv").unlink()
        for part in range(3):
            (cut / f"{table}.{part}.csv").write_text("".join([head, *rows[part::3]]), encoding="utf-8")
    text = (shipped_models() / "mappings" / "canonical.toml").read_text("utf-8")
    in_parts = parse(text.replace('"invoices.csv"', '"invoices*.csv"').replace('"settlements.csv"', '"settlements*.csv"'))
    books = []
    for folder, mapping in ((whole, parse(text)), (cut, in_parts)):
        mapping = mapping.model_copy(update={"limits": parse_limits(1.0, 1.0)})
        deliver(folder, mapping, tmp_path / f"book of {folder.name}", today=as_of())
        books.append(open_book(tmp_path / f"book of {folder.name}"))

    assert len(list(cut.glob("invoices.*.csv"))) == 3
    assert books[0].digest == books[1].digest
    told_of = [{who: each.to_bytes() for who, each in decided(*looked_at(book.tables())).items()} for book in books]
    assert told_of[0] == told_of[1]


TIMES = 100


def redenominated(rows, currency):
    """The ledger after a currency was replaced by its hundredth part: amounts in it are a hundred times as many."""
    of_invoice = dict(zip(rows["invoices"]["invoice_id"].to_pylist(), rows["invoices"]["currency"].to_pylist(), strict=True))
    found = {}
    for name, table in rows.items():
        if name == "rates":
            factors = [
                (1 / TIMES if one == currency else 1) * (TIMES if other == currency else 1)
                for one, other in zip(table["currency"].to_pylist(), table["to_currency"].to_pylist(), strict=True)
            ]
            rates = pa.array([rate * by for rate, by in zip(table["rate"].to_pylist(), factors, strict=True)], pa.float64())
            found[name] = table.set_column(table.column_names.index("rate"), "rate", rates)
            continue
        if "currency" in table.column_names:
            counted = [each == currency for each in table["currency"].to_pylist()]
        elif "invoice_id" in table.column_names:
            counted = [of_invoice.get(each) == currency for each in table["invoice_id"].to_pylist()]
        else:
            counted = [False] * table.num_rows
        for column in TABLES[name].columns:
            if column.kind == "money" and column.name in table.column_names:
                amounts = [
                    amount if amount is None or not is_in else amount * TIMES
                    for amount, is_in in zip(table[column.name].to_pylist(), counted, strict=True)
                ]
                kind = table.schema.field(column.name).type
                table = table.set_column(table.column_names.index(column.name), column.name, pa.array(amounts, kind))
        found[name] = table
    return found


def test_a_currency_in_another_unit_changes_no_probability():
    counts = pc.value_counts(tables()["invoices"]["currency"]).to_pylist()
    foreign = {each["values"]: each["counts"] for each in counts if each["values"] != "EUR"}
    assert sum(foreign.values()) > 300
    changed = tables()
    for currency in foreign:
        changed = redenominated(changed, currency)
    assert pc.sum(changed["invoices"]["amount"]).as_py() > pc.sum(tables()["invoices"]["amount"]).as_py() + Decimal(10**6)
    answers = decided(*looked_at(changed))

    assert answers.keys() == plain().keys()
    for who, each in plain().items():
        assert answers[who].status == each.status
        assert (each.pd is None) == (answers[who].pd is None)
        if each.pd is not None:
            assert answers[who].pd == pytest.approx(each.pd, abs=1e-9)
            assert answers[who].recommendation.limit == each.recommendation.limit


def test_amounts_in_another_unit_without_their_rates_are_seen():
    # The planted fault of the test above: were it blind, it would not see the amounts alone.
    only_amounts = {**redenominated(tables(), "USD"), "rates": tables()["rates"]}
    answers = decided(*looked_at(only_amounts))

    assert sum(answers[who].exposure != each.exposure for who, each in plain().items()) > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_of_a_billionth_changes_no_reason(seed):
    random = np.random.default_rng(seed)
    frame, standing = looked_at(tables())
    noisy = frame
    for place, field in enumerate(frame.schema):
        if field.type == pa.float64():
            values = frame[field.name].to_numpy()
            moved = values * (1 + random.uniform(-1e-9, 1e-9, len(values)))
            noisy = noisy.set_column(place, field.name, pa.array(moved, from_pandas=True))
    assert not noisy.equals(frame)
    answers = decided(noisy, standing)

    for who, each in plain().items():
        if each.chain is not None:
            assert answers[who].pd == pytest.approx(each.pd, abs=1e-7)
            assert [reason.code for reason in answers[who].reasons.adverse] == [reason.code for reason in each.reasons.adverse]
