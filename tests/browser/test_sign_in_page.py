"""Signing in, in a real browser against a real server: set a password, sign in, sign out; silent console, nothing from elsewhere."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from browsing import site_over, troubles_of
from doors import PASSWORD
from riskscore.stores.access import accounts
from riskscore.stores.database import open_database

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server, and the one-time token of its first administrator."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('site') / 'riskscore.db'}")
    token = accounts.invite_first(engine, now=int(time.time()))
    with site_over(engine) as address:
        yield address, token
    engine.dispose()


def opened(browser: Browser, site: str, width: int = 1280, locale: str = "en-GB") -> tuple[Page, list[str]]:
    page = browser.new_context(viewport={"width": width, "height": 900}, locale=locale).new_page()
    troubles = troubles_of(page, site, "data:")
    return page, troubles


def test_a_person_sets_a_password_signs_in_and_out_with_the_keyboard_alone(browser: Browser, site: tuple[str, str]) -> None:
    address, token = site
    page, troubles = opened(browser, address)
    page.goto(f"{address}/setup")
    page.get_by_label("One-time token").fill(token)
    page.get_by_label("Account name").fill("Ann")
    page.get_by_label("New password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in?told=chosen*")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/?lang=en")
    greeted = page.get_by_text("Signed in as ann, administrator.").count()
    readable = page.evaluate("document.cookie")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    page.goto(address)
    back = page.url
    page.context.close()

    assert (greeted, readable, troubles) == (1, "", [])
    assert back == f"{address}/sign-in", "the back of the browser shows nothing either"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(("locale", "lang", "title"), [("en-GB", "en", "Sign in"), ("zh-CN", "zh-Hans", "登录")])
def test_the_page_speaks_the_language_of_the_browser_and_fits_its_width(
    browser: Browser, site: tuple[str, str], width: int, locale: str, lang: str, title: str
) -> None:
    page, troubles = opened(browser, site[0], width, locale)
    page.goto(f"{site[0]}/sign-in")
    scroll, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    shown = page.locator("html").get_attribute("lang"), page.locator("h1").inner_text()
    small = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]), button')].filter(e => e.getBoundingClientRect().height < 44).length"
    )
    page.context.close()

    assert shown == (lang, title)
    assert (scroll <= inner, small, troubles) == (True, 0, [])


def test_a_form_of_another_site_signs_nobody_in(browser: Browser, site: tuple[str, str], tmp_path: Path) -> None:
    address, _ = site
    evil = tmp_path / "evil.html"
    evil.write_text(
        f'<form method="post" action="{address}/sign-in"><input name="name" value="ann"><input name="password" value="{PASSWORD}">'
        "</form><script>document.forms[0].submit()</script>", "utf-8",
    )  # fmt: skip
    page, _ = opened(browser, address)
    page.goto(f"{address}/sign-in")
    with page.expect_response(lambda response: response.request.method == "POST") as sent:
        page.goto(evil.as_uri())
    status = sent.value.status
    page.goto(address)
    where = page.url
    page.context.close()

    assert (status, where) == (403, f"{address}/sign-in")
