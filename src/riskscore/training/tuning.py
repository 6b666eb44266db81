"""Tuning: which recipe would have done best on months before those that judge a model, and how large a model they can carry.

The months that judge are never looked at here: a recipe chosen on them would be judged by what it was chosen for.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
from scipy.special import expit

from riskscore.errors import TooFewEvents
from riskscore.evaluation import Measured, Resamples, paired_difference
from riskscore.model.calibration import log_loss
from riskscore.model.formula import Floats
from riskscore.model.rows import Rows
from riskscore.recipe import Recipe, TreeSize
from riskscore.training.gathering import ADVICE
from riskscore.training.judging import walk_forward
from riskscore.training.learning import chosen_features

MOST_BLOCKS = 3
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
    """What a recipe said of the early blocks: customers, outcomes and probabilities, block after block."""

    customers: np.ndarray[Any, Any]
    outcome: Floats
    pd: Floats

    @property
    def loss(self) -> float:
        """Mean log loss over the rows of all blocks."""
        return float(np.mean(log_loss(self.pd, self.outcome)))


class Proving:
    """The early rows of a training, and the blocks of them that recipes are tried on, oldest first."""

    def __init__(self, rows: Rows, base: Recipe) -> None:
        """Raises TooFewEvents where no block before the judged months has enough behind it to learn from."""
        self.base = base
        judged = np.unique(rows.days)[-base.cuts.folds * base.cuts.fold_months :]
        known = rows.days + base.outcome.horizon_days + base.cuts.embargo_days <= judged[0]
        self.rows = rows.take(known)
        days = np.unique(self.rows.days)
        ends = days[:: -base.cuts.fold_months][:MOST_BLOCKS][::-1] if len(days) else days
        blocks = [self.rows.take(self.rows.days <= end) for end in ends]
        self.blocks = [block for block in blocks if self._can_judge(block)]
        if not self.blocks:
            raise TooFewEvents(
                f"before the months that judge a model ({len(judged)} from the last cut back) no block has enough late payers "
                f"behind it to try recipes on. The recipe as it is needs no tuning. {ADVICE}"
            )
        self.space = Space(self.rows.n_customers_with_event)

    def blocks_of(self, recipe: Recipe) -> Iterator[Told]:
        """What the recipe says of one block after another, each learned on what was known before the block."""
        one = recipe.model_copy(update={"cuts": recipe.cuts.model_copy(update={"folds": 1})})
        for block in self.blocks:
            judged = walk_forward(block, chosen_features(recipe), one)
            yield Told(np.array(judged.rows.features["customer_id"].to_pylist()), judged.rows.outcome, expit(judged.log_odds))

    def said_by(self, recipe: Recipe, after_block: Callable[[int, float], None] = lambda _number, _loss: None) -> Told:
        """What the recipe says of all blocks. after_block: told the loss so far; may raise to stop."""
        parts: list[Told] = []
        for part in self.blocks_of(recipe):
            parts.append(part)
            after_block(len(parts) - 1, _joined(parts).loss)
        return _joined(parts)

    def ahead(self, better: Told, than: Told) -> Measured:
        """Log loss of one less that of the other on the same draws of the customers; below 0 it is ahead."""
        numbered = np.unique(better.customers, return_inverse=True)[1].astype(np.int64)
        resamples = Resamples(numbered, N_RESAMPLES, self.base.seed)
        one, other = (resamples.judge(each.pd, each.outcome) for each in (better, than))
        return paired_difference(one, other, "log_loss")

    def _can_judge(self, block: Rows) -> bool:
        recipe = self.base
        first = np.unique(block.days)[-recipe.cuts.fold_months :][0]
        learned = block.take(block.days + recipe.outcome.horizon_days + recipe.cuts.embargo_days <= first)
        events = block.outcome[block.days >= first]
        least = recipe.evidence.fold_customers_with_event
        with_event = learned.n_customers_with_event if len(learned) else 0
        return bool(with_event >= least and learned.n_customers - with_event >= least and 0 < events.sum() < len(events))


def _joined(parts: list[Told]) -> Told:
    return Told(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("customers", "outcome", "pd")))


def _weight(twentieths: int) -> Decimal:
    return Decimal(5 * twentieths) / 100


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
