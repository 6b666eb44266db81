"""Do the customers of a run still look like those the model learned from? Told with every run; it holds none."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binom

from riskscore.decisions import Decision
from riskscore.evaluation.metrics import Floats
from riskscore.model import Model
from riskscore.promotion.stability import Stability, population_stability

LEAST_PSI = 0.1
"""An index below it is no shift whatever chance says: the usual reading of the index (Siddiqi 2006, "no change")."""

N_FEATURES = 5
"""Numbers that are looked at, those that move the log-odds most. With the score and the share of unseen categories there are
seven looks a run."""

CHANCE = 0.9995
"""Each look is within its bound by chance so often: stricter than 999 in 1,000, because the seven together are to speak without
cause in fewer than 1 run of 100 in small books too, where such bounds are a little low."""

UNSEEN_SHARE = 0.02
"""Customers with a category that no row of training had: so many are expected, new countries and lines of business come."""


@dataclass(frozen=True)
class Trained:
    """Rows of training to compare with. pd: (n,), what the model says of them. numbers: feature to (n,), NaN where not known.

    categories: the features that are categories.
    """

    pd: Floats
    numbers: Mapping[str, Floats]
    categories: frozenset[str]


@dataclass(frozen=True)
class Drift:
    """How far the customers of a run lie from those of training. Only customers with a settled invoice are in it.

    n_customers: of the run; n_trained: rows of training. pd_trained, pd_now: mean probability in each; NaN without any. score,
    features: the population stability index with its bound, by feature in the order of importance. n_unseen: customers with a
    category that training never saw; most_unseen: more than so many are more than chance.
    """

    n_customers: int
    n_trained: int
    pd_trained: float
    pd_now: float
    score: Stability
    features: Mapping[str, Stability]
    n_unseen: int
    most_unseen: int

    @property
    def shifted(self) -> tuple[str, ...]:
        """What lies beyond its bound: `score`, features by name, `unseen`; none where nothing does."""
        looks = {"score": self.score, **self.features}
        found = [name for name, look in looks.items() if look.psi > look.bound]
        return (*found, "unseen") if self.n_unseen > self.most_unseen else tuple(found)


def trained_of(model: Model) -> Trained:
    """What the model learned from, as its bundle keeps it, and the numbers that move its answers most."""
    rows = model.trained_rows()
    explanation = model.explain(rows)
    weight = dict(zip(explanation.names, np.abs(explanation.contributions).mean(axis=0).tolist(), strict=True))
    is_number = {name: str(rows[name].type) == "double" for name in weight}
    ranked = sorted(weight, key=lambda name: (-weight[name], name))
    chosen = [name for name in ranked if is_number[name]][:N_FEATURES]
    return Trained(
        pd=model.probability(explanation.log_odds).pd,
        numbers={name: rows[name].to_numpy() for name in chosen},
        categories=frozenset(name for name in weight if not is_number[name]),
    )


@dataclass
class DriftWatch:
    """Gathers what a run says, customer by customer: a few numbers of each."""

    trained: Trained
    n_unseen: int = 0
    _pd: "array[float]" = field(default_factory=lambda: array("d"))
    _numbers: dict[str, "array[float]"] = field(default_factory=dict)

    def add(self, decision: Decision) -> None:
        """Look at one customer; one without a settled invoice, or of whom the model said nothing, is left out."""
        chain, case = decision.chain, decision.case
        if chain is None or case is None or not case.n_paid_invoices:
            return
        self._pd.append(chain.pd)
        for name in self.trained.numbers:
            value = chain.features[name]
            number = float("nan") if value is None else float(value)
            self._numbers.setdefault(name, array("d")).append(number)
        self.n_unseen += not self.trained.categories.isdisjoint(decision.unfamiliar)

    @property
    def drift(self) -> Drift:
        """What was gathered, against training."""
        numbers = {name: np.array(values) for name, values in self._numbers.items()}
        return drift_of(self.trained, np.array(self._pd), numbers, self.n_unseen)


def drift_over(model: Model, decisions: Sequence[Decision]) -> Drift:
    """The drift of a run whose decisions are at hand."""
    watch = DriftWatch(trained_of(model))
    for decision in decisions:
        watch.add(decision)
    return watch.drift


def drift_of(trained: Trained, pd: Floats, numbers: Mapping[str, Floats], n_unseen: int) -> Drift:
    """The figures. pd: (n,), the probabilities of the run; numbers: feature to (n,), NaN where not known."""
    n, none = len(pd), np.empty(0)
    return Drift(
        n_customers=n,
        n_trained=len(trained.pd),
        pd_trained=float(trained.pd.mean()) if len(trained.pd) else float("nan"),
        pd_now=float(pd.mean()) if n else float("nan"),
        score=population_stability(trained.pd, pd, least=LEAST_PSI, chance=CHANCE),
        features={
            name: population_stability(before, numbers.get(name, none), least=LEAST_PSI, chance=CHANCE)
            for name, before in trained.numbers.items()
        },
        n_unseen=n_unseen,
        most_unseen=int(binom.ppf(CHANCE, n, UNSEEN_SHARE)),
    )
