"""The page as text: whole in both languages, needs nothing from outside, escapes what the ledger says."""

import re
import tomllib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib.resources import files
from string import Formatter

import pytest

from invented_report import HOSTILE, invented_report
from riskscore.phrases import code_name
from riskscore.policy.unmeasured import Unmeasured
from riskscore.promotion.drift import Drift
from riskscore.promotion.stability import Stability
from riskscore.stores.ledgers.accounting import UNSTATED
from riskscore.tables import REASONS, TABLES
from riskscore_pipelines.reporting.facts import Ageing, Concentration, Delivery
from riskscore_pipelines.reporting.formats import Formats, Lang, sentences
from riskscore_pipelines.reporting.render import render

LANGUAGES: tuple[Lang, ...] = ("en", "zh")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    english, chinese = sentences("en"), sentences("zh")

    assert english.keys() == chinese.keys()
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in chinese.items()
    }


def test_no_sentence_is_kept_that_the_page_does_not_use() -> None:
    folder = files("riskscore_pipelines.reporting")
    used = "".join((folder / name).read_text("utf-8") for name in ("render.py", "formats.py", "templates/report.html.j2"))
    dynamic = {"ageing", "matrix", "risky", "kpi", "quality", "provenance", "limits", "set_aside", "tables"}

    assert [key for key in sentences("en") if key not in used and key.split(".")[0] not in dynamic] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("with_quality", [True, False], ids=["with-quality", "no-model-record"])
def test_the_page_renders_and_asks_nothing_of_the_network(lang: Lang, with_quality: bool) -> None:
    page = render(invented_report(with_quality=with_quality), lang)

    assert "<script" not in page
    assert not re.search(r"(?:src|href)=[\"'](?!#|data:)", page)
    assert "url(http" not in page
    assert "@import" not in page
    assert "Undefined" not in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_book_in_which_nobody_owes_anything_has_a_page_as_well(lang: Lang) -> None:
    full = invented_report(with_quality=False)
    nobody = Concentration((), 0, 0.0, 0.0, 0.20, ())
    nothing = tuple(Ageing(month.on, (Decimal(0),) * 5) for month in full.ageing)
    silent = tuple(replace(quarter, days=None, best_possible=None, alert=False) for quarter in full.dso)
    page = render(replace(full, customers=(), ageing=nothing, dso=silent, concentration=nobody, deliveries=()), lang)

    assert sentences(lang)["concentration.empty"] in page
    assert sentences(lang)["risky.empty"] in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_name_from_the_ledger_is_text_and_never_markup(lang: Lang) -> None:
    page = render(invented_report(), lang)

    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons" in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_numbers_that_nobody_measured_are_told_where_they_deny_many(lang: Lang) -> None:
    told = render(replace(invented_report(), unmeasured=Unmeasured(312, 1987)), lang)

    assert "312" in told
    assert "riskscore policy measure" in told
    assert "riskscore policy measure" not in render(invented_report(), lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_date_that_the_book_does_not_reach_is_said_on_the_page(lang: Lang) -> None:
    known = invented_report()
    late = replace(known, quiet_since=known.as_of - timedelta(days=4))
    said = sentences(lang)["head.quiet_since"].format(on=Formats(lang, "EUR").on(late.quiet_since))

    assert said in render(late, lang)
    assert said not in render(known, lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_drift_against_training_is_told_beside_the_quality_of_the_model(lang: Lang) -> None:
    same = Stability(0.02, 0.1)
    shifted = Drift(
        987, 256, 0.081, 0.127, Stability(0.34, 0.12), {"overdue_share": same, "tenure_days": Stability(0.5, 0.1)}, 0, 30
    )
    told = render(replace(invented_report(), drift=shifted), lang)

    assert "987" in told
    assert "12.7%" in told
    assert code_name("B01", lang) in told
    assert code_name("E01", lang) not in told
    assert "tenure_days" not in told, "people are told in words"
    assert "987" not in render(invented_report(), lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_set_aside_is_told_in_words_with_the_code_for_who_looks_it_up(lang: Lang) -> None:
    everything = tuple(
        Delivery(table, 100, 85, 0, dict.fromkeys(REASONS, 1), {UNSTATED: Decimal(45527), "CHF": Decimal(12)}) for table in TABLES
    )
    page = render(replace(invented_report(), deliveries=everything), lang)
    shown = re.sub(r"<[^>]*>", " ", page[page.index('id="h-quarantine"') :])

    assert [code for code in (*REASONS, *TABLES) if code in shown] == ([] if lang == "zh" else shown_as_words())
    assert all(page.count(f'title="{code}"') == len(TABLES) for code in REASONS)
    assert (f"45,527 {UNSTATED}" in shown, sentences(lang)["quarantine.no_currency"] in shown) == (False, True)


def shown_as_words() -> list[str]:
    """Codes that English people say as they stand."""
    return ["customers", "invoices", "disputes", "statements", "ratings", "limits", "rates"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_chart_says_in_a_sentence_what_it_shows(lang: Lang) -> None:
    page = render(invented_report(), lang)

    assert page.count('role="img"') == 5
    assert all(len(label) > 15 for label in re.findall(r'role="img" aria-label="([^"]*)"', page))


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render(invented_report(), "en") == render(invented_report(), "en")


def test_missing_values_are_a_dash_and_never_a_zero_or_none() -> None:
    f = Formats("en", "EUR")

    assert (f.number(None), f.share(None), f.days(None)) == ("–", "–", "–")
    assert ">None<" not in render(invented_report(), "en")


@pytest.mark.parametrize(
    ("lang", "text"),
    [("en", "€22.2M"), ("zh", "€2223.4万")],
)
def test_money_at_a_glance_is_written_as_each_language_counts(lang: Lang, text: str) -> None:
    assert Formats(lang, "EUR").compact(22_234_000) == text


def test_negative_numbers_have_a_true_minus_and_zero_has_no_sign() -> None:
    f = Formats("en", "EUR")

    assert (f.number(-1234.5), f.number(12, sign=True), f.number(-0.2)) == ("−1,234", "+12", "0")


def test_the_page_is_small_enough_to_mail() -> None:
    assert len(render(invented_report(), "en").encode()) < 400_000


def test_the_vendored_font_is_declared() -> None:
    manifest = tomllib.loads((files("riskscore_pipelines.reporting") / "vendor" / "VENDOR.toml").read_text("utf-8"))

    assert {entry["licence"] for entry in manifest["file"]} == {"OFL-1.1"}
