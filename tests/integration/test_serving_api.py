"""The API over a desk that keeps the contract: answers, problems, the guard; one test drives a real server process elsewhere."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from deciding import case, shipped
from doors import Open
from riskscore.decisions import Decision, Doubt, Provenance, Referral
from riskscore.errors import ModelRefused, StorageFailed, UsageRefused
from riskscore.policy import recommend
from riskscore.reasons import Reason, Reasons
from riskscore.stores.database import open_database
from riskscore.stores.exposure import Exposure
from riskscore_serving.actors import Actor, actor_of
from riskscore_serving.app import create_app
from riskscore_serving.problems import TITLES
from riskscore_serving.settings import Address, address
from riskscore_serving.sieve import host_of

AS_OF = date(2026, 6, 30)
MADE = Provenance(
    as_of=AS_OF, book="b" * 64, model="m" * 64, recipe="r" * 64, policy="p" * 64, grades="g" * 64, catalogue="c", code="1"
)
SECRET = "Geheim-4711"


def decision(customer_id: str) -> Decision:
    found = recommend(case(customer_id=customer_id), shipped())
    late = Reason("P01", "adverse", 0.9, 0.5, "days_beyond_terms_90d", 23.2, 7.0, "days", 90)
    return Decision(
        customer_id=customer_id,
        status="scored",
        currency="EUR",
        provenance=MADE,
        data_depth="B",
        exposure=Decimal("1200.50"),
        overdue=Decimal("0.00"),
        limit_now=Decimal("5000.00"),
        terms_now=30,
        pd=0.01,
        pd_low=0.008,
        pd_high=0.014,
        score=635,
        grade=3,
        reasons=Reasons((late,), None, {"P01": 0.9}),
        recommendation=found,
    )


def refuse_a_person(customer_id: str) -> Decision:
    return replace(decision(customer_id), status="referred", grade=9, referral=Referral(("natural_person",)))


def refer(customer_id: str) -> Decision:
    return Decision(
        customer_id=customer_id, status="referred", currency="EUR", provenance=MADE, referral=Referral(("no_payment_history",))
    )


@dataclass
class Desk:
    """A desk with one scored and one referred customer; `broken` is raised by every question, `model` is not asked."""

    broken: Exception | None = None
    model: Any = None
    as_of: date = AS_OF
    book_digest: str = "b" * 64
    params: Any = field(default_factory=shipped)
    reporting_currency: str = "EUR"
    n_customers: int = 2
    doubt: Any = None

    def decide(self, customer_id: str, doubt: Doubt | None = None) -> Decision | None:
        if self.broken:
            raise self.broken
        return {"acme": decision, "newcomer": refer, "person": refuse_a_person, " a b": decision}.get(
            customer_id, lambda _: None
        )(customer_id)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(desk: Desk, tmp_path: Path) -> Iterator[TestClient]:
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    with TestClient(
        create_app(lambda: desk, Address(), Open(), store=lambda: engine, today=lambda: AS_OF),
        base_url="http://127.0.0.1:8000",
        raise_server_exceptions=False,
    ) as client:
        yield client
    engine.dispose()


def is_problem(answer: Any, kind: str) -> bool:
    body = answer.json()
    return (
        answer.status_code == TITLES[kind][0] == body["status"]
        and answer.headers["content-type"] == "application/problem+json"
        and body["type"] == f"urn:riskscore:problem:{kind}"
        and body["instance"] == answer.headers["x-request-id"]
    )


def test_a_customer_is_answered_with_the_chain_that_made_the_answer(client: TestClient) -> None:
    answer = client.get("/v1/customers/acme")
    body = answer.json()

    assert answer.status_code == 200
    assert (body["status"], body["grade"], body["pd"]) == ("scored", 3, 0.01)
    assert body["exposure"] == "1200.50", "money is exact text, never a float"
    assert [cap["rule"] for cap in body["limit"]["caps"] if cap["binding"]] == ["need"]
    assert Decimal(body["limit"]["recommended"]) <= min(Decimal(cap["amount"]) for cap in body["limit"]["caps"])
    assert body["adverse"][0]["says"]["en"].startswith("Pays 23 days late")
    assert "晚付" in body["adverse"][0]["says"]["zh"]
    assert body["provenance"]["run_id"] == MADE.run_id


def test_not_knowing_is_an_answer_and_not_an_error(client: TestClient) -> None:
    body = client.get("/v1/customers/newcomer").json()

    assert (body["status"], body["pd"], body["limit"]) == ("referred", None, None)
    assert set(body["referred_because"][0]) == {"en", "zh"}


def test_no_limit_is_given_out_that_would_deny_credit_to_a_natural_person(client: TestClient) -> None:
    body = client.get("/v1/customers/person").json()

    assert (body["status"], body["limit"], body["terms"]) == ("referred", None, None)
    assert body["grade"] == 9


def test_an_id_is_text_byte_for_byte(client: TestClient) -> None:
    assert client.get("/v1/customers/%20a%20b").json()["customer_id"] == " a b"
    assert is_problem(client.get("/v1/customers/a%20b"), "not-found")
    assert is_problem(client.get("/v1/customers/ACME"), "not-found")


@pytest.mark.parametrize("path", ["/v1/customers/" + SECRET, "/nothing", "/v1/customers/", "//v1/model", "/v1/model/"])
def test_what_is_not_here_is_a_problem_that_does_not_repeat_the_question(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert is_problem(answer, "not-found")
    assert SECRET not in answer.text


def test_a_field_that_cannot_be_used_is_named_and_never_quoted(client: TestClient) -> None:
    answer = client.get("/v1/customers/" + SECRET * 40)

    assert is_problem(answer, "unprocessable")
    assert answer.json()["errors"] == [{"pointer": "/path/customer_id", "detail": "string_too_long"}]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(ModelRefused(f"{SECRET} is not approved"), "model-unavailable", id="model"),
        pytest.param(StorageFailed(f"{SECRET} is full"), "storage-unavailable", id="storage"),
        pytest.param(UsageRefused(SECRET), "internal", id="ours"),
        pytest.param(ZeroDivisionError(SECRET), "internal", id="bug"),
    ],
)
def test_a_failure_is_a_problem_without_its_trace_and_never_an_approval(
    desk: Desk, client: TestClient, error: Exception, kind: str
) -> None:
    desk.broken = error
    answer = client.get("/v1/customers/acme")

    assert is_problem(answer, kind)
    assert SECRET not in answer.text
    assert ("retry-after" in answer.headers) == (TITLES[kind][0] == 503)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:8000"])
def test_a_page_that_points_its_own_name_here_is_turned_away(client: TestClient, host: str) -> None:
    assert is_problem(client.get("/v1/customers/acme", headers={"host": host}), "invalid-request")


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000"])
def test_this_machines_own_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/v1/customers/acme", "/v1/customers/none", "/nothing", "/openapi.json"])
def test_every_answer_has_an_id_and_is_kept_by_no_cache(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert len(headers["x-request-id"]) == 32
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_reading_is_all_that_can_be_done(client: TestClient) -> None:
    assert is_problem(client.post("/v1/customers/acme"), "method-not-allowed")
    assert is_problem(client.delete("/v1/model"), "method-not-allowed")


def test_without_an_approved_model_the_server_is_ready_and_refers(client: TestClient) -> None:
    body = client.get("/readyz").json()

    assert (body["status"], body["book"], body["model"], body["doubts"]) == ("ready", "b" * 64, None, [])
    assert is_problem(client.get("/v1/model"), "not-found")


def test_the_policy_says_every_number_and_who_signed_it(client: TestClient) -> None:
    body = client.get("/v1/policy").json()

    assert body["digest"] == shipped().digest
    assert body["parameters"]["concentration.single_buyer"]["value"] == "0.20"
    assert body["parameters"]["concentration.single_buyer"]["source"]


def test_the_document_holds_every_route_and_its_problems(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert {
        "/livez", "/v1/reviews", "/readyz", "/metrics", "/v1/model", "/v1/policy", "/v1/scores", "/v1/decisions", "/v1/decisions/{decision_id}",
        "/v1/decisions/{decision_id}/replay", "/v1/customers", "/v1/customers/{customer_id}",
        "/v1/customers/{customer_id}/history", "/v1/customers/{customer_id}/explanation",
    } <= set(paths)  # fmt: skip
    assert "application/problem+json" in paths["/v1/customers/{customer_id}"]["get"]["responses"]["404"]["content"]


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_a_port(port: int) -> None:
    with pytest.raises(UsageRefused, match="port"):
        address("127.0.0.1", port, Exposure(), has_accounts=lambda: False)


def test_the_name_of_a_host_header_is_read_without_its_port() -> None:
    assert [host_of(header) for header in ("localhost:8000", "[::1]:8000", "[::1", "")] == ["localhost", "[::1]", "", ""]


def test_who_asks_is_whom_the_gate_let_through_and_nobody_by_default() -> None:
    known = Request({"type": "http", "riskscore_actor": Actor("anna", "viewer")})

    assert asyncio.run(actor_of(known)) == Actor("anna", "viewer")
    with pytest.raises(KeyError):
        asyncio.run(actor_of(Request({"type": "http"})))
