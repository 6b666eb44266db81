"""Whatever the OpenAPI document allows to be asked, by whichever role: the answer is one that the document describes."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks as st_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks as openapi
from starlette.responses import JSONResponse

from deciding import ON
from desks import BookDesk
from doors import Open
from riskscore.stores.database import open_database
from riskscore_serving.access.matrix import ANONYMOUS, CALLERS
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app, document_of
from riskscore_serving.settings import Address

pytestmark = pytest.mark.slow

EXAMPLES = 10  # an operation and role
BEGINNINGS = 40  # of a walk, at most; Hypothesis draws from the constants of loaded modules too, so files that ran before matter
CHECKS = [
    st_checks.not_a_server_error, openapi.status_code_conformance, openapi.content_type_conformance,
    openapi.response_schema_conformance, openapi.response_headers_conformance,
]  # fmt: skip


class Doored(Open):
    """The doors of a review need a store and a clock too. The store can be made new: what is asked next then meets nothing old."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None)
        self.folder, self.n_stores = folder, 0
        open_database(f"sqlite:///{folder / 'empty.db'}").dispose()
        self.engine: Any = None
        self.renew()

    def renew(self) -> None:
        if self.engine is not None:
            self.engine.dispose()
        self.n_stores += 1
        file = self.folder / f"riskscore-{self.n_stores}.db"
        copyfile(self.folder / "empty.db", file)
        self.engine = open_database(f"sqlite:///{file}")

    def now(self) -> int:
        return 1_782_800_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Any, Doored]]:
    desk, door = BookDesk(), Doored(tmp_path)
    yield create_app(lambda: desk, Address(), door, store=lambda: door.engine, today=lambda: ON), door
    door.engine.dispose()


def ask_everything(app: Any, document: Any, paths: str = "") -> int:
    """Ask what the document allows; how many answers were checked. Raises FailureGroup at the first that it does not describe."""
    schema = schemathesis.openapi.from_dict(dict(document))
    schema.app = app
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.startswith(paths):
            continue

        @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], derandomize=True,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def answers_as_described(case: Any) -> None:
            nonlocal asked
            case.call_and_validate(headers={"host": "127.0.0.1:8000"}, checks=CHECKS)
            asked += 1

        answers_as_described()
    return asked


@pytest.mark.parametrize("caller", CALLERS)
def test_every_answer_is_one_that_the_document_describes(server: tuple[Any, Doored], caller: str) -> None:
    app, door = server
    door.actor = None if caller == ANONYMOUS else Actor("ann", caller)

    assert ask_everything(app, document_of(app)) >= 21


