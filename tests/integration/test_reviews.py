"""Reviews over both databases and the API: two people, one winner of a race, everything on the chain, nothing left after its day."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from starlette.testclient import TestClient

from deciding import GOOD, GRADES, ON, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from doors import EmptyDesk, account
from riskscore.errors import Conflict, NotAllowed, StorageFailed
from riskscore.review import Person, Wanted, can_act
from riskscore.scoring import decide_rows
from riskscore.stores import audit, reviews
from riskscore.stores import decisions as log
from riskscore.stores.access import sessions, tokens
from riskscore.stores.access.tables import ACCOUNTS
from riskscore.stores.database import open_database, reading, writing
from riskscore.stores.reviews import CLOSINGS, REVIEWS
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.access.forms import form_token
from riskscore_serving.access.pages import texts
from riskscore_serving.app import create_app, shipped_delegation
from riskscore_serving.review_pages import WHY_NOT
from riskscore_serving.settings import Address

NOW = int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp())
DAY = 86_400
TODAY = date(2026, 7, 1)
DELEGATION = shipped_delegation(TODAY)
WANTED = Wanted(Decimal("45000.00"), None, None, "the parent guarantees it", TODAY + timedelta(days=60))
ANN, BO, CHEF = Person("ann", "analyst"), Person("bo", "analyst"), Person("chef", "approver")


def decided(*customers: str, **facts):
    small = {"monthly_purchases": Decimal("20000.00"), "peak_monthly_purchases": Decimal("20000.00"), **facts}
    return decide_rows(
        features_of(*customers, **GOOD), positions_of(*customers, **small), LinearModel(base=-5.5), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=PROVENANCE,
    )  # fmt: skip


def recorded(engine: sa.Engine, customer: str = "acme", **facts):
    decision = decided(customer, **facts)[0]
    log.append(engine, [decision])
    return decision


def close(engine, review, act, person, now=NOW, note=""):
    return reviews.close(engine, review.review_id, review.decision_id, act, person, DELEGATION, note=note, now=now)


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


# --- over the API ------------------------------------------------------------------------------------------------------------


class Office:
    """Everybody's browser on one server, at a clock that can be moved."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine, self.now, self.at = engine, NOW, Address()
        desk = EmptyDesk()
        self.app = create_app(lambda: desk, self.at, Doorkeeper(engine, self.at, clock=lambda: self.now))
        self.client = TestClient(self.app, base_url="http://127.0.0.1:8000")

    def begin(self, name: str) -> None:
        with writing(self.engine) as connection:
            epoch = connection.execute(sa.select(ACCOUNTS.c.epoch).where(ACCOUNTS.c.name == name)).scalar_one()
            self.sessions = {**getattr(self, "sessions", {}), name: sessions.begin(connection, name, epoch, now=self.now)}

    def ask(self, who: str, method: str, path: str, body: object = None, **headers: str):
        session = self.sessions[who]
        sent = {"cookie": f"riskscore={session}", "x-csrf-token": form_token(self.at, session), "sec-fetch-site": "same-origin"}
        return self.client.request(method, path, json=body, headers={**sent, **headers})


ROLES = {"ann": "analyst", "bo": "analyst", "chef": "approver", "vi": "viewer", "root": "admin"}
BODY = {"limit": "45000.00", "reason": "the parent guarantees it", "valid_until": "2026-08-30"}


@pytest.fixture
def office(tmp_path: Path, monkeypatch) -> Iterator[Office]:
    monkeypatch.setattr(
        "riskscore.stores.access.accounts.hash_password", lambda plain: f"no hash of {len(plain)} letters: nobody signs in here"
    )
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    office = Office(engine)
    for name, role in ROLES.items():
        account(engine, name, role, now=NOW)
        office.begin(name)
    yield office
    engine.dispose()


def test_an_override_over_the_api_needs_two_people(office: Office) -> None:
    path = f"/v1/decisions/{recorded(office.engine).decision_id}"
    made = office.ask("ann", "POST", f"{path}/override", BODY)
    review = made.json()
    act = {"review_id": review["review_id"]}

    assert (made.status_code, review["state"], review["limit"], review["needs"]) == (201, "proposed", "45000.00", "analyst")
    assert review["cannot"]["approve"] == "You proposed it; a second person decides."
    own = office.ask("ann", "POST", f"{path}/approve", act)
    assert (own.status_code, own.json()["detail"]) == (403, review["cannot"]["approve"]), "one source of words"
    assert office.ask("vi", "POST", f"{path}/approve", act).status_code == 403
    assert office.ask("root", "POST", f"{path}/approve", act).status_code == 403
    assert office.ask("chef", "GET", "/v1/reviews").json()["reviews"][0]["cannot"] == {
        "approve": None, "reject": None, "withdraw": "Only who proposed it can withdraw it.",
    }  # fmt: skip
    done = office.ask("bo", "POST", f"{path}/approve", {**act, "note": "seen"})
    assert (done.status_code, done.json()["state"], done.json()["decided_by"]) == (200, "approved", "bo")
    assert office.ask("ann", "POST", f"{path}/withdraw", act).status_code == 409
    assert office.ask("ann", "GET", "/v1/reviews").json() == {"reviews": []}
    assert office.ask("ann", "GET", f"{path}/reviews").json()["reviews"][0]["note"] == "seen"


