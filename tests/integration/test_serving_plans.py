"""Plans over HTTP: the same as on the desk, with words in both languages, bounded, and nothing about whom a person decides."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from desks import BookDesk
from doors import Open
from rehearsing import pages, rehearsal
from riskscore.plans import Target
from riskscore.stores.rehearsal import Rehearsal
from riskscore_serving import planning
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app
from riskscore_serving.settings import Address


class PlanningDesk(BookDesk):
    """Knows one customer's ledger; counts how often it was asked for it."""

    asked = 0

    def rehearsal(self, customer_id: str) -> Rehearsal | None:
        self.asked += 1
        if customer_id == "person":
            tables = pages()
            place = tables["customers"].column_names.index("is_natural_person")
            return rehearsal({**tables, "customers": tables["customers"].set_column(place, "is_natural_person", [[True]])})
        return rehearsal() if customer_id == "acme" else None


@pytest.fixture
def desk() -> PlanningDesk:
    return PlanningDesk()


@pytest.fixture
def client(desk: PlanningDesk) -> TestClient:
    app = create_app(lambda: desk, Address(), Open(Actor("anna", "viewer")))
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


def ask(client: TestClient, customer: str = "acme", **query: Any) -> Any:
    return client.get(f"/v1/customers/{customer}/plans", params=query)


def test_the_plans_are_those_of_the_desk_in_both_languages(client: TestClient) -> None:
    body = ask(client, target="limit", limit=20_000).json()
    plans = rehearsal().plans(Target("limit", Decimal(20_000)), most_replays=planning.MOST_REPLAYS).plans

    assert [(each["cash"], each["guaranteed"], each["then"]["limit"]) for each in body["plans"]] == [
        (str(plan.cost.cash), str(plan.cost.guaranteed), str(plan.after.limit)) for plan in plans
    ]
    assert {"deposit", "guarantee", "settle"} <= {event["event"] for each in body["plans"] for event in each["events"]}
    assert all("€" in text for each in body["plans"] for text in each["says"].values())
    assert (body["replays_spent"], body["why_none"]) == (False, None)
    assert [each["code"] for each in body["would_help"]] == ["statements"]


def test_where_nothing_reaches_it_the_cap_is_named(client: TestClient) -> None:
    body = ask(client, target="limit", limit=10**9).json()

    assert (body["plans"], body["why_none"]["code"], body["held_by"]) == ([], "out_of_reach", "need")
    assert body["why_none"]["says"]["zh"].endswith("需求") or "限制因素" in body["why_none"]["says"]["zh"]


def test_of_a_person_whom_a_person_decides_about_nothing_is_told(client: TestClient) -> None:
    body = ask(client, "person", target="limit").json()

    assert (body["now"], body["plans"], body["why_none"]["code"]) == (None, [], "person_decides")


@pytest.mark.parametrize(
    ("customer", "query", "status"),
    [
        ("nobody", {"target": "grade"}, 404),
        ("acme", {}, 422),
        ("acme", {"target": "age"}, 422),
        ("acme", {"target": "grade", "limit": 5}, 422),
        ("acme", {"target": "limit", "limit": 0}, 422),
    ],
)
def test_what_cannot_be_asked_is_a_problem(client: TestClient, customer: str, query: Any, status: int) -> None:
    answer = ask(client, customer, **query)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_same_question_is_answered_once_for_a_desk(client: TestClient, desk: PlanningDesk) -> None:
    first, second = (ask(client, target="grade").content for _ in range(2))

    assert first == second
    assert desk.asked == 1


def test_replays_are_bounded_and_the_answer_says_when_that_was_not_all(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_REPLAYS", 3)
    body = ask(client, target="grade").json()

    assert (body["replays"], body["replays_spent"]) == (3, True)


def test_while_plans_are_being_made_others_wait_and_are_told_to_come_again(
    client: TestClient, desk: PlanningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PATIENCE", 0.05)
    busy, done = threading.Event(), threading.Event()

    def slow(customer_id: str) -> None:
        busy.set()
        done.wait(30)

    monkeypatch.setattr(desk, "rehearsal", slow)
    first = threading.Thread(target=ask, args=(client,), kwargs={"target": "grade"})
    first.start()
    assert busy.wait(30)
    answer = ask(client, target="terms")
    done.set()
    first.join()

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:riskscore:problem:overloaded")
    assert answer.headers["retry-after"] == "5"


def test_the_document_says_what_may_be_asked(client: TestClient) -> None:
    call = client.get("/openapi.json").json()["paths"]["/v1/customers/{customer_id}/plans"]["get"]

    assert {each["name"] for each in call["parameters"]} == {"customer_id", "target", "limit"}
    assert {"404", "422", "503", "401"} <= set(call["responses"])
