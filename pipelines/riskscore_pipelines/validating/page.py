"""From the facts of a run to one HTML page: the card's text, tables of figures, one chart; no script, nothing fetched."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from riskscore import charts
from riskscore.phrases import Lang
from riskscore_pipelines.figures import LEAST_P
from riskscore_pipelines.finance.page import Sheet
from riskscore_pipelines.reporting.dress import font, style
from riskscore_pipelines.reporting.formats import HTML_LANG
from riskscore_pipelines.validating.cells import MISSING, plain, segments, signed
from riskscore_pipelines.validating.facts import LEADS, SECTIONS, Validation, ahead_of
from riskscore_pipelines.validating.parts import of_invoices, of_newcomers
from riskscore_pipelines.validating.words import WORDS, term


def html_of(facts: Validation, lang: Lang) -> str:
    """The report as one HTML text."""
    words = WORDS[lang]
    sections = [
        {"key": key, "title": titles[lang], "prose": _prose(facts.sections[key]), **_beside(key, facts, lang)}
        for key, titles in SECTIONS.items()
    ]
    made_with = [(name, value) for name, value in sorted(facts.tags.items()) if name.endswith("_digest")]
    text: str = (
        _environment()
        .get_template("page.html.j2")
        .render(
            facts=facts, sections=sections, approval=_approval(facts, words), words=words, made_with=made_with,
            html_lang=HTML_LANG[lang], css=style(), font=font(),
        )
    )  # fmt: skip
    return text


def _approval(facts: Validation, words: Mapping[str, str]) -> list[str]:
    tags = facts.tags
    if not tags.get("approved_by"):
        return [words["not_approved"]]
    first = tags.get("approved_as_first") == "true"
    lines = [words["approved_first" if first else "approved"].format(**tags), words["until"].format(**tags)]
    if tags.get("comparison"):
        lines.append(words["compared"].format(digest=tags["comparison"][:12]))
    if tags.get("restored_by"):
        lines.append(words["restored"].format(by=tags["restored_by"], why=tags.get("restored_because", "")))
    return lines


def _beside(key: str, facts: Validation, lang: Lang) -> dict[str, Any]:
    words = WORDS[lang]
    if key == "data":
        return {
            "sheets": [_window(facts, lang), _maturity(facts, words), _tables(facts, words), _sources(facts, words)],
            "chart": "",
        }
    if key == "performance":
        sheets = [
            _rules(facts, lang),
            _trueness(facts, words),
            _level(facts, words),
            _holdouts(facts, lang),
            segments(facts.files["segments.json"], WORDS[lang]["segments"], lang),
        ]
        return {"sheets": sheets, "chart": _roc(facts, words), "chart_title": words["roc"]}
    if key == "payment_hazard":
        return {"sheets": of_invoices(facts, lang), "chart": ""}
    if key == "newcomers":
        return {"sheets": [of_newcomers(facts, lang)], "chart": ""}
    return {"sheets": [], "chart": ""}


def _window(facts: Validation, lang: Lang) -> Sheet:
    words, log = WORDS[lang], facts.files["training_log.json"]
    rows = [
        (words["cuts"], f"{len(log['cuts'])}: {log['cuts'][0]} – {log['cuts'][-1]}"),
        (words["judged"], ", ".join(f"{first} – {last} ({n:,})" for first, last, n in log["judged_blocks"])),
        *((words["left_out"].format(reason=term(reason, lang)), f"{n:,}") for reason, n in log["left_out"].items()),
        *((words["causes"].format(cause=term(cause, lang)), f"{n:,}") for cause, n in log["causes"].items()),
    ]
    note = words["window_note"].format(
        rows=f"{log['n_newcomer_rows']:,}", n=f"{log['n_newcomers']:,}", late=f"{log['n_newcomers_with_event']:,}"
    )
    return Sheet(words["window"], (words["what"], words["rows"]), tuple(rows), figures=1, note=note)


def _maturity(facts: Validation, words: Mapping[str, str]) -> Sheet:
    """Each month end learned from, and for how long its outcomes had all been known: none for less than no day."""
    rows = [
        (cut, f"{n:,}", f"{events:,}", f"{known_for:,}")
        for cut, n, events, known_for in facts.files["training_log.json"]["maturity"]
    ]
    headings = tuple(words[each] for each in ("month_end", "rows", "with_event", "known_for"))
    return Sheet(words["maturity"], headings, tuple(rows), figures=3, note=words["maturity_note"])


def _level(facts: Validation, words: Mapping[str, str]) -> Sheet:
    """What the newest known outcomes ask to be added for everybody, and whether it is."""
    found = facts.files["training_log.json"]["level"]
    rows = [
        (words["level_of"], f"{found['first_day']} – {found['last_day']}: {found['n_customers']:,}"),
        (words["with_event"], f"{found['n_customers_with_event']:,}"),
        (words["predicted"], f"{found['predicted']:.2%}"),
        (words["observed"], f"{found['observed']:.2%}"),
        (words["level_shift"], f"{found['shift']:+.3f} ({found['low']:+.3f} – {found['high']:+.3f})"),
        (words["level_losses"], f"{found['losses']['with']:.4f} / {found['losses']['without']:.4f}"),
        (words["level_used"], words["yes" if found["used"] else "no"]),
    ]
    return Sheet(words["level"], (words["what"], words["figure"]), tuple(rows), figures=1, note=words["level_note"])


def _trueness(facts: Validation, words: Mapping[str, str]) -> Sheet:
    """Predicted over observed by calendar year, under Spiegelhalter's test of all probabilities together."""
    found = facts.files["trueness.json"]
    test = found["spiegelhalter"]
    rows = [
        (
            str(row["year"]),
            f"{row['n']:,}",
            f"{row['n_events']:,}",
            f"{row['predicted']:.2%}",
            f"{row['observed']:.2%}",
            *plain({"value": row["ratio"], "low": row["low"], "high": row["high"]}, 2),
            words["yes" if row["within"] else "no"],
        )
        for row in found["years"]
    ]
    names = ("year", "rows", "with_event", "predicted", "observed", "ratio", "interval", "within")
    verdict = "no_test" if test["z"] is None else "rejected" if test["rejected"] else "not_rejected"
    z, p = (MISSING if test[each] is None else f"{test[each]:{form}}" for each, form in (("z", "+.2f"), ("p_value", ".3f")))
    p = f"< {LEAST_P}" if test["z"] is not None and test["p_value"] < LEAST_P else p
    note = words["trueness_note"].format(n=f"{test['n']:,}", z=z, p=p, verdict=words[verdict])
    return Sheet(words["trueness"], tuple(words[name] for name in names), tuple(rows), figures=7, note=note)


