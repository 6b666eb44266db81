"""The record: eight invariants, each with a planted fault it finds; anchors; the verifier that needs nothing; decisions replayed."""

import itertools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from databases import emptied
from deciding import GOOD, ON, POLICY, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.decisions import Asked, Provenance
from riskscore.errors import ModelRefused, StorageFailed
from riskscore.grades import parse
from riskscore.scoring import decide_rows
from riskscore.stores import anchors, answers, audit, chain_export, verify_chain
from riskscore.stores import decisions as log
from riskscore.stores.answers import Answer, Key, new_applicant_id
from riskscore.stores.database import APP_ROLE, CHANGEABLE, DECISIONS, TABLES, open_database, reading, writing
from riskscore.stores.invariants import INVARIANTS, Evidence, check
from riskscore.stores.replaying import Replayer
from riskscore.stores.workplace import Workplace

GRADES_TEXT = (POLICY.parent / "grades.toml").read_text(encoding="utf-8")
GRADES = parse(GRADES_TEXT)
TEXTS: log.Texts = {"policy": POLICY.read_text(encoding="utf-8"), "grades": GRADES_TEXT}
CUSTOMERS = tuple(f"c{number:02}" for number in range(8))
CANARY = "Kanarienvogel & Söhne"


class Model(LinearModel):
    horizon_days = GRADES.horizon_days


MADE = Provenance(
    as_of=ON, book="b" * 64, model=Model.digest, recipe=Model.recipe_digest, policy=shipped().digest, grades=GRADES.digest,
    catalogue="c" * 64, code="1",
)  # fmt: skip


def decided(*customers: str, made: Provenance = MADE):
    return decide_rows(
        features_of(*customers, **GOOD), positions_of(*customers), Model() if made.model else None, GRADES, shipped(),
        receivables=RECEIVABLES, provenance=made,
    )  # fmt: skip


def filled(engine: sa.Engine) -> Answer:
    """A complete run of eight, and an applicant's answer."""
    log.append(engine, decided(*CUSTOMERS), TEXTS)
    log.complete(engine, MADE, len(CUSTOMERS))
    who = new_applicant_id()
    decision = replace(decided(who, made=replace(MADE, book="d" * 64))[0], asked=Asked(5000))
    request = json.dumps({"applicant": {"name": CANARY}}, ensure_ascii=False)
    given = Answer(Key("anna", "k"), request, decision, "approve", "{}", TEXTS)
    answers.record(engine, [given])
    return given


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "riskscore.db"


