"""Every route, method and role against the one matrix; what has no rule keeps the server from starting."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from doors import EmptyDesk, Open, account
from riskscore.errors import UsageRefused
from riskscore.stores.access import accounts, tokens
from riskscore.stores.database import open_database
from riskscore.stores.exposure import Exposure
from riskscore_serving.access import gate, matrix
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.access.matrix import CALLERS, Matrix, calls_of, parse, shipped
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app
from riskscore_serving.problems import Refusal
from riskscore_serving.settings import Address, address, weakness

SECRET = "kT9-Jq2mWzP_0aXvB7LrYdN4sHcE8fGu"
NOW = 1_000_000


def app_in(wrapped: Any) -> FastAPI:
    """The FastAPI app inside its guards."""
    while not isinstance(wrapped, FastAPI):
        wrapped = wrapped.app
    return wrapped


class Staged(Doorkeeper):
    """The real door, but for who comes in."""

    actor: Actor | None = None

    def glance(self, connection: gate.HTTPConnection) -> Actor | None:
        return self.actor

    def who(self, connection: gate.HTTPConnection) -> Actor | None:
        return self.actor


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('door') / 'riskscore.db'}")
    yield Staged(engine, Address())
    engine.dispose()


@pytest.fixture(scope="module")
def client(door: Staged) -> Iterator[TestClient]:
    desk = EmptyDesk()
    app = create_app(lambda: desk, Address(), door)
    with TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False) as client:
        yield client


CALLS = sorted(shipped().allowed)


def test_the_matrix_names_exactly_the_routes_there_are(client: TestClient) -> None:
    there = {(method, path) for method, path, _ in calls_of(app_in(client.app).routes)}

    assert there == set(CALLS)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("method", "path"), CALLS, ids=[" ".join(call) for call in CALLS])
def test_every_role_gets_as_far_as_the_matrix_says(client: TestClient, door: Staged, method: str, path: str, caller: Any) -> None:
    door.actor = None if caller == "anonymous" else Actor("ann", caller)
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.request(method, path.replace("{", "").replace("}", ""), headers=form)
    refused = answer.status_code if answer.status_code in {401, 403} else None
    if answer.headers.get("location") == "/sign-in":
        refused = 401  # as a page says it
    if "not right" in answer.text:
        refused = None  # it let in to the form, which did not find the name

    assert refused == (None if shipped().may(caller, method, path) else 401 if caller == "anonymous" else 403)
    assert answer.status_code != 401 or "www-authenticate" in answer.headers or refused is None


class TestPlantedFaults:
    def test_a_route_without_a_rule_keeps_the_server_from_starting(self) -> None:
        app, router = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter(route_class=gate.RuledRoute)
        router.get("/livez")(lambda: None)
        router.post("/v1/limits")(lambda: None)
        app.include_router(router)

        with pytest.raises(ValueError, match=r"without a rule in the matrix: \['POST /v1/limits'\]"):
            gate.rule(app, shipped(), Open())

    @pytest.mark.parametrize("plant", ["plain route", "prefix", "document", "mount"])
    def test_a_route_without_a_gate_keeps_the_server_from_starting(self, plant: str) -> None:
        app = FastAPI(openapi_url="/openapi.json" if plant == "document" else None, docs_url=None, redoc_url=None)
        router = APIRouter(route_class=gate.RuledRoute if plant == "prefix" else gate.APIRoute)
        router.get("/livez")(lambda: None)
        if plant == "mount":
            app.mount("/static", FastAPI())
        elif plant != "document":
            app.include_router(router, prefix="/v1" if plant == "prefix" else "")
        rules = [("GET", "/livez"), ("GET", "/v1/livez"), ("GET", "/openapi.json"), ("HEAD", "/openapi.json"), ("*", "/static")]

        with pytest.raises(ValueError, match=r"routes without a gate: \['"):
            gate.rule(app, Matrix({call: frozenset({"admin"}) for call in rules}), Open())

    @pytest.mark.parametrize(
        "text",
        [
            '[groups]\nall = ["root"]\n[routes]\n', "[groups]\nall = []\n[routes]\n", '[groups]\n[routes]\n"GET /x" = "all"\n',
            '[groups]\nall = ["admin"]\n[routes]\n"get /x" = "all"\n', '[groups]\nall = ["admin"]\n[routes]\n"GET x" = "all"\n',
            "[groups]\n[routes]\n[more]\n",
        ],
    )  # fmt: skip
    def test_a_matrix_that_cannot_be_understood_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"matrix|Input|Extra|List"):
            parse(text)


VARIANTS = (
    "//v1/model", "/v1//model", "/v1/model/", "/V1/model", "/v1/Model", "/v1/./model", "/v1/../v1/model", "/%2e/v1/model",
    "/v1/%2e%2e/v1/model", "/v1%2fmodel", "/v1/model%00", "/v1/model%20", "/v1/model;a=b", "/v1/model.json", "/v1\\model",
    "/@evil/v1/model", "/livez/../v1/model", "/livez%2f..%2fv1/model", "/livez;/v1/model", "/v1/model?x=/livez", "/v1/model#livez",
    "/v1/model%2f", "/%76%31/model", "/v1/mod%65l", "/v1/model/livez", "/./v1/model", "/v1/customers/acme/", "//livez//v1/model",
    "/v1/model/%2e%2e/model", "/v1/model?livez",
)  # fmt: skip


@pytest.mark.parametrize("path", VARIANTS)
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.0.0.1:8000@evil.example", "evil.example/livez"])
def test_no_spelling_of_a_path_or_host_gets_further_than_the_plain_one(
    client: TestClient, door: Staged, path: str, host: str
) -> None:
    door.actor = None
    answer = client.get(path, headers={"host": host})

    assert answer.status_code in ({401, 404} if host == "127.0.0.1:8000" else {400})
    assert "digest" not in answer.text


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    fresh = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield fresh
    fresh.dispose()


def served(engine: sa.Engine, at: Address | None = None, *, now: int = NOW, peer: str = "127.0.0.1") -> TestClient:
    desk, where = EmptyDesk(), at or Address()
    app = create_app(lambda: desk, where, Doorkeeper(engine, where, clock=lambda: now))
    return TestClient(app, base_url="http://127.0.0.1:8000", client=(peer, 5000), follow_redirects=False)


def test_a_machine_without_accounts_is_open_to_its_users_and_to_nobody_once_there_is_one(engine: sa.Engine) -> None:
    before = served(engine).get("/v1/model").status_code
    accounts.invite_first(engine, now=NOW)

    assert (before, served(engine).get("/v1/model").status_code) == (404, 401)


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host"])
def test_a_proxy_that_nobody_declared_opens_nothing(engine: sa.Engine, header: str) -> None:
    assert served(engine).get("/v1/model", headers={header: "203.0.113.9"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "https://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:9"}, {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    ],
)  # fmt: skip
def test_a_page_of_another_site_changes_nothing_here_even_without_accounts(engine: sa.Engine, headers: dict[str, str]) -> None:
    door = Doorkeeper(engine, Address(), clock=lambda: NOW)
    sent = {"host": "127.0.0.1:8000", **headers}
    request = {
        "type": "http", "method": "POST", "scheme": "http", "path": "/", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }  # fmt: skip

    with pytest.raises(gate.Refusal, match="forbidden"):
        door.who(gate.HTTPConnection(request))
    assert door.who(gate.HTTPConnection({**request, "headers": [(b"host", b"127.0.0.1:8000")]})) is not None


def test_a_token_is_asked_at_every_request(engine: sa.Engine) -> None:
    account(engine, "ann", "analyst", now=NOW)
    token = tokens.issue(engine, "ann", "viewer", "export", days=1, by="operator", now=NOW)
    client = served(engine)

    def status(value: str) -> int:
        return client.get("/v1/policy", headers={"authorization": value}).status_code

    assert [status(f"Bearer {token}"), status(f"bearer  {token}"), status(token), status(f"Basic {token}")] == [
        200,
        200,
        401,
        401,
    ]
    tokens.revoke(engine, token[4:16], by="operator", now=NOW)
    assert status(f"Bearer {token}") == 401


CERTIFICATE = {"tls_certificate": "server.pem", "tls_key": "server.key"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "credit.example", "10.0.0.1", ""])
@pytest.mark.parametrize("has_accounts", [True, False])
@pytest.mark.parametrize("front", [{}, CERTIFICATE, {"proxies": ["10.0.0.2"]}], ids=["bare", "tls", "proxy"])
@pytest.mark.parametrize("secret", [SECRET, None])
def test_others_are_served_only_with_sign_on_and_tls_and_a_secret(host: str, has_accounts: bool, front: Any, secret: Any) -> None:
    exposure = Exposure(**front, secret=secret)
    if has_accounts and front and secret:
        assert address(host, 8000, exposure, has_accounts=lambda: True).secret == SECRET.encode()
        return
    with pytest.raises(UsageRefused) as refused:
        address(host, 8000, exposure, has_accounts=lambda: has_accounts)
    said = str(refused.value)

    assert ["accounts setup" in said, "TLS" in said, "RISKSCORE_SERVE__SECRET" in said] == [
        not has_accounts,
        not front,
        not secret,
    ]


def test_a_proxy_makes_loopback_an_address_of_others(engine: sa.Engine) -> None:
    with pytest.raises(UsageRefused, match="others than this machine"):
        address("127.0.0.1", 8000, Exposure(proxies=["127.0.0.1"]), has_accounts=lambda: True)
    at = address("127.0.0.1", 8000, Exposure(proxies=["127.0.0.1"], secret=SECRET), has_accounts=lambda: True)

    assert served(engine, at).get("/v1/model").status_code == 401, "though nobody has an account yet"


@pytest.mark.parametrize(
    "secret",
    [
        "T9-Jq2mWzP_0aXvB7LrYdN4sHcE8fG",
        "x" * 64,
        "abcabcabc" * 8,
        "change-me-" + SECRET,
        "riskscore-" + SECRET,
        "0123456789abcdefghijklmnopqrstuv",
    ],
)
def test_a_secret_that_can_be_guessed_is_refused_and_not_repeated(secret: str) -> None:
    assert weakness(SECRET) is None
    with pytest.raises(UsageRefused, match="the secret") as refused:
        address("127.0.0.1", 8000, Exposure(secret=secret), has_accounts=lambda: True)
    assert secret not in str(refused.value)


@pytest.mark.parametrize(("peer", "believed"), [("10.0.0.2", True), ("10.0.0.3", False)])
def test_only_the_declared_proxy_says_how_it_was_reached(engine: sa.Engine, peer: str, believed: bool) -> None:
    at = Address(exposure=Exposure(proxies=["10.0.0.2"], public_url="https://credit.example:8443", secret=SECRET))
    client = served(engine, at, peer=peer)
    seen: list[tuple[str, str]] = []
    app_in(client.app).state.door.who = lambda connection: seen.append((connection.client.host, connection.scope["scheme"]))
    answer = client.get(
        "/metrics", headers={"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "host": "credit.example"}
    )

    assert answer.status_code == 401
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert seen == [("203.0.113.9", "https") if believed else (peer, "http")]


def test_the_shipped_matrix_is_read_once_and_whole() -> None:
    assert matrix.shipped() is shipped()
    assert not shipped().may("admin", "GET", "/nothing")


def test_a_glance_lets_in_nobody_whom_a_look_would_not(tmp_path: Path) -> None:
    """The short way past the database holds for a second, for this machine's users, and for nothing that claims to be more."""
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    now = [float(NOW)]
    door = Doorkeeper(engine, Address(), clock=lambda: now[0])

    def connection(method: str = "GET", **headers: str) -> gate.HTTPConnection:
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in {"host": "127.0.0.1", **headers}.items()]
        return gate.HTTPConnection({"type": "http", "method": method, "path": "/v1/scores", "headers": raw, "scheme": "http"})

    assert door.glance(connection()) is None, "nobody has looked yet"
    assert door.who(connection()) == door.glance(connection())
    for claim in ({"authorization": "Bearer x"}, {"cookie": "a=b"}, {"x_forwarded_for": "10.0.0.1"}):
        assert door.glance(connection(**claim)) is None
    with pytest.raises(Refusal):
        door.glance(connection("POST", origin="http://elsewhere.example", sec_fetch_site="cross-site"))

    now[0] += 1.0
    assert door.glance(connection()) is None, "a second later it is looked again"
    engine.dispose()
