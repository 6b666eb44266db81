"""The page that explains one customer, in a real browser: silent console, no request, no sideways scroll, inert names."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browsing import troubles_of
from deciding import GOOD, GRADES, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.phrases import LANGUAGES, Lang
from riskscore.scoring import decide_rows, not_scored
from riskscore_pipelines.explaining import explanation_of, html_of

HOSTILE = '<img src=x onerror="console.error(1)"><script>console.error(2)</script>'

pytestmark = pytest.mark.browser


def decided(**facts):
    return decide_rows(
        features_of("acme", **{**GOOD, "days_beyond_terms_90d": 40.0, "overdue_share": 0.4}), positions_of("acme", **facts),
        LinearModel(), GRADES, shipped(), receivables=RECEIVABLES, provenance=PROVENANCE,
    )[0]  # fmt: skip


DECISIONS = {
    "scored": lambda: decided(),
    "in-default": lambda: decided(in_default=True),
    "no-history": lambda: decided(n_paid_invoices=0),
    "not-scored": lambda: not_scored("acme", "internal_error", PROVENANCE, "EUR"),
}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", DECISIONS)
def test_page_opens_without_complaint_request_or_sideways_scroll(
    browser: Browser, tmp_path: Path, kind: str, lang: Lang, width: int
) -> None:
    path = tmp_path / "customer.html"
    path.write_text(html_of(explanation_of(DECISIONS[kind](), HOSTILE, lang)), "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    troubles = troubles_of(page, "file:")
    page.goto(path.as_uri())
    scroll, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    shown, title = page.locator("html").get_attribute("lang"), page.locator("h1").inner_text()
    page.close()

    assert troubles == []
    assert scroll <= inner
    assert shown == {"en": "en", "zh": "zh-Hans"}[lang]
    assert title == f"{HOSTILE} (acme)"


def test_waterfall_and_caps_are_tables_with_named_rows(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "customer.html"
    path.write_text(html_of(explanation_of(decided(), "Acme GmbH", "en")), "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    rows = page.locator("th[scope=row]").all_inner_texts()
    binding = page.locator("tr.binds").count()
    page.close()

    assert "Average customer" in rows
    assert "This customer" in rows
    assert binding == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_on_a_phone_no_word_of_a_table_is_broken_up_and_every_figure_is_seen(
    browser: Browser, tmp_path: Path, lang: Lang
) -> None:
    path = tmp_path / "customer.html"
    path.write_text(html_of(explanation_of(decided(), "Acme GmbH", lang)), "utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(path.as_uri())
    lines = page.locator("tr:has(.num) td.soft:not(.num)").evaluate_all(
        "cells => cells.map(each => { const text = document.createRange(); text.selectNodeContents(each); "
        "return text.getClientRects().length })"
    )
    rules = page.locator("tr:has(.because) th").evaluate_all("cells => cells.map(each => each.clientWidth)")
    hidden = page.locator(".wide").evaluate_all("all => all.slice(0, 2).map(each => each.scrollWidth - each.clientWidth)")
    page.close()

    assert set(lines) == {1}
    assert min(rules) >= 90
    assert hidden == [0, 0], "reasons and score fit the width"
