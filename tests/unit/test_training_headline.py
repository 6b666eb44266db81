"""The headline of a training: what it claims of a metric, it claims of the rule that is strongest in that metric."""

from types import SimpleNamespace

import pytest

from riskscore.evaluation import Measured
from riskscore_pipelines.figures import headline

LEVEL = {"auc": Measured(0.0, -0.01, 0.01), "log_loss": Measured(0.0, -0.01, 0.01)}


def told(**rules):
    """The headline beside rules, each given as (AUC, its lead in AUC, log loss, its lead in log loss)."""
    exact = Measured(1.0, 0.9, 1.1)
    return headline(
        SimpleNamespace(
            figures={
                "model": {"calibration_slope": exact},
                **{
                    name: {"auc": Measured(auc, auc, auc), "log_loss": Measured(loss, loss, loss)}
                    for name, (auc, _, loss, _) in rules.items()
                },
            },
            differences={
                **{name: {"auc": Measured(*lead), "log_loss": Measured(*less)} for name, (_, lead, _, less) in rules.items()},
                **dict.fromkeys(("logistic", "trees", "uncalibrated", "scorecard"), LEVEL),
            },
            grades=[SimpleNamespace(holds=True)],
            calibration="beta",
        )
    )


FAR, NEAR = (0.05, 0.03, 0.07), (0.01, -0.01, 0.03)
LESS, HARDLY = (-0.05, -0.07, -0.03), (-0.01, -0.03, 0.01)


def test_each_metric_is_claimed_of_the_rule_strongest_in_it():
    said = told(shrunken_rate=(0.74, FAR, 0.40, LESS), oldest_days_past_due=(0.79, NEAR, 0.48, (-0.13, -0.15, -0.11)))

    assert "in AUC (oldest days past due) +0.010 (-0.010 to +0.030)" in said
    assert "in log loss (shrunken rate) -0.050 (-0.070 to -0.030)" in said
    assert "beyond noise" not in said


@pytest.mark.parametrize(
    ("lead", "less", "verdict"),
    [
        pytest.param(FAR, LESS, "ahead beyond noise", id="both intervals beyond zero"),
        pytest.param(NEAR, LESS, "ahead, but noise could explain it", id="AUC within noise"),
        pytest.param(FAR, HARDLY, "ahead, but noise could explain it", id="log loss within noise"),
        pytest.param((0.02, 0.0, 0.04), LESS, "ahead, but noise could explain it", id="an interval that ends at zero"),
        pytest.param((-0.01, -0.03, 0.01), LESS, "not ahead in both", id="behind in AUC"),
        pytest.param(FAR, (0.0, -0.01, 0.01), "not ahead in both", id="level in log loss"),
    ],
)
def test_the_verdict_follows_both_leads(lead, less, verdict):
    assert f": {verdict}." in told(shrunken_rate=(0.7, lead, 0.4, less))


def test_members_and_the_scorecard_are_no_rules_of_thumb():
    assert "(shrunken rate)" in told(shrunken_rate=(0.5, FAR, 0.6, LESS))
