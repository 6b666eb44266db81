"""The figures of a training as a terminal shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from riskscore.evaluation import Measured, Trueness
from riskscore.training import Evaluation
from riskscore.training.judging import SCORECARD
from riskscore.training.judging_invoices import JudgedLateness

SHOWN = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log loss",
    "brier": "Brier",
    "ece": "ECE",
}
MEMBERS = {"logistic", "trees"}
LEAST_P = 0.001
"""A smaller p is said to be below it: three decimals would make it none."""


def figure_table(evaluation: Evaluation, blocks: Sequence[Sequence[Any]]) -> Table:
    """The model, its members, the scorecard and the rules of thumb, each with its 95 % interval below."""
    table = Table(
        title=f"Judged on {evaluation.n_rows:,} later rows of {evaluation.n_customers:,} customers, "
        f"{blocks[0][0]} to {blocks[-1][1]}",
        title_justify="left",
        caption="Second line: 95 % interval by resampling customers. AUC, PR-AUC: higher is better; others: lower.",
        caption_justify="left",
        box=None,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("", no_wrap=True)
    for heading in SHOWN.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for name, figures in evaluation.figures.items():
        if name == "uncalibrated" and evaluation.calibration == "none":
            continue  # the same probabilities as the model's
        said = f"  member: {name}" if name in MEMBERS else name.replace("_", " ")
        style = "bold" if name == "model" else ""
        table.add_row(said, *[_cell(figures[metric]) for metric in SHOWN], style=style)
    return table


BY_FACTS = (
    "Customers that have not settled an invoice yet are forecast by a hazard of their own (accounts, rating, sector, terms)."
)
BY_HISTORY = (
    "Customers that have not settled an invoice yet are forecast as all others: the book knows no fact of them, or a hazard of "
    "their own has foretold them worse."
)


def invoice_table(judged: Mapping[str, JudgedLateness], *, newcomers_speak: bool) -> Table:
    """The payment hazard beside the customer's own shrunken record, invoice by invoice on the day of issue.

    newcomers_speak: whether newcomers are answered by the hazard of newcomers.
    """
    table = Table(
        title="Invoices on the day of issue, judged on the last two half-years",
        title_justify="left",
        caption=BY_FACTS if newcomers_speak else BY_HISTORY,
        caption_justify="left",
        box=None,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("", no_wrap=True)
    for heading in SHOWN.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for late, found in judged.items():
        for name, each in found.figures.items():
            table.add_row(f"{late} days: {name}", *[_cell(each[metric]) for metric in SHOWN])
    return table


def headline(evaluation: Evaluation) -> str:
    """What the model is worth, in sentences: how far ahead of the best single rule it is, and whether that could be noise."""
    rules = {name: each for name, each in evaluation.differences.items() if name not in MEMBERS | {"uncalibrated", SCORECARD}}
    name, best = min(rules.items(), key=lambda each: evaluation.figures[each[0]]["log_loss"].value)
    auc, loss = best["auc"], best["log_loss"]
    verdict = "beyond noise" if auc.low > 0 and loss.high < 0 else "noise could explain that"
    slope = evaluation.figures["model"]["calibration_slope"]
    held = [row for row in evaluation.grades if row.holds]
    return (
        f"Ahead of the best rule of thumb ({name.replace('_', ' ')}) by {auc.value:+.3f} AUC ({auc.low:+.3f} to {auc.high:+.3f}) "
        f"and {loss.value:+.3f} log loss ({loss.low:+.3f} to {loss.high:+.3f}): {verdict}. {_beside_scorecard(evaluation)} "
        f"{len(held)} of {len(evaluation.grades)} grades pay as late as predicted (Jeffreys test). "
        f"Calibration slope {slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f}), curve used: {evaluation.calibration}."
    )


def _beside_scorecard(evaluation: Evaluation) -> str:
    auc, loss = (evaluation.differences[SCORECARD][metric] for metric in ("auc", "log_loss"))
    return (
        f"Beside a scorecard of the same features {auc.value:+.3f} AUC ({auc.low:+.3f} to {auc.high:+.3f}) "
        f"and {loss.value:+.3f} log loss ({loss.low:+.3f} to {loss.high:+.3f})."
    )


def trueness_told(trueness: Trueness) -> str:
    """Whether the probabilities are true as a whole, in sentences, and why a year may be off all the same."""
    test = trueness.spiegelhalter
    verdict = "rejected" if test.rejected else "not rejected"
    p = "below 0.001" if test.p_value < LEAST_P else f"{test.p_value:.3f}"
    years = ", ".join(f"{row.year} {row.ratio:.2f} ({row.low:.2f} to {row.high:.2f})" for row in trueness.years)
    return (
        f"All probabilities together: {verdict} at 5 % (Spiegelhalter's z {test.z:+.2f}, p {p}). Predicted over "
        f"observed by year: {years}. All customers share the economy of a year: it can be off with nothing wrong in the model."
    )


def _cell(measured: Measured) -> str:
    return f"{measured.value:.3f}\n[dim]{_short(measured.low)}–{_short(measured.high)}[/dim]"


def _short(figure: float) -> str:
    """Three decimals without the zero before the point, so that five intervals fit beside a name in eighty columns."""
    return f"{figure:.3f}".replace("0.", ".", 1) if abs(figure) < 1 else f"{figure:.2f}"
