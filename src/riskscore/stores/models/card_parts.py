"""What the model card says of the two other fitted parts: the payment hazard and the model of newcomers, in both languages."""

from collections.abc import Mapping

from riskscore.evaluation import Measured
from riskscore.recipe import Recipe
from riskscore.snapshot.calendar import date_of
from riskscore.training import Trained
from riskscore.training.judging_invoices import HAZARD, RECORD

SHOWN = ("auc", "log_loss", "ece")
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "late": "more than {k} days late", "late_at_all": "late at all", "invoices": "invoices", "late_ones": "late",
        "customers": "customers", HAZARD: "hazard", RECORD: "shrunken rate", "ahead": "hazard less rate, log loss",
        "by_facts": "They are answered by a hazard of their own.",
        "by_history": "They are answered as all others: no fact of them is known, or their own hazard has foretold them worse.",
        "no_invoice": "No invoice was judged.", "no_newcomer": "No newcomer could be judged: the interval is 0 to 1.",
        "none": "none", "model": "model", "prior": "share of earlier newcomers", "uncalibrated": "before calibration",
    },
    "zh": {
        "late": "迟付超过 {k} 天", "late_at_all": "是否迟付", "invoices": "发票数", "late_ones": "迟付数",
        "customers": "客户数", HAZARD: "付款时间模型", RECORD: "收缩后的迟付率", "ahead": "模型减迟付率，对数损失",
        "by_facts": "由专为新客户建立的付款时间模型回答。",
        "by_history": "与其他客户一样回答：账簿中没有关于他们的事实，或专为新客户建立的模型预测得更差。",
        "no_invoice": "没有发票接受检验。", "no_newcomer": "没有可检验的新客户：区间为 0 至 1。",
        "none": "无", "model": "模型", "prior": "较早新客户的迟付比例", "uncalibrated": "校准前",
    },
}  # fmt: skip
METRICS: Mapping[str, Mapping[str, str]] = {
    "en": {"auc": "AUC", "log_loss": "log loss", "ece": "ECE"},
    "zh": {"auc": "AUC", "log_loss": "对数损失", "ece": "ECE"},
}


def blanks_of_parts(trained: Trained, recipe: Recipe) -> dict[str, str]:
    """The blanks of both sections; those whose text depends on the language end in `_zh` in Chinese."""
    log, forecast, fresh = trained.log, trained.forecast, trained.evaluation.newcomers
    days = forecast.cases.column("as_of") if forecast is not None and len(forecast.cases) else None
    told = {
        "hazard_most_cases": f"{recipe.hazard.most_cases:,}",
        "hazard_most_invoices": f"{recipe.hazard.newcomers.late_at_all.most_invoices:,}",
        "invoices_from": "–" if days is None else date_of(int(days.min())).isoformat(),
        "invoices_to": "–" if days is None else date_of(int(days.max())).isoformat(),
        "n_newcomers": f"{log['n_newcomers']:,}",
        "n_newcomers_with_event": f"{log['n_newcomers_with_event']:,}",
        "newcomers_least": f"{recipe.cold.customers_with_event:,}",
        "n_judged_newcomers": f"{0 if fresh is None else fresh.n_customers:,}",
        "n_judged_newcomers_with_event": f"{0 if fresh is None else fresh.n_customers_with_event:,}",
    }
    for end, lang in (("", "en"), ("_zh", "zh")):
        words = WORDS[lang]
        told[f"invoice_figures{end}"] = _invoices(trained, lang)
        told[f"newcomers_speak{end}"] = words["by_facts" if log.get("newcomers_speak") else "by_history"]
        told[f"newcomer_figures{end}"] = _newcomers(trained, lang)
        told[f"newcomer_calibration{end}"] = words["none"] if fresh is None or fresh.calibration == "none" else fresh.calibration
    return told


def _invoices(trained: Trained, lang: str) -> str:
    words = WORDS[lang]
    if not trained.invoices:
        return words["no_invoice"]
    headings = [words["invoices"], words["late_ones"], words["customers"]]
    headings += [f"{words[name]}, {METRICS[lang]['log_loss']}" for name in (HAZARD, RECORD)]
    lines = _headed("", *headings, words["ahead"])
    for late, found in trained.invoices.items():
        k = late.removeprefix("late > ")
        named = words["late_at_all"] if k == "0" else words["late"].format(k=k)
        counts = f"{found.n_invoices:,} | {found.n_late:,} | {found.n_customers:,}"
        losses = " | ".join(_interval(found.figures[name]["log_loss"]) for name in (HAZARD, RECORD))
        lines.append(f"| {named} | {counts} | {losses} | {_interval(found.differences['log_loss'], '+.3f')} |")
    return "\n".join(lines)


def _newcomers(trained: Trained, lang: str) -> str:
    words, found = WORDS[lang], trained.evaluation.newcomers
    if found is None:
        return words["no_newcomer"]
    lines = _headed("", *METRICS[lang].values())
    for name, figures in found.figures.items():
        lines.append(f"| {words[name]} | " + " | ".join(_interval(figures[metric]) for metric in SHOWN) + " |")
    return "\n".join(lines)


def _headed(*headings: str) -> list[str]:
    return ["| " + " | ".join(headings) + " |", "|-" * len(headings) + "|"]


def _interval(measured: Measured, form: str = ".3f") -> str:
    return f"{measured.value:{form}} ({measured.low:{form}}–{measured.high:{form}})"
