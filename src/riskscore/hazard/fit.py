"""Fitting the hazard: first that of newcomers, then the one of customers with a history, which reads what the first one says."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from riskscore.hazard.bins import book_pace
from riskscore.hazard.cases import Cases
from riskscore.hazard.fit_newcomers import fit_newcomers
from riskscore.hazard.formula import FORMAT, HABIT, inputs_of, with_selftest
from riskscore.hazard.inputs import OF_BIN, OF_CASE, OF_RECORD, describe, fit_habits
from riskscore.hazard.issued import customers_of
from riskscore.hazard.members import fit_logistic_by_bin, fit_trees_over_bins
from riskscore.hazard.repetition import customers_shown, rows_each
from riskscore.hazard.watched import Lessons, Watched, pace_beyond, periods_seen, unpaid_after_due
from riskscore.model.bundle import canonical
from riskscore.model.formula import Floats
from riskscore.model.members import fit_rate_member
from riskscore.recipe import HazardLogisticTerms, Recipe

N_SELFTEST = 64
MOST_PERIODS = 30_000
"""Periods that the logistic learns from: its few hundred slopes do not move for more, and its time grows with them."""

CERTAINTY = 1.05
"""How much farther from the book's chance than the mean of the members the answer lies before the due date: a mean of views is
more timid than each of them (Satopaa et al. 2014, Combining multiple probability predictions using a simple logit model). After
the due date a factor helped on some books and harmed on others, so there is none. Why it is this small: ADR 0015.
"""


def fit_hazard(
    cases: Cases, fates: Watched, catalogue: tuple[str, ...], recipe: Recipe, *, issued: Lessons | None = None
) -> dict[str, bytes]:
    """The files of a hazard (see `riskscore.hazard.formula`), fitted on one thread: the same cases give the same bytes.

    catalogue: the features of a customer that the hazard of customers with a history reads. issued: the invoices that teach
    whether those of newcomers are late at all; null: the cases that are at their issue.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types; comes with scikit-learn

    terms, seed = recipe.hazard, recipe.seed
    with threadpool_limits(limits=1):
        habits = fit_habits(cases)
        newcomers = fit_newcomers(cases, fates, habits, recipe, issued=issued)
        described = describe(cases, catalogue, habits)
        case, place, paid = periods_seen(described, fates)
        matrix = described.period_matrix(case, place, newcomers.standing[cases.observation])
        names = inputs_of(catalogue)
        ids = np.unique(customers_of(cases)[case], return_inverse=True)[1]
        n_late, each = customers_shown(ids[unpaid_after_due(place, paid)]), rows_each(ids)
        stride = -(-len(paid) // MOST_PERIODS)
        logistic = fit_logistic_by_bin(
            matrix[::stride],
            place[::stride],
            paid[::stride],
            names,
            terms.logistic,
            each / stride,
            ridge=ridge_of(names, terms.logistic),
        )
        formula = {
            "format": FORMAT,
            "catalogue": list(catalogue),
            "habits": habits,
            "pace": pace_beyond(cases, fates, book_pace(habits["mean"])),
            "certainty": CERTAINTY,
            "newcomers": newcomers.formula,
            "weights": {
                "logistic": float(terms.logistic.weight),
                "trees": float(terms.trees.weight),
                "rate": float(terms.rate_weight),
            },
            "logistic": logistic,
            "rate": fit_rate_member(expit(matrix[::stride, -HABIT]), paid[::stride]),
        }
        booster = fit_trees_over_bins(matrix, paid, terms.trees, n_late, each, seed)
    files = {"booster.txt": booster, "formula.json": canonical(formula), **newcomers.files}
    chosen = np.unique(np.linspace(0, len(paid) - 1, N_SELFTEST).round().astype(int))
    return with_selftest(files, matrix[chosen], place[chosen], newcomers.samples)


def ridge_of(names: Sequence[str], terms: HazardLogisticTerms) -> Floats:
    """The penalty for each input of a period.

    What is known of a customer is the same in all its rows, and only other customers tell what it is worth; of what changes from
    one invoice and one day to the next every row tells.
    """
    of_invoice = {*OF_CASE, *OF_BIN} - set(OF_RECORD)
    return np.array(
        [
            terms.ridge_record if name in OF_RECORD else terms.ridge_invoice if name in of_invoice else terms.ridge
            for name in names
        ]
    )
