"""Approvals: two people, bound to bytes, in a table that only grows."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from gating import compared
from riskscore.errors import HeldForReview, ModelRefused, UsageRefused
from riskscore.stores.approvals import (
    VALID_DAYS,
    approval_in_force,
    approval_in_force_on,
    approvals_of,
    approve,
    approve_first,
    propose,
    roll_back,
    rollbacks_of,
)
from riskscore.stores.comparisons import comparison, comparison_of, keep, look_number
from riskscore.stores.database import MODEL_APPROVALS, open_database, writing

ONE, TWO = "1" * 64, "2" * 64
NAME = "late_payment"


@pytest.fixture
def engine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield engine
    engine.dispose()


def test_nothing_is_in_force_before_anything_is_approved(engine):
    propose(engine, compared(engine, "1", ONE), by="Ann")

    with pytest.raises(ModelRefused, match=r"no approved version of late_payment.*score --no-model"):
        approval_in_force(engine, NAME)


def test_what_one_person_proposes_another_puts_in_force(engine):
    propose(engine, compared(engine, "1", ONE), by="Ann")
    approve(engine, NAME, "1", ONE, by="Bo")

    in_force = approval_in_force(engine, NAME)
    assert (in_force.version, in_force.digest, in_force.proposed_by, in_force.approved_by) == ("1", ONE, "Ann", "Bo")


@pytest.mark.parametrize("same", ["Ann", "ann", " ANN "])
def test_nobody_approves_what_they_proposed_themselves(engine, same):
    propose(engine, compared(engine, "1", ONE), by="Ann")

    with pytest.raises(UsageRefused, match="a second person must approve"):
        approve(engine, NAME, "1", ONE, by=same)
    assert len(approvals_of(engine, NAME)) == 1


def test_the_database_itself_refuses_one_person_twice(engine):
    row = {
        "name": NAME,
        "version": "1",
        "digest": ONE,
        "proposed_by": "Ann",
        "approved_by": "Ann",
        "first": False,
        "recorded_at": "now",
    }

    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(**row))


def test_the_database_itself_refuses_a_second_first(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann")
    row = {
        "name": NAME,
        "version": "2",
        "digest": TWO,
        "proposed_by": "Ann",
        "approved_by": "Ann",
        "first": True,
        "recorded_at": "now",
    }

    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(**row))


def test_bytes_that_changed_since_they_were_proposed_are_not_approved(engine):
    propose(engine, compared(engine, "1", ONE), by="Ann")

    with pytest.raises(ModelRefused, match="not what Ann proposed"):
        approve(engine, NAME, "1", TWO, by="Bo")
    with pytest.raises(ModelRefused, match="no approved version"):
        approval_in_force(engine, NAME)


def test_what_nobody_proposed_cannot_be_approved(engine):
    with pytest.raises(UsageRefused, match="was not proposed"):
        approve(engine, NAME, "1", ONE, by="Bo")


def test_the_first_version_of_a_name_may_be_approved_alone_and_is_recorded_as_such(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann")

    assert approval_in_force(engine, NAME).first


def test_once_a_name_is_known_there_is_no_first_any_more(engine):
    propose(engine, compared(engine, "1", ONE), by="Ann")

    with pytest.raises(UsageRefused, match="--first does not apply"):
        approve_first(engine, NAME, "2", TWO, by="Ann")
    approve_first(engine, "another_model", "1", TWO, by="Ann")


def test_approving_a_former_version_again_rolls_back_to_it(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann")
    propose(engine, compared(engine, "2", TWO, ONE), by="Ann")
    approve(engine, NAME, "2", TWO, by="Bo")
    propose(engine, compared(engine, "1", ONE, TWO), by="Bo")
    approve(engine, NAME, "1", ONE, by="Ann")

    assert approval_in_force(engine, NAME).version == "1"
    assert [row.version for row in approvals_of(engine, NAME)] == ["1", "2", "2", "1", "1"]


@pytest.mark.parametrize("nobody", ["", "   ", "\u200b\u2060"])
def test_an_approval_needs_a_name(engine, nobody):
    with pytest.raises(UsageRefused, match="name of a person"):
        propose(engine, compared(engine, "1", ONE), by=nobody)


def in_force_after_two(engine):
    """Version 1 approved as the first, version 2 by two people."""
    approve_first(engine, NAME, "1", ONE, by="Ann")
    propose(engine, compared(engine, "2", TWO, ONE), by="Ann")
    return approve(engine, NAME, "2", TWO, by="Bo")


def test_what_the_gate_held_passes_only_with_a_reason_of_both(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann")
    held = compared(engine, "2", TWO, ONE, "held")

    for proposed, approved in ((None, None), (None, "urgent"), ("better for exporters", None), ("  ", "urgent")):
        propose(engine, held, by="Ann", release_reason=proposed)
        with pytest.raises(HeldForReview, match="held by the gate"):
            approve(engine, NAME, "2", TWO, by="Bo", release_reason=approved)
    assert approval_in_force(engine, NAME).version == "1"

    propose(engine, held, by="Ann", release_reason="better for exporters")
    approve(engine, NAME, "2", TWO, by="Bo", release_reason="seen with sales")
    assert [row.release_reason for row in approvals_of(engine, NAME)][-2:] == ["better for exporters", "seen with sales"]
    assert approval_in_force(engine, NAME).version == "2"


def test_a_proposal_compared_with_what_is_no_longer_in_force_is_not_approved(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann")
    stale = compared(engine, "3", "3" * 64, ONE)
    propose(engine, compared(engine, "2", TWO, ONE), by="Ann")
    approve(engine, NAME, "2", TWO, by="Bo")
    propose(engine, stale, by="Ann")

    with pytest.raises(UsageRefused, match="not compared with what is in force now"):
        approve(engine, NAME, "3", "3" * 64, by="Bo")


def test_one_person_rolls_back_to_what_was_in_force_before_and_it_is_recorded(engine):
    in_force_after_two(engine)
    was, now = roll_back(engine, NAME, by="Cy", reason="limits of retailers were cut")

    assert (was.version, now.version) == ("2", "1")
    assert approval_in_force(engine, NAME).digest == ONE
    assert [(each.rolled_back_by, each.reason) for each in rollbacks_of(engine, NAME)] == [("Cy", "limits of retailers were cut")]


def test_a_rollback_holds_until_the_next_approval(engine):
    in_force_after_two(engine)
    roll_back(engine, NAME, by="Cy", reason="wrong")
    propose(engine, compared(engine, "3", "3" * 64, ONE), by="Ann")
    approve(engine, NAME, "3", "3" * 64, by="Bo")

    assert approval_in_force(engine, NAME).version == "3"
    _, now = roll_back(engine, NAME, by="Cy", reason="wrong again")
    assert now.version == "1"  # what version 3 replaced, not version 2, which was taken back


@pytest.mark.parametrize(("by", "reason", "to"), [("", "why", None), ("Cy", " ", None), ("Cy", "why", "2"), ("Cy", "why", "9")])
def test_a_rollback_needs_a_person_a_reason_and_somewhere_to_go(engine, by, reason, to):
    in_force_after_two(engine)

    with pytest.raises(UsageRefused):
        roll_back(engine, NAME, by=by, reason=reason, to=to)
    assert approval_in_force(engine, NAME).version == "2"


def test_nothing_can_be_rolled_back_to_before_the_first(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann")

    with pytest.raises(UsageRefused, match="was not in force before"):
        roll_back(engine, NAME, by="Ann", reason="why")


def test_an_expired_version_is_not_rolled_back_to(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann", valid_days=-1)
    propose(engine, compared(engine, "2", TWO, ONE), by="Ann")
    approve(engine, NAME, "2", TWO, by="Bo")

    with pytest.raises(ModelRefused, match="expired"):
        roll_back(engine, NAME, by="Cy", reason="why")


def test_an_approval_holds_for_the_days_it_was_given_and_an_old_one_for_four_hundred(engine):
    today = datetime.now(UTC).date()
    approval = approve_first(engine, NAME, "1", ONE, by="Ann", valid_days=10)

    assert approval.last_day == today + timedelta(days=10)
    assert VALID_DAYS == 400
    old = {"name": "old", "version": "1", "digest": ONE, "proposed_by": "Ann", "approved_by": "Bo", "first": False}
    with writing(engine) as connection:
        connection.exec_driver_sql("drop trigger model_approvals_four_eyes")  # the row is from before it
        connection.execute(sa.insert(MODEL_APPROVALS).values(**old, recorded_at="2026-01-01T00:00:00+00:00"))
    assert approval_in_force(engine, "old").last_day == date(2026, 1, 1) + timedelta(days=400)


def test_a_kept_comparison_is_found_by_its_digest_and_kept_once(engine):
    one = compared(engine, "2", TWO, ONE)

    assert compared(engine, "2", TWO, ONE) == one
    assert comparison(engine, one.digest) == one
    assert comparison(engine, "f" * 64) is None


def test_each_new_look_at_a_champion_is_counted_and_the_same_look_is_not(engine):
    def look(version, challenger, champion, book):
        number = look_number(engine, NAME, challenger, champion, book)
        report = {"evidence": book, "look": number, "version": version}
        keep(engine, comparison_of(NAME, version, challenger, champion, "held", report))
        return number

    assert [look("2", TWO, ONE, "a"), look("2", TWO, ONE, "a"), look("2", TWO, ONE, "b"), look("3", "3" * 64, ONE, "b")] == [
        1,
        1,
        2,
        3,
    ]
    assert look("3", "3" * 64, TWO, "b") == 1  # another champion


def test_to_renew_what_is_in_force_is_no_look_at_it(engine):
    renewal = {"basis": "same_model", "evidence": "a", "challenger": ONE, "champion": ONE}
    keep(engine, comparison_of(NAME, "1", ONE, ONE, "passed", renewal))

    assert look_number(engine, NAME, TWO, ONE, "b") == 1


def test_what_was_in_force_on_a_past_day_is_told_by_what_was_recorded_by_then(engine, monkeypatch):
    def on(day: str) -> None:
        monkeypatch.setattr("riskscore.stores.approvals._now", lambda: f"{day}T12:00:00+00:00")

    def version(day: str) -> str | None:
        found = approval_in_force_on(engine, NAME, date.fromisoformat(day))
        return None if found is None else found.version

    for version_of, digest, champion, day in (("1", ONE, None, "2026-01-10"), ("2", TWO, ONE, "2026-03-10")):
        on(day)
        propose(engine, compared(engine, version_of, digest, champion=champion), by="Ann")
        approve(engine, NAME, version_of, digest, by="Bo", valid_days=4000)
    on("2026-05-10")
    roll_back(engine, NAME, by="Cy", reason="too strict")

    days = ("2026-01-09", "2026-01-10", "2026-03-09", "2026-03-10", "2026-05-09", "2026-05-10")
    assert [version(day) for day in days] == [None, "1", "1", "2", "2", "1"]
