"""The probability that a firm fails, from the ratios of its accounts alone: one row a firm, at its newest published accounts.

For houses that know failures and no payments, and to measure the product's ratios on public data. The line items go through the
same snapshot and the same ratio formulas as every customer's accounts do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from riskscore import features
from riskscore.errors import TooFewEvents
from riskscore.features import CATALOGUE, Feature
from riskscore.model.calibration import fit_curve
from riskscore.model.cold import fit_standalone
from riskscore.model.formula import Floats, Formula, calibrated
from riskscore.model.rows import Rows
from riskscore.model.value import read_columns
from riskscore.recipe import PairTerms
from riskscore.snapshot import take_snapshot
from riskscore.tables import Ledger
from riskscore.training import firm_ratios

EPOCH = date(1970, 1, 1)
RATIOS = (
    *(each for each in CATALOGUE.values() if each.group == "financial_strength" and each.name != "statement_age_days"),
    *firm_ratios.FIRM_RATIOS,
)
"""What is learned from. How old accounts are says when they were asked for, not how the firm is."""

N_FOLDS = 5
FEWEST_RECENT_FAILURES = 10


@dataclass(frozen=True)
class FirmModel:
    """A fitted model of failure. formula: log-odds from ratios. curve: what turns them into probabilities (intercept only)."""

    formula: Formula
    ratios: Sequence[Feature]
    curve: Mapping[str, float]

    def log_odds(self, frame: pa.Table) -> Floats:
        """Before calibration; a pure function of a frame of ratios, found by name."""
        return self.formula.log_odds(self.formula.matrix(read_columns(frame, self.ratios)))

    def probability(self, frame: pa.Table) -> Floats:
        """The calibrated probability of failure."""
        return calibrated(self.curve, self.log_odds(frame))


def firm_rows(ledger: Ledger, failed: Mapping[str, bool]) -> Rows:
    """One row a firm: the ratios of its newest accounts on the day they became public, and whether it failed.

    failed: by firm (customer id of the statements); firms not named are left out. A label that holds for all years of a firm must
    not be learned or judged once a year: the years of one firm would tell it to each other.
    """
    newest = ledger.frames["statements"].group_by("customer_id").agg(published=nw.col("published_on").max()).collect("pyarrow")
    days = dict(zip(newest["customer_id"].to_list(), newest["published"].to_list(), strict=True))
    named = sorted(set(days) & set(failed))
    asked = pa.array([EPOCH + timedelta(days=int(days[firm])) for firm in named], pa.date32())
    snapshot = take_snapshot(ledger, pa.table({"customer_id": pa.array(named, pa.string()), "as_of": asked}))
    frame, more = features.compute(snapshot), firm_ratios.compute(snapshot)
    for name in more.column_names:
        frame = frame.append_column(name, more[name])
    return Rows.of(frame, [float(failed[firm]) for firm in frame["customer_id"].to_pylist()])


def fit_firms(rows: Rows, terms: PairTerms, seed: int) -> FirmModel:
    """The model of failure of these firms, its intercept set by the newest third of them.

    The share of firms that fail moves with the years; ranking by ratios moves less. So the intercept alone is fitted to the firms
    of the newest dates, each scored by a model that did not learn from it. Ratios that no firm has are not learned from.
    Raises TooFewEvents where fewer firms of either kind are there than the terms ask for.
    """
    n_failed = int(rows.outcome.sum())
    if min(n_failed, len(rows) - n_failed) < terms.customers_with_event:
        raise TooFewEvents(
            f"of {len(rows)} firms {n_failed} failed; at least {terms.customers_with_event} of either kind are needed to learn "
            "failure from accounts. Add firms or years."
        )
    known = [each for each in RATIOS if rows.features[each.name].null_count < len(rows)]
    folds = rows.folds_of_customers(N_FOLDS)
    crossed = np.empty(len(rows))
    for fold in range(N_FOLDS):
        there = folds == fold
        if there.any():
            formula = Formula(fit_standalone(rows.take(~there), known, terms, seed))
            crossed[there] = formula.log_odds(formula.matrix(read_columns(rows.take(there).features, known)))
    recent = _recent(rows)
    curve = fit_curve("shift", crossed[recent], rows.outcome[recent])
    return FirmModel(Formula(fit_standalone(rows, known, terms, seed)), known, curve)


def _recent(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The firms of the newest third of the dates, or of so many dates more that enough of them failed and did not."""
    for share in (2 / 3, 1 / 2, 1 / 3):
        recent = rows.days >= np.quantile(rows.days, share)
        failed = rows.outcome[recent].sum()
        if min(failed, recent.sum() - failed) >= FEWEST_RECENT_FAILURES:
            return np.asarray(recent)
    return np.ones(len(rows), dtype=bool)
