"""Reviews over both databases: two people, one winner of a race, everything on the chain, nothing left after its day."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from deciding import ON
from reviewing import ANN, BO, DAY, DELEGATION, NOW, TODAY, WANTED, close, decided, recorded
from riskscore.errors import Conflict, NotAllowed, StorageFailed
from riskscore.review import Person, Wanted
from riskscore.stores import audit, reviews
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database, reading, writing
from riskscore.stores.reviews import CLOSINGS, REVIEWS


def test_a_second_person_puts_an_override_in_force_and_its_last_day_ends_it(engine):
    decision = recorded(engine)
    review = reviews.propose(engine, decision, WANTED, ANN, now=NOW)

    assert [each.review_id for each in reviews.queue(engine, now=NOW)] == [review.review_id]
    assert reviews.holding(engine, TODAY) == {}
    assert close(engine, review, "approve", BO, note="seen the guarantee").closing.by == "bo"
    assert reviews.queue(engine, now=NOW) == []
    assert reviews.holding(engine, WANTED.valid_until)["acme"].wanted == WANTED
    assert reviews.holding(engine, WANTED.valid_until + timedelta(days=1)) == {}
    assert reviews.holding(engine, ON - timedelta(days=1)) == {}, "nor before the decision it is about"
    assert reviews.verify(engine) == 2


def test_a_proposal_that_nobody_decides_lapses_and_can_be_made_again(engine):
    decision = recorded(engine)
    first = reviews.propose(engine, decision, WANTED, ANN, now=NOW)
    with pytest.raises(Conflict, match="waits for a second person"):
        reviews.propose(engine, decision, WANTED, BO, now=NOW)

    later = NOW + 31 * DAY
    assert reviews.queue(engine, now=later) == []
    second = reviews.propose(engine, decision, WANTED, BO, now=later)
    assert {each.review_id for each in reviews.of_decision(engine, decision.decision_id)} == {first.review_id, second.review_id}


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_the_maker_is_never_the_checker_in_code_and_in_the_database(engine, act):
    review = reviews.propose(engine, recorded(engine), WANTED, ANN, now=NOW)
    with pytest.raises(NotAllowed, match="second person"):
        close(engine, review, act, replace(ANN, role="approver"))

    state = {"approve": "approved", "reject": "rejected"}[act]
    for row in (
        {"proposed_by": "ann", "closed_by": "ann", "state": state},
        {"proposed_by": "bo", "closed_by": "ann", "state": state},  # somebody else's name on the proposal
        {"proposed_by": "ann", "closed_by": "bo", "state": "withdrawn"},
        {"proposed_by": "ann", "closed_by": "bo", "state": "proposed"},
    ):
        with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:  # noqa: PT012  one transaction
            number = audit.append(connection, actor="x", action="x", subject="x", facts={}, at=NOW)
            connection.execute(
                sa.insert(CLOSINGS),
                {**row, "review_id": review.review_id, "audit_sequence": number, "note": "", "closed_on": TODAY},
            )
    assert [each.review_id for each in reviews.queue(engine, now=NOW)] == [review.review_id]


def race(engine, review):
    """Approval and withdrawal at the same time: what came of each."""

    def one(act, person):
        try:
            return close(engine, review, act, person).closing.state
        except Conflict:
            return "conflict"

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(one, ("approve", "withdraw"), (BO, ANN)))


def test_of_fifty_races_each_has_one_winner(engine):
    outcomes = []
    for number, decision in enumerate(decided(*[f"c{number:02}" for number in range(50)])):
        log.append(engine, [decision])
        outcomes.append(race(engine, reviews.propose(engine, decision, WANTED, ANN, now=NOW + number)))

    assert {tuple(outcome) for outcome in outcomes} <= {("approved", "conflict"), ("conflict", "withdrawn")}
    assert reviews.verify(engine) == 100


def test_two_proposals_at_once_leave_one(engine):
    decision = recorded(engine)

    def one(person):
        try:
            return reviews.propose(engine, decision, WANTED, person, now=NOW).proposed_by
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(one, [Person(f"user{number}", "analyst") for number in range(8)]))

    assert len([who for who in made if who]) == 1


@pytest.mark.parametrize("table", [REVIEWS, CLOSINGS])
def test_reviews_are_append_only(engine, table):
    close(engine, reviews.propose(engine, recorded(engine), WANTED, ANN, now=NOW), "approve", BO)
    for statement in (f"update {table.name} set audit_sequence = 99", f"delete from {table.name}"):
        with pytest.raises((sa.exc.IntegrityError, StorageFailed), match="append-only"), writing(engine) as connection:
            connection.execute(sa.text(statement))


FORGED = {
    "limit_wanted": "'9999999'", "reason": "'forged'", "proposed_on": "'2020-01-01'", "valid_until": "'2099-01-01'",
    "decided_grade": "1", "is_natural_person": "null", "customer_id": "'another'",
}  # fmt: skip


@pytest.mark.parametrize("column", FORGED)
def test_a_changed_review_no_longer_agrees_with_the_chain(engine, column):
    reviews.propose(engine, recorded(engine), WANTED, ANN, now=NOW)
    with writing(engine) as connection:
        on = " on reviews" if engine.dialect.name == "postgresql" else ""
        connection.execute(sa.text(f"drop trigger {'reviews_append_only' if on else 'reviews_no_update'}{on}"))
        connection.execute(sa.text(f"update reviews set {column} = {FORGED[column]}"))

    with pytest.raises(StorageFailed, match="is not what was recorded"):
        reviews.verify(engine)


def test_no_review_without_its_audit_row(engine, monkeypatch):
    decision = recorded(engine)
    honest = audit.append

    def crash_after(*arguments, **facts):
        honest(*arguments, **facts)
        raise RuntimeError("killed")

    monkeypatch.setattr(audit, "append", crash_after)
    with pytest.raises(RuntimeError, match="killed"):
        reviews.propose(engine, decision, WANTED, ANN, now=NOW)
    assert (reviews.of_decision(engine, decision.decision_id), audit.events(engine)) == ([], [])


def test_free_text_stays_out_of_the_chain(engine):
    close(engine, reviews.propose(engine, recorded(engine), WANTED, ANN, now=NOW), "approve", BO, note="Ms Canary of Acme called")

    assert "guarantees" not in str(audit.events(engine))
    assert "Canary" not in str(audit.events(engine))


PEOPLE = [
    Person(f"user{number:02}", role) for number, role in enumerate(["viewer", "admin", *["analyst"] * 12, *["approver"] * 6])
]
person = st.sampled_from(PEOPLE)


class FourEyes(RuleBasedStateMachine):
    """Whoever does whatever, in any order: what is in force was proposed by one and approved by another who may."""

    @initialize()
    def open(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_database(f"sqlite:///{self.folder.name}/riskscore.db")
        self.decisions = decided("acme", "bolt", "crane")
        log.append(self.engine, self.decisions)
        self.now, self.made = NOW, {}

    @rule(who=person, which=st.integers(0, 2), limit=st.sampled_from(["0", "9000", "50000", "50001"]), days=st.integers(0, 40))
    def propose(self, who, which, limit, days) -> None:
        today = datetime.fromtimestamp(self.now, UTC).date()
        wanted = Wanted(Decimal(limit), None, None, "because of reasons", today + timedelta(days=days))
        try:
            made = reviews.propose(self.engine, self.decisions[which], wanted, who, now=self.now)
            self.made[made.review_id] = (made.decision_id, who)
        except Conflict:
            pass

    @rule(
        who=person,
        act=st.sampled_from(["approve", "reject", "withdraw"]),
        data=st.data(),
        as_role=st.sampled_from([None, "approver"]),
    )
    def act(self, who, act, data, as_role) -> None:
        if not self.made:
            return
        review_id = data.draw(st.sampled_from(list(self.made)))
        decision_id, _ = self.made[review_id]
        acting = replace(who, role=as_role or who.role)  # given another role meanwhile
        with suppress(Conflict, NotAllowed):
            reviews.close(self.engine, review_id, decision_id, act, acting, DELEGATION, note="", now=self.now)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days) -> None:
        self.now += days * DAY

    @invariant()
    def two_people(self) -> None:
        if not hasattr(self, "engine"):
            return
        today = datetime.fromtimestamp(self.now, UTC).date()
        for each in reviews.holding(self.engine, today).values():
            assert each.closing.by != each.proposed_by == self.made[each.review_id][1].name
            assert today <= each.wanted.valid_until
        open_about = [each.decision_id for each in reviews.queue(self.engine, now=self.now)]
        assert len(open_about) == len(set(open_about))

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            reviews.verify(self.engine)
            with reading(self.engine) as connection:
                closed = connection.execute(sa.select(CLOSINGS)).all()
            assert all((row.state == "withdrawn") == (row.closed_by == row.proposed_by) for row in closed)
            self.engine.dispose()
            self.folder.cleanup()


FourEyes.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestFourEyes = FourEyes.TestCase
