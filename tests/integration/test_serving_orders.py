"""Orders through the API: allowed against the limit in force, blocked in doubt, never more in parallel than what is free."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from deciding import GRADES, ON, POLICY, LinearModel
from desks import BOOK
from doors import Open
from order_room import Room, ask, decide, reserve, served, wanted
from riskscore.errors import StorageFailed
from riskscore.policy import parse
from riskscore.review import Person, Wanted
from riskscore.stores import decisions as log
from riskscore.stores import orders, reviews
from riskscore.stores.database import open_database, reading
from riskscore.stores.desk import Signed, open_desk
from riskscore.stores.ledgers import open_book
from riskscore.stores.workplace import Workplace
from riskscore.verdicts import verdict_of
from riskscore_serving.app import create_app, shipped_delegation
from riskscore_serving.asking_orders import ORDER_EXAMPLES, RELEASE_EXAMPLES
from riskscore_serving.settings import Address

CANARY = "Kanarienvogel-4711"
NOW = int(datetime(ON.year, ON.month, ON.day, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def desk() -> Room:
    return Room()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
def client(desk: Room, engine: sa.Engine) -> Iterator[TestClient]:
    with served(desk, engine) as client:
        yield client


def release(client: TestClient, reservation: str, **body: Any) -> Any:
    return client.post(f"/v1/orders/{reservation}/release", json=body or {"because": "cancelled"})


def problem_of(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, str(answer.json()["type"]).removeprefix("urn:riskscore:problem:")


def recorded(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(orders.ANSWERS)).scalar_one()


def test_an_order_is_checked_against_the_decision_in_force_and_what_is_owed_today(client, engine):
    decided = decide(client)
    body = ask(client, "88000", unbilled="7000", open_orders=[{"order_id": "SO-0", "amount": "5000", "due_on": "2026-07-09"}])

    assert (body["outcome"], body["reason"]) == ("warn", "nearly_used")
    assert (body["before"], body["after"], body["limit"], body["room"]) == ("32000", "120000", "120000", "88000")
    assert (body["decision_id"], body["as_of"], body["currency"]) == (decided["provenance"]["decision_id"], "2026-06-30", "EUR")
    assert body["says"]["en"] == "With this order €120,000 would be owed; the limit of €120,000 is nearly used"
    assert set(body["says"]) == set(body["outcome_says"]) == {"en", "zh"}
    assert (body["reservation_id"], recorded(engine)) == (None, 0)
    assert ask(client, "88001", unbilled="12000")["reason"] == "over_limit"


@pytest.mark.parametrize(
    ("customer", "expected"),
    [
        ("acme", ("allow", "within_limit")),
        ("person", ("block", "person_decides")),
        ("broke", ("block", "stopped")),
        ("slow", ("prepay", "prepayment_terms")),
        ("newcomer", ("block", "over_limit")),
        ("nobody", ("block", "unknown_customer")),
    ],
)
def test_each_customer_gets_the_answer_that_its_decision_means(client, customer, expected):
    decide(client, customer)
    body = ask(client, customer=customer)

    assert (body["outcome"], body["reason"]) == expected
    if customer == "nobody":
        assert (body["before"], body["after"], body["decision_id"]) == (None, None, None)


def test_without_a_decision_that_was_given_out_nothing_is_allowed(client, desk, engine):
    made = desk.decide("acme")
    assert ask(client)["reason"] == "no_decision"
    log.append(engine, [made])
    assert ask(client)["reason"] == "no_decision", "a run that was not completed gave nothing out"
    log.complete(engine, made.provenance, 1)
    assert ask(client)["outcome"] == "allow"


@pytest.mark.parametrize(("days_later", "reason"), [(45, "within_limit"), (46, "stale_book")])
def test_nothing_is_allowed_from_a_stale_book(client, desk, engine, days_later, reason):
    decide(client)
    with served(desk, engine, days_later=days_later) as later:
        assert ask(later)["reason"] == reason
        assert ask(later, shipped=True)["outcome"] == "allow", "goods that have left are billed"


def test_a_limit_whose_review_is_long_overdue_has_lapsed(client, desk, engine):
    decide(client)
    fresh = replace(desk, book_on=ON + timedelta(days=120))  # the review was due on 30 September
    with served(fresh, engine, days_later=122) as last_day, served(fresh, engine, days_later=123) as too_late:
        assert [ask(each)["reason"] for each in (last_day, too_late)] == ["within_limit", "limit_lapsed"]


def test_what_is_owed_and_cannot_be_computed_is_not_nothing(client, desk, engine):
    decide(client)
    with served(replace(desk, owed=None), engine) as broken:
        assert ask(broken, "1")["reason"] == "exposure_unknown"


def test_a_model_that_cannot_be_asked_takes_back_no_limit_and_grants_none(client, desk, engine):
    decide(client)
    with served(replace(desk, doubt="model_unavailable"), engine) as without:
        assert ask(without)["outcome"] == "allow"
        assert decide(without, "newcomer")["outcome"] == "refer"
        assert ask(without, customer="newcomer")["reason"] == "person_decides"


def test_in_default_since_the_decision_nothing_more_is_delivered(client, desk, engine, monkeypatch):
    decide(client)
    monkeypatch.setitem(BOOK, "acme", BOOK["broke"])
    with served(replace(desk), engine) as today:
        assert ask(today)["reason"] == "stopped"
        assert ask(today, prepaid=True)["reason"] == "stopped"


def test_what_two_people_decided_holds_until_its_last_day(client, desk, engine):
    decision = log.find(engine, decide(client)["provenance"]["decision_id"]).decision
    until = ON + timedelta(days=10)
    proposal = Wanted(Decimal(30_000), None, None, "they will buy elsewhere", until)
    review = reviews.propose(engine, decision, proposal, Person("ann", "approver", False), now=NOW)
    reviews.close(
        engine, review.review_id, decision.decision_id, "approve", Person("ben", "approver", False), shipped_delegation(ON),
        note="", now=NOW,
    )  # fmt: skip

    assert ask(client, "10001")["limit"] == "30000"
    with served(desk, engine, days_later=10) as last_day, served(desk, engine, days_later=11) as after:
        assert [ask(each)["limit"] for each in (last_day, after)] == ["30000", "120000"]


def test_an_order_from_before_a_cut_meets_the_limit_of_then(client, desk, engine):
    high, low = (replace(desk, book_on=ON - timedelta(days=ago)).decide("acme") for ago in (20, 5))
    for each, limit in ((high, 120_000), (low, 40_000)):
        cut = replace(each, recommendation=replace(each.recommendation, limit=Decimal(limit)))
        log.append(engine, [cut])
        log.complete(engine, cut.provenance, 1)

    limits = [ask(client, ordered_on=str(ON - timedelta(days=ago)))["limit"] for ago in (10, 5, 0)]
    assert limits == ["120000", "40000", "40000"]


def test_room_that_is_held_is_free_for_nobody_else_until_it_is_let_go(client):
    decide(client)
    held = reserve(client, "60000", "SO-1", due_on="2026-07-15").json()
    blocked = reserve(client, "60000", "SO-2").json()

    assert (held["outcome"], blocked["outcome"], blocked["reservation_id"]) == ("allow", "block", None)
    assert blocked["reserved"] == [
        {"reservation_id": held["reservation_id"], "order_id": "SO-1", "amount": "60000", "due_on": "2026-07-15"}
    ]
    let_go = release(client, held["reservation_id"])
    assert (let_go.status_code, let_go.json()["because"], let_go.json()["order_id"]) == (200, "cancelled", "SO-1")
    assert reserve(client, "60000", "SO-2", key="again").json()["outcome"] == "allow"


def test_a_reserved_order_that_is_told_as_well_counts_once(client):
    decide(client)
    reserve(client, "60000", "SO-1")
    told = [{"order_id": "SO-1", "amount": "45000", "due_on": "2026-07-09"}]

    assert ask(client, "1000", "SO-2", open_orders=told)["before"] == "80000"


def test_a_billed_order_counts_until_the_book_can_show_its_invoice(client, desk, engine):
    decide(client)
    held = reserve(client, "60000").json()["reservation_id"]
    assert release(client, held, because="billed", billed_on="2026-06-30").status_code == 200
    assert (ask(client, name="SO-2")["before"], ask(client, name="SO-2")["billed"]) == ("80000", "60000")
    with served(replace(desk, book_on=ON + timedelta(days=1)), engine, days_later=1) as tomorrow:
        assert (ask(tomorrow, name="SO-2")["before"], ask(tomorrow, name="SO-2")["billed"]) == ("20000", "0")


def test_letting_go_is_said_twice_without_harm_and_refused_for_another_reason(client):
    decide(client)
    held = reserve(client).json()["reservation_id"]

    assert release(client, held).content == release(client, held).content
    assert problem_of(release(client, held, because="billed", billed_on="2026-06-30")) == (409, "conflict")
    assert problem_of(release(client, "0" * 32)) == (404, "not-found")


@pytest.mark.parametrize(
    "body",
    [{"because": "billed"}, {"because": "cancelled", "billed_on": "2026-06-30"}, {"because": "replaced"}, {"why": "x"},
     {"because": "billed", "billed_on": "2026-07-01"}],
    ids=["billed when", "cancelled when", "not for people", "unknown field", "billed tomorrow"],
)  # fmt: skip
def test_a_release_that_can_be_misunderstood_is_refused(client, body):
    decide(client)

    assert problem_of(release(client, reserve(client).json()["reservation_id"], **body)) == (422, "unprocessable")


def test_the_same_key_gives_the_first_answer_again_whatever_happened_between(client, desk, engine):
    decide(client)
    first = reserve(client, key="k")
    with served(replace(desk, owed=Decimal(10**9)), engine) as later:
        again, other = reserve(later, key="k"), reserve(later, "6000", key="k")

    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (200, first.content, "true")
    assert "idempotency-replayed" not in first.headers
    assert problem_of(other) == (422, "unprocessable")
    assert recorded(engine) == 1


def test_room_is_reserved_only_under_a_key(client, engine):
    decide(client)
    answer = client.post("/v1/orders/check", json=wanted("5000", "SO-1", reserve=True))

    assert (problem_of(answer), recorded(engine)) == ((400, "invalid-request"), 0)


SAID = json.dumps(wanted("5000", CANARY, reserve=True))
HOSTILE = {
    "no JSON": CANARY,
    "a key twice": SAID.replace('{"order_id"', '{"amount": 1, "order_id"'),
    "nothing for nothing": SAID.replace('"5000"', '"0.00"'),
    "money back": SAID.replace('"5000"', '"-5000"'),
    "NaN": SAID.replace('"5000"', "NaN"),
    "half a cent": SAID.replace('"5000"', '"0.005"'),
    "a bool for money": SAID.replace('"5000"', "true"),
    "unbilled not said": SAID.replace('"unbilled": "0", ', ""),
    "open orders not said": SAID.replace('"open_orders": [], ', ""),
    "unknown field": SAID.replace('"unbilled"', f'"{CANARY}": 1, "unbilled"'),
    "a limit of one's own": SAID.replace('"unbilled"', '"limit": "1000000", "unbilled"'),
    "another currency": SAID.replace('"amount"', '"currency": "USD", "amount"'),
    "ordered tomorrow": SAID.replace('"amount"', '"ordered_on": "2026-07-01", "amount"'),
    "ordered long ago": SAID.replace('"amount"', '"ordered_on": "2025-06-28", "amount"'),
    "an open order twice": SAID.replace("[]", json.dumps([{"order_id": "a", "amount": "1", "due_on": "2026-07-01"}] * 2)),
    "text for a flag": SAID.replace('"reserve": true', '"reserve": "true"'),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_can_be_misunderstood_is_refused_and_not_repeated(client, engine, body):
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    answer = client.post("/v1/orders/check", content=body.encode(), headers=headers)

    assert problem_of(answer) in {(400, "invalid-request"), (422, "unprocessable")}
    assert CANARY not in answer.text
    assert recorded(engine) == 0


@pytest.mark.parametrize("broken", ["desk", "store"])
def test_without_a_book_or_a_store_nothing_is_answered(desk, engine, broken):
    def fail() -> Any:
        raise StorageFailed("/var/lib/goldammer is full")

    app = create_app(
        fail if broken == "desk" else lambda: desk, Address(), Open(), store=fail if broken == "store" else lambda: engine,
        today=lambda: ON,
    )  # fmt: skip
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answers = [reserve(client), client.post("/v1/orders/check", json=wanted("1", "SO-1"))]
        answers += [release(client, "0" * 32)] if broken == "store" else []

    assert {problem_of(answer) for answer in answers} == {(503, "storage-unavailable")}
    assert all("retry-after" in answer.headers and "goldammer" not in answer.text for answer in answers)


def test_answers_are_counted_by_outcome_and_orders_are_not_decisions(client):
    decide(client)
    ask(client)
    ask(client, "999999")
    figures = client.get("/metrics").text

    assert 'riskscore_orders_total{outcome="allow"} 1.0' in figures
    assert 'riskscore_orders_total{outcome="block"} 1.0' in figures
    assert 'riskscore_decisions_total{outcome="approve"} 1.0' in figures


def test_the_document_describes_bodies_that_are_read_by_hand(client):
    document = client.get("/openapi.json").json()
    found = {
        path: document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for path in ("/v1/orders/check", "/v1/orders/{reservation_id}/release")
    }

    assert [each["schema"]["$ref"].rpartition("/")[2] for each in found.values()] == ["OrderWanted", "ReleaseWanted"]
    assert document["components"]["schemas"]["OrderWanted"]["additionalProperties"] is False
    for example in ORDER_EXAMPLES.values():
        answer = client.post("/v1/orders/check", json=example["value"], headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["reason"]) == (200, "unknown_customer")
    for place, example in enumerate(RELEASE_EXAMPLES.values()):
        with_room = reserve(client, name=f"SO-{place}", shipped=True).json()["reservation_id"]
        assert release(client, with_room, **example["value"]).status_code == (200 if place == 0 else 422), "9 July is to come"


def test_over_a_real_book_every_customer_gets_the_answer_that_its_decision_means(finance_company, monkeypatch):
    monkeypatch.chdir(finance_company)
    book, engine = open_book(finance_company / "book"), open_database(Workplace().database)
    on = book.last_known_on
    signed = Signed(LinearModel(), GRADES, parse(POLICY.read_text(encoding="utf-8"), on=on))
    desk = open_desk(book, on, signed, told=lambda *_: None)
    app = create_app(lambda: desk, Address(), Open(), store=lambda: engine, today=lambda: on)
    found: Counter[str] = Counter()
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        for line in desk.overview[:60]:
            body = ask(client, "1000", customer=line.customer_id)
            decided = log.find(engine, body["decision_id"]).decision
            verdict, owed = verdict_of(decided), Decimal(body["before"])
            assert (owed, Decimal(body["receivables"])) == (decided.exposure,) * 2
            if body["outcome"] in {"allow", "warn"} and body["reason"] != "de_minimis":
                assert verdict.limit is not None
                assert Decimal(body["after"]) == owed + 1000 <= verdict.limit == Decimal(body["limit"])
            if verdict.outcome == "refer":
                assert body["outcome"] == "block"
            found[body["reason"]] += 1
    engine.dispose()

    assert {"within_limit", "over_limit", "person_decides", "prepayment_terms", "stopped"} <= set(found)
