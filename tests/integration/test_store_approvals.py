"""Approvals on SQLite and PostgreSQL: each proposal is for one approval, and one person stays one however the name is written."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.runtime.migration import MigrationContext

from gating import compared
from riskscore.errors import UsageRefused
from riskscore.stores import database
from riskscore.stores.approvals import approval_in_force, approvals_of, approve, approve_first, proposal_of, propose, roll_back
from riskscore.stores.database import MODEL_APPROVALS, open_database, writing

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64
NAME = "late_payment"
NEW_ONE = "Propose it again: riskscore promote"


@pytest.fixture
def two_versions(engine):
    """Version 1 in force as the first, version 2 approved by two people after it."""
    approve_first(engine, NAME, "1", ONE, by="Ann Lee")
    propose(engine, compared(engine, "2", TWO, ONE), by="Ann Lee")
    approve(engine, NAME, "2", TWO, by="Bo Chen")
    return engine


def renew(engine, by="Ann Lee"):
    """Propose version 2 while it is in force: nothing to compare."""
    return propose(engine, compared(engine, "2", TWO, TWO), by=by)


def test_nobody_alone_puts_back_in_force_what_was_rolled_back(two_versions):
    roll_back(two_versions, NAME, by="Ann Lee", reason="limits of retailers were cut")

    with pytest.raises(UsageRefused, match=NEW_ONE):
        approve(two_versions, NAME, "2", TWO, by="Bo Chen", valid_days=40_000)
    assert approval_in_force(two_versions, NAME).version == "1"


@pytest.mark.parametrize(("name", "asked"), [(NAME, "promote 2 --by"), ("twelve_months", "promote 2 --model twelve_months --by")])
def test_what_to_do_names_the_model_where_it_is_not_the_usual_one(engine, name, asked):
    with pytest.raises(UsageRefused, match=asked):
        approve(engine, name, "2", TWO, by="Bo Chen")


def test_one_proposal_renews_once(two_versions):
    renew(two_versions)
    renewed = approve(two_versions, NAME, "2", TWO, by="Bo Chen")

    with pytest.raises(UsageRefused, match=NEW_ONE):
        approve(two_versions, NAME, "2", TWO, by="Bo Chen", valid_days=40_000)
    assert approval_in_force(two_versions, NAME) == renewed
    renew(two_versions)
    assert approve(two_versions, NAME, "2", TWO, by="Bo Chen").sequence > renewed.sequence


def test_an_approval_names_the_proposal_that_it_used_up(two_versions):
    proposal = renew(two_versions)

    assert approve(two_versions, NAME, "2", TWO, by="Bo Chen").proposal == proposal.sequence
    assert [row.proposal for row in approvals_of(two_versions, NAME)] == [None, None, 2, None, 4]


def test_a_proposal_from_before_a_later_approval_counts_no_more(two_versions):
    propose(two_versions, compared(two_versions, "3", THREE, TWO), by="Ann Lee")
    renew(two_versions)
    approve(two_versions, NAME, "2", TWO, by="Bo Chen")

    for asked in (lambda: proposal_of(two_versions, NAME, "3"), lambda: approve(two_versions, NAME, "3", THREE, by="Bo Chen")):
        with pytest.raises(UsageRefused, match=NEW_ONE):
            asked()
    propose(two_versions, compared(two_versions, "3", THREE, TWO), by="Ann Lee")
    assert approve(two_versions, NAME, "3", THREE, by="Bo Chen").version == "3"


def test_a_proposal_from_before_a_rollback_counts_no_more_even_if_it_was_compared_with_what_is_in_force_now(two_versions):
    propose(two_versions, compared(two_versions, "3", THREE, ONE), by="Ann Lee")
    roll_back(two_versions, NAME, by="Cy", reason="wrong")

    with pytest.raises(UsageRefused, match=NEW_ONE):
        approve(two_versions, NAME, "3", THREE, by="Bo Chen")
    propose(two_versions, compared(two_versions, "3", THREE, ONE), by="Ann Lee")  # in the same second as the rollback
    assert approve(two_versions, NAME, "3", THREE, by="Bo Chen").version == "3"


def test_what_happens_to_another_model_uses_up_no_proposal(two_versions):
    renew(two_versions)
    approve_first(two_versions, "another", "1", THREE, by="Ann Lee")
    propose(two_versions, compared(two_versions, "2", ONE, THREE, name="another"), by="Ann Lee")
    approve(two_versions, "another", "2", ONE, by="Bo Chen")
    roll_back(two_versions, "another", by="Cy", reason="wrong")

    assert approve(two_versions, NAME, "2", TWO, by="Bo Chen").version == "2"


@pytest.mark.parametrize(
    "written",
    ["Ann  Lee", " ann lee ", "Ann\u00a0Lee", "Ann\tLEE", "\uff21nn Lee", "Ann\u200b Lee"],
    ids=["two blanks", "small letters, blanks around", "a blank that does not break", "a tab", "a wide letter", "unseen sign"],
)
def test_one_person_stays_one_however_the_name_is_written(engine, written):
    propose(engine, compared(engine, "1", ONE), by="Ann Lee")

    with pytest.raises(UsageRefused, match="a second person must approve"):
        approve(engine, NAME, "1", ONE, by=written)
    assert len(approvals_of(engine, NAME)) == 1


def test_a_name_is_recorded_with_one_blank_between_its_parts(engine):
    assert propose(engine, compared(engine, "1", ONE), by="  Ann \t Lee ").proposed_by == "Ann Lee"


@pytest.mark.parametrize(
    "change",
    [
        {"proposal": None},
        {"proposal": 2},
        {"approved_by": "ann lee"},
        {"proposed_by": "Cy"},
        {"digest": THREE},
        {"version": "3"},
        {"name": "another"},
    ],
    ids=lambda change: ", ".join(f"{name}={value}"[:24] for name, value in change.items()),
)
def test_the_database_itself_takes_no_approval_without_an_open_proposal_of_the_same_bytes_by_another(two_versions, change):
    proposal = renew(two_versions)
    row = {
        "name": NAME, "version": "2", "digest": TWO, "proposed_by": "Ann Lee", "approved_by": "Bo Chen", "first": False,
        "recorded_at": "2026-01-01T00:00:00+00:00", "comparison": proposal.comparison, "proposal": proposal.sequence,
    }  # fmt: skip

    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), writing(two_versions) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values({**row, **change}))
    with writing(two_versions) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(row))
    with pytest.raises(sa.exc.IntegrityError), writing(two_versions) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(row))


def test_the_database_itself_takes_no_approval_of_what_was_proposed_before_a_rollback(two_versions):
    proposal = renew(two_versions)
    roll_back(two_versions, NAME, by="Cy", reason="wrong")
    row = {**proposal.__dict__, "approved_by": "Bo Chen", "proposal": proposal.sequence}
    row.pop("sequence")

    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), writing(two_versions) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(row))


def test_of_two_who_approve_at_once_one_is_first_and_the_other_is_told(two_versions):
    renew(two_versions)

    def act(by):
        try:
            return approve(two_versions, NAME, "2", TWO, by=by).approved_by
        except UsageRefused as refused:
            return str(refused)

    with ThreadPoolExecutor(4) as people:
        said = list(people.map(act, ["Bo", "Cy", "Di", "Eve"]))

    assert len([each for each in said if NEW_ONE in each]) == 3
    assert len(approvals_of(two_versions, NAME)) == 5


OLD = {"name": NAME, "version": "1", "digest": ONE, "first": False, "recorded_at": "2026-01-01T00:00:00+00:00"}


def test_rows_from_before_stay_valid_and_their_proposals_are_used_up(database_address):
    """Approved, rolled back and approved again by an older version of the program, which told no approval its proposal."""
    old = sa.create_engine(database_address)
    with old.begin() as connection:
        config = database._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        assert MigrationContext.configure(connection).get_current_revision() == "0006"
        kept = {"challenger": ONE, "verdict": "passed", "report": "{}", "recorded_at": "x", "name": NAME, "version": "1"}
        for digest, champion in (("c" * 64, None), ("d" * 64, ONE)):
            connection.execute(sa.insert(database.MODEL_COMPARISONS).values(**kept, digest=digest, champion=champion))
        columns = "name, version, digest, proposed_by, approved_by, first, recorded_at, comparison"
        insert = f"insert into model_approvals ({columns}) values ({', '.join(f':{each}' for each in columns.split(', '))})"
        for by, comparison in ((None, "c" * 64), ("Bo", "c" * 64), (None, "d" * 64), ("Bo", "d" * 64), (None, "d" * 64)):
            row = {**OLD, "proposed_by": "Ann", "approved_by": by, "comparison": comparison}
            connection.execute(sa.text(insert), row)
        connection.exec_driver_sql(
            "insert into model_rollbacks (name, newest, restored, rolled_back_by, reason, recorded_at) "
            f"values ('{NAME}', 4, 2, 'Cy', 'wrong', '2026-01-02T00:00:00+00:00')"
        )
    old.dispose()
    engine = open_database(database_address)
    try:
        assert approval_in_force(engine, NAME).sequence == 2
        assert [row.proposal for row in approvals_of(engine, NAME)] == [None] * 5
        with pytest.raises(UsageRefused, match=NEW_ONE):  # the last row: proposed before the rollback, by the clock
            approve(engine, NAME, "1", ONE, by="Bo")
        propose(engine, compared(engine, "1", ONE, ONE), by="Ann")
        assert approve(engine, NAME, "1", ONE, by="Bo").proposal == 6
    finally:
        engine.dispose()
