"""A run's figures beside rules of thumb and the scorecard: what the gate makes of them, and what a person is shown."""

import io

from rich.console import Console

from riskscore.stores.comparisons import comparison_of
from riskscore_pipelines.promoting.beside import checks_beside, why_held
from riskscore_pipelines.promoting.shown import show_comparison

RULES = ["days_beyond_terms_365d"]
AHEAD = {"auc": (0.04, 0.02, 0.06), "pr_auc": (0.1, 0.05, 0.15), "brier": (-0.01, -0.02, -0.005)}
LEVEL = {"auc": (-0.001, -0.005, 0.003), "pr_auc": (0.002, -0.01, 0.012), "brier": (0.0, -0.001, 0.001)}


def told(scorecard=LEVEL, **of_rules):
    """The metrics of a run, as they are recorded."""
    leads = {"shrunken_rate": AHEAD, "days_beyond_terms_365d": AHEAD, **of_rules, "scorecard": scorecard}
    return {
        f"ahead_of/{name}/{metric}{end}": figure
        for name, lead in leads.items()
        for metric, interval in lead.items()
        for end, figure in zip(("", "_low", "_high"), interval, strict=True)
    }


def held(figures):
    return [check.name for check in checks_beside(figures, RULES) if not check.passed]


def printed(figures):
    """The table of checks as a terminal shows it."""
    checks = [vars(check) for check in checks_beside(figures, RULES)]
    for check in checks:
        check |= {part: None for part in ("value", "end") if check[part] != check[part]}
    facts = {"as_of": "2026-06-30", "basis": "no_champion", "champion": None, "checks": checks}
    out = io.StringIO()
    show_comparison(Console(file=out, width=160), comparison_of("late_payment", "2", "d" * 64, None, "held", facts))
    return out.getvalue()


def test_every_rule_is_asked_for_three_figures_and_the_scorecard_too():
    names = [check.name for check in checks_beside(told(), RULES)]

    assert names == [
        *(f"ahead_of/{rule}/{metric}" for rule in ("shrunken_rate", *RULES) for metric in ("auc", "pr_auc", "brier")),
        *(f"not_behind/scorecard/{metric}" for metric in ("auc", "pr_auc", "brier")),
    ]
    assert held(told()) == []


def test_a_version_level_with_a_rule_of_thumb_is_held_and_one_level_with_the_scorecard_is_not():
    level = held(told(days_beyond_terms_365d=LEVEL))

    assert level == [f"ahead_of/days_beyond_terms_365d/{metric}" for metric in ("auc", "pr_auc", "brier")]


def test_a_version_that_a_scorecard_foretells_better_than_is_held():
    assert held(told(scorecard=LEVEL | {"brier": (0.004, 0.001, 0.007)})) == ["not_behind/scorecard/brier"]


def test_a_run_from_before_is_held_and_told_to_be_trained_again():
    new = told()
    old = {name: figure for name, figure in new.items() if "/pr_auc" not in name and "/scorecard/" not in name}

    assert held(old) == [
        "ahead_of/shrunken_rate/pr_auc",
        "ahead_of/days_beyond_terms_365d/pr_auc",
        *(f"not_behind/scorecard/{metric}" for metric in ("auc", "pr_auc", "brier")),
    ]
    assert printed(old).count("train again") == 5
    assert "train again" not in printed(new)


def test_a_person_reads_of_whom_and_in_what():
    said = printed(told())

    assert "ahead of shrunken rate in PR-AUC, by" in said
    assert "not clearly behind scorecard in AUC, by" in said
    assert "at least -0.005" in said


def test_why_it_is_held_is_said_in_words():
    figures = told(
        scorecard=LEVEL | {"auc": (-0.02, -0.03, -0.01), "brier": (0.004, 0.001, 0.007)},
        days_beyond_terms_365d=AHEAD | {"auc": (0.02, -0.01, 0.05), "brier": (0.003, -0.001, 0.006)},
    )

    assert why_held(checks_beside(figures, RULES)).split("; ") == [
        "ahead of days beyond terms 365d in AUC by 0.0200, which chance explains (lower bound -0.0100)",
        "not ahead of days beyond terms 365d in Brier (-0.0030)",
        "clearly behind scorecard in AUC (by 0.0200, beyond chance 0.0100)",
        "clearly behind scorecard in Brier (by 0.0040, beyond chance 0.0010)",
    ]
    assert why_held(checks_beside(told(), RULES)) == ""
    assert why_held(checks_beside({}, [])).startswith("how it stands beside shrunken rate in AUC is not known; ")
