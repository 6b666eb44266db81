"""The company's own sign-on against a real OpenID Connect provider: who comes back, in which role, and what opens nothing."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.testclient import TestClient

from doors import EmptyDesk, account
from riskscore.errors import UsageRefused
from riskscore.stores import audit
from riskscore.stores.access import accounts
from riskscore.stores.access.tables import SESSIONS
from riskscore.stores.database import open_database, reading
from riskscore.stores.exposure import CompanySignOn, Exposure
from riskscore_serving.access import company
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.app import create_app
from riskscore_serving.settings import Address

FOLDER = Path(__file__).resolve().parents[1] / "oidc_provider"
US = "http://127.0.0.1:8000"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(
        NODE is None or not (FOLDER / "node_modules").is_dir(),
        reason="the provider is not installed: npm install --prefix tests/oidc_provider",
    ),
]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [NODE, "provider.mjs", str(port), f"{US}/sign-in/company/back"]
    process = subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    assert process.stdout.readline().strip() == "ready"
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    fresh = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield fresh
    fresh.dispose()


ROLES = {"credit-analysts": "analyst", "credit-approvers": "approver"}


def settings_of(issuer: str, **other: str) -> CompanySignOn:
    plain = {
        "client_id": "riskscore",
        "client_secret": "a-secret-that-both-sides-know-0123456789",
        "scopes": "openid email groups",
    }
    return CompanySignOn(issuer=issuer, roles=ROLES, **{**plain, **other})


def browser_of(engine: sa.Engine, issuer: str, **other: str) -> TestClient:
    at, desk = Address(exposure=Exposure(sign_on=settings_of(issuer, **other))), EmptyDesk()
    return TestClient(create_app(lambda: desk, at, Doorkeeper(engine, at)), base_url=US, follow_redirects=False)


def leave(browser: TestClient) -> str:
    """Where the browser is sent."""
    answer = browser.get("/sign-in/company")
    assert answer.status_code == 303
    return str(answer.headers["location"])


def at_the_company(url: str, who: str) -> str:
    """Sign on there as a person would; the address that leads back."""
    with httpx.Client(follow_redirects=False) as client:
        answer = client.get(url)
        for _ in range(20):
            if answer.is_redirect:
                url = urljoin(str(answer.url), answer.headers["location"])
                if url.startswith(US):
                    return url
                answer = client.get(url)
                continue
            form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert form, answer.text
            assert prompt
            login = {"login": who, "password": "any"} if prompt[1] == "login" else {}
            answer = client.post(urljoin(str(answer.url), form[1]), data={"prompt": prompt[1], **login})
    raise AssertionError("the provider never came back")


def sign_on(browser: TestClient, who: str):
    return browser.get(at_the_company(leave(browser), who))


@pytest.mark.parametrize(("who", "role"), [("ann", "analyst"), ("chef", "approver")])
def test_whom_the_company_knows_gets_a_session_in_the_role_of_their_groups(engine, issuer, who, role) -> None:
    browser = browser_of(engine, issuer)
    answer = sign_on(browser, who)

    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=en")
    assert f"Signed in as {who}@corp.example, {role}." in browser.get("/").text
    assert [(each.name, each.role, each.elsewhere) for each in accounts.listed(engine)] == [(f"{who}@corp.example", role, True)]
    assert [event.action for event in audit.events(engine)] == ["account.came_from_company", "session.began"]


@pytest.mark.parametrize("who", ["guest", "nobody"])
def test_who_is_in_none_of_the_groups_is_not_let_in(engine, issuer, who) -> None:
    browser = browser_of(engine, issuer)
    answer = sign_on(browser, who)

    assert answer.headers["location"] == "/sign-in?told=not_let_in&lang=en"
    assert (browser.get("/").status_code, accounts.listed(engine)) == (303, [])


def test_the_request_carries_state_nonce_and_a_challenge_and_no_secret(engine, issuer) -> None:
    first, second = (dict(parse_qsl(urlsplit(leave(browser_of(engine, issuer))).query)) for _ in range(2))

    assert (first["response_type"], first["code_challenge_method"], first["redirect_uri"]) == (
        "code",
        "S256",
        f"{US}/sign-in/company/back",
    )
    assert "client_secret" not in first
    assert all(first[part] != second[part] for part in ("state", "nonce", "code_challenge"))


def changed(back: str, **parts: str | None) -> str:
    query = {**dict(parse_qsl(urlsplit(back).query)), **parts}
    return f"{US}/sign-in/company/back?{urlencode({name: value for name, value in query.items() if value is not None})}"


@pytest.mark.parametrize(
    "fault",
    [
        "another state",
        "no state",
        "no code",
        "another code",
        "another issuer",
        "another browser",
        "no cookie",
        "twice",
        "too late",
        "refused",
    ],
)
def test_an_answer_that_does_not_fit_opens_nothing(engine, issuer, fault, monkeypatch) -> None:
    browser = browser_of(engine, issuer)
    back = at_the_company(leave(browser), "ann")
    parts: dict[str, dict[str, str | None]] = {
        "another state": {"state": "0" * 64}, "no state": {"state": None}, "no code": {"code": None}, "another code": {"code": "x" * 43},
        "another issuer": {"iss": "http://127.0.0.1:1"}, "refused": {"code": None, "error": "access_denied"},
    }  # fmt: skip
    if fault == "another browser":
        browser = browser_of(engine, issuer)
        leave(browser)
    elif fault == "no cookie":
        browser.cookies.clear()
    elif fault == "twice":
        browser.get(back)
        browser = browser_of(engine, issuer)
    elif fault == "too late":
        monkeypatch.setattr(company, "LASTS", -1)
    before = n_sessions(engine)
    answer = browser.get(changed(back, **parts.get(fault, {})))

    assert answer.headers["location"] == "/sign-in?told=not_let_in&lang=en"
    assert n_sessions(engine) == before


def n_sessions(engine: sa.Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(SESSIONS)).scalar_one())


FORGERIES = ["key of another", "no signature", "shared secret", "another audience", "another issuer", "another nonce", "expired"]


@pytest.mark.parametrize("forgery", [None, *FORGERIES])
def test_a_forged_id_token_opens_nothing(engine, issuer, forgery, monkeypatch) -> None:
    """A provider's answer rewritten on the way: the honest one of the same making is taken, each forgery is not."""
    key, other = RSAKey.generate_key(2048, {"kid": "k"}), RSAKey.generate_key(2048, {"kid": "k"})
    browser = browser_of(engine, issuer)
    back = at_the_company(leave(browser), "ann")
    honest = company.OAuth2Client.fetch_token
    real = company.Company._provider

    def rewritten(self, *arguments, **facts):
        token = honest(self, *arguments, **facts)
        body = token["id_token"].split(".")[1]
        import base64
        import json

        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        claims |= {
            "another audience": {"aud": "another"}, "another issuer": {"iss": "http://127.0.0.1:1"}, "another nonce": {"nonce": "n"},
            "expired": {"exp": claims["exp"] - 86_400 * 2, "iat": claims["iat"] - 86_400 * 2},
        }.get(forgery or "", {})  # fmt: skip
        if forgery == "shared secret":
            shared = OctKey.import_key(key.as_pem(private=False))
            token["id_token"] = jwt.encode({"alg": "HS256", "kid": "k"}, claims, shared, algorithms=["HS256"])
        elif forgery == "no signature":
            header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
            token["id_token"] = f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}."
        else:
            token["id_token"] = jwt.encode({"alg": "RS256", "kid": "k"}, claims, other if forgery == "key of another" else key)
        return token

    monkeypatch.setattr(company.OAuth2Client, "fetch_token", rewritten)
    monkeypatch.setattr(
        company.Company, "_provider", lambda self, now: (real(self, now)[0], KeySet([key]).as_dict(private=False))
    )
    answer = browser.get(back)

    assert (n_sessions(engine) == 1) == (forgery is None)
    assert (answer.headers["location"] == "/?lang=en") == (forgery is None)