def test_an_override_shows_where_the_decision_is_read_and_goes_with_its_last_day(office: Office) -> None:
    decision = recorded(office.engine)
    desk, day = EmptyDesk(), [TODAY]
    desk.decide = lambda *_: decision
    app = create_app(
        lambda: desk,
        office.at,
        Doorkeeper(office.engine, office.at, clock=lambda: NOW),
        store=lambda: office.engine,
        today=lambda: day[0],
    )
    office.client = TestClient(app, base_url="http://127.0.0.1:8000")

    def shown() -> list[object]:
        answers = [
            office.ask("vi", "GET", path).json() for path in ("/v1/customers/acme", f"/v1/decisions/{decision.decision_id}")
        ]
        assert all(answer["limit"]["recommended"] == str(decision.recommendation.limit) for answer in answers), (
            "what was computed stays"
        )
        return [answer["override"] for answer in answers]

    review = reviews.propose(office.engine, decision, WANTED, ANN, now=NOW)
    assert shown() == [None, None], "a proposal changes nothing"
    close(office.engine, review, "approve", BO)
    assert [(each["limit"], each["proposed_by"], each["approved_by"]) for each in shown()] == [("45000.00", "ann", "bo")] * 2
    day[0] = WANTED.valid_until + timedelta(days=1)
    assert shown() == [None, None]


def test_what_is_approved_is_what_was_read(office: Office) -> None:
    path = f"/v1/decisions/{recorded(office.engine).decision_id}"
    read = office.ask("ann", "POST", f"{path}/override", BODY).json()
    office.ask("ann", "POST", f"{path}/withdraw", {"review_id": read["review_id"]})
    office.ask("ann", "POST", f"{path}/override", {**BODY, "limit": "49999.00"})

    assert office.ask("bo", "POST", f"{path}/approve", {"review_id": read["review_id"]}).status_code == 409
    assert office.ask("bo", "POST", f"{path}/approve", {}).status_code == 422


def test_a_token_of_the_same_person_is_the_same_person_and_no_token_decides(office: Office) -> None:
    path = f"/v1/decisions/{recorded(office.engine).decision_id}"
    bearer = {"authorization": "Bearer " + tokens.issue(office.engine, "ann", "analyst", "x", days=1, by="operator", now=NOW)}
    act = {"review_id": office.client.post(f"{path}/override", json=BODY, headers=bearer).json()["review_id"]}
    others = {"authorization": "Bearer " + tokens.issue(office.engine, "chef", "analyst", "x", days=1, by="operator", now=NOW)}

    assert office.ask("ann", "POST", f"{path}/approve", act).status_code == 403
    assert office.client.post(f"{path}/approve", json=act, headers=bearer).status_code == 403
    assert "token cannot decide" in office.client.post(f"{path}/approve", json=act, headers=others).json()["detail"]


@pytest.mark.parametrize(
    "planted",
    ["proposed_by", "approved_by", "role", "state", "decided_by", "needs", "review_id", "tenant", "score", "valid_from"],
)
def test_nobody_writes_a_field_that_is_not_theirs(office: Office, planted: str) -> None:
    path = f"/v1/decisions/{recorded(office.engine).decision_id}"

    assert office.ask("ann", "POST", f"{path}/override", {**BODY, planted: "approver"}).status_code == 422
    assert reviews.queue(office.engine, now=NOW) == []


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 45000}, {"limit": "-1"}, {"limit": "1e5"}, {"limit": "NaN"}, {"limit": "1.001"}, {"limit": True}, {"terms": "30"},
        {"terms": True}, {"terms": 1.5}, {"terms": 0}, {"grade": "3"}, {"grade": 0}, {"grade": 11}, {"reason": "short"}, {"reason": None},
        {"valid_until": 0}, {"valid_until": "2026-06-30"}, {"valid_until": "2030-01-01"}, {"valid_until": "31.12.2026"}, {"limit": None},
        {"valid_until": None},
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_refused_and_not_repeated(office: Office, change: dict[str, object]) -> None:
    path = f"/v1/decisions/{recorded(office.engine).decision_id}"
    answer = office.ask("ann", "POST", f"{path}/override", {**BODY, **change})

    assert answer.status_code == 422
    assert "31.12.2026" not in answer.text
    assert reviews.queue(office.engine, now=NOW) == []