def walk(app: Any, document: Any, door: Doored, until: set[str]) -> set[str]:
    """Go on from answers to what the document says can be asked next; which calls were answered with a success on the way.

    door: its store is new for each scenario, so that one does not meet what another left. until: calls that must be answered
    with a success; as long as one is not, the walk begins again elsewhere, a limited number of times.
    Raises FailureGroup at the first answer that the document does not describe.
    """
    schema = schemathesis.openapi.from_dict(dict(document))
    schema.app = app
    succeeded: set[str] = set()

    class Walk(schema.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            door.renew()

        def before_call(self, case: Any) -> None:
            if case.operation.label == "POST /v1/decisions":  # by chance alone hardly anybody would name a customer of the book
                case.body, case.headers = {"customer_id": "acme"}, {"Idempotency-Key": uuid4().hex}
            if case.operation.label.endswith("/override"):
                case.body = {"limit": "60000.00", "reason": "Parent guarantees up to 80000", "valid_until": "2026-12-31"}

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": {"host": "127.0.0.1:8000"}}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)
            if response.status_code < 300:
                succeeded.add(case.operation.label)

    for Walk.rule_order_seed in range(BEGINNINGS):
        Walk.run(settings=settings(max_examples=15, stateful_step_count=8, deadline=None, database=None, phases=[Phase.generate],
                                   derandomize=True, suppress_health_check=list(HealthCheck)))  # fmt: skip
        if succeeded >= until:
            break
    return succeeded


REACHED = {
    "viewer": {"GET /v1/customers", "GET /v1/customers/{customer_id}", "GET /v1/customers/{customer_id}/explanation"},
    "analyst": {"POST /v1/decisions", "GET /v1/decisions/{decision_id}", "GET /v1/decisions/{decision_id}/reviews",
                "POST /v1/decisions/{decision_id}/override", "POST /v1/decisions/{decision_id}/withdraw"},
    "approver": {"POST /v1/decisions", "GET /v1/decisions/{decision_id}", "POST /v1/decisions/{decision_id}/override"},
    "admin": {"POST /v1/decisions", "GET /v1/decisions/{decision_id}", "POST /v1/decisions/{decision_id}/override"},
}  # fmt: skip


@pytest.mark.parametrize("caller", REACHED)
def test_what_follows_from_an_answer_is_answered_as_described_too(server: tuple[Any, Doored], caller: str) -> None:
    app, door = server
    door.actor = Actor("ann", caller)

    assert walk(app, document_of(app), door, REACHED[caller]) >= REACHED[caller]


def failing_on_what_is_recorded(app: Any) -> Any:
    """The planted fault: whoever reads a decision that is there is answered with 500."""

    async def faulty(scope: Any, receive: Any, send: Any) -> None:
        async def failing(message: Any) -> None:
            is_found = message["type"] == "http.response.start" and message["status"] == 200
            await send({**message, "status": 500} if is_found else message)

        planted = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith("/v1/decisions/")
        await app(scope, receive, failing if planted else send)

    return faulty


def test_a_fault_that_only_a_recorded_decision_meets_is_found_by_going_on(server: tuple[Any, Doored]) -> None:
    app, door = server
    door.actor = Actor("ann", "analyst")
    faulty = failing_on_what_is_recorded(app)

    assert ask_everything(faulty, document_of(app), "/v1/decisions/") > 0, "by chance nobody asks for a decision that is there"
    with pytest.raises(FailureGroup):
        walk(faulty, document_of(app), door, {"GET /v1/decisions/{decision_id}"})


def go_the_way(app: Any, document: Any) -> str:
    """Decide, read it, propose an override, read the reviews, withdraw it: chance seldom comes so far. The state at the end.

    Raises FailureGroup at the first answer that the document does not describe.
    """
    schema = schemathesis.openapi.from_dict(dict(document))
    schema.app = app

    def ask(method: str, path: str, about: dict[str, str], body: dict[str, str] | None = None) -> Any:
        more = {} if body is None else {"body": body, "media_type": "application/json"}
        case = schema[path][method].Case(path_parameters=about, **more)
        case.headers = {"Idempotency-Key": uuid4().hex} if not about else {}
        response = case.call(headers={"host": "127.0.0.1:8000"})
        case.validate_response(response, checks=CHECKS)
        assert response.status_code < 300, response.text
        return response.json()

    made = ask("POST", "/v1/decisions", {}, {"customer_id": "acme"})
    about, one = {"decision_id": made["provenance"]["decision_id"]}, "/v1/decisions/{decision_id}"
    ask("GET", one, about)
    wanted = {"limit": "60000.00", "reason": "Parent guarantees up to 80000", "valid_until": "2026-12-31"}
    review = ask("POST", one + "/override", about, wanted)
    ask("GET", one + "/reviews", about)
    return str(ask("POST", one + "/withdraw", about, {"review_id": review["review_id"]})["state"])


@pytest.mark.parametrize("caller", ["analyst", "approver", "admin"])
def test_the_way_of_an_order_from_its_check_to_its_release_is_as_described(server: tuple[Any, Doored], caller: str) -> None:
    app, door = server
    door.actor = Actor("ann", caller)
    schema = schemathesis.openapi.from_dict(dict(document_of(app)))
    schema.app = app

    def ask(path: str, body: Any, **about: Any) -> Any:
        case = schema[path]["POST"].Case(body=body, media_type="application/json", **about)
        response = case.call(headers={"host": "127.0.0.1:8000"})
        case.validate_response(response, checks=CHECKS)
        assert response.status_code == 200, response.text
        return response.json()

    order = {"order_id": "SO-1", "amount": "5000", "shipped": True}
    wanted = {"customer_id": "acme", "order": order, "unbilled": "0", "open_orders": [], "reserve": True}
    held = ask("/v1/orders/check", wanted, headers={"Idempotency-Key": uuid4().hex})["reservation_id"]
    let_go = ask("/v1/orders/{reservation_id}/release", {"because": "cancelled"}, path_parameters={"reservation_id": held})

    assert let_go["because"] == "cancelled"


@pytest.mark.parametrize("caller", ["analyst", "approver", "admin"])
def test_the_way_from_a_decision_to_a_withdrawn_proposal_is_as_described(server: tuple[Any, Doored], caller: str) -> None:
    app, door = server
    door.actor = Actor("ann", caller)

    assert go_the_way(app, document_of(app)) == "withdrawn"


def test_a_fault_that_only_a_recorded_decision_meets_is_found_on_the_way(server: tuple[Any, Doored]) -> None:
    app, door = server
    door.actor = Actor("ann", "analyst")
    faulty = failing_on_what_is_recorded(app)

    with pytest.raises(FailureGroup):
        go_the_way(faulty, document_of(app))


@pytest.mark.parametrize("fault", [(500, {}), (200, {"status": 7}), (418, {})], ids=["fails", "another shape", "another status"])
def test_a_planted_fault_is_found(server: tuple[Any, Doored], fault: tuple[int, Any]) -> None:
    app, _ = server

    async def faulty(scope: Any, receive: Any, send: Any) -> None:
        planted = scope["type"] == "http" and scope["path"] == "/livez"
        await (JSONResponse(fault[1], fault[0]) if planted else app)(scope, receive, send)

    with pytest.raises(FailureGroup):
        ask_everything(faulty, document_of(app), "/livez")
