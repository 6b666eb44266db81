"""Tuning: which recipe would have done best on months before those that judge a model, and how large a model they can carry.

The months that judge are never looked at here: a recipe chosen on them would be judged by what it was chosen for.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

import numpy as np
from scipy.special import expit

from riskscore.errors import TooFewEvents
from riskscore.evaluation import Measured, Resamples, paired_difference
from riskscore.model.calibration import log_loss
from riskscore.model.fit import fit_formula
from riskscore.model.formula import Floats, Formula
from riskscore.model.rows import Rows
from riskscore.model.value import read_columns
from riskscore.recipe import Recipe, TreeSize
from riskscore.training.gathering import ADVICE
from riskscore.training.learning import chosen_features

MOST_BLOCKS = 3
N_PARTS = 5
EVENTS_A_LEAF = 25
"""Customers with an event for each leaf a tree may have: the bound on what a search may ask of few late payers."""

N_RESAMPLES = 1000
DIGITS = 3


@dataclass(frozen=True)
class Space:
    """What may be tried with so many customers with an event."""

    n_customers_with_event: int

    @property
    def most_leaves(self) -> int:
        """Leaves of a tree: one for every `EVENTS_A_LEAF` customers with an event, 2 to 31."""
        return max(2, min(31, self.n_customers_with_event // EVENTS_A_LEAF))

    @property
    def most_depth(self) -> int:
        """As deep as those leaves need, at most 5."""
        return min(5, math.ceil(math.log2(self.most_leaves)))

    @property
    def most_rounds(self) -> int:
        """Trees: one for every customer with an event, 80 to 600."""
        return max(80, min(600, self.n_customers_with_event))


class Chooser(Protocol):
    """Who says what to try next; a trial of Optuna is one."""

    def suggest_int(self, name: str, low: int, high: int) -> int: ...  # noqa: D102

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...  # noqa: D102


def propose(base: Recipe, space: Space, chooser: Chooser) -> Recipe:
    """The recipe with the sizes, penalties and weights that the chooser names, rounded so that people can sign them."""
    twentieths = chooser.suggest_int("rate_twentieths", 0, 3)
    of_trees = round((20 - twentieths) * chooser.suggest_float("trees_share", 0.2, 0.8))
    size = TreeSize(
        from_customers=0,
        leaves=chooser.suggest_int("leaves", 2, space.most_leaves),
        depth=chooser.suggest_int("depth", 1, space.most_depth),
        rounds=chooser.suggest_int("rounds", 40, space.most_rounds),
    )
    members = base.members
    trees = members.trees.model_copy(
        update={
            "weight": _weight(of_trees),
            "learning_rate": _short(chooser.suggest_float("learning_rate", 0.02, 0.15, log=True)),
            "ridge": _short(chooser.suggest_float("trees_ridge", 1.0, 50.0, log=True)),
            "customers_in_leaf": chooser.suggest_int(
                "customers_in_leaf", 5, max(10, min(60, space.n_customers_with_event // 10))
            ),
            "sizes": [size],
        }
    )
    logistic = members.logistic.model_copy(
        update={
            "weight": _weight(20 - twentieths - of_trees),
            "ridge": _short(chooser.suggest_float("logistic_ridge", 3.0, 300.0, log=True)),
        }
    )
    rate = members.rate.model_copy(update={"weight": _weight(twentieths)})
    chosen = members.model_copy(update={"trees": trees, "logistic": logistic, "rate": rate})
    return base.model_copy(update={"members": chosen})


def to_sign(base: Recipe, tried: Recipe, space: Space) -> Recipe:
    """The tried recipe as it should be signed: its size holds from the evidence it was found with on, the former ones below."""
    smaller = [size for size in base.members.trees.sizes if size.from_customers < space.n_customers_with_event]
    (found,) = tried.members.trees.sizes
    sizes = [*smaller, found.model_copy(update={"from_customers": space.n_customers_with_event})]
    trees = tried.members.trees.model_copy(update={"sizes": sizes})
    return tried.model_copy(update={"members": tried.members.model_copy(update={"trees": trees})})


@dataclass(frozen=True)
class Told:
    """What a recipe said in its trials: customers, outcomes and probabilities, trial after trial."""

    customers: np.ndarray[Any, Any]
    outcome: Floats
    pd: Floats

    @property
    def loss(self) -> float:
        """Mean log loss over the rows of all trials."""
        return float(np.mean(log_loss(self.pd, self.outcome)))


@dataclass(frozen=True)
class Trial:
    """One trial of a recipe: learn from some early rows, be judged on others."""

    learned: Rows
    judged: Rows


class Proving:
    """The early rows of a training, and the trials every recipe goes through on them.

    Where the history is long enough each trial is a block of months, learned on what was known before it, oldest first. Where it
    is not, each is a fifth of the customers, learned on the others: no outcome of its own customer is learned from.
    by: which of the two.
    """

    def __init__(self, rows: Rows, base: Recipe) -> None:
        """Raises TooFewEvents where the early rows are too few to try anything on."""
        self.base = base
        judged = np.unique(rows.days)[-base.cuts.folds * base.cuts.fold_months :]
        early = rows.take(rows.days + _known_after(base) <= judged[0])
        blocks = [trial for trial in _blocks(early, base) if _enough(trial, base)]
        self.by: Literal["months", "customers"] = "months" if blocks else "customers"
        self.trials = blocks or [trial for trial in _parts(early) if _enough(trial, base)]
        if not self.trials:
            raise TooFewEvents(
                f"before the months that judge a model (the newest {len(judged)} cuts) there are too few late payers to try "
                f"recipes on. The recipe as it is needs no tuning. {ADVICE}"
            )
        self.space = Space(early.n_customers_with_event)

    def said_by(self, recipe: Recipe, after: Callable[[int, float], None] = lambda _number, _loss: None) -> Told:
        """What the recipe says in all trials. after: told the number of a trial and the loss so far; may raise to stop."""
        parts: list[Told] = []
        catalogue = chosen_features(recipe)
        for number, trial in enumerate(self.trials):
            formula = Formula(fit_formula(trial.learned, catalogue, recipe, explains=False))
            log_odds = formula.log_odds(formula.matrix(read_columns(trial.judged.features, catalogue)))
            parts.append(Told(np.array(trial.judged.features["customer_id"].to_pylist()), trial.judged.outcome, expit(log_odds)))
            after(number, _joined(parts).loss)
        return _joined(parts)

    def ahead(self, better: Told, than: Told) -> Measured:
        """Log loss of one less that of the other on the same draws of the customers; below 0 it is ahead."""
        numbered = np.unique(better.customers, return_inverse=True)[1].astype(np.int64)
        resamples = Resamples(numbered, N_RESAMPLES, self.base.seed)
        one, other = (resamples.judge(each.pd, each.outcome) for each in (better, than))
        return paired_difference(one, other, "log_loss")


def _blocks(early: Rows, recipe: Recipe) -> Iterator[Trial]:
    days = np.unique(early.days)
    n = recipe.cuts.fold_months
    for start in range(len(days) - min(MOST_BLOCKS, len(days) // n) * n, len(days), n):
        block = days[start : start + n]
        known = early.days + _known_after(recipe) <= block[0]
        yield Trial(early.take(known), early.take(np.isin(early.days, block)))


def _parts(early: Rows) -> Iterator[Trial]:
    part = early.folds_of_customers(N_PARTS)
    for number in range(N_PARTS):
        yield Trial(early.take(part != number), early.take(part == number))


def _enough(trial: Trial, recipe: Recipe) -> bool:
    if not len(trial.learned) or not 0 < trial.judged.outcome.sum() < len(trial.judged):
        return False
    with_event, least = trial.learned.n_customers_with_event, recipe.evidence.fold_customers_with_event
    return with_event >= least and trial.learned.n_customers - with_event >= least


def _known_after(recipe: Recipe) -> int:
    return recipe.outcome.horizon_days + recipe.cuts.embargo_days


def _joined(parts: list[Told]) -> Told:
    return Told(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("customers", "outcome", "pd")))


def _weight(twentieths: int) -> Decimal:
    return Decimal(5 * twentieths) / 100


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
