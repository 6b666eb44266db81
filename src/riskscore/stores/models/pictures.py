"""Pictures of a training: ROC, calibration, distribution of scores, calibration by grade, and what the model listens to."""

from typing import Any

import numpy as np
import pyarrow as pa

from riskscore.evaluation import reliability, roc
from riskscore.grades import score_of
from riskscore.model import Model
from riskscore.model.formula import Floats
from riskscore.model.value import read_column
from riskscore.training import Trained

INK, GRAY, PALE = "#1f2933", "#7b8794", "#e4e7eb"
BLUE, ORANGE = "#1f6feb", "#d9730d"
N_SHOWN = 16
LARGEST_SAMPLE = 2000
TREE_TOLERANCE = 1e-6  # shap adds in another order than LightGBM; anything beyond is a disagreement


def draw(trained: Trained) -> dict[str, Any]:
    """File name to matplotlib figure. The caller saves and closes them."""
    return {
        "roc.png": draw_roc(trained),
        "calibration.png": draw_calibration(trained),
        "grades.png": draw_grades(trained),
        "scores.png": draw_scores(trained),
        "shap.png": draw_shap(trained),
    }


def draw_roc(trained: Trained) -> Any:
    """How well late payers are told from others, beside the scorecard and the rules of thumb."""
    figure, axes = _canvas()
    outcome = trained.judged.rows.outcome
    figures = trained.evaluation.figures
    shown = [name for name in trained.judged.pd if name not in {"uncalibrated", "logistic", "trees"}]
    for place, name in enumerate(shown):
        alarms, caught = roc(trained.judged.pd[name], outcome)
        auc = figures[name]["auc"]
        style = {"color": BLUE, "linewidth": 2.4, "zorder": 5} if name == "model" else _quiet(place)
        axes.plot(alarms, caught, label=f"{spoken(name)}  {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})", **style)
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, zorder=0)
    axes.set(xlabel="share of good payers above the threshold", ylabel="share of late payers above it", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="lower right", frameon=False, title="area under the curve, 95 % interval", alignment="left")
    _title(axes, "Who will pay late?", _basis(trained))
    return figure


def draw_calibration(trained: Trained) -> Any:
    """Does one in ten pay late where the model says ten per cent?"""
    figure, axes = _canvas()
    predicted, observed, _ = reliability(trained.judged.pd["model"], trained.judged.rows.outcome)
    # On logarithmic axes, because most customers have small probabilities and a grade is a doubling.
    bottom = max(1e-4, 0.6 * min(predicted.min(), observed[observed > 0].min()))
    shown = np.maximum(observed, bottom)
    axes.plot([bottom, 1], [bottom, 1], color=GRAY, linewidth=1, linestyle=(0, (4, 3)), label="as predicted")
    axes.plot(predicted, shown, color=BLUE, linewidth=1.2, alpha=0.6)
    axes.scatter(predicted, shown, s=64, color=BLUE, zorder=5, label="a tenth of the rows")
    ece, slope = trained.evaluation.figures["model"]["ece"], trained.evaluation.figures["model"]["calibration_slope"]
    text = f"mean distance {ece.told(3)}\nslope {slope.told(2)}"
    axes.text(0.03, 0.96, text, transform=axes.transAxes, va="top", color=INK)
    axes.set(xlabel="predicted probability", ylabel="observed share")
    axes.set(xscale="log", yscale="log", xlim=(bottom, 1), ylim=(bottom, 1))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.legend(loc="lower right", frameon=False)
    _title(axes, "Is the probability right?", _basis(trained))
    return figure


def draw_grades(trained: Trained) -> Any:
    """Does each grade pay as late as its probability says?"""
    figure, axes = _canvas()
    rows = trained.evaluation.grades
    places = [row.grade for row in rows]
    low = [100 * (row.observed - row.low) for row in rows]
    high = [100 * (row.high - row.observed) for row in rows]
    axes.errorbar(
        places,
        [100 * row.observed for row in rows],
        yerr=[np.maximum(low, 0), np.maximum(high, 0)],
        fmt="o",
        color=INK,
        capsize=3,
        label="observed, 95 % interval",
    )
    colors = [BLUE if row.holds else ORANGE for row in rows]
    axes.scatter(
        places, [100 * row.mean_pd for row in rows], marker="_", s=420, linewidth=3, color=colors, label="predicted", zorder=5
    )
    axes.set(xlabel="grade (and rows in it)", ylabel="paid materially late, %")
    axes.set_xticks(places, [f"{row.grade}\n({row.n:,})" for row in rows])
    axes.legend(loc="upper left", frameon=False)
    _title(
        axes,
        "Does every grade hold?",
        "outcome windows that do not overlap; orange: rejected by the Jeffreys test with Holm's rule",
    )
    return figure


