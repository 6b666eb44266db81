"""Scores and decisions through the API: answered once per key, refused where they can be misunderstood."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from applying import APPLICATION, CANARY, answered, decide, problem_of
from riskscore.stores import decisions as log
from riskscore.stores.database import reading
from riskscore.tables import STATEMENT_ITEMS
from riskscore_serving.actors import Actor
from riskscore_serving.asking import EXAMPLES, Statement
from riskscore_serving.strictness import LARGEST_BODY


def test_each_customer_gets_the_outcome_the_policy_means(client):
    outcomes = {
        who: client.post("/v1/scores", json={"customer_id": who}).json()["outcome"]
        for who in ("acme", "slow", "person", "newcomer", "broke")
    }

    assert outcomes == {"acme": "approve", "slow": "decline", "person": "refer", "newcomer": "conditional", "broke": "decline"}


def test_a_score_says_the_whole_chain_and_records_nothing(client, engine):
    body = client.post("/v1/scores", json={"customer_id": "acme"}).json()

    assert 0 < body["pd_low"] < body["pd"] < body["pd_high"] < 1
    assert (body["grade"], body["status"], body["granted"]) == (5, "scored", body["limit"]["recommended"])
    assert set(body["outcome_says"]) == {"en", "zh"}
    assert [each["code"] for each in body["would_help"]] == ["statements"]
    assert log.verify(engine) == 0


def test_a_decision_is_recorded_and_found_as_it_was_answered(client, engine):
    answer = decide(client, {"customer_id": "acme"})
    body = answer.json()
    found = client.get(f"/v1/decisions/{body['provenance']['decision_id']}").json()

    assert answer.status_code == 201
    assert {name: found[name] for name in body} == body
    assert found["sequence"] == log.verify(engine) == 1
    assert [each["provenance"]["decision_id"] for each in client.get("/v1/customers/acme/history").json()["decisions"]] == [
        body["provenance"]["decision_id"]
    ]


def test_the_same_key_gives_the_first_answer_again_whatever_happened_between(client, desk, engine):
    first = decide(client, {"customer_id": "acme"})
    desk.model, desk.params = None, None
    again = decide(client, {"customer_id": "acme"})

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert answered(engine) == 1


def test_the_same_key_for_something_else_is_refused(client, engine):
    decide(client, {"customer_id": "acme"})
    other = decide(client, {"customer_id": "slow"})

    assert (other.status_code, problem_of(other)) == (422, "unprocessable")
    assert answered(engine) == 1


def test_a_key_belongs_to_who_sends_it(client, door):
    decide(client, {"customer_id": "acme"})
    door.actor = Actor("ben", "analyst")
    bens = decide(client, {"customer_id": "slow"})

    assert bens.status_code == 201
    assert "idempotency-replayed" not in bens.headers


@pytest.mark.parametrize("key", [None, "", "x" * 201, "a b"], ids=["none", "empty", "long", "blank"])
def test_without_a_usable_key_nothing_is_decided(client, engine, key):
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = client.post("/v1/decisions", json={"customer_id": "acme"}, headers=headers)

    assert (answer.status_code, problem_of(answer)) == (400, "invalid-request")
    assert answered(engine) == 0


def test_fifty_at_once_with_one_key_are_one_decision(client, engine):
    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(lambda _: decide(client, APPLICATION), range(50)))
    bodies = {answer.content for answer in found if answer.status_code == 201}

    assert Counter(answer.status_code for answer in found).keys() <= {201, 409, 503}
    assert len(bodies) == 1
    assert answered(engine) == log.verify(engine) == 1


def test_an_applicant_is_answered_by_the_rules_for_newcomers(client):
    body = decide(client, APPLICATION).json()

    assert (body["outcome"], [each["code"] for each in body["conditions"]]) == ("conditional", ["first_limit", "lower_limit"])
    assert 0 < body["pd"] < 1
    assert body["granted"] == body["limit"]["recommended"]
    assert body["limit"]["recommended"] == "6000", "15 % of 40,000 a month"
    assert [cap["rule"] for cap in body["limit"]["caps"] if cap["binding"]] == ["new_customer"]
    assert {each["code"] for each in body["would_help"]} == {"statements", "rating", "references"}


def test_an_applicants_name_is_in_no_answer_and_in_no_record(client, engine):
    body = decide(client, APPLICATION)
    with reading(engine) as connection:
        rows = str(
            [*connection.execute(sa.text("select * from decisions")), *connection.execute(sa.text("select * from answers"))]
        )

    assert CANARY not in body.text + rows
    assert body.json()["customer_id"].startswith("applicant-")


def test_the_least_an_applicant_says_is_name_country_and_limit(client):
    answer = client.post("/v1/scores", json=EXAMPLES["an applicant, as little as there may be"]["value"])

    assert (answer.status_code, answer.json()["data_depth"], answer.json()["outcome"]) == (200, "G", "conditional")


def test_what_is_known_of_an_applicant_raises_the_data_depth(client):
    answer = client.post("/v1/scores", json=EXAMPLES["an applicant with accounts"]["value"])

    assert (answer.status_code, answer.json()["data_depth"]) == (200, "E")
    assert "capacity" in {cap["rule"] for cap in answer.json()["limit"]["caps"]}


def test_a_statement_takes_every_line_item_of_the_ledger():
    assert set(STATEMENT_ITEMS) == set(Statement.model_fields) - {"period_end", "published_on", "currency"}


SAID = json.dumps(APPLICATION)
HOSTILE = {
    "no JSON": CANARY,
    "empty": "",
    "NaN": SAID.replace("40000", "NaN"),
    "infinity": SAID.replace("40000", "-Infinity"),
    "1e309": SAID.replace("40000", "1e309"),
    "a key twice": SAID.replace('{"limit"', '{"limit": 1, "limit"'),
    "deep": "[" * 100_000,
    "deep and closed": "[" * 100_000 + "]" * 100_000,
    "five thousand digits": SAID.replace("40000", "9" * 5_000),
    "lone surrogate": SAID.replace(CANARY, "\\ud800"),
    "23 digits": SAID.replace("40000", "9" * 23),
    "a bool for money": SAID.replace("40000", "true"),
    "a bool for days": SAID.replace('"terms": 30', '"terms": true'),
    "underscored": SAID.replace('"25000"', '"25_000"'),
    "padded": SAID.replace('"25000"', '" 25000"'),
    "arabic digits": SAID.replace('"25000"', '"٢٥٠٠٠"'),
    "binary fraction": SAID.replace("40000", "40000.1"),
    "text for days": SAID.replace('"terms": 30', '"terms": "30"'),
    "negative limit": SAID.replace('"25000"', '"-1"'),
    "unknown field": SAID.replace('"country"', f'"{CANARY}": 1, "country"'),
    "mass assignment": SAID.replace('"requested"', '"approved_by": "anna", "requested"'),
    "control character": SAID.replace(CANARY, "a\\u0000b"),
    "nothing required": "{}",
    "null": "null",
    "a list": "[]",
    "both": SAID.replace("{", '{"customer_id": "acme", ', 1),
    "another currency": SAID.replace('"terms"', '"currency": "USD", "terms"'),
    "another date": SAID.replace("{", '{"as_of": "2020-01-01", ', 1),
    "a date that is none": SAID.replace('"industry"', '"founded_on": "2023-02-30", "industry"'),
    "a timestamp for a date": SAID.replace('"industry"', '"founded_on": 0, "industry"'),
    "accounts of tomorrow": SAID.replace("{", '{"statements": [{"period_end": "2031-12-31"}], ', 1),
    "twenty-one statements": SAID.replace("{", '{"statements": [' + ",".join(['{"period_end": "2020-12-31"}'] * 21) + "], ", 1),
}


@pytest.mark.parametrize("path", ["/v1/scores", "/v1/decisions"])
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_can_be_misunderstood_is_refused_and_not_repeated(client, engine, path, body):
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    answer = client.post(path, content=body.encode(), headers=headers)

    assert (answer.status_code, problem_of(answer)) in {(400, "invalid-request"), (422, "unprocessable")}
    assert CANARY not in answer.text
    assert answered(engine) == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_that_does_not_say_it_is_json_is_refused(client, kind):
    answer = client.post("/v1/scores", content=SAID.encode(), headers={"Content-Type": kind} if kind else {})

    assert problem_of(answer) == "invalid-request"


def test_a_body_is_refused_while_it_arrives(client):
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while sent < 4 * LARGEST_BODY:
            sent += 65_536
            yield b" " * 65_536

    answer = client.post("/v1/scores", content=chunks(), headers={"Content-Type": "application/json"})
    declared = client.post("/v1/scores", content=b" " * (LARGEST_BODY + 1), headers={"Content-Type": "application/json"})

    assert {(each.status_code, problem_of(each)) for each in (answer, declared)} == {(413, "too-large")}


def test_the_book_is_paged_sorted_and_filtered(client):
    names: list[str] = []
    after = None
    while True:
        page = client.get("/v1/customers", params={"limit": 2, "sort": "-pd"} | ({"after": after} if after else {})).json()
        names += [line["customer_id"] for line in page["customers"]]
        after = page["after"]
        if after is None:
            break

    assert names[0] == "broke"
    assert sorted(names) == ["acme", "broke", "newcomer", "person", "slow"]
    assert [line["customer_id"] for line in client.get("/v1/customers?grade=9").json()["customers"]] == ["person", "slow"]
    assert client.get("/v1/customers?min_exposure=200000").json()["customers"] == []
    assert problem_of(client.get("/v1/customers?after=nobody")) == "unprocessable"
    assert problem_of(client.get("/v1/customers?sort=name")) == "unprocessable"


def test_an_explanation_adds_up(client):
    body = client.get("/v1/customers/acme/explanation").json()
    total = body["base"] + sum(step["contribution"] for step in body["steps"])

    assert total == pytest.approx(body["log_odds"], abs=1e-9)
    assert abs(body["steps"][0]["contribution"]) == max(abs(step["contribution"]) for step in body["steps"])
    assert set(body["steps"][0]["name"]) == {"en", "zh"}
    assert problem_of(client.get("/v1/customers/nobody/explanation")) == "not-found"


def test_the_document_describes_bodies_that_are_read_by_hand(client):
    document = client.get("/openapi.json").json()
    asked = document["paths"]["/v1/decisions"]["post"]["requestBody"]["content"]["application/json"]

    assert asked["schema"] == {"$ref": "#/components/schemas/Wanted"}
    assert document["components"]["schemas"]["Wanted"]["additionalProperties"] is False
    assert document["components"]["schemas"]["Applicant"]["required"] == ["name", "country"]
    for example in asked["examples"].values():
        assert client.post("/v1/scores", json=example["value"]).status_code in {200, 404}
