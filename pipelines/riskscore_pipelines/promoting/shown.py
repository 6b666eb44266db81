"""A comparison as a terminal shows it: what was compared, every check with its bound, and what would move."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from riskscore.stores.comparisons import Comparison
from riskscore_pipelines.columns import money_of, table_of
from riskscore_pipelines.promoting.beside import METRICS
from riskscore_pipelines.shown import plain

BASES = {
    "after_both": "rows after the last day of either training; both models answer as they are",
    "walk_forward": "rows judged while training, each by a model of its time; the champion as it is after its own last day",
    "no_champion": "nothing is in force: only the rules of thumb and the scorecard to compare with",
    "same_model": "the very model in force: its approval is renewed",
}

CHECKS = {
    "customers": ("customers compared", "at least"),
    "customers_with_event": ("of them materially late", "at least"),
    "gain": ("log loss gained, share of the champion's", "above"),
    "hazard_gain": ("only the payment hazard is better: log loss gained", "above"),
    "customers_worse": ("log loss lost by customers, share of the champion's", "at most"),
    "hazard/late_0_worse": ("payment hazard, late at all: log loss lost, share", "at most"),
    "hazard/late_30_worse": ("payment hazard, more than 30 days: log loss lost, share", "at most"),
    "newcomers_worse": ("newcomers: log loss lost, share", "at most"),
    "profit": ("profit by unit of credit gained, share", "at least"),
    "intercept_worse": ("calibration intercept further off", "at most"),
    "slope_worse": ("calibration slope further off", "at most"),
    "ece_worse": ("calibration error more", "at most"),
    "segments_worse": ("segments clearly worse off", "at most"),
    "psi": ("scores of today against those judged (PSI)", "at most"),
    "grades_moved": ("customers moving two grades or more", "at most"),
    "approvals_moved": ("customers decided without a person, moved", "at most"),
    "limits_moved": ("sum of all limits, moved", "at most"),
    "limits_doubled": ("customers whose limit more than doubles", "at most"),
    "limits_above_cap": ("limits above a cap of the policy", "at most"),
}
COUNTED = {"customers", "customers_with_event", "segments_worse", "limits_above_cap"}
PARTS = {
    "hazard/late_0": "invoices, late at all",
    "hazard/late_30": "invoices, more than 30 days late",
    "newcomers": "newcomers",
}
NOT_JUDGED = {
    "neither": "both have too few answers",
    "champion_lacks": "the one in force kept too few answers",
    "challenger_lacks": "this version has too few answers: train again",
    "nothing_shared": "too few answers to the same questions",
}
SHARES = {
    "gain",
    "hazard_gain",
    "customers_worse",
    "hazard/late_0_worse",
    "hazard/late_30_worse",
    "newcomers_worse",
    "profit",
    "grades_moved",
    "approvals_moved",
    "limits_moved",
    "limits_doubled",
}


def show_comparison(out: Console, comparison: Comparison) -> None:
    """Print a comparison for the person who has to answer for it."""
    facts = comparison.facts
    champion = facts["champion"]
    against = f"version {champion['version']} in force" if champion else "nothing in force"
    out.print(
        f"{comparison.name} version {comparison.version} against {against}, on the book of {facts['as_of']}: "
        f"{BASES[facts['basis']]}.",
        markup=False,
    )
    if facts.get("n_rows"):
        out.print(
            f"{facts['n_rows']:,} rows of {facts['n_customers']:,} customers, {facts['first_on']} to {facts['last_on']}; look "
            f"{facts['look']} at this champion, so one chance in {1 / facts['level']:,.0f} that one no better passes.",
            markup=False,
        )
    for row in facts.get("parts", ()):
        if row["basis"] not in NOT_JUDGED:
            out.print(
                f"{PARTS[row['name']]}: {row['n_rows']:,} of {row['n_customers']:,} customers, {row['n_customers_with_event']:,} "
                f"of them late at least once; {BASES[row['basis']]}.",
                markup=False,
            )
    if facts["checks"]:
        out.print(_checks(facts))
    if "blast" in facts:
        out.print(_moves(facts["blast"], facts["currency"]))
    if facts.get("segments"):
        out.print(_segments(facts["segments"]))
    verdict = "passed" if comparison.verdict == "passed" else "held for review by two people"
    out.print(f"The gate: {verdict}. Comparison {comparison.digest[:12]}.", markup=False)


def _checks(facts: Mapping[str, Any]) -> Table:
    table = table_of("Checks", "check", "measured", "bound of its interval", "must be", "", figures=4)
    bases = {f"{row['name']}_worse": row["basis"] for row in facts.get("parts", ())}
    for check in facts["checks"]:
        name = check["name"]
        said, way = CHECKS[name] if name in CHECKS else _beside(name)
        figures = [_figure(name, check[part]) for part in ("value", "end")]
        if check["value"] is None and name not in CHECKS:  # of a run made before this figure was told
            figures = ["not recorded", "train again"]
        if bases.get(name) in NOT_JUDGED:
            figures = ["not judged", NOT_JUDGED[bases[name]]]
        table.add_row(plain(said), *figures, f"{way} {_figure(name, check['bound'])}", "" if check["passed"] else "HELD")
    return table


def _beside(name: str) -> tuple[str, str]:
    """The words of a check against another predictor: `ahead_of/RULE/METRIC` or `not_behind/PREDICTOR/METRIC`."""
    kind, predictor, metric = name.split("/")
    said, way = {"ahead_of": ("ahead of", "above"), "not_behind": ("not clearly behind", "at least")}[kind]
    return f"{said} {predictor.replace('_', ' ')} in {METRICS[metric]}, by", way


def _moves(blast: Mapping[str, Any], currency: str) -> Table:
    table = table_of("What would change", "", "before", "after")
    table.add_row("decided without a person", *(f"{blast[f'approvals_{side}']:.1%}" for side in ("before", "after")))
    limits = (money_of(Decimal(blast[f"limits_{side}"])) for side in ("before", "after"))
    table.add_row(f"sum of all limits, {currency}", *limits)
    table.caption = (
        f"Of {blast['n_customers']:,} customers {blast['n_regraded']:,} change grade, {blast['n_far']:,} by two or more; "
        f"{blast['n_raised']:,} limits rise, {blast['n_cut']:,} fall."
    )
    return table


def _segments(rows: list[Mapping[str, Any]]) -> Table:
    heads = ("segment", "customers", "observed", "champion said", "challenger said", "log loss gained", "interval", "")
    table = table_of("Segments (the interval holds for all of them together)", *heads, figures=6)
    for row in rows:
        table.add_row(
            plain(f"{row['dimension']}: {row['segment']}"),
            f"{row['n_customers']:,}",
            *(f"{row[part]:.1%}" for part in ("observed", "champion", "challenger")),
            f"{row['gain']:+.4f}",
            f"{row['low']:+.4f} to {row['high']:+.4f}",
            "WORSE" if row["worse"] else "",
        )
    return table


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "-"  # a figure without an interval, or one that could not be told
    if name in COUNTED:
        return f"{value:,.0f}"
    return f"{value:.2%}" if name in SHARES else f"{value:.3f}"