def _tables(facts: Validation, words: Mapping[str, str]) -> Sheet:
    book = facts.files["book.json"]
    dates, money = book["dates"] or {}, book["money"] or {}
    rows = [
        (
            name,
            f"{n:,}",
            *(day or MISSING for day in dates.get(name) or (None, None)),
            "; ".join(f"{float(amount):,.0f} {currency}" for currency, amount in (money.get(name) or {}).items()) or MISSING,
        )
        for name, n in (book["rows"] or {}).items()
    ]
    headings = tuple(words[each] for each in ("table", "rows", "from", "to", "money"))
    return Sheet(words["tables"], headings, tuple(rows), figures=4)


def _sources(facts: Validation, words: Mapping[str, str]) -> Sheet:
    rows = [
        (
            str(each.get("name", MISSING)),
            *(f"{each.get(count, 0):,}" for count in ("rows", "accepted", "quarantined", "exact_duplicates")),
            str(each.get("sha256", MISSING))[:12],
        )
        for each in facts.files["book.json"]["sources"] or ()
    ]
    headings = tuple(words[each] for each in ("source", "rows", "accepted", "set_aside", "repeated", "digest"))
    return Sheet(words["sources"], headings, tuple(rows), figures=5)


def _rules(facts: Validation, lang: Lang) -> Sheet:
    words = WORDS[lang]
    rows = [
        (term(predictor, lang), *(cell for metric in LEADS for cell in signed(leads.get(metric))))
        for predictor, leads in ahead_of(facts)
    ]
    headings = (words["predictor"], *(words[each] for metric in LEADS for each in (metric, "interval")))
    return Sheet(words["rules"], headings, tuple(rows), figures=2 * len(LEADS), note=words["rules_note"])


def _holdouts(facts: Validation, lang: Lang) -> Sheet:
    words = WORDS[lang]
    rows = [
        (term(name, lang), *plain(figures.get("auc")), *plain(figures.get("log_loss")))
        for name, figures in facts.files["holdouts.json"].items()
    ]
    headings = (words["holdout"], words["auc"], words["interval"], words["log_loss"], words["interval"])
    return Sheet(words["holdouts"], headings, tuple(rows), figures=4)


def _roc(facts: Validation, words: Mapping[str, str]) -> Markup:
    points = [(float(x), float(y)) for x, y in facts.files["roc.json"]["model"]]
    return charts.unit_square(
        [charts.Curve("main", points)],
        say=lambda share: f"{100 * share:.0f}%",
        sentence=words["roc_sentence"].format(auc=f"{facts.metrics['auc']:.3f}"),
        x_name=words["roc_x"],
        height=300,
    )


def _prose(markdown: str) -> Markup:
    # The card is the company's own text, and still no HTML of it reaches the page: what looks like a tag is shown as text.
    return Markup(_markdown().render(markdown))  # noqa: S704


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__, "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
