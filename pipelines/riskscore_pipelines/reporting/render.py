"""From facts to one HTML file: charts drawn, figures written, nothing fetched, no script."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from riskscore import charts
from riskscore.phrases import word
from riskscore.portfolio import AGEING
from riskscore.stores.ledgers.accounting import UNSTATED
from riskscore_pipelines.drifting import told_drift
from riskscore_pipelines.reporting import figures
from riskscore_pipelines.reporting.dress import font, style
from riskscore_pipelines.reporting.facts import Quality, Report
from riskscore_pipelines.reporting.formats import HTML_LANG, Formats, Lang

SMALLER_IS_BETTER = ("brier", "log_loss", "ece")
CALIBRATION_SCALE = (0.001, 1.0)
N_FAMILIES = 20


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(report: Report, lang: Lang) -> str:
    """The report as one HTML text: style, font and drawings inside; it needs no network and runs no script."""
    f = Formats(lang, report.currency)
    head = figures.headline(report.customers)
    grades = figures.by_grade(report.customers)
    known_dso = [point for point in report.dso if point.days is not None]
    largest = report.concentration.families[0].share if report.concentration.families else 0.0
    text = (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            f=f,
            say=f.say,
            share=_share,
            html_lang=HTML_LANG[lang],
            code=report.provenance.get("code", ""),
            font=font(),
            css=style(),
            head=head,
            unstated=UNSTATED,
            shares={"overdue": _share(head.overdue, head.exposure), "at_risk": _share(head.at_risk, head.exposure)},
            sparks=_sparks(report),
            dso_now=known_dso[-1] if known_dso else None,
            alert=bool(report.dso) and report.dso[-1].alert,
            ages=AGEING,
            grades=grades,
            matrix=_matrix(report),
            risky=figures.riskiest_large(report.customers),
            defaulted=figures.in_default(report.customers),
            n_large=len(figures.large(report.customers)),
            limits=(limits := figures.limit_changes(report.customers)),
            binding=_binding(limits),
            unmeasured=report.unmeasured and word(report.unmeasured.says, lang, **report.unmeasured.told),
            families=_families(report),
            largest_share=largest,
            over_cap=largest > report.concentration.single_buyer_cap,
            quality=report.quality,
            drift=report.drift and told_drift(report.drift, lang),
            smaller_is_better=SMALLER_IS_BETTER,
            calibration=_calibration(report.quality),
            roc_legend=_roc_legend(report.quality, f),
            charts=_charts(report, grades, f),
        )
    )
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def _share(part: Decimal, whole: Decimal) -> float:
    return float(part / whole) if whole else 0.0


def _sparks(report: Report) -> Mapping[str, Markup]:
    return {
        "exposure": charts.sparkline([float(month.total) for month in report.ageing]),
        "overdue": charts.sparkline([month.overdue_share for month in report.ageing], least_span=0.05),
        "dso": charts.sparkline([point.days for point in report.dso if point.days is not None], least_span=5),
    }


def _matrix(report: Report) -> list[Mapping[str, Any]]:
    cells = figures.risk_matrix(report.customers)
    top = max(cells.values(), default=Decimal(0))

    def shade(amount: Decimal) -> int:
        # Root scale: with a linear one the large cell of good customers would leave all others white.
        return 0 if amount <= 0 or top <= 0 else max(1, min(5, round(float(amount / top) ** 0.5 * 5)))

    grades = [grade for grade in (*figures.GRADES, None) if any(key == grade for key, _ in cells)]
    return [
        {
            "grade": grade,
            "cells": [
                {"amount": amount, "shade": shade(amount)} for age in AGEING for amount in [cells.get((grade, age), Decimal(0))]
            ],
        }
        for grade in grades
    ]


def _binding(limits: figures.LimitChanges) -> list[Mapping[str, Any]]:
    most = max((n for _, n, _ in limits.binding), default=1)
    return [{"cap": cap, "n": n, "amount": amount, "bar": charts.bar(n / most, "fill")} for cap, n, amount in limits.binding]


def _families(report: Report) -> list[Mapping[str, Any]]:
    cap = report.concentration.single_buyer_cap
    shown = report.concentration.families[:N_FAMILIES]
    scale = max((family.share for family in shown), default=1.0) or 1.0
    tick = cap / scale if cap <= scale else None
    return [
        {
            "name": family.name,
            "n": family.n_customers,
            "exposure": family.exposure,
            "share": family.share,
            "bar": charts.bar(family.share / scale, "risk" if family.share > cap else "fill", tick=tick),
        }
        for family in shown
    ]


def _calibration(quality: Quality | None) -> list[Mapping[str, Any]]:
    if quality is None:
        return []
    return [
        {
            "facts": row,
            "drawing": charts.interval(row.low, row.observed, row.high, row.predicted, scale=CALIBRATION_SCALE, inside=row.holds),
        }
        for row in quality.calibration
    ]


def _charts(report: Report, grades: list[figures.GradeRow], f: Formats) -> Mapping[str, Markup]:
    return {
        "ageing": _ageing(report, f),
        "dso": _dso(report, f),
        "grades": _grades(report, grades, f),
        "lorenz": _lorenz(report, f),
        "roc": _roc(report.quality, f) if report.quality else Markup(""),
        "scale": charts.log_scale([(0.001, "0.1%"), (0.01, "1%"), (0.1, "10%")], scale=CALIBRATION_SCALE),
    }


def _ageing(report: Report, f: Formats) -> Markup:
    months = report.ageing
    columns = [
        charts.Column(
            label=f.month(month.on),
            parts=[(f"age{index}", float(amount)) for index, amount in enumerate(month.amounts)],
            title=f"{f.on(month.on)}: {f.number(month.total)}, {f.share(month.overdue_share)}",
        )
        for month in months
    ]
    first, last = months[0], months[-1]
    sentence = f.say(
        "ageing.sentence",
        n=len(months),
        total=f.compact(last.total),
        share=f.share(last.overdue_share),
        before=f.share(first.overdue_share),
    )
    return charts.stacked_columns(columns, say=f.compact, sentence=sentence)


def _dso(report: Report, f: Formats) -> Markup:
    points = report.dso
    known = [point for point in points if point.days is not None]
    alerts = frozenset(index for index, point in enumerate(points) if point.alert)
    now, best = (f.number(known[-1].days), f.number(known[-1].best_possible)) if known else (f.number(None), f.number(None))
    sentence = f.say("dso.sentence", now=now, best=best)
    series = [
        charts.Series(f"{f.say('dso.days')} {now}", "main", [point.days for point in points], alerts),
        charts.Series(f"{f.say('dso.best')} {best}", "best", [point.best_possible for point in points]),
    ]
    return charts.line_chart([f.quarter(point.on) for point in points], series, say=f.number, sentence=sentence)


def _grades(report: Report, grades: list[figures.GradeRow], f: Formats) -> Markup:
    columns = [
        charts.Column(
            label=f.say("grade.none") if row.grade is None else str(row.grade),
            parts=[(f"g{row.grade or 0}", float(row.exposure))],
            title=f"{f.say('grade.grade')} {row.grade or f.say('grade.none')}: {f.number(row.exposure)}",
            top=f.number(row.n),
        )
        for row in grades
    ]
    whole = figures.total(line.exposure for line in report.customers)

    def held(low: int, high: int) -> str:
        return f.share(_share(figures.total(row.exposure for row in grades if row.grade and low <= row.grade <= high), whole))

    sentence = f.say("grade.sentence", good=held(1, 4), middle=held(5, 6), weak=held(7, 10))
    return charts.stacked_columns(columns, say=f.compact, sentence=sentence, height=300)


def _lorenz(report: Report, f: Formats) -> Markup:
    facts = report.concentration
    return charts.unit_square(
        [charts.Curve("main", facts.lorenz)],
        say=lambda value: f.share(value, 0),
        sentence=f.say("concentration.lorenz_sentence", n=f.number(facts.n_families), top10=f.share(facts.top_10_share)),
        x_name=f.say("concentration.lorenz_x"),
        height=420,
    )


def _auc(quality: Quality, f: Formats) -> tuple[str, str]:
    figure = next((figure for figure in quality.figures if figure.name == "auc"), None)
    return (f.number(figure.value, 3), f.number(figure.baseline, 3)) if figure else (f.number(None), f.number(None))


def _roc_legend(quality: Quality | None, f: Formats) -> list[tuple[str, str]]:
    if quality is None:
        return []
    model, baseline = _auc(quality, f)
    lines = [("main", f.say("quality.roc_model", auc=model))]
    if quality.baseline_roc:
        lines.append(("best", f.say("quality.roc_baseline", auc=baseline)))
    return [*lines, ("diagonal", f.say("quality.chance"))]


def _roc(quality: Quality, f: Formats) -> Markup:
    model, baseline = _auc(quality, f)
    curves = [charts.Curve("main", quality.roc)]
    if quality.baseline_roc:
        curves.insert(0, charts.Curve("best", quality.baseline_roc))
    return charts.unit_square(
        curves,
        say=lambda value: f.share(value, 0),
        sentence=f.say("quality.roc_sentence", auc=model, baseline=baseline),
        x_name=f.say("quality.roc_x"),
        height=300,
    )