def draw_scores(trained: Trained) -> Any:
    """Where the customers lie on the scale, by what became of them."""
    figure, axes = _canvas()
    scores = np.array([score_of(float(each)) for each in trained.judged.pd["model"]])
    outcome = trained.judged.rows.outcome
    bins = np.arange(scores.min() // 10 * 10, scores.max() + 20, 10)
    for chosen, color, name in ((outcome == 0, BLUE, "paid well"), (outcome == 1, ORANGE, "paid materially late")):
        weights = np.full(int(chosen.sum()), 100 / max(1, chosen.sum()))
        axes.hist(scores[chosen], bins=bins, weights=weights, color=color, alpha=0.55, label=f"{name} ({int(chosen.sum()):,})")
    axes.set(xlabel="score (40 points halve or double the odds)", ylabel="% of each")
    axes.legend(loc="upper right", frameon=False)
    _title(axes, "How far apart are the two?", _basis(trained))
    return figure


def draw_shap(trained: Trained) -> Any:
    """What moves the score: SHAP's beeswarm over our exact contributions at the newest cut."""
    import matplotlib.pyplot as plt
    import shap

    sample = sampled(trained.newest)
    explanation = trained.model.explain(sample)
    values = np.column_stack([_as_numbers(sample, name) for name in explanation.names])
    figure = plt.figure(figsize=(9, 7), dpi=110)
    shap.plots.beeswarm(
        shap.Explanation(
            values=explanation.contributions,
            base_values=np.full(sample.num_rows, explanation.base),
            data=values,
            feature_names=[spoken(name) for name in explanation.names],
        ),
        max_display=N_SHOWN,
        show=False,
        plot_size=None,
    )
    axes = figure.axes[0]
    axes.set_xlabel("contribution to the log-odds of paying late")
    _title(axes, "What does the model listen to?", f"{sample.num_rows:,} customers at the newest month end learned from")
    figure.tight_layout()
    return figure


def check_against_shap(model: Model, sample: pa.Table) -> float:
    """The largest distance between the trees' contributions and what the `shap` library computes from the same trees.

    shap hands LightGBM models back to LightGBM; its own code is asked instead, so that two implementations are compared. Raises
    AssertionError beyond 1e-6.
    """
    import shap

    trees = model.formula
    matrix = trees.matrix({each["name"]: read_column(sample, each["name"], each["kind"]) for each in trees.inputs})
    ours = trees.tree_contributions(matrix)
    explainer = shap.TreeExplainer(trees.booster, feature_perturbation="tree_path_dependent")
    explainer.model.model_type = "internal"
    theirs = np.asarray(explainer.shap_values(matrix, check_additivity=True))
    distance = float(np.max(np.abs(theirs - ours), initial=0.0))
    if not distance <= TREE_TOLERANCE:
        raise AssertionError(f"shap and LightGBM disagree on the contributions of the trees by {distance:.3g}")
    return distance


def sampled(rows: pa.Table) -> pa.Table:
    """At most 2,000 rows, spread evenly."""
    places = np.unique(np.linspace(0, rows.num_rows - 1, min(rows.num_rows, LARGEST_SAMPLE)).round().astype(int))
    return rows.take(pa.array(places))


def spoken(name: str) -> str:
    """A predictor's or a feature's name as a picture writes it."""
    return name.replace("_", " ")


def _as_numbers(frame: pa.Table, name: str) -> Floats:
    """A column for the color of the points: numbers as they are, categories not known."""
    if frame[name].type == pa.float64():
        numbers: Floats = frame[name].to_numpy()
        return numbers
    return np.full(frame.num_rows, np.nan)


def _canvas() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.4), dpi=110)
    axes = figure.add_axes((0.1, 0.12, 0.86, 0.74))  # set by hand: letting the library find it takes half a second a picture
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRAY)
    axes.tick_params(colors=INK)
    axes.grid(color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _title(axes: Any, title: str, basis: str) -> None:
    axes.set_title(title, loc="left", fontsize=14, fontweight="bold", color=INK, pad=24)
    axes.text(0, 1.02, basis, transform=axes.transAxes, color=GRAY, fontsize=9)


def _basis(trained: Trained) -> str:
    blocks = trained.judged.blocks
    n = trained.evaluation.n_rows
    return f"{n:,} customer months from {blocks[0][0]} to {blocks[-1][1]}, none of them learned from"


def _quiet(place: int) -> dict[str, Any]:
    """A line that stands back, told from its neighbours by its dashes."""
    styles = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)))
    return {"color": "#627d98", "linewidth": 1.2, "linestyle": styles[place % len(styles)]}