@pytest.fixture
def engine(file: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{file}")
    filled(opened)
    yield opened
    opened.dispose()


def evidence(engine: sa.Engine, **more: Any) -> Evidence:
    replayer = Replayer(Workplace(), engine)
    replayer._models[Model.digest] = Model()
    return Evidence(engine, replayer, **more)


def broken(engine: sa.Engine, **more: Any) -> dict[str, tuple[str, ...]]:
    return {finding.name: finding.faults for finding in check(evidence(engine, **more)) if finding.faults}


def behind_the_back(file: Path, *statements: str) -> None:
    """Whoever has the file can take the triggers off and write what they like."""
    with closing(sqlite3.connect(file)) as raw, raw:
        for (name,) in raw.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            raw.execute(f"drop trigger {name}")
        for statement in statements:
            raw.execute(statement)


def test_an_untouched_record_holds_every_invariant(engine, tmp_path):
    anchors.anchor(engine, tmp_path / "anchors.jsonl")

    assert set(INVARIANTS) == {f"I{number}" for number in range(1, 9)}
    assert broken(engine, anchor=tmp_path / "anchors.jsonl") == {}


PLANTED = {
    "I2": ("delete from decisions where customer_id = 'c07'",),
    "I4": ('update decisions set record = replace(record, \'"limit":"\', \'"limit":"9\')',),
    "I5": ("update decisions set recorded_at = '2020-01-01' where sequence = 3",),
    "I5 audit": ("update audit set actor = 'ben'",),
    "I5 unnoted": ("delete from audit",),
    "I5 order": (
        "insert into order_answers values ('erp', 'k', 1, 'x', 'c01', 'SO-1', null, 'allow', 'within_limit', '{}', 'x')",
    ),
    "I6": (f"update answers set body = '{CANARY}'",),
    "I7": ("pragma foreign_keys = off", "delete from runs where run_id in (select run_id from completions)"),
    "I8": ("delete from decisions where sequence = 9",),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_each_invariant_finds_its_planted_fault(engine, file, fault):
    engine.dispose()
    behind_the_back(file, *PLANTED[fault])

    assert fault.partition(" ")[0] in broken(engine)


N_TOUCHED = 200
TOUCHED = {
    "sequence": "sequence + 10000", "as_of": "date(as_of, '+1 day')", "status": "case status when 'scored' then 'referred' else 'scored' end",
    **{name: f"{name} || 'x'" for name in ("decision_id", "run_id", "customer_id", "record", "digest", "previous", "link", "recorded_at")},
}  # fmt: skip
MOVED = {
    "deleted": ("delete from decisions where sequence = 50",),
    "moved": tuple(
        f"update decisions set sequence = {to} where sequence = {before}" for before, to in ((50, 0), (51, 50), (0, 51))
    ),
    "inserted": (
        "update decisions set sequence = -sequence - 1 where sequence >= 50",
        "update decisions set sequence = -sequence where sequence < 0",
        (
            "insert into decisions select 50, 'x', run_id, 'x', as_of, status, record, digest, 'x', 'x', recorded_at from decisions "
            "where sequence = 49"
        ),
    ),
}


@pytest.fixture
def two_hundred(file: Path) -> Iterator[tuple[sa.Engine, sqlite3.Connection]]:
    """A log of so many decisions, and a way past its triggers and constraints."""
    opened = open_database(f"sqlite:///{file}")
    log.append(opened, decided(*(f"c{number:03}" for number in range(N_TOUCHED))), TEXTS)
    behind_the_back(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("pragma ignore_check_constraints = on")
        yield opened, raw
    opened.dispose()


def test_an_edit_of_any_column_of_any_row_is_named(two_hundred):
    opened, raw = two_hundred
    assert set(TOUCHED) == set(DECISIONS.c.keys())
    assert log.verify(opened) == N_TOUCHED

    for place, column in zip(range(1, N_TOUCHED + 1), itertools.cycle(TOUCHED)):
        (before,) = raw.execute(f"select {column} from decisions where sequence = {place}").fetchone()
        raw.execute(f"update decisions set {column} = {TOUCHED[column]} where sequence = {place}")
        with pytest.raises(StorageFailed, match=f"row {place} is not what was recorded"):
            log.verify(opened)
        now = place + 10000 if column == "sequence" else place
        raw.execute(f"update decisions set {column} = ? where sequence = {now}", (before,))
    assert log.verify(opened) == N_TOUCHED


@pytest.mark.parametrize("how", MOVED)
def test_a_row_that_was_deleted_moved_or_inserted_is_named(two_hundred, how):
    opened, raw = two_hundred
    for statement in MOVED[how]:
        raw.execute(statement)

    with pytest.raises(StorageFailed, match="row 50 is not what was recorded"):
        log.verify(opened)


class FakeBook:
    """What the invariants read of a book."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        source = {
            "name": "invoices.csv", "rows": 10, "accepted": 7, "quarantined": 2, "exact_duplicates": 1, "money": {"EUR": "10.00"},
            "money_accepted": {"EUR": "7.00"}, "money_quarantined": {"EUR": "2.00"}, "money_exact_duplicates": {"EUR": "1.00"},
        }  # fmt: skip
        (folder / "part.bin").write_bytes(b"published")
        digest = "b27c6cdd15f8dec2ad7b5d44cc2ab7e85ea2d5e6d3efa2ea2ae0e9a0f4a9ba2e"
        self.manifest = {"sources": [{**source, **changes}], "files": [{"path": "part.bin", "rows": 1, "sha256": digest}]}


@pytest.mark.parametrize(
    "changes", [{"accepted": 6}, {"money_quarantined": {"EUR": "1.99"}}, {"money_accepted": {}}],
    ids=["a-row-lost", "a-cent-lost", "a-currency-lost"],
)  # fmt: skip
def test_a_lost_row_or_cent_is_found(engine, tmp_path, changes):
    assert "I1" in broken(engine, book=FakeBook(tmp_path, **changes))
    assert "I1" not in broken(engine, book=FakeBook(tmp_path))


def test_a_published_file_that_was_touched_is_found(engine, tmp_path):
    import hashlib

    book = FakeBook(tmp_path)
    book.manifest["files"][0]["sha256"] = hashlib.sha256(b"published").hexdigest()

    assert broken(engine, book=book) == {}
    (tmp_path / "part.bin").write_bytes(b"publishfd")
    assert list(broken(engine, book=book)) == ["I3"]


def test_what_was_acknowledged_and_is_not_there_is_found(engine):
    there = decided("c01")[0].decision_id

    assert broken(engine, acknowledged=[there]) == {}
    assert list(broken(engine, acknowledged=[there, "0" * 32])) == ["I8"]


def test_a_chain_that_was_cut_is_found_by_its_anchor_only(engine, file, tmp_path):
    anchors.anchor(engine, tmp_path / "anchors.jsonl")
    engine.dispose()
    behind_the_back(
        file, "delete from answers", "delete from audit", "delete from completions", "delete from decisions where sequence > 6"
    )

    assert "I5" not in broken(engine)
    assert "cut or rewritten" in broken(engine, anchor=tmp_path / "anchors.jsonl")["I5"][0]


def test_an_anchor_that_was_rewritten_is_found_by_its_signature(engine, tmp_path):
    path = tmp_path / "anchors.jsonl"
    anchors.anchor(engine, path, key=b"a key")

    assert list(anchors.faults(engine, path, key=b"a key")) == []
    path.write_text(path.read_text().replace('"at": "2', '"at": "1'))
    assert "not signed" in next(iter(anchors.faults(engine, path, key=b"a key")))


def exported(engine: sa.Engine, path: Path, chain: str = "decisions") -> Path:
    path.write_text("\n".join(chain_export.lines(engine, chain)) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("chain", ["decisions", "audit"])
def test_the_verifier_needs_no_product_and_no_database(engine, tmp_path, chain):
    anchors.anchor(engine, tmp_path / "anchors.jsonl")
    alone = tmp_path / "verify_chain.py"
    alone.write_bytes(Path(verify_chain.__file__).read_bytes())
    export = exported(engine, tmp_path / "chain.jsonl", chain)
    command = [sys.executable, "-I", "-S", str(alone), str(export), "--anchor", str(tmp_path / "anchors.jsonl")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout) == (
        0,
        f"the chain of {chain} holds: {9 if chain == 'decisions' else 1} rows, 1 anchors\n",
    )
    assert len(alone.read_text().splitlines()) < 200


EDITS = {
    "a figure": (lambda rows: rows[4].replace("EUR", "USD"), 4),
    "a date": (lambda rows: rows[2].replace("2026-06-30", "2026-05-31"), 2),
    "no JSON": (lambda rows: "x", 3),
    "another row": (lambda rows: rows[7], 5),
}


@pytest.mark.parametrize("edit", EDITS)
def test_the_verifier_names_the_first_row_that_was_touched(engine, tmp_path, capsys, edit):
    change, place = EDITS[edit]
    path = exported(engine, tmp_path / "chain.jsonl")
    rows = path.read_text(encoding="utf-8").splitlines()
    rows[place] = change(rows)
    path.write_text("\n".join(rows), encoding="utf-8")

    assert verify_chain.main([str(path)]) == 1
    assert capsys.readouterr().out == f"broken: row {place} is not what was recorded\n"


def test_the_verifier_finds_a_cut_by_the_anchor_and_says_what_it_cannot_read(engine, tmp_path):
    anchors.anchor(engine, tmp_path / "anchors.jsonl")
    path = exported(engine, tmp_path / "chain.jsonl")
    rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(rows[:-1]), encoding="utf-8")

    assert verify_chain.main([str(path)]) == 0
    assert verify_chain.main([str(path), "--anchor", str(tmp_path / "anchors.jsonl")]) == 1
    assert verify_chain.main([str(tmp_path / "absent")]) == 2


def test_a_decision_is_made_again_byte_for_byte_with_the_texts_of_its_time(engine):
    replayer = evidence(engine).replayer
    found = replayer(decided("c03")[0].decision_id)

    assert found is not None
    assert found.identical
    assert found.again.to_bytes() == decided("c03")[0].to_bytes()
    assert replayer("0" * 32) is None


def test_a_decision_whose_text_or_model_is_gone_is_not_made_up(engine, file):
    stranger = Replayer(Workplace(), engine)
    with pytest.raises(ModelRefused, match="never approved here"):
        stranger(decided("c03")[0].decision_id)

    engine.dispose()
    behind_the_back(file, "delete from signed_texts")
    with pytest.raises(StorageFailed, match="is not kept in this database"):
        evidence(engine).replayer(decided("c03")[0].decision_id)


def test_an_answer_has_its_row_in_the_audit_log_in_the_same_transaction(engine):
    [event] = audit.events(engine)

    assert (event.actor, event.action, event.facts["outcome"]) == ("anna", "decided", "approve")
    assert CANARY not in str(event)


@pytest.fixture(scope="module")
def as_application(server: str) -> Iterator[sa.Engine]:
    """The database as the role of the application sees it, filled by its owner."""
    emptied(server)
    owner = sa.create_engine(server)
    with owner.begin() as connection:
        connection.execute(sa.text(f"create role {APP_ROLE} login"))
    owner.dispose()
    migrated = open_database(server)
    filled(migrated)
    migrated.dispose()
    application = open_database(server.replace("://riskscore@", f"://{APP_ROLE}@"))
    yield application
    application.dispose()


def test_the_application_records_and_verifies_as_a_role_that_owns_nothing(as_application):
    log.append(as_application, decided("x1", made=replace(MADE, code="2")), TEXTS)

    assert broken(as_application) == {}


KEPT = sorted(set(TABLES.tables) - set(CHANGEABLE))
"""Every table of which no row may change or go."""

VERBS = ["update {} set {} = {}", "delete from {}", "truncate {}", "drop table {}"]


def test_the_tables_of_the_record_are_among_those_that_nobody_changes():
    assert {"decisions", "runs", "completions", "answers", "audit", "reviews", "review_closings", "order_answers", "order_reservations",
            "order_releases", "signed_texts", "model_approvals", "model_comparisons", "model_rollbacks"} <= set(KEPT)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("table", KEPT)
def test_that_role_can_change_nothing_that_was_recorded(as_application, table, verb):
    column = next(iter(TABLES.tables[table].c)).name
    with pytest.raises(StorageFailed) as refused, writing(as_application) as connection:
        connection.execute(sa.text(verb.format(table, column, column)))

    assert refused.value.__cause__.orig.sqlstate == "42501"
    assert "permission denied" in str(refused.value) or "must be owner" in str(refused.value)


def test_a_right_that_was_given_too_much_is_found(as_application, server):
    """The planted fault: the owner lets the application change decisions. Then only the trigger is left."""
    owner = sa.create_engine(server)
    for verb in ("grant", "revoke"):
        with owner.begin() as connection:
            connection.execute(sa.text(f"{verb} update on decisions {'to' if verb == 'grant' else 'from'} {APP_ROLE}"))
        with pytest.raises(StorageFailed) as refused, writing(as_application) as connection:
            connection.execute(sa.text("update decisions set status = status"))
        assert ("append-only" if verb == "grant" else "permission denied") in str(refused.value)
    owner.dispose()


def test_that_role_may_erase_an_applicant(as_application):
    with reading(as_application) as connection:
        who = connection.execute(sa.select(TABLES.tables["applicants"].c.applicant_id)).scalars().first()

    assert answers.erase(as_application, who, by="operator")
