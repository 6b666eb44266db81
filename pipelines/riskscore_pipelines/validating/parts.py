"""The tables of the two other fitted parts: the payment hazard by lateness and segment, and the model of newcomers."""

from collections.abc import Mapping, Sequence
from typing import Any

from riskscore.phrases import Lang
from riskscore.training.judging_invoices import HAZARD, RECORD
from riskscore_pipelines.finance.page import Sheet
from riskscore_pipelines.validating.cells import plain, segments, signed
from riskscore_pipelines.validating.facts import Validation
from riskscore_pipelines.validating.words import WORDS, term


def of_invoices(facts: Validation, lang: Lang) -> list[Sheet]:
    """The payment hazard beside the customers' records by lateness, then by segment where it was broken down."""
    judged: Mapping[str, Any] = facts.files["invoices.json"]
    titles = {late: _late(late, lang) for late in judged}
    return [
        _counts(judged, lang),
        _beside_the_record(judged, lang),
        *(
            segments(found["segments"], WORDS[lang]["invoice_segments"].format(late=titles[late]), lang)
            for late, found in judged.items()
            if found["segments"]
        ),
    ]


def _late(late: str, lang: Lang) -> str:
    k = late.removeprefix("late > ")
    return WORDS[lang]["late_at_all"] if k == "0" else WORDS[lang]["late_by"].format(k=k)


def _counts(judged: Mapping[str, Any], lang: Lang) -> Sheet:
    words = WORDS[lang]
    counted = ("n_invoices", "n_late", "n_customers", "n_customers_with_late")
    rows = [(_late(late, lang), *(f"{found[name]:,}" for name in counted)) for late, found in judged.items()]
    headings = ("lateness", *counted)
    note = words["invoices_note" if judged else "invoices_none"]
    return Sheet(words["invoices"], tuple(words[name] for name in headings), tuple(rows), figures=4, note=note)


def _beside_the_record(judged: Mapping[str, Any], lang: Lang) -> Sheet:
    """Every predictor in AUC and log loss, and below them the difference of the two on the same draws of the customers."""
    words, rows = WORDS[lang], []
    for late, found in judged.items():
        for name in (HAZARD, RECORD):
            cells = [cell for metric in ("auc", "log_loss", "ece") for cell in plain(found["figures"][name].get(metric))]
            rows.append((f"{_late(late, lang)}: {term(name, lang)}", *cells))
        ahead = [cell for metric in ("auc", "log_loss") for cell in signed(_triple(found["differences"][metric]))]
        rows.append((f"{_late(late, lang)}: {words['difference']}", *ahead, "", ""))
    names = ("predictor", "auc", "interval", "log_loss", "interval", "ece", "interval")
    return Sheet(words["beside_the_record"], tuple(words[name] for name in names), tuple(rows), figures=6)


def _triple(measured: Mapping[str, float | None]) -> Sequence[float] | None:
    ends = [measured[end] for end in ("value", "low", "high")]
    return None if None in ends else [each for each in ends if each is not None]


def of_newcomers(facts: Validation, lang: Lang) -> Sheet:
    """The model of customers without a settled invoice beside their prior, on later months."""
    words, found = WORDS[lang], facts.files["newcomers.json"]
    names = {"model": words["newcomer_model"], "prior": words["newcomer_prior"], "uncalibrated": words["newcomer_raw"]}
    rows = [
        (names[name], *plain(figures.get("auc")), *plain(figures.get("log_loss")), *plain(figures.get("ece")))
        for name, figures in (found["figures"] if found else {}).items()
    ]
    names_of_columns = ("predictor", "auc", "interval", "log_loss", "interval", "ece", "interval")
    headings = tuple(words[name] for name in names_of_columns)
    note = words["newcomers_none"]
    if found:
        note = words["newcomers_note"].format(n=f"{found['n_customers']:,}", late=f"{found['n_customers_with_event']:,}")
    return Sheet(words["newcomers"], headings, tuple(rows), figures=6, note=note)
