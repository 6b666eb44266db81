"""Trials of recipes: a search with a fixed budget and seed, every trial a run of its own in MLflow under one parent."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from riskscore.evaluation import Measured
from riskscore.recipe import Recipe
from riskscore.stores.models.recording import flattened
from riskscore.stores.models.registry import Registry, storage_errors
from riskscore.training.tuning import Proving, propose, to_sign

STARTERS = 10
"""Trials drawn at random before the sampler believes what it has seen."""


@dataclass(frozen=True)
class Tuned:
    """What a search came to.

    recipe: the best one, as it should be signed; the one it began with where none was better. loss, loss_before: mean log loss on
    the early rows, in n_parts blocks of months or parts of the customers (`by`). ahead: the difference with its interval (below
    0: better; null where nothing was). run_id: the parent.
    """

    recipe: Recipe
    loss: float
    loss_before: float
    ahead: Measured | None
    n_trials: int
    n_pruned: int
    n_parts: int
    by: str
    n_customers_with_event: int
    run_id: str

    @property
    def beyond_noise(self) -> bool:
        """Is the best recipe better by more than other customers could explain?"""
        return self.ahead is not None and self.ahead.high < 0


def search(
    registry: Registry,
    proving: Proving,
    *,
    n_trials: int,
    seed: int,
    book_digest: str,
    told: Callable[[str, int, int], None],
) -> Tuned:
    """Try so many recipes and keep the best; equal rows, recipe, budget and seed give an equal recipe.

    A trial that does worse after a part than the median of those before is stopped there: its run has the status KILLED and the
    tags `state` (pruned) and `pruned_after_part`. Raises StorageFailed where the registry fails: no trial goes unrecorded.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    mlflow, experiment = registry.mlflow, registry.experiment()
    base = proving.base
    with (
        storage_errors(registry.uri),
        warnings.catch_warnings(),
        mlflow.start_run(experiment_id=experiment, run_name=f"{base.name} tuning") as parent,
    ):
        warnings.simplefilter("ignore")  # MLflow speaks of its own future
        mlflow.set_tags({"kind": "tuning", "recipe_digest": base.digest, "book_digest": book_digest})
        mlflow.log_params({"trials": n_trials, "seed": seed, "judged_on": f"{len(proving.trials)} parts by {proving.by}"})
        told("trying recipes", 0, n_trials + 1)
        with mlflow.start_run(experiment_id=experiment, run_name="the recipe as it is", nested=True):
            before = proving.said_by(base, lambda block, loss: _log(mlflow, block, loss))
        study = optuna.create_study(
            direction="minimize",
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(STARTERS, n_trials)),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=min(STARTERS, n_trials) // 2, n_warmup_steps=0),
        )

        def objective(trial: Any) -> float:
            recipe = propose(base, proving.space, trial)
            with mlflow.start_run(experiment_id=experiment, run_name=f"trial {trial.number + 1}", nested=True):
                mlflow.log_params(flattened(recipe.members.model_dump(mode="json")))

                def after(block: int, loss: float) -> None:
                    _log(mlflow, block, loss)
                    trial.report(loss, block)
                    if trial.should_prune() and block < len(proving.trials) - 1:
                        mlflow.set_tags({"state": "pruned", "pruned_after_part": block + 1})
                        # Left open it would be closed as FAILED, by the exception. FINISHED are those whose loss is of all parts.
                        mlflow.end_run("KILLED")
                        raise optuna.TrialPruned

                loss = proving.said_by(recipe, after).loss
            told("trying recipes", trial.number + 1, n_trials + 1)
            return loss

        study.optimize(objective, n_trials=n_trials)
        told("trying recipes", n_trials + 1, n_trials + 1)
        pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
        won = len(study.trials) > pruned and study.best_value < before.loss
        tried = propose(base, proving.space, optuna.trial.FixedTrial(study.best_params)) if won else base
        ahead = proving.ahead(proving.said_by(tried), before) if won else None
        mlflow.log_metrics({"log_loss": study.best_value if won else before.loss, "log_loss_before": before.loss})
        return Tuned(
            recipe=to_sign(base, tried, proving.space) if won else base,
            loss=study.best_value if won else before.loss,
            loss_before=before.loss,
            ahead=ahead,
            n_trials=n_trials,
            n_pruned=pruned,
            n_parts=len(proving.trials),
            by=proving.by,
            n_customers_with_event=proving.space.n_customers_with_event,
            run_id=parent.info.run_id,
        )


def _log(mlflow: Any, block: int, loss: float) -> None:
    mlflow.log_metric("log_loss", loss, step=block)
