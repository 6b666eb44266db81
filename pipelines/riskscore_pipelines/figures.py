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
    """What the model is worth, in sentences: beside the rule of thumb that is strongest in AUC and the one in log loss.

    A rule that is best in one of them may be well behind in the other, and to be ahead of it there says little.
    """
    rules = [name for name in evaluation.differences if name not in MEMBERS | {"uncalibrated", SCORECARD}]
    by_auc = max(rules, key=lambda rule: evaluation.figures[rule]["auc"].value)
    by_loss = min(rules, key=lambda rule: evaluation.figures[rule]["log_loss"].value)
    auc, loss = evaluation.differences[by_auc]["auc"], evaluation.differences[by_loss]["log_loss"]
    slope = evaluation.figures["model"]["calibration_slope"]
    held = [row for row in evaluation.grades if row.holds]
    return (
        f"Beside the strongest rule of thumb in AUC ({by_auc.replace('_', ' ')}) {_lead(auc)}, "
        f"in log loss ({by_loss.replace('_', ' ')}) {_lead(loss)}: {_verdict(auc, loss)}. {_beside_scorecard(evaluation)} "
        f"{len(held)} of {len(evaluation.grades)} grades pay as late as predicted (Jeffreys test). "
        f"Calibration slope {slope.told(2)}, curve used: {evaluation.calibration}."
    )


def _verdict(auc: Measured, loss: Measured) -> str:
    if auc.low > 0 and loss.high < 0:
        return "ahead beyond noise"
    return "ahead, but noise could explain it" if auc.value > 0 and loss.value < 0 else "not ahead in both"


def _lead(lead: Measured) -> str:
    return f"{lead.value:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"


def _beside_scorecard(evaluation: Evaluation) -> str:
    auc, loss = (evaluation.differences[SCORECARD][metric] for metric in ("auc", "log_loss"))
    return f"Beside a scorecard of the same features in AUC {_lead(auc)}, in log loss {_lead(loss)}."


def trueness_told(trueness: Trueness) -> str:
    """Whether the probabilities are true as a whole, in sentences, and why a year may be off all the same."""
    test = trueness.spiegelhalter
    verdict = "rejected" if test.rejected else "not rejected"
    p = "below 0.001" if test.p_value < LEAST_P else f"{test.p_value:.3f}"
    years = ", ".join(f"{row.year} {Measured(row.ratio, row.low, row.high).told(2)}" for row in trueness.years)
    return (
        f"All probabilities together: {verdict} at 5 % (Spiegelhalter's z {test.z:+.2f}, p {p}). Predicted over "
        f"observed by year: {years}. All customers share the economy of a year: it can be off with nothing wrong in the model."
    )


def _cell(measured: Measured) -> str:
    return f"{measured.value:.3f}\n[dim]{_short(measured.low)}–{_short(measured.high)}[/dim]"


def _short(figure: float) -> str:
    """Three decimals without the zero before the point, so that five intervals fit beside a name in eighty columns."""
    return f"{figure:.3f}".replace("0.", ".", 1) if abs(figure) < 1 else f"{figure:.2f}"
