"""A run that moves too much is kept and not published, nobody reads it, and two people release it; on both databases."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from gating import TERMS, compared
from riskscore.errors import Conflict, HeldForReview, StorageFailed, UsageRefused
from riskscore.scoring import decide_rows
from riskscore.stores import audit, holds, publishing
from riskscore.stores import decisions as log
from riskscore.stores.approvals import approve, approve_first, propose
from riskscore.stores.database import COMPLETIONS, reading, writing

NAME = "late_payment"
CUSTOMERS = tuple(f"c{number:03}" for number in range(60))
BEFORE = replace(PROVENANCE, as_of=date(2026, 6, 29), book="a" * 64)


def made(provenance, *, customers=CUSTOMERS, values=GOOD, **facts):
    return decide_rows(
        features_of(*customers, **values), positions_of(*customers, as_of=provenance.as_of, **facts), LinearModel(), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=provenance,
    )  # fmt: skip


def with_limit(decision, share, *, above_cap=False):
    """The decision with another limit, and caps that allow it unless it is to be above one."""
    found = decision.recommendation
    limit = found.limit * Decimal(share)
    caps = found.caps if above_cap else tuple(replace(cap, amount=max(cap.amount, limit)) for cap in found.caps)
    return replace(decision, recommendation=replace(found, limit=limit, caps=caps), limit_now=None)


def publish(engine, decisions, bounds=TERMS.runs):
    provenance = decisions[0].provenance
    compared = publishing.against(engine, provenance, NAME)
    moves = publishing.moves_against(engine, compared)
    log.append(engine, decisions)
    for decision in decisions:
        moves.add(decision)
    publishing.publish(engine, provenance, len(decisions), moves, bounds, model=NAME, compared=compared)


@pytest.fixture
def yesterday(engine):
    """A database with an approved model and its run of the day before, published."""
    approve_first(engine, NAME, "1", PROVENANCE.model, by="ann")
    publish(engine, made(BEFORE))
    assert log.is_complete(engine, BEFORE.run_id)
    return engine


def planted(kind):
    today = made(PROVENANCE)
    first = today[0]
    match kind:
        case "approvals":  # four of sixty are no longer decided without a person
            return [*(replace(each, status="referred") for each in today[:4]), *today[4:]]
        case "sum of limits":
            return [with_limit(each, "1.11") for each in today]
        case "a limit above a cap":
            return [with_limit(first, "1.01", above_cap=True), *today[1:]]
        case _:
            return [with_limit(first, "2.01"), *today[1:]]


PLANTED = {
    "approvals": "decided without a person moved by 6.7% (at most 5.0%)",
    "sum of limits": "the sum of all limits moved by 11.0% (at most 10.0%)",
    "a limit above a cap": "1 limits are above a cap of the policy (never)",
    "a doubled limit": "1 limits are more than twice the one before",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_run_that_moves_too_much_is_held_says_what_moved_and_nobody_reads_it(yesterday, kind):
    decisions = planted(kind)

    with pytest.raises(HeldForReview) as raised:
        publish(yesterday, decisions)
    said = str(raised.value)
    short = PROVENANCE.run_id[:12]
    assert PLANTED[kind] in said
    assert f"riskscore release {short} --by NAME --reason REASON" in said
    assert raised.value.exit_status == 8

    assert not log.is_complete(yesterday, PROVENANCE.run_id)
    assert [stored.decision.as_of for stored in log.history(yesterday, "c000")] == [BEFORE.as_of]
    assert [each.as_of for each in log.given_out(yesterday, "c000", since=BEFORE.as_of, until=PROVENANCE.as_of)] == [BEFORE.as_of]
    assert log.grades_before(yesterday, date(2026, 7, 1), GRADES.digest).run_id == BEFORE.run_id
    with pytest.raises(UsageRefused, match="was not completed"):
        list(log.of_run(yesterday, PROVENANCE.run_id))
    with pytest.raises(HeldForReview, match=short):
        publishing.refuse_held(yesterday, PROVENANCE.run_id)
    # All of it is recorded, in the chains that `verify` follows.
    assert log.verify(yesterday) == 2 * len(CUSTOMERS)
    assert holds.verify(yesterday) == 1


def test_a_run_that_moves_within_the_bounds_is_published_without_anybody(yesterday):
    publish(yesterday, [with_limit(each, "1.09") for each in made(PROVENANCE)])

    assert log.is_complete(yesterday, PROVENANCE.run_id)
    assert holds.unreleased(yesterday) == []


def test_an_equal_run_is_no_move_and_a_held_one_stays_held_however_often_it_is_run(yesterday):
    publish(yesterday, made(BEFORE))
    for _ in range(2):
        with pytest.raises(HeldForReview, match="sum of all limits"):
            publish(yesterday, planted("sum of limits"))

    assert [each.run_id for each in holds.unreleased(yesterday)] == [PROVENANCE.run_id]
    assert [event.action for event in audit.events(yesterday)] == ["run.held"]


def test_two_people_release_it_and_then_it_is_read(yesterday):
    with pytest.raises(HeldForReview):
        publish(yesterday, planted("a doubled limit"))
    first = holds.release(yesterday, PROVENANCE.run_id[:8], by="Ann Lee", reason="a new contract")
    assert (first.proposed_by, first.released_by) == ("Ann Lee", None)
    assert not log.is_complete(yesterday, PROVENANCE.run_id)

    released = holds.release(yesterday, PROVENANCE.run_id, by="Bo", reason="seen, order 881")

    assert released.released_by == "Bo"
    assert log.is_complete(yesterday, PROVENANCE.run_id)
    assert len(log.history(yesterday, "c000")) == 2
    publishing.refuse_held(yesterday, PROVENANCE.run_id)
    publish(yesterday, planted("a doubled limit"))  # run again it is published as it is, and is compared no more
    assert [(event.actor, event.action) for event in audit.events(yesterday)] == [
        ("operator", "run.held"), ("Ann Lee", "run.release_proposed"), ("Bo", "run.released"),
    ]  # fmt: skip
    assert all("contract" not in json.dumps(dict(event.facts)) for event in audit.events(yesterday))
    assert holds.verify(yesterday) == 3
    with pytest.raises(Conflict, match="was released by Ann Lee and Bo"):
        holds.release(yesterday, PROVENANCE.run_id, by="Cy", reason="me too")


@pytest.mark.parametrize("same", ["Ann Lee", " ann lee ", "ANN LEE"])
def test_the_one_who_proposed_it_does_not_release_it(yesterday, same):
    with pytest.raises(HeldForReview):
        publish(yesterday, planted("approvals"))
    holds.release(yesterday, PROVENANCE.run_id, by="Ann Lee", reason="why")

    with pytest.raises(UsageRefused, match="a second person must release it"):
        holds.release(yesterday, PROVENANCE.run_id, by=same, reason="why not")
    assert not log.is_complete(yesterday, PROVENANCE.run_id)


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("Ann", "  ")])
def test_a_release_without_a_person_or_a_reason_is_none(yesterday, by, reason):
    with pytest.raises(UsageRefused, match="name of a person"):
        holds.release(yesterday, PROVENANCE.run_id, by=by, reason=reason)


@pytest.mark.parametrize("run_id", ["f" * 64, "", "%", PROVENANCE.run_id[:7]])
def test_a_run_that_is_not_held_is_not_released(yesterday, run_id):
    with pytest.raises(UsageRefused, match="no held run begins with"):
        holds.release(yesterday, run_id, by="Ann", reason="why")


def test_the_database_itself_publishes_no_held_run_and_keeps_the_two_people_apart(yesterday):
    with pytest.raises(HeldForReview):
        publish(yesterday, planted("approvals"))
    row = {"run_id": PROVENANCE.run_id, "n_decisions": 60, "recorded_at": "x"}
    with pytest.raises(sa.exc.IntegrityError, match="published by two people"), writing(yesterday) as connection:
        connection.execute(sa.insert(COMPLETIONS).values(row))
    holds.release(yesterday, PROVENANCE.run_id, by="Ann", reason="why")
    alone = {
        "run_id": PROVENANCE.run_id,
        "audit_sequence": 1,
        "proposed_by": "Ann",
        "released_by": "ANN",
        "reason": "",
        "released_at": "x",
    }
    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), writing(yesterday) as connection:
        connection.execute(sa.insert(holds.RELEASES).values(alone))
    with pytest.raises(sa.exc.IntegrityError), writing(yesterday) as connection:
        connection.execute(sa.insert(holds.RELEASES).values({**alone, "proposed_by": "Cy"}))
    with pytest.raises(sa.exc.IntegrityError, match="published by two people"), writing(yesterday) as connection:
        connection.execute(sa.insert(COMPLETIONS).values(row))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update run_holds set report = '{}'", "is not what was recorded"),
        ("update run_holds set n_decisions = 1", "is not what was recorded"),
        ("update run_release_proposals set proposed_by = 'Cy'", "is not what was recorded"),
        ("delete from run_release_proposals", "about a held run that is gone"),
        ("insert into completions values ('{run}', 60, 'x')", "published though nobody released it"),
    ],
)
def test_what_is_changed_behind_the_applications_back_is_found(yesterday, statement, said):
    with pytest.raises(HeldForReview):
        publish(yesterday, planted("approvals"))
    holds.release(yesterday, PROVENANCE.run_id, by="Ann", reason="why")
    assert holds.verify(yesterday) == 2
    with writing(yesterday) as connection:
        unguarded(connection)
        connection.exec_driver_sql(statement.replace("{run}", PROVENANCE.run_id))

    with pytest.raises(StorageFailed, match=said):
        holds.verify(yesterday)


def unguarded(connection):
    """Whoever holds the database takes the triggers away."""
    if connection.dialect.name == "sqlite":
        triggers = connection.exec_driver_sql("select name from sqlite_master where type = 'trigger'").scalars().all()
        for name in triggers:
            connection.exec_driver_sql(f"drop trigger {name}")
    else:
        for table in ("run_holds", "run_release_proposals", "run_releases", "completions"):
            connection.exec_driver_sql(f"alter table {table} disable trigger user")


def test_a_first_run_is_compared_with_nothing_and_asked_for_the_caps_of_the_policy(engine):
    approve_first(engine, NAME, "1", PROVENANCE.model, by="ann")
    assert publishing.against(engine, PROVENANCE, NAME) is None

    with pytest.raises(HeldForReview, match="above a cap of the policy"):
        publish(engine, planted("a limit above a cap"))
    publish(engine, made(BEFORE))
    assert log.is_complete(engine, BEFORE.run_id)


@pytest.mark.parametrize(
    ("other", "is_compared"),
    [
        pytest.param({"policy": "9" * 64}, True, id="another policy"),
        pytest.param({"grades": "9" * 64, "code": "2"}, True, id="other grades, another program"),
        pytest.param({"model": "d" * 64}, True, id="another approved version of the model"),
        pytest.param({"model": None}, False, id="no model"),
        pytest.param({"doubt": "run_held"}, False, id="in doubt"),
        pytest.param({"as_of": date(2026, 6, 1)}, False, id="an earlier day than the one before"),
    ],
)
def test_whatever_the_run_was_made_with_what_comes_out_is_compared(yesterday, other, is_compared):
    propose(yesterday, compared(yesterday, "2", "d" * 64, PROVENANCE.model, name=NAME), by="ann")
    approve(yesterday, NAME, "2", "d" * 64, by="bo")

    assert publishing.against(yesterday, replace(PROVENANCE, **other), NAME) == (BEFORE.run_id if is_compared else None)


def test_runs_of_another_models_name_are_not_compared(yesterday):
    approve_first(yesterday, "late_payment_12_months", "1", "9" * 64, by="ann")

    assert publishing.against(yesterday, replace(PROVENANCE, model="9" * 64), "late_payment_12_months") is None


def test_a_run_is_not_compared_with_one_that_is_held(yesterday):
    with pytest.raises(HeldForReview):
        publish(yesterday, planted("sum of limits"))
    tomorrow = replace(PROVENANCE, as_of=date(2026, 7, 1))

    assert publishing.against(yesterday, tomorrow, NAME) == BEFORE.run_id


def test_of_two_runs_compared_with_the_same_one_only_the_first_is_published_on_that(yesterday):
    late = replace(PROVENANCE, code="2")
    compared = publishing.against(yesterday, late, NAME)
    moves = publishing.moves_against(yesterday, compared)
    decisions = made(late)
    log.append(yesterday, decisions)
    for decision in decisions:
        moves.add(decision)
    publish(yesterday, [with_limit(each, "1.09") for each in made(PROVENANCE)])

    with pytest.raises(StorageFailed, match="another run was published while this one was compared"):
        publishing.publish(yesterday, late, len(decisions), moves, TERMS.runs, model=NAME, compared=compared)
    publish(yesterday, decisions)
    assert log.is_complete(yesterday, late.run_id)


def test_a_run_killed_between_its_last_decision_and_its_publication_is_compared_when_it_goes_on(yesterday):
    # What a kill leaves behind at any point before the one transaction that publishes or holds: decisions, and nothing else.
    log.append(yesterday, planted("sum of limits"))
    assert not log.is_complete(yesterday, PROVENANCE.run_id)
    assert holds.unreleased(yesterday) == []

    with pytest.raises(HeldForReview, match="sum of all limits"):
        publish(yesterday, planted("sum of limits"))
    with pytest.raises(HeldForReview, match="sum of all limits"):
        publish(yesterday, planted("sum of limits"))
    assert holds.verify(yesterday) == 1


@pytest.mark.parametrize("where", ["published", "held"])
def test_a_run_that_breaks_while_it_is_published_or_held_is_neither(yesterday, monkeypatch, where):
    step = (log, "complete_in") if where == "published" else (holds, "_append")
    written = getattr(*step)

    def writes_and_breaks(*arguments):
        written(*arguments)
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(*step, writes_and_breaks)
        with pytest.raises(RuntimeError):
            publish(yesterday, made(PROVENANCE) if where == "published" else planted("sum of limits"))

    assert not log.is_complete(yesterday, PROVENANCE.run_id)
    assert holds.unreleased(yesterday) == []
    with reading(yesterday) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(audit.AUDIT)).scalar_one() == 0
