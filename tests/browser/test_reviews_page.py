"""Deciding a proposal in a real browser: both languages, narrow and wide, greyed buttons with their reason, by keyboard alone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page

from browsing import site_over, troubles_of
from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from doors import PASSWORD, account
from riskscore.review import Person, Wanted
from riskscore.scoring import decide_rows
from riskscore.stores import decisions as log
from riskscore.stores import reviews
from riskscore.stores.database import open_database

pytestmark = pytest.mark.browser

REASON = "The parent company guarantees it; see the letter of 12 June, in the file of the customer."


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path_factory.mktemp('reviews') / 'riskscore.db'}")
    for name in ("ann", "bo"):
        account(opened, name, "approver", now=int(time.time()))
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def site(engine: sa.Engine) -> Iterator[str]:
    with site_over(engine) as address:
        yield address


def propose(engine: sa.Engine, customer: str, reason: str = REASON) -> str:
    """Ann proposes half a limit for a customer; the decision that is meant."""
    decision = decide_rows(
        features_of(customer, **GOOD), positions_of(customer), LinearModel(base=-5.5), GRADES, shipped(),
        receivables=RECEIVABLES, provenance=PROVENANCE,
    )[0]  # fmt: skip
    log.append(engine, [decision])
    until = datetime.now(UTC).date() + timedelta(days=60)
    wanted = Wanted(Decimal("45000.00"), 14, None, reason, until)
    reviews.propose(engine, decision, wanted, Person("ann", "approver"), now=int(time.time()))
    return decision.decision_id


def signed_in(browser: Browser, site: str, name: str, *, width: int = 1280, locale: str = "en-GB") -> tuple[Page, list[str]]:
    page = browser.new_context(viewport={"width": width, "height": 900}, locale=locale).new_page()
    troubles = troubles_of(page, site, "data:")
    page.goto(f"{site}/sign-in")
    page.locator("#name").fill(name)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/?lang=*")
    page.locator("a[href^='/reviews']").click()
    page.wait_for_url(f"{site}/reviews*")
    return page, troubles


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(
    ("locale", "title", "why", "amount"),
    [
        ("en-GB", "Proposals that wait for a second person", "You proposed it; a second person decides.", "€45,000"),
        ("zh-CN", "等待第二人处理的提议", "这是您自己提出的，须由另一人处理。", "€45,000"),
    ],
)
def test_who_proposed_sees_why_the_buttons_are_greyed(
    browser: Browser, site: str, engine: sa.Engine, width: int, locale: str, title: str, why: str, amount: str
) -> None:
    propose(engine, f"acme-{width}-{locale}")
    page, troubles = signed_in(browser, site, "ann", width=width, locale=locale)
    scroll, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    mine = page.locator("article", has_text=f"acme-{width}-{locale}")
    greyed = {each: mine.locator(f"button[value={each}]").is_disabled() for each in ("approve", "reject", "withdraw")}
    described = mine.locator("button[value=approve]").get_attribute("aria-describedby")
    said = page.locator(f"#{described}").inner_text()
    shown = mine.inner_text()
    heading = page.locator("h1").inner_text()
    page.context.close()

    assert (heading, said, troubles) == (title, why, [])
    assert greyed == {"approve": True, "reject": True, "withdraw": False}
    assert (scroll <= inner, amount in shown, REASON in shown) == (True, True, True)


def test_a_second_person_approves_with_the_keyboard_alone_and_it_is_recorded(
    browser: Browser, site: str, engine: sa.Engine
) -> None:
    decision_id = propose(engine, "by-keyboard")
    page, troubles = signed_in(browser, site, "bo")
    article = page.locator("article", has_text="by-keyboard")
    article.get_by_label("Note (optional)").fill("seen the letter")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.value")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reviews?told=decided*")
    told, left = page.get_by_role("alert").inner_text(), page.locator("article", has_text="by-keyboard").count()
    page.context.close()
    [found] = reviews.of_decision(engine, decision_id)

    assert (focused, told, left, troubles) == ("approve", "It is decided and recorded.", 0, [])
    assert (found.closing.state, found.closing.by, found.closing.note) == ("approved", "bo", "seen the letter")


HOSTILE = [
    opening + script + closing
    for opening, closing in (
        ("", ""), ('">', ""), ("</article>", ""), ("<!--", "-->"), ("'>", "<!--"),
    )
    for script in (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "<iframe src=javascript:alert(1)>",
        "<a href=javascript:alert(1)>x</a>", "<body onload=alert(1)>", "<details open ontoggle=alert(1)>",
        "<input autofocus onfocus=alert(1)>", "<style>@import 'http://evil.example'</style>", "<math><mtext></form><script>alert(1)</script>",
    )
]  # fmt: skip


def test_fifty_hostile_reasons_and_names_are_text_and_nothing_else(browser: Browser, site: str, engine: sa.Engine) -> None:
    for number, text in enumerate(HOSTILE):
        propose(engine, f"hostile {number} {text}", reason=f"reason {number}: {text}")
    page, troubles = signed_in(browser, site, "bo")
    page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.reload()
    shown = page.locator("main").inner_text()
    page.context.close()

    assert len(HOSTILE) == 50
    assert troubles == []
    assert [text for number, text in enumerate(HOSTILE) if f"reason {number}: {text}" not in shown] == []
    assert [text for number, text in enumerate(HOSTILE) if f"hostile {number} {text}" not in shown] == []


def test_a_page_that_lets_a_script_in_is_seen(browser: Browser, tmp_path) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<main>{HOSTILE[1]}</main>", encoding="utf-8")
    page, said = browser.new_page(), []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    page.wait_for_timeout(200)
    page.close()

    assert said == ["1"]
