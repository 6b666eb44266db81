"""A search in the registry: a trial that was stopped early reads as stopped, one that broke as broken."""

from types import SimpleNamespace

import pytest

from modelling import small
from riskscore.stores.models import Registry
from riskscore.stores.models.trials import search
from riskscore.training.tuning import Space

N_TRIALS = 4


class Worsening:
    """Stands in for `Proving`: every recipe does worse than the one before, so the later ones are stopped after a part."""

    def __init__(self, breaks_at=None):
        self.base, self.trials, self.by, self.space = small(), [None, None], "months", Space(200)
        self.asked, self.breaks_at = 0, breaks_at

    def said_by(self, _recipe, after=lambda _number, _loss: None):
        self.asked += 1
        if self.asked == self.breaks_at:
            raise RuntimeError("out of memory")
        for part in range(len(self.trials)):
            after(part, 0.1 * self.asked)
        return SimpleNamespace(loss=0.1 * self.asked)


def runs_of(registry):
    found = registry.client.search_runs([registry.experiment()])
    return {run.data.tags["mlflow.runName"]: run for run in found}


def searched(tmp_path, proving):
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}")
    return registry, lambda: search(registry, proving, n_trials=N_TRIALS, seed=1, book_digest="b" * 64, told=lambda *_: None)


def test_a_trial_that_was_stopped_early_is_killed_and_says_so(tmp_path):
    registry, find = searched(tmp_path, Worsening())
    tuned = find()
    runs = runs_of(registry)
    stopped = [run for run in runs.values() if run.info.status == "KILLED"]

    assert len(stopped) == tuned.n_pruned > 0
    for run in stopped:
        assert run.data.tags["state"] == "pruned"
        assert run.data.tags["pruned_after_part"] == "1"
    assert {run.info.status for run in runs.values()} == {"FINISHED", "KILLED"}
    whole = [run for name, run in runs.items() if run.info.status == "FINISHED" and name.startswith("trial")]
    assert len(whole) + len(stopped) == N_TRIALS
    assert all("state" not in run.data.tags for run in whole)


def test_a_trial_that_broke_stands_as_failed(tmp_path):
    registry, find = searched(tmp_path, Worsening(breaks_at=2))

    with pytest.raises(RuntimeError, match="out of memory"):
        find()

    assert runs_of(registry)["trial 1"].info.status == "FAILED"
