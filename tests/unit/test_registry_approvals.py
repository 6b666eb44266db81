"""Approvals: two people, bound to bytes, in a table that only grows."""

import pytest
import sqlalchemy as sa

from riskscore.errors import ModelRefused, UsageRefused
from riskscore.stores.approvals import approval_in_force, approvals_of, approve, approve_first, propose
from riskscore.stores.database import MODEL_APPROVALS, open_database, writing

ONE, TWO = "1" * 64, "2" * 64
NAME = "late_payment"


@pytest.fixture
def engine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield engine
    engine.dispose()


def test_nothing_is_in_force_before_anything_is_approved(engine):
    propose(engine, NAME, "1", ONE, by="Ann")

    with pytest.raises(ModelRefused, match="no approved version of late_payment"):
        approval_in_force(engine, NAME)


def test_what_one_person_proposes_another_puts_in_force(engine):
    propose(engine, NAME, "1", ONE, by="Ann")
    approve(engine, NAME, "1", ONE, by="Bo")

    in_force = approval_in_force(engine, NAME)
    assert (in_force.version, in_force.digest, in_force.proposed_by, in_force.approved_by) == ("1", ONE, "Ann", "Bo")


@pytest.mark.parametrize("same", ["Ann", "ann", " ANN "])
def test_nobody_approves_what_they_proposed_themselves(engine, same):
    propose(engine, NAME, "1", ONE, by="Ann")

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
    propose(engine, NAME, "1", ONE, by="Ann")

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
    propose(engine, NAME, "1", ONE, by="Ann")

    with pytest.raises(UsageRefused, match="--first does not apply"):
        approve_first(engine, NAME, "2", TWO, by="Ann")
    approve_first(engine, "another_model", "1", TWO, by="Ann")


def test_approving_a_former_version_again_rolls_back_to_it(engine):
    approve_first(engine, NAME, "1", ONE, by="Ann")
    propose(engine, NAME, "2", TWO, by="Ann")
    approve(engine, NAME, "2", TWO, by="Bo")
    propose(engine, NAME, "1", ONE, by="Bo")
    approve(engine, NAME, "1", ONE, by="Ann")

    assert approval_in_force(engine, NAME).version == "1"
    assert [row.version for row in approvals_of(engine, NAME)] == ["1", "2", "2", "1", "1"]


@pytest.mark.parametrize("nobody", ["", "   "])
def test_an_approval_needs_a_name(engine, nobody):
    with pytest.raises(UsageRefused, match="name of a person"):
        propose(engine, NAME, "1", ONE, by=nobody)
