"""The validation report: from a run alone, whole in both languages, or not at all."""

import re
from string import Formatter

import pytest

from modelling import BOOK, CARDS, shipped_grades, small, trained
from riskscore.errors import ModelRefused
from riskscore.stores.models import Registry, record
from riskscore_pipelines.main import main
from riskscore_pipelines.validating.facts import FILES, SECTIONS, sections_of, validation_of
from riskscore_pipelines.validating.page import MISSING, html_of
from riskscore_pipelines.validating.words import WORDS, term

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script> & [a link](https://example.com/x)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder that holds a registry with one run, and nothing else: no book, no database."""
    folder = tmp_path_factory.mktemp("validation")
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
    card = {**CARDS, "en": CARDS["en"].replace("## Limits\n", f"## Limits\n\n{HOSTILE}\n", 1)}
    record(registry, trained(), recipe=small(), grades=shipped_grades(), card=card, book=BOOK)
    return folder


@pytest.fixture
def registry(folder):
    return Registry(f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture
def run_id(registry):
    return registry.version("late_payment", "1").run_id


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_section_is_there_in_both_languages_and_nothing_is_fetched(folder, lang, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["validate", "1", "--html", f"{lang}.html", "--lang", lang]) == 0
    page = (folder / f"{lang}.html").read_text(encoding="utf-8")
    capsys.readouterr()

    for key, titles in SECTIONS.items():
        section = page[page.index(f'id="s-{key}"') :].partition("</section>")[0]
        assert titles[lang] in section
        assert len(re.sub(r"<[^>]*>", "", section)) > len(titles[lang]) + 40, key
    assert WORDS[lang]["not_approved"] in page
    assert trained().model.digest in page
    assert "34,242,982 EUR" in page
    assert f"{trained().evaluation.figures['model']['auc'].value:.3f}" in page
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=[\"'](?!#|data:)", page)
    assert "$" not in page.partition("</style>")[2]
    assert ">None<" not in page
    assert ">nan" not in page


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_scorecard_and_the_probabilities_as_a_whole_are_told(registry, run_id, lang):
    facts = validation_of(registry, run_id, lang)
    page, words = html_of(facts, lang), WORDS[lang]
    beside = page[page.index(words["rules"]) :].partition("</table>")[0]
    whole = page[page.index(words["trueness"]) :].partition("</table>")[0]
    (*_, last) = facts.files["trueness.json"]["years"]

    assert term("scorecard", lang) in beside
    assert beside.count(words["interval"]) == 4
    assert f"{facts.metrics['spiegelhalter_z']:+.2f}" in whole
    assert words["rejected" if facts.files["trueness.json"]["spiegelhalter"]["rejected"] else "not_rejected"] in whole
    assert f'<th scope="row">{last["year"]}</th>' in whole
    assert f"{last['predicted']:.2%}" in whole


def section(page, key):
    return page[page.index(f'id="s-{key}"') :].partition("</section>")[0]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_payment_hazard_is_told_beside_the_record_with_intervals_and_segments(registry, run_id, lang):
    told, words = section(html_of(validation_of(registry, run_id, lang), lang), "payment_hazard"), WORDS[lang]

    for late, found in trained().invoices.items():
        k = late.removeprefix("late > ")
        loss, ahead = found.figures["hazard"]["log_loss"], found.differences["log_loss"]
        assert (words["late_at_all"] if k == "0" else words["late_by"].format(k=k)) in told
        assert f"{loss.value:.3f} ({loss.low:.3f}–{loss.high:.3f})" in told  # by the card
        assert f"{loss.low:.3f} – {loss.high:.3f}" in told  # by the table
        assert f"{ahead.value:+.3f}" in told
        assert f"{found.n_invoices:,}" in told
    assert told.count(term("payment history", lang)) == 2 * len(
        [row for row in trained().invoices["late > 0"].segments if row.dimension == "payment history"]
    )
    assert f"{term('newcomer', lang)}: {term('no', lang)}" in told


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_newcomers_have_a_section_with_their_figures_or_the_reason_why_there_is_none(registry, run_id, lang):
    facts, words = validation_of(registry, run_id, lang), WORDS[lang]
    told, found = section(html_of(facts, lang), "newcomers"), trained().evaluation.newcomers
    none = section(
        html_of(type(facts)(**{**facts.__dict__, "files": {**facts.files, "newcomers.json": None}}), lang), "newcomers"
    )

    assert words["newcomers"] in told
    assert f"{found.figures['prior']['log_loss'].value:.3f}" in told
    assert words["newcomers_none"] in none


def test_a_run_in_which_no_invoice_was_judged_says_so(registry, run_id):
    facts = validation_of(registry, run_id, "en")
    none = html_of(type(facts)(**{**facts.__dict__, "files": {**facts.files, "invoices.json": {}}}), "en")

    assert WORDS["en"]["invoices_none"] in section(none, "payment_hazard")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_newcomers_are_not_said_to_teach_nothing(registry, run_id, lang):
    facts = validation_of(registry, run_id, lang)
    page, log = html_of(facts, lang), facts.files["training_log.json"]

    assert log["n_newcomer_rows"] > 0
    said = WORDS[lang]["window_note"].format(
        rows=f"{log['n_newcomer_rows']:,}", n=f"{log['n_newcomers']:,}", late=f"{log['n_newcomers_with_event']:,}"
    )
    assert said in page
    data = facts.sections["data"]
    assert {"en": "teach the model of newcomers", "zh": "用于训练和检验新客户模型"}[lang] in " ".join(data.split())
    assert {"en": "nothing to learn from", "zh": "无从学习"}[lang] not in data
    assert f"{log['n_newcomer_rows']:,}" in data


def test_a_run_without_a_lead_in_some_figure_shows_a_gap(registry, run_id):
    facts = validation_of(registry, run_id, "en")
    older = {name: figure for name, figure in facts.metrics.items() if "/pr_auc" not in name and "/scorecard/" not in name}
    page = html_of(type(facts)(**{**facts.__dict__, "metrics": older}), "en")
    beside = page[page.index(WORDS["en"]["rules"]) :].partition("</table>")[0]

    assert "<td" in beside
    assert f'<td class="num">{MISSING}</td>' in beside
    assert "scorecard</th>" not in beside


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    ("slope", "cells"),
    [
        pytest.param({"value": None, "low": None, "high": None}, [MISSING, MISSING], id="no-slope"),
        pytest.param({"value": 1.5, "low": None, "high": None}, ["1.50", MISSING], id="no-interval"),
    ],
)
def test_a_segment_whose_slope_cannot_be_told_shows_a_dash(registry, run_id, lang, slope, cells):
    facts = validation_of(registry, run_id, lang)
    segment = facts.files["segments.json"][0]
    unknown = {**segment, "figures": {**segment["figures"], "calibration_slope": slope}}
    page = html_of(type(facts)(**{**facts.__dict__, "files": {**facts.files, "segments.json": [unknown]}}), lang)
    shown = page[page.index(WORDS[lang]["segments"]) :].partition("</table>")[0]

    assert "".join(f'<td class="num">{each}</td>' for each in cells) in "".join(line.strip() for line in shown.splitlines())
    assert "nan" not in shown


def test_what_the_card_says_is_text_and_never_markup(registry, run_id):
    page = html_of(validation_of(registry, run_id, "en"), "en")

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in page
    assert 'href="https' not in page


def test_the_report_says_who_approved_it_and_until_when(registry, run_id):
    facts = validation_of(registry, run_id, "en")
    tags = {
        "proposed_by": "Ann", "approved_by": "Bo", "approved_on": "2026-07-01", "review_on": "2027-07-01",
        "expires_on": "2027-08-05", "approved_as_first": "false", "comparison": "c" * 64,
    }  # fmt: skip
    page = html_of(type(facts)(**{**facts.__dict__, "tags": {**facts.tags, **tags}}), "en")

    assert "Proposed by Ann, approved by Bo on 2026-07-01." in page
    assert "Next review by 2027-07-01. The approval ends on 2027-08-05" in page
    assert "comparison cccccccccccc" in page


class Robbed:
    """A registry whose run lacks one file, or one section of its card."""

    def __init__(self, honest, file=None, section=None):
        self.honest, self.file, self.section = honest, file, section

    def run(self, run_id):
        return self.honest.run(run_id)

    def run_bytes(self, run_id, name):
        content = self.honest.run_bytes(run_id, name)
        if name == self.file:
            return None
        if self.section is not None and name == "card.md":
            before, _, after = content.decode().partition(f"## {self.section}\n")
            return (before + after[after.index("\n## ") + 1 :] if "\n## " in after else before).encode()
        return content


@pytest.mark.parametrize("file", FILES)
def test_a_run_without_one_of_its_files_has_no_report(registry, run_id, file):
    with pytest.raises(ModelRefused, match=re.escape(f"lacks {file}")):
        validation_of(Robbed(registry, file=file), run_id, "en")


@pytest.mark.parametrize("section", [titles["en"] for titles in SECTIONS.values()])
def test_a_card_without_one_of_its_sections_has_no_report(registry, run_id, section):
    assert validation_of(Robbed(registry), run_id, "en").name == "late_payment"
    with pytest.raises(ModelRefused, match=f"section '{section}'"):
        validation_of(Robbed(registry, section=section), run_id, "en")


def test_a_section_with_a_heading_and_no_word_is_missing(registry, run_id):
    assert sections_of("## Owner\n\n## Limits\nfew\n", "en") == {"owner": "", "limits": "few"}


def test_a_missing_section_is_status_five_and_writes_nothing(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setitem(SECTIONS, "stress", {"en": "Stress tests", "zh": "压力测试"})
    status = main(["validate", "1", "--html", "never.html"])

    assert status == 5
    assert "section 'Stress tests' of the card" in capsys.readouterr().err
    assert not (folder / "never.html").exists()


@pytest.mark.parametrize("unknown", ["99", "f" * 32])
def test_a_run_nobody_knows_is_said_so(folder, unknown, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    assert main(["validate", unknown, "--html", "never.html"]) == 5
    assert "does not know it" in capsys.readouterr().err


def test_both_languages_have_the_same_words_and_blanks():
    def blanks(words):
        return {key: {name for _, name, _, _ in Formatter().parse(text) if name} for key, text in words.items()}

    assert blanks(WORDS["en"]) == blanks(WORDS["zh"])
