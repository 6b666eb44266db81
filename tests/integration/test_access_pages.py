"""Signing in with pages: cookies, forms of our own only, waiting after failures, nothing told about who is known."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from doors import PASSWORD, EmptyDesk, account
from riskscore.stores.access import accounts, sessions
from riskscore.stores.database import TABLES, open_database, reading
from riskscore.stores.exposure import Exposure
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.access.matrix import shipped
from riskscore_serving.access.pages import texts
from riskscore_serving.app import create_app
from riskscore_serving.settings import Address

NOW = 1_000_000
PUBLIC = Exposure(public_url="https://credit.example", proxies=["10.0.0.2"], secret="kT9-Jq2mWzP_0aXvB7LrYdN4sHcE8fGu")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    fresh = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield fresh
    fresh.dispose()


class Browser(TestClient):
    """Follows forms as a browser does: same origin, with the token of the page."""

    def __init__(self, engine: sa.Engine, at: Address | None = None, url: str = "http://127.0.0.1:8000") -> None:
        self.at = at or Address()
        self.door = Doorkeeper(engine, self.at, clock=lambda: NOW)
        desk = EmptyDesk()
        app = create_app(lambda: desk, self.at, self.door)
        super().__init__(
            app, base_url=url, follow_redirects=False, client=("10.0.0.2", 5000), headers={"sec-fetch-site": "same-origin"}
        )

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf_token" value="(\w+)"', self.get(path).text)
        assert found
        return found[1]

    def fill(self, path: str, page: str | None = None, **fields: str):
        return self.post(path, data={"csrf_token": self.token(page or path), **fields})

    def sign_in(self, name: str = "ann", password: str = PASSWORD):
        return self.fill("/sign-in", name=name, password=password)


@pytest.fixture
def browser(engine: sa.Engine) -> Browser:
    account(engine, "ann", "analyst", now=NOW)
    return Browser(engine)


def test_the_first_administrator_chooses_a_name_and_a_password(engine: sa.Engine) -> None:
    browser = Browser(engine)
    token = accounts.invite_first(engine, now=NOW)
    answer = browser.fill("/setup", token=f" {token} ", name="Ann", password=PASSWORD)

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?told=chosen&lang=en")
    assert browser.sign_in().status_code == 303
    assert "Signed in as ann, administrator." in browser.get("/").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"token": "x", "password": PASSWORD}, "refused_token"), ({"password": "short"}, "refused_password"),
        ({"password": PASSWORD, "name": "operator"}, "refused_name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_not_taken_is_said_in_both_languages_and_not_repeated(engine, fields, words, lang) -> None:
    browser = Browser(engine)
    token = accounts.invite_first(engine, now=NOW)
    answer = browser.post(
        f"/setup?lang={lang}", data={"csrf_token": browser.token("/setup"), "token": token, "name": "ann", **fields}
    )

    assert answer.status_code == 422
    assert texts()[lang][words].split("'")[0] in answer.text
    assert fields["password"] not in answer.text


def test_who_is_not_signed_in_is_led_to_the_page_where_one_signs_in(browser: Browser) -> None:
    answer = browser.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert browser.get("/v1/policy").status_code == 401, "a program is told instead"


def test_a_session_reads_the_api_and_ends_with_signing_out(browser: Browser) -> None:
    browser.sign_in()
    kept = dict(browser.cookies)
    before = browser.get("/v1/policy").status_code
    out = browser.fill("/sign-out", page="/")
    browser.cookies.update(kept)

    assert (before, out.status_code, browser.get("/v1/policy").status_code) == (200, 303, 401)


def test_every_sign_in_has_a_new_session_and_ends_the_one_before(browser: Browser, engine: sa.Engine) -> None:
    browser.cookies.set("riskscore", "chosen-by-an-attacker", domain="127.0.0.1", path="/")
    browser.sign_in()
    first = browser.cookies["riskscore"]
    browser.sign_in()

    assert len({first, browser.cookies["riskscore"], "chosen-by-an-attacker"}) == 3
    assert sessions.owner(engine, first, now=NOW) is None


@pytest.mark.parametrize(
    ("at", "url", "name", "secure"),
    [
        (Address(), "http://127.0.0.1:8000", "riskscore", False),
        (Address(exposure=PUBLIC), "https://credit.example", "__Host-riskscore", True),
    ],
    ids=["loopback", "public"],
)
def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(engine, at, url, name, secure) -> None:
    account(engine, "ann", "analyst", now=NOW)
    browser = Browser(engine, at, url)
    browser.headers["x-forwarded-proto"] = "https" if secure else "http"
    sent = [cookie for cookie in browser.sign_in().headers.get_list("set-cookie") if cookie.startswith(f"{name}=")]
    parts = {part.strip().lower() for part in sent[0].split(";")[1:]}

    assert parts == {"httponly", "samesite=lax", "path=/"} | ({"secure"} if secure else set())


def test_wrong_name_and_wrong_password_are_one_answer(browser: Browser) -> None:
    wrong, unknown = browser.sign_in(password="wrong"), browser.sign_in("nobody")

    assert (wrong.status_code, wrong.text) == (unknown.status_code, unknown.text)
    assert wrong.status_code == 401


def test_the_eleventh_attempt_has_to_wait_with_the_right_password_too(browser: Browser) -> None:
    statuses = [browser.sign_in(password="wrong").status_code for _ in range(10)]
    waits = browser.sign_in()

    assert statuses == [401] * 10
    assert (waits.status_code, waits.headers["retry-after"]) == (429, "900")
    assert "15 min" in waits.text


FORMS = [path for method, path in shipped().allowed if method == "POST" and not path.startswith("/v1/")]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "fault", ["no token", "token of another browser", "other site", "no cookie", "json", "twice", "too large"]
)
def test_a_form_that_is_not_ours_does_nothing(browser: Browser, engine: sa.Engine, path: str, fault: str) -> None:
    browser.sign_in()
    before = contents(engine)
    fields, headers = {"csrf_token": browser.token("/"), "name": "ann", "password": PASSWORD, "token": "x"}, {}
    if fault == "no token":
        del fields["csrf_token"]
    elif fault == "token of another browser":
        fields["csrf_token"] = Browser(engine).token("/sign-in")
    elif fault == "other site":
        headers = {"sec-fetch-site": "cross-site"}
    elif fault == "no cookie":
        browser.cookies.clear()
    elif fault == "too large":
        fields["name"] = "x" * 20_000
    url = path.replace("{", "").replace("}", "")
    if fault == "json":
        answer = browser.post(url, json=fields)
    elif fault == "twice":
        answer = browser.post(
            url,
            content=f"csrf_token=a&csrf_token={fields['csrf_token']}",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
    else:
        answer = browser.post(url, data=fields, headers=headers)

    refused = {"json": 400, "twice": 400, "too large": 413}.get(fault, 403)
    assert answer.status_code == refused
    assert contents(engine) == before


def test_no_page_and_no_answer_that_is_only_read_changes_anything(browser: Browser, engine: sa.Engine) -> None:
    browser.sign_in()
    before = contents(engine)
    for method, path in shipped().allowed:
        if method == "GET":
            browser.get(path.replace("{", "").replace("}", ""))

    assert contents(engine) == before


def contents(engine: sa.Engine) -> str:
    with reading(engine) as connection:
        return str([connection.execute(sa.select(table)).all() for table in TABLES.sorted_tables])


@pytest.mark.parametrize("path", ["/", "/sign-in", "/setup", "/pages.css", "/nothing", "/v1/nothing"])
def test_every_page_loads_nothing_from_elsewhere_and_is_kept_by_nobody(browser: Browser, path: str) -> None:
    browser.sign_in()
    headers = browser.get(path).headers

    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_both_languages_say_the_same_things() -> None:
    english, chinese = texts()["en"], texts()["zh"]

    assert english.keys() == chinese.keys()
    assert {key for key in english if set(re.findall(r"{\w+}", english[key])) != set(re.findall(r"{\w+}", chinese[key]))} == set()


def test_the_list_of_passwords_is_the_one_that_was_taken_in(repository: Path) -> None:
    folder = repository / "src/riskscore/stores/access/vendor"

    assert len((folder / "common-passwords.txt").read_text("utf-8").split()) > 150
    assert {entry["licence"] for entry in tomllib.loads((folder / "VENDOR.toml").read_text("utf-8"))["file"]} == {"BSD-3-Clause"}