def test_a_name_that_is_taken_here_opens_nothing(engine, issuer) -> None:
    account(engine, "ann@corp.example", "admin")
    answer = sign_on(browser_of(engine, issuer), "ann")

    assert answer.headers["location"] == "/sign-in?told=not_let_in&lang=en"
    assert [each.elsewhere for each in accounts.listed(engine)] == [False]


def test_another_role_there_is_another_role_here_at_the_next_sign_on(engine, issuer) -> None:
    first, second = browser_of(engine, issuer), browser_of(engine, issuer)
    sign_on(first, "chef")
    accounts.change_role(engine, "chef@corp.example", "viewer", by="operator", now=1_000_000)

    assert first.get("/").status_code == 303, "the session of the former role has ended"
    sign_on(second, "chef")
    assert "approver" in second.get("/").text


def test_who_is_disabled_here_is_not_let_in_by_the_company(engine, issuer) -> None:
    sign_on(browser_of(engine, issuer), "ann")
    accounts.set_disabled(engine, "ann@corp.example", disabled=True, by="operator", now=1_000_000)

    assert sign_on(browser_of(engine, issuer), "ann").headers["location"] == "/sign-in?told=not_let_in&lang=en"
    with pytest.raises(UsageRefused, match="company's own sign-on"):
        accounts.reset(engine, "ann@corp.example", by="operator", now=1_000_000)


def test_with_a_company_sign_on_nobody_is_let_in_for_being_on_this_machine(engine, issuer) -> None:
    assert browser_of(engine, issuer).get("/v1/policy").status_code == 401


def test_a_provider_that_does_not_answer_is_said_and_lets_nobody_in(engine) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        answer = browser_of(engine, f"http://127.0.0.1:{probe.getsockname()[1]}").get("/sign-in/company")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    "issuer_of", ["http://sso.corp.example", "http://127.0.0.1.evil.example:80", "ftp://x", "https://sso.corp.example/?x"]
)
def test_a_provider_elsewhere_is_asked_over_tls_only(issuer_of: str) -> None:
    with pytest.raises(ValueError, match="issuer"):
        settings_of(issuer_of)
