"""The report in a real browser: silent console, no request, no sideways scroll, both languages, light and dark, on paper."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from browsing import troubles_of
from invented_report import invented_report
from riskscore_pipelines.reporting.formats import Lang
from riskscore_pipelines.reporting.render import render

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Lang, Path]:
    folder = tmp_path_factory.mktemp("report")
    written: dict[Lang, Path] = {}
    for lang in ("en", "zh"):
        written[lang] = folder / f"report.{lang}.html"
        written[lang].write_text(render(invented_report(), lang), "utf-8")
    return written


def opened(browser: Browser, path: Path, *, width: int = 1280, dark: bool = False) -> tuple[Page, list[str]]:
    """The page, and everything it complained of or asked for."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    troubles = troubles_of(page, "file:", "data:")
    page.goto(path.as_uri())
    page.evaluate("document.fonts.ready")
    return page, troubles


@pytest.mark.parametrize(
    ("lang", "width", "dark"),
    [
        pytest.param("en", 320, False, id="english-narrowest"),
        pytest.param("zh", 390, True, id="chinese-phone-dark"),
        pytest.param("en", 1280, True, id="english-desk-dark"),
        pytest.param("zh", 1280, False, id="chinese-desk-light"),
        pytest.param("en", 1920, False, id="english-wide"),
    ],
)
def test_it_opens_without_complaint_request_or_sideways_scroll(
    browser: Browser, pages: dict[Lang, Path], tmp_path: Path, lang: Lang, width: int, dark: bool
) -> None:
    page, troubles = opened(browser, pages[lang], width=width, dark=dark)
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    scroll, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    page.close()

    assert troubles == []
    assert scroll <= inner
    assert (tmp_path / "report.png").stat().st_size > 20_000


def test_the_vendored_font_is_the_one_that_is_drawn(browser: Browser, pages: dict[Lang, Path]) -> None:
    page, _ = opened(browser, pages["en"])
    loaded = page.evaluate("[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)")
    page.close()

    assert "Inter" in loaded


def test_every_chart_has_its_numbers_in_a_table_one_key_away(browser: Browser, pages: dict[Lang, Path]) -> None:
    page, _ = opened(browser, pages["en"])
    for summary in page.locator("summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    visible = page.locator("details table").evaluate_all("tables => tables.filter(table => table.offsetHeight > 0).length")
    page.close()

    assert visible == 3


def test_no_text_of_a_chart_leaves_its_card(browser: Browser, pages: dict[Lang, Path]) -> None:
    page, _ = opened(browser, pages["zh"], width=390)
    out = page.evaluate(
        """() => [...document.querySelectorAll('.chart text')].filter(text => {
            const inner = text.getBoundingClientRect(), card = text.closest('.card').getBoundingClientRect();
            return inner.width && (inner.left < card.left - 1 || inner.right > card.right + 1);
        }).map(text => text.textContent)"""
    )
    page.close()

    assert out == []


def test_dark_and_light_are_told_by_the_system(browser: Browser, pages: dict[Lang, Path]) -> None:
    seen = []
    for dark in (False, True):
        page, _ = opened(browser, pages["en"], dark=dark)
        seen.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        page.close()

    assert seen == ["rgb(245, 246, 248)", "rgb(14, 17, 22)"]


def test_it_prints_on_a_few_sheets_lying_on_their_side(browser: Browser, pages: dict[Lang, Path], tmp_path: Path) -> None:
    page, _ = opened(browser, pages["en"])
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    page.close()
    sheets = PdfReader(tmp_path / "report.pdf").pages

    assert 4 <= len(sheets) <= 8
    assert sheets[0].mediabox.width > sheets[0].mediabox.height
    assert "Receivables risk report" in sheets[0].extract_text()
