"""How far a forecast came toward the best one possible, where that is known, and the guard against coming too far.

Only a simulated world has such a limit: the chance that follows from everything public. No model that learns from the books can
be better but by luck; one that is, beyond noise, has seen the future.
"""

from dataclasses import dataclass

import numpy as np

from riskscore.evaluation.comparison import Measured, Resamples, interval
from riskscore.evaluation.guards import LeakFound
from riskscore.evaluation.metrics import SMALLEST_PD, Floats, Integers

FEWEST_CUSTOMERS = 30
"""Of fewer customers nobody is called a leak: their interval is too narrow, of one it has no width at all.

A model a little short of the limit, drawn a few hundred times, lay beyond noise in half of the draws of one customer, in a
quarter of two, in 7 % of five and 5 % of ten; from thirty on in about the 2.5 % that the interval promises.
"""


@dataclass(frozen=True)
class Attained:
    """Log loss of prior, model and limit, and two figures with 95 % intervals over customers.

    share: (prior - model) / (prior - limit): 0 is knowing nothing, 1 the limit. short_of: model - limit in log loss; below zero
    the model did better than anything can.
    """

    prior: float
    model: float
    limit: float
    share: Measured
    short_of: Measured
    n_customers: int


def attained(
    pd: Floats, limit: Floats, prior: Floats, outcome: Floats, customers: Integers, *, seed: int, n_resamples: int = 300,
    n_paths: int | None = None,
) -> Attained:  # fmt: skip
    """The share attained of the way from the prior to the limit, on the same rows and the same draws of customers.

    pd, limit, prior: probabilities, one a row. n_paths: where the limit is itself counted on simulated paths, how many: a count
    over n paths has an expected log loss 1 / (2 n) above the chance it estimates, which is taken off.
    """
    excess = 1 / (2 * n_paths) if n_paths else 0.0
    smooth = limit if n_paths is None else (limit * n_paths + 0.5) / (n_paths + 1)  # a share of none or all paths is no certainty
    resamples = Resamples(customers, n_resamples, seed)
    losses = [_mean_loss(each, outcome, customers, resamples.weights) for each in (prior, pd, smooth)]
    before, after, best = losses[0], losses[1], losses[2] - excess
    share = (before - after) / (before - best)
    n_customers = len(np.unique(customers))
    return Attained(float(before[0]), float(after[0]), float(best[0]), interval(share), interval(after - best), n_customers)


def check_below_limit(found: Attained) -> None:
    """No model is better than the limit beyond the noise of the sample. Raises LeakFound with the figures.

    Of fewer than `FEWEST_CUSTOMERS` the noise is not known, and nothing is found: to be ahead of the limit may be luck.
    """
    if found.n_customers >= FEWEST_CUSTOMERS and found.short_of.high < 0:
        raise LeakFound(
            f"the log loss {found.model:.4f} lies below {found.limit:.4f}, which is the least that anybody could reach who knows "
            f"what is public ({found.short_of.low:+.4f} to {found.short_of.high:+.4f} over draws of customers): the model has "
            "seen what was not known at its dates."
        )


def _mean_loss(pd: Floats, outcome: Floats, customers: Integers, weights: Floats) -> Floats:
    kept = np.clip(pd, SMALLEST_PD, 1 - SMALLEST_PD)
    loss = -np.where(outcome == 1, np.log(kept), np.log1p(-kept))
    n = weights.shape[1]
    result: Floats = (weights @ np.bincount(customers, loss, minlength=n)) / (weights @ np.bincount(customers, minlength=n))
    return result