@pytest.mark.parametrize("path", ["/v1/decisions/" + "0" * 32, "/v1/decisions/" + "0" * 31])
def test_a_decision_that_is_not_there_has_no_reviews(office: Office, path: str) -> None:
    expected = 404 if len(path) == 46 else 422
    act = {"review_id": "0" * 32}

    assert office.ask("ann", "POST", f"{path}/override", BODY).status_code == expected
    assert office.ask("bo", "POST", f"{path}/approve", act).status_code == expected
    assert office.ask("bo", "GET", f"{path}/reviews").status_code == expected


def test_to_decline_a_natural_person_takes_an_approver_and_both_names_are_kept(office: Office) -> None:
    path = f"/v1/decisions/{recorded(office.engine, is_natural_person=True).decision_id}"
    review = office.ask("ann", "POST", f"{path}/override", {**BODY, "limit": "0"}).json()
    act = {"review_id": review["review_id"]}

    assert review["needs"] == "approver"
    assert office.ask("bo", "POST", f"{path}/approve", act).status_code == 403
    assert office.ask("chef", "POST", f"{path}/approve", act).status_code == 200
    assert [(event.actor, event.action) for event in audit.events(office.engine, subject=review["review_id"])] == [
        ("ann", "review.proposed"), ("chef", "review.approved"),
    ]  # fmt: skip


def test_a_page_of_another_site_proposes_nothing(office: Office) -> None:
    path = f"/v1/decisions/{recorded(office.engine).decision_id}/override"

    assert office.ask("ann", "POST", path, BODY, **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert office.ask("ann", "POST", path, BODY, **{"x-csrf-token": ""}).status_code == 403
    assert reviews.queue(office.engine, now=NOW) == []


# --- twenty people, any order ------------------------------------------------------------------------------------------------

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


# --- on the page -------------------------------------------------------------------------------------------------------------


def on_page(office: Office, who: str, method: str = "GET", lang: str = "en", **fields: str):
    session = office.sessions[who]
    data = {"csrf_token": form_token(office.at, session), **fields} if method == "POST" else None
    headers = {"cookie": f"riskscore={session}", "sec-fetch-site": "same-origin"}
    return office.client.request(method, f"/reviews?lang={lang}", data=data, headers=headers, follow_redirects=False)


def proposed(office: Office) -> dict[str, str]:
    review = office.ask("ann", "POST", f"/v1/decisions/{recorded(office.engine).decision_id}/override", BODY).json()
    return {name: review[name] for name in ("review_id", "decision_id")}


def test_the_page_decides_as_the_api_does(office: Office) -> None:
    ids = proposed(office)
    own, twice = (on_page(office, who, "POST", act="approve", **ids) for who in ("ann", "bo"))
    after = on_page(office, "chef", "POST", act="reject", **ids)

    assert (own.status_code, "a second person decides" in own.text) == (403, True)
    assert (twice.status_code, twice.headers["location"]) == (303, "/reviews?told=decided&lang=en")
    assert (after.status_code, "It was decided meanwhile" in after.text) == (409, True)
    assert reviews.of_decision(office.engine, ids["decision_id"])[0].closing.by == "bo"
    assert "Nothing waits." in on_page(office, "bo").text


@pytest.mark.parametrize(
    ("change", "status"),
    [({"act": "annul"}, 400), ({"note": "x" * 2001}, 400), ({"review_id": "0" * 32}, 404), ({"csrf_token": "0" * 64}, 403)],
    ids=["act", "note", "review", "form"],
)
def test_a_form_that_means_no_proposal_decides_none(office: Office, change: dict[str, str], status: int) -> None:
    fields = {"act": "approve", **proposed(office), **change}

    assert on_page(office, "bo", "POST", **fields).status_code == status
    assert len(reviews.queue(office.engine, now=office.now)) == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_reason_why_somebody_cannot_has_its_words_in_both_languages(office: Office, lang: str) -> None:
    proposed(office)
    found = reviews.queue(office.engine, now=office.now)[0]
    people = [Person(name, role, machine) for name in ("ann", "bo") for role in ROLES.values() for machine in (False, True)]
    strict = replace(found, is_natural_person=True, wanted=replace(found.wanted, limit=Decimal(0)))
    reasons = {
        why for each in (found, strict) for who in people for act in ("approve", "reject", "withdraw")
        if (why := can_act(each, act, who, DELEGATION, TODAY)) is not None
    }  # fmt: skip

    assert reasons <= WHY_NOT.keys()
    assert len(reasons) >= 5
    assert texts()[lang].keys() >= set(WHY_NOT.values()) | {"over"}


def test_names_and_reasons_are_text_on_the_page(office: Office) -> None:
    hostile = "<script>alert(1)</script> & more"
    path = f"/v1/decisions/{recorded(office.engine, hostile).decision_id}/override"
    office.ask("ann", "POST", path, {**BODY, "reason": hostile})
    text = on_page(office, "bo").text

    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more") == 2
