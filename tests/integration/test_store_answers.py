"""Answers in one transaction with their decision and their key: once per key, whatever happens; people are erasable."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from threading import Thread

import pytest
import sqlalchemy as sa

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.decisions import Asked, Decision
from riskscore.errors import NotReproduced, StorageFailed
from riskscore.scoring import decide_rows
from riskscore.stores import answers, audit, decisions
from riskscore.stores.answers import Answer, Key, new_applicant_id
from riskscore.stores.database import ANSWERS, APPLICANTS, open_database, reading, writing

CANARY = "Kanarienvogel & Söhne"
ANNA = Key("anna", "k1")


def decided(customer: str = "acme", **changes) -> Decision:
    rows = decide_rows(
        features_of(customer, **GOOD), positions_of(customer), LinearModel(), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=PROVENANCE,
    )  # fmt: skip
    return replace(rows[0], **changes)


def answer(key: Key = ANNA, customer: str = "acme", *, request: str = "{}", **changes) -> Answer:
    decision = decided(customer, **changes)
    return Answer(key, request, decision, "approve", json.dumps({"id": decision.decision_id, "key": key.name}))


def count(engine: sa.Engine, table: sa.Table = ANSWERS) -> int:
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_an_answer_and_its_decision_are_there_or_neither(engine):
    given = answer()
    [recorded] = answers.record(engine, [given])

    assert (recorded.body, recorded.replayed) == (given.body, False)
    assert decisions.find(engine, recorded.decision_id).decision == given.decision
    assert [each.decision for each in decisions.history(engine, "acme")] == [given.decision]
    assert decisions.verify(engine) == 1


def test_the_first_answer_holds_for_its_key(engine):
    first = answer()
    answers.record(engine, [first])
    [again] = answers.record(engine, [replace(first, body="something newer")])

    assert (again.body, again.replayed, again.same_request) == (first.body, True, True)
    assert answers.find(engine, ANNA, first.request).body == first.body
    assert count(engine) == 1


def test_another_request_under_the_same_key_is_seen(engine):
    answers.record(engine, [answer()])
    [other] = answers.record(engine, [answer(customer="other", request='{"other":1}')])

    assert (other.replayed, other.same_request) == (True, False)
    assert decisions.history(engine, "other") == []


def test_a_key_belongs_to_who_chose_it(engine):
    answers.record(engine, [answer()])
    [bens] = answers.record(engine, [answer(Key("ben", "k1"), "other")])

    assert not bens.replayed
    assert answers.find(engine, Key("carla", "k1"), "{}") is None


def test_many_at_once_are_one_transaction_and_every_key_is_answered_once(engine):
    many = [answer(Key("anna", f"k{number % 5}"), f"c{number % 5}") for number in range(20)]
    recorded = answers.record(engine, many)

    assert [each.replayed for each in recorded] == [False] * 5 + [True] * 15
    assert count(engine) == decisions.verify(engine) == 5


def test_fifty_threads_with_one_key_record_one_decision(engine):
    found, given = [], answer()

    def ask() -> None:
        found.extend(answers.record(engine, [given]))

    threads = [Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.replayed for each in found].count(False) == 1
    assert len(found) == 50
    assert {each.body for each in found} == {given.body}
    assert decisions.verify(engine) == 1


def test_two_keys_about_one_customer_share_the_decision(engine):
    answers.record(engine, [answer(), answer(Key("anna", "k2"))])

    assert count(engine) == 2
    assert decisions.verify(engine) == 1


def test_one_that_cannot_be_recorded_does_not_stop_the_others(engine):
    decisions.append(engine, [decided("broken", pd=0.5)])
    good, broken = answers.record(engine, [answer(), answer(Key("anna", "k2"), "broken")])

    assert not good.replayed
    assert isinstance(broken, NotReproduced)
    assert count(engine) == 1


def test_what_was_decided_with_is_kept_under_its_digest(engine):
    answers.record(engine, [replace(answer(), texts={"policy": "the policy", "grades": "the grades"})])

    assert decisions.text_of(engine, PROVENANCE.policy) == "the policy"
    assert decisions.text_of(engine, PROVENANCE.grades) == "the grades"
    assert decisions.text_of(engine, "0" * 64) is None


def applied(engine: sa.Engine) -> Answer:
    who = new_applicant_id()
    given = answer(customer=who, request=json.dumps({"name": CANARY}, ensure_ascii=False), asked=Asked(5000))
    answers.record(engine, [given])
    return given


def test_what_an_applicant_sent_is_kept_apart_from_the_record(engine):
    given = applied(engine)
    with reading(engine) as connection:
        rows = [*connection.execute(sa.text("select * from decisions")), *connection.execute(sa.text("select * from answers"))]

    assert CANARY in answers.application_of(engine, given.decision.customer_id)
    assert CANARY not in str(rows)


def test_erasing_an_applicant_leaves_the_record_whole_and_the_key_answered(engine):
    given = applied(engine)

    assert answers.erase(engine, given.decision.customer_id, by="operator")
    assert not answers.erase(engine, given.decision.customer_id, by="operator")
    assert answers.application_of(engine, given.decision.customer_id) is None
    assert decisions.verify(engine) == 1
    assert [(each.actor, each.action) for each in audit.events(engine)] == [("anna", "decided"), ("operator", "erased")]
    assert answers.find(engine, ANNA, "whatever").body == given.body


def test_no_byte_of_an_erased_applicant_is_left_on_the_disk(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    given = applied(engine)
    before = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    answers.erase(engine, given.decision.customer_id, by="operator")
    engine.dispose()
    after = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert CANARY.encode() in before
    assert CANARY.encode() not in after


@pytest.mark.parametrize("statement", ["update answers set body = 'x'", "delete from answers"])
def test_an_answer_that_was_given_cannot_be_changed_or_taken_back(engine, statement):
    answers.record(engine, [answer()])

    with pytest.raises((sa.exc.IntegrityError, StorageFailed), match="append-only"), writing(engine) as connection:
        connection.execute(sa.text(statement))


def test_a_disk_that_takes_nothing_records_nothing(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    with closing(sqlite3.connect(tmp_path / "riskscore.db")) as raw, raw:
        raw.execute("create trigger full before insert on answers begin select raise(abort, 'disk full'); end")
    with pytest.raises(sa.exc.IntegrityError):
        answers.record(engine, [answer()])

    assert decisions.verify(engine) == count(engine) == count(engine, APPLICANTS) == 0
    engine.dispose()


def steps_of(engine: sa.Engine, query: sa.Select) -> list[str]:
    """How SQLite goes about a query."""
    bound = query.compile(engine, compile_kwargs={"literal_binds": True})
    with reading(engine) as connection:
        return [row.detail for row in connection.exec_driver_sql(f"explain query plan {bound}")]


def test_keys_are_looked_up_and_answers_not_read_through_however_many_ask(tmp_path):
    """Reading all answers made every decision dearer by those before it. The planted way to ask is the one that did."""
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    keys = [Key(who, name) for who in ("anna", "bert") for name in ("k1", "k2", "k3")]
    pairs = sa.tuple_(ANSWERS.c.principal, ANSWERS.c.idempotency_key).in_([(key.principal, key.name) for key in keys])
    there = sa.select(ANSWERS.c.body)
    found, planted = (steps_of(engine, there.where(rule)) for rule in (answers.under(keys), pairs))
    engine.dispose()

    assert any(step.startswith("SEARCH answers USING INDEX") for step in found)
    assert not any("SCAN answers" in step for step in found)
    assert any("SCAN answers" in step for step in planted)


def test_only_the_answers_under_those_very_keys_are_found(engine):
    given = [answer(Key(who, name), f"{who}-{name}") for who in ("anna", "bert") for name in ("k1", "k2")]
    answers.record(engine, given)
    asked = [answer(Key("anna", "k2")), answer(Key("bert", "k1")), answer(Key("bert", "k3"), "somebody else")]

    assert [each.replayed for each in answers.record(engine, asked)] == [True, True, False]
