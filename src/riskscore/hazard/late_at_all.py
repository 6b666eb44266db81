"""Late at all or not, asked of a newcomer's invoice directly; the hazard of newcomers then says when.

A curve by bins spends the few customers it learns from on seventeen answers. The one that matters of a first invoice, is it paid
by its due date, is asked here of a logistic that learns from the book's invoices at their issue, many more than the curves do. It
reads the customer's rating and the means of two years' accounts, the amount, the terms, and the weekday and day of the month of
the due date.

The level is that of the book's newest weeks: while learning, each invoice is judged beside the share that was late of what fell
due in the weeks before its issue; an answer stands beside that share on the day of asking or, where that is not told, on the last
day learned from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy.special import expit, logit

from riskscore.hazard.bins import EDGES, N_BINS, book_pace, survival, unpaid_at
from riskscore.hazard.cases import Cases
from riskscore.hazard.inputs import SMALLEST_CHANCE
from riskscore.hazard.issued import Invoices
from riskscore.hazard.lately import Lately
from riskscore.hazard.two_years import TWO_YEARS
from riskscore.model.formula import Floats, weighed
from riskscore.model.members import standardised
from riskscore.model.value import read_column

FACTS = ("rating_notch", *(each.name for each in TWO_YEARS))
"""What is read of the customer; many more ratios of the same accounts scored worse."""

NUMBERS = (*FACTS, "log_amount", "terms")
ACCOUNTS = "debt_ratio_two_years"
"""Known wherever accounts are."""

EPOCH = date(1970, 1, 1)
N_WEEKDAYS, N_DAYS = 7, 31
AT_DUE = int(np.flatnonzero(EDGES == 0)[0])


@dataclass(frozen=True)
class Asked:
    """Invoices as they are read. numbers: (n, NUMBERS), NaN where not known. weekday, day: of the due date, from 0."""

    numbers: Floats
    weekday: np.ndarray[Any, np.dtype[np.int64]]
    day: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def unknown(self) -> Floats:
        """1 where no rating is known, 1 where no accounts are: (n, 2)."""
        of = [NUMBERS.index(FACTS[0]), NUMBERS.index(ACCOUNTS)]
        result: Floats = np.isnan(self.numbers[:, of]).astype(np.float64)
        return result

    @property
    def due_dates(self) -> Floats:
        """One column a weekday, then one a day of the month."""
        return np.column_stack([np.eye(N_WEEKDAYS)[self.weekday], np.eye(N_DAYS)[self.day]])

    def design(self, terms: Sequence[Mapping[str, Any]]) -> Floats:
        """The inputs of the logistic: numbers by their terms, the rating again where it is all that is known, unknown, due dates.

        Without accounts the rating is the only witness, and says more.
        """
        known = np.column_stack([standardised(term, self.numbers[:, at]) for at, term in enumerate(terms)])
        return np.column_stack([known, known[:, 0] * self.unknown[:, 1], self.unknown, self.due_dates])


def asked_of(cases: Invoices) -> Asked:
    """What is read of the cases."""
    facts = [np.asarray(read_column(cases.who, name, "number"), dtype=np.float64)[cases.observation] for name in FACTS]
    amount = np.log(np.maximum(cases.column("cents"), 1.0))
    due = cases.column("due").astype(np.int64)
    days = {each: (EPOCH + timedelta(days=each)).day - 1 for each in np.unique(due).tolist()}
    day = np.array([days[each] for each in due.tolist()], dtype=np.int64)
    return Asked(np.column_stack([*facts, amount, cases.column("terms")]), (due + 3) % N_WEEKDAYS, day)


class LateAtAll:
    """The fitted logistic, as `hazard.fit_late_at_all` stores it."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self.terms: list[dict[str, Any]] = stored["terms"]
        self.coefficients = np.array(stored["coefficients"], dtype=np.float64)
        self.intercept: float = stored["intercept"]
        self.level: float = stored["level"]
        self.follows: Mapping[str, float] | None = stored.get("follows")
        self.weight: float = stored["weight"]

    def log_odds(self, cases: Cases, lately: Lately | None = None) -> Floats:
        """The log-odds of each invoice, as of its issue, to be unpaid on its due date: (n,).

        lately: how the book was paid before the day of asking, one for all or one each. Null, or a model made before this was
        stored: as before the last day learned from.
        """
        level = self.level
        if lately is not None and self.follows is not None:
            level = self.follows["share"] * lately.log_odds(self.follows["mean"])
        result: Floats = self.intercept + level + weighed(asked_of(cases).design(self.terms), self.coefficients)
        return result

    def told(self, cases: Cases, by_curve: Floats, mean: Floats, lately: Lately | None = None) -> Floats:
        """The chance to be late at all, of invoices whose due date is not over: the mean, on the log-odds, with the curve's.

        mean: the book's chance to be paid in each bin, see `not_paid_yet`. lately: as in `log_odds`.
        """
        said = self.log_odds(cases, lately) + not_paid_yet(cases, mean)
        return np.asarray(expit(self.weight * said + (1 - self.weight) * logit(by_curve)), dtype=np.float64)


def not_paid_yet(cases: Cases, mean: Floats) -> Floats:
    """What it adds to the log-odds to be late at all that an invoice has been open until its age: (n,), 0 on the day of issue.

    As it is of the book's mean invoice, whose chance to be paid in each bin is `mean`: so that no fact of the customer, which may
    move the day of payment too, turns against its direction. No chance is taken to be none or certain: in a book where nobody
    ever paid before the due date that would leave nothing to compare.
    """
    mean = np.clip(mean, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)
    issued = np.minimum(cases.column("issued_on") - cases.column("due"), cases.age)
    curve = survival(np.broadcast_to(mean, (len(cases), N_BINS)), issued)
    before = curve[:, AT_DUE]
    now = before / unpaid_at(curve, issued, cases.age, book_pace(mean.tolist()))
    result: Floats = logit(now) - logit(before)
    return result


def paid_late_with(survived: Floats, late: Floats) -> Floats:
    """The curves with another chance to be late at all: (n, bins) at `EDGES`.

    Those paid in time are paid when they were said to be, and so are those paid late: only how many each are changes.
    """
    was = survived[:, AT_DUE]
    early = 1 - (1 - survived) * ((1 - late) / (1 - was))[:, None]
    after = survived * (late / was)[:, None]
    result: Floats = np.where(EDGES <= 0, early, after)
    return result
