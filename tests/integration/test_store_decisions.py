"""The log of decisions: the same run adds nothing, the chain names what was touched, readers see complete runs only."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.errors import NotReproduced, StorageFailed, UsageRefused
from riskscore.scoring import decide_rows, not_scored
from riskscore.stores import decisions as log
from riskscore.stores.database import DECISIONS, open_database, reading

CUSTOMERS = tuple(f"c{number:02}" for number in range(12))


def made(customers=CUSTOMERS, *, provenance=PROVENANCE, model=None):
    return decide_rows(
        features_of(*customers, **GOOD), positions_of(*customers, as_of=provenance.as_of), model or LinearModel(), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=provenance,
    )  # fmt: skip


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], sa.Engine]]:
    """Opens the SQLite database of the test, as often as asked; closed at its end."""
    engines: list[sa.Engine] = []

    def again() -> sa.Engine:
        engines.append(open_database(f"sqlite:///{tmp_path / 'riskscore.db'}"))
        return engines[-1]

    yield again
    for engine in engines:
        engine.dispose()


@pytest.fixture
def file(opened: Callable[[], sa.Engine], tmp_path: Path) -> Path:
    """A SQLite database with a complete run of twelve decisions."""
    engine = opened()
    log.append(engine, made())
    log.complete(engine, PROVENANCE, len(CUSTOMERS))
    engine.dispose()
    return tmp_path / "riskscore.db"


def records(engine: sa.Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(sa.select(DECISIONS.c.record).order_by(DECISIONS.c.sequence)).scalars())


def test_same_run_twice_adds_nothing_and_is_the_same_bytes(engine):
    assert log.append(engine, made()) == 12
    before = records(engine)

    assert log.append(engine, made()) == 0
    assert records(engine) == before == [decision.to_bytes().decode() for decision in made()]
    assert log.verify(engine) == 12


def test_parts_in_any_order_make_one_chain_without_gaps(engine):
    decisions = made()

    assert log.append(engine, decisions[6:]) == 6
    assert log.append(engine, decisions[:9]) == 6
    assert log.verify(engine) == 12
    log.complete(engine, PROVENANCE, 12)
    assert [stored.decision.customer_id for stored in log.of_run(engine, PROVENANCE.run_id)] == list(CUSTOMERS)


@pytest.mark.parametrize("at_once", [1, 5, 6, 12, 13])
def test_a_run_read_in_portions_is_the_run(engine, at_once):
    log.append(engine, made())
    other = replace(PROVENANCE, book="e" * 64)
    log.append(engine, [replace(each, provenance=other) for each in made()])
    portions = list(log.decisions_of(engine, PROVENANCE, at_once))

    assert [each for portion in portions for each in portion] == made()
    assert {len(portion) for portion in portions[:-1]} <= {at_once}
    assert list(log.decisions_of(engine, replace(PROVENANCE, book="f" * 64), at_once)) == []


def test_other_content_from_the_same_manifest_is_refused_and_nothing_is_added(engine):
    log.append(engine, made(CUSTOMERS[:3]))

    with pytest.raises(NotReproduced, match="other content than this run computes"):
        log.append(engine, made(model=LinearModel(base=-1.0)))
    assert log.verify(engine) == 3


def test_recorded_decision_is_found_and_is_the_decision(engine):
    log.append(engine, made())
    decision = made()[4]
    found = log.find(engine, decision.decision_id)

    assert found is not None
    assert found.decision == decision
    assert json.loads(found.record)["customer_id"] == decision.customer_id
    assert log.find(engine, "0" * 32) is None


def test_readers_see_complete_runs_only(engine):
    log.append(engine, made())

    assert log.history(engine, "c03") == []
    with pytest.raises(UsageRefused, match="was not completed"):
        list(log.of_run(engine, PROVENANCE.run_id))

    log.complete(engine, PROVENANCE, 12)
    log.complete(engine, PROVENANCE, 12)
    assert [stored.decision.customer_id for stored in log.history(engine, "c03")] == ["c03"]


def test_run_with_decisions_missing_is_not_complete(engine):
    log.append(engine, made(CUSTOMERS[:11]))

    with pytest.raises(StorageFailed, match="11 decisions are recorded, 12 were made"):
        log.complete(engine, PROVENANCE, 12)
    assert not log.is_complete(engine, PROVENANCE.run_id)


def test_history_is_in_the_order_of_the_dates(engine):
    earlier = replace(PROVENANCE, as_of=date(2026, 5, 31))
    for provenance in (PROVENANCE, earlier):
        log.append(engine, made(provenance=provenance))
        log.complete(engine, provenance, 12)

    assert [stored.decision.as_of for stored in log.history(engine, "c00")] == [earlier.as_of, PROVENANCE.as_of]
    assert log.verify(engine) == 24


def test_customer_that_was_not_scored_has_its_row(engine):
    log.append(engine, [not_scored("lost", "internal_error", PROVENANCE, "EUR")])

    assert [json.loads(record)["not_scored_reason"] for record in records(engine)] == ["internal_error"]


def test_nobody_to_record_is_nothing_to_do(engine):
    assert log.append(engine, []) == 0
    assert log.verify(engine) == 0


def test_many_writers_make_one_chain(engine):
    runs = [replace(PROVENANCE, code=str(number)) for number in range(6)]
    failed: list[BaseException] = []

    def write(provenance):
        try:
            for start in range(0, 12, 4):
                log.append(engine, made(CUSTOMERS[start : start + 4], provenance=provenance))
        except Exception as error:  # noqa: BLE001  a thread's failure must reach the test
            failed.append(error)

    threads = [threading.Thread(target=write, args=(provenance,)) for provenance in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert log.verify(engine) == 72


TAMPERED = {
    "a figure": ("update decisions set record = replace(record, 'scored', 'scoreD') where sequence = 5", 5),
    "a figure and its digest": (None, 5),
    "the customer": ("update decisions set customer_id = 'x' where sequence = 7", 7),
    "the date": ("update decisions set as_of = '2020-01-01' where sequence = 2", 2),
    "the status": ("update decisions set status = 'referred' where sequence = 9", 9),
    "the time": ("update decisions set recorded_at = 'x' where sequence = 3", 3),
    "the run": ("update decisions set run_id = 'x' where sequence = 4", 4),
    "the id": ("update decisions set decision_id = 'x' where sequence = 6", 6),
    "a link": ("update decisions set link = 'x' where sequence = 6", 6),
    "a row deleted": ("delete from decisions where sequence = 8", 8),
    "the first row deleted": ("delete from decisions where sequence = 1", 1),
    "a row moved": ("update decisions set sequence = 99 where sequence = 10", 10),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_edit_behind_the_applications_back_is_found_and_its_row_named(file, opened, what):
    statement, sequence = TAMPERED[what]
    with closing(sqlite3.connect(file)) as raw, raw:
        for trigger in ("decisions_no_update", "decisions_no_delete"):
            raw.execute(f"drop trigger {trigger}")
        if statement is None:
            record = raw.execute("select record from decisions where sequence = 5").fetchone()[0].replace('"EUR"', '"USD"')
            raw.execute(
                "update decisions set record = ?, digest = ? where sequence = 5",
                (record, hashlib.sha256(record.encode()).hexdigest()),
            )
        else:
            raw.execute(statement)
    with pytest.raises(StorageFailed, match=rf"row {sequence} is not what was recorded"):
        log.verify(opened())


def test_edited_manifest_is_found(file, opened):
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("drop trigger runs_no_update")
        raw.execute("update runs set manifest = replace(manifest, '2026-06-30', '2026-07-31')")

    with pytest.raises(StorageFailed, match="its manifest is not the one that was recorded"):
        log.verify(opened())


def test_untouched_log_verifies_in_a_new_opening(file, opened):
    assert log.verify(opened()) == 12
