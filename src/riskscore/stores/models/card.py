"""The model card: a signed text with blanks, filled from one training and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from riskscore.errors import UsageRefused
from riskscore.evaluation import Measured
from riskscore.model.formula import Floats
from riskscore.recipe import Recipe
from riskscore.stores.models.card_parts import blanks_of_parts
from riskscore.stores.models.pictures import sampled
from riskscore.training import Trained

N_LISTED = 15


def write_cards(
    folder: Path, texts: Mapping[str, str], trained: Trained, recipe: Recipe, *, run_id: str, book_digest: str
) -> None:
    """The card in every language there is a text for: `card.md`, `card.zh.md`. Raises UsageRefused for a blank nobody knows."""
    blanks = blanks_of(trained, recipe, run_id=run_id, book_digest=book_digest)
    for language, text in texts.items():
        name = "card.md" if language == "en" else f"card.{language}.md"
        (folder / name).write_text(fill(text, blanks), encoding="utf-8")


def fill(text: str, blanks: Mapping[str, str]) -> str:
    """The text with every `$blank` filled."""
    try:
        return Template(text).substitute(blanks)
    except (KeyError, ValueError) as error:
        raise UsageRefused(f"model card: {error} is not a blank of the card. There are: {', '.join(sorted(blanks))}.") from error


def blanks_of(trained: Trained, recipe: Recipe, *, run_id: str, book_digest: str) -> dict[str, str]:
    """What the card can say: figures as Markdown tables, counts, dates, digests."""
    log, evaluation = trained.log, trained.evaluation
    return {
        "name": recipe.name,
        "model_digest": trained.model.digest,
        "recipe_digest": recipe.digest,
        "book_digest": book_digest,
        "run_id": run_id,
        "until": log["until"],
        "first_cut": log["cuts"][0],
        "last_cut": log["cuts"][-1],
        "n_cuts": str(len(log["cuts"])),
        "n_rows": f"{log['n_rows']:,}",
        "n_customers": f"{log['n_customers']:,}",
        "n_customers_with_event": f"{log['n_customers_with_event']:,}",
        "event_share": f"{100 * log['event_share']:.1f} %",
        "in_default": f"{log['left_out']['in_default']:,}",
        "without_settled_invoice": f"{log['left_out']['without_settled_invoice']:,}",
        "dormant": f"{log['left_out']['dormant']:,}",
        **{name: f"{log[name]:,}" for name in ("n_newcomer_rows", "n_newcomers", "n_newcomers_with_event")},
        "n_judged_rows": f"{evaluation.n_rows:,}",
        "n_judged_customers": f"{evaluation.n_customers:,}",
        "judged_from": log["judged_blocks"][0][0],
        "judged_to": log["judged_blocks"][-1][1],
        "horizon_days": str(recipe.outcome.horizon_days),
        "days_past_due": str(recipe.outcome.days_past_due),
        "min_amount": str(recipe.outcome.min_amount),
        "min_billing_share": f"{100 * recipe.outcome.min_billing_share:g} %",
        "late_share": f"{100 * recipe.outcome.late_share:g} %",
        "late_days": str(recipe.outcome.late_days),
        "calibration": evaluation.calibration,
        "level": _level(log["level"], "en"),
        "level_zh": _level(log["level"], "zh"),
        "members": ", ".join(f"{name} {weight:g}" for name, weight in trained.model.formula.weights.items()),
        "n_features": str(len(trained.model.feature_names)),
        "figures": _figures(trained),
        "grades": _grades(trained),
        "listens_to": _listens_to(trained),
        **blanks_of_parts(trained, recipe),
    }


def _figures(trained: Trained) -> str:
    columns = {
        "AUC": "auc",
        "KS": "ks",
        "PR-AUC": "pr_auc",
        "Brier": "brier",
        "log loss": "log_loss",
        "ECE": "ece",
        "slope": "calibration_slope",
    }
    lines = ["| | " + " | ".join(columns) + " |", "|-|" + "-|" * len(columns)]
    for predictor, figures in trained.evaluation.figures.items():
        cells = [_interval(figures[metric]) for metric in columns.values()]
        lines.append(f"| {predictor.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


LEVEL: Mapping[str, str] = {
    "en": "of {n_customers:,} customers at the newest month ends whose outcomes are known ({first_day} to {last_day}), "
    "{observed:.2%} were late against {predicted:.2%} predicted (each counted once): a shift of {shift:+.3f} on the log-odds "
    "({low:+.3f} to {high:+.3f}), pulled toward none. **{used}**; log loss on later months {loss_with:.4f} with it, "
    "{loss_without:.4f} without.",
    "zh": "结果已知的最新月末（{first_day} 至 {last_day}）共 {n_customers:,} 个客户，实际 {observed:.2%}，预测 {predicted:.2%}"
    "（每个客户计一次）：对数几率偏移 {shift:+.3f}（{low:+.3f} 至 {high:+.3f}，已向零收缩）。**{used}**；"
    "较晚月份的对数损失：采用 {loss_with:.4f}，不采用 {loss_without:.4f}。",
}
LEVEL_USED = {"en": ("not followed", "followed"), "zh": ("未采用", "已采用")}


def _level(found: Mapping[str, Any], lang: str) -> str:
    """What the newest known outcomes ask for, and whether it is followed: it has to have won on later months."""
    losses = {f"loss_{name}": value for name, value in found["losses"].items()}
    return LEVEL[lang].format(**{**found, **losses, "used": LEVEL_USED[lang][found["used"]]})


def _grades(trained: Trained) -> str:
    lines = ["| grade | n | events | mean PD | observed | 95 % interval | |", "|-|-|-|-|-|-|-|"]
    for row in trained.evaluation.grades:
        share = f"{100 * row.low:.2f} to {100 * row.high:.2f} %"
        lines.append(
            f"| {row.grade} | {row.n:,} | {row.n_events:,} | {100 * row.mean_pd:.2f} % | {100 * row.observed:.2f} % | {share} | "
            f"{'✓' if row.holds else '✗'} |"
        )
    return "\n".join(lines)


def _listens_to(trained: Trained) -> str:
    explanation = trained.model.explain(sampled(trained.newest))
    strength: Floats = abs(explanation.contributions).mean(axis=0)
    ranked: list[tuple[float, Any]] = sorted(
        zip(strength.tolist(), explanation.names, strict=True), key=lambda each: (-each[0], each[1])
    )
    return "\n".join(f"| {name} | {value:.3f} |" for value, name in ranked[:N_LISTED])


def _interval(measured: Measured) -> str:
    return measured.told(3, to="–")
