"""Reviews over the API and on the page: two people, what was read is what is approved, nothing of it is markup."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from doors import EmptyDesk, account
from reviewing import ANN, BO, DELEGATION, NOW, TODAY, WANTED, close, recorded
from riskscore.phrases import day
from riskscore.review import Person, can_act
from riskscore.stores import audit, reviews
from riskscore.stores.access import sessions, tokens
from riskscore.stores.access.tables import ACCOUNTS
from riskscore.stores.database import open_database, writing
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.access.forms import form_token
from riskscore_serving.access.pages import texts
from riskscore_serving.app import create_app
from riskscore_serving.review_pages import WHY_NOT
from riskscore_serving.settings import Address


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


@pytest.mark.parametrize(("lang", "who"), [("en", "ann, "), ("zh", "ann，")])
def test_who_proposed_and_when_is_written_as_each_language_does(office: Office, lang: str, who: str) -> None:
    proposed(office)

    assert f"<dd>{who}{day(TODAY, lang)}</dd>" in on_page(office, "bo", lang=lang).text


def test_names_and_reasons_are_text_on_the_page(office: Office) -> None:
    hostile = "<script>alert(1)</script> & more"
    path = f"/v1/decisions/{recorded(office.engine, hostile).decision_id}/override"
    office.ask("ann", "POST", path, {**BODY, "reason": hostile})
    text = on_page(office, "bo").text

    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more") == 2
