"""The hazard of newcomers: when an invoice is paid by a customer that has not settled one yet.

It reads what is known before the first payment: accounts (the newest, and the mean of two years), rating, sector, the invoice's
amount, terms and due date, and on which days the whole book pays. It learns from everybody, blind to their payments.

Two halves of the customers each teach one formula. What a formula makes of a customer's facts is an input of the hazard of
customers with a history; while that is learned, a customer is judged by the half without it, so that no input has seen the
customer's own fate. Later both halves speak: the mean of their log-odds. A third formula, learned from all, would cost as much
again as both.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
from scipy.special import expit

from riskscore.features import CATALOGUE
from riskscore.hazard.bins import EDGES, N_BINS, survival
from riskscore.hazard.cases import OF_PAYMENTS, Cases
from riskscore.hazard.inputs import OF_BIN, OF_CASE, Described, describe
from riskscore.hazard.late_at_all import AT_DUE, LateAtAll, paid_late_with
from riskscore.hazard.lately import Lately
from riskscore.hazard.members import logistic_log_odds, trees_log_odds
from riskscore.hazard.two_years import TWO_YEARS
from riskscore.model.formula import Floats
from riskscore.model.members import standardised
from riskscore.model.value import read_column

HALVES = (0, 1)
OWN_RECORD = ("habit", "paid_")
"""How the names of inputs begin that speak of the customer's own record alone."""

BOOSTERS = tuple(f"newcomers_{half}.txt" for half in HALVES)
FACTS = frozenset(
    {each.name for each in CATALOGUE.values() if each.group in ("financial_strength", "external_rating", "sector_and_macro")}
    | {each.name for each in TWO_YEARS}
)
"""What can be known of a customer that has bought nothing yet."""

Levels = Mapping[str, Mapping[str | None, float]]
"""By category the log-odds of its levels to be late, less those of all."""


@dataclass(frozen=True)
class Known:
    """What is read of a newcomer. numbers: features of the customer; categories: its features that are texts."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> "Known":
        """The named features of the catalogue, and the means of two years."""
        kinds = {name: CATALOGUE[name].kind for name in names}
        numbers = (*(name for name, kind in kinds.items() if kind == "number"), *(each.name for each in TWO_YEARS))
        return cls(numbers, tuple(name for name, kind in kinds.items() if kind == "category"))

    @property
    def columns(self) -> list[int]:
        """Which columns of a blind period are read: all but those of the customer's own record, which say nothing here."""
        return [at for at, name in enumerate(self._described) if not name.startswith(OWN_RECORD)]

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs of a period, in order: numbers, then categories as log-odds."""
        return (*(self._described[at] for at in self.columns), *self.categories)

    @property
    def directions(self) -> list[str]:
        """What happens to the risk when an input grows, as the catalogue declares it."""
        declared = {each.name: each.risk for each in (*CATALOGUE.values(), *TWO_YEARS)}
        of_numbers = [declared[name] if name in self.numbers else "none" for name in self.names[: -len(self.categories) or None]]
        return [*of_numbers, *("rises" for _ in self.categories)]

    @property
    def _described(self) -> tuple[str, ...]:
        return (*self.numbers, *OF_CASE, *OF_BIN)


@dataclass(frozen=True)
class Seen:
    """Cases as a newcomers' hazard reads them. texts: by category, one entry a case, None where not known."""

    known: Known
    described: Described
    texts: Mapping[str, Any]

    def periods(self, case: Any, place: Any, categories: Floats) -> Floats:
        """The inputs of periods; categories: (n, categories), those of each case as log-odds."""
        return np.column_stack([self.described.period_matrix(case, place)[:, self.known.columns], categories[case]])


def facts_of(who: pa.Table, known: Known, levels: Levels) -> Floats:
    """What is known of customers: (n, numbers and categories), the latter as the log-odds of their levels."""
    numbers = [np.asarray(read_column(who, name, "number"), dtype=np.float64) for name in known.numbers]
    return np.column_stack([*numbers, encoded({name: who[name].to_pylist() for name in known.categories}, levels)])


def encoded(texts: Mapping[str, Sequence[str | None]], levels: Levels) -> Floats:
    """Categories as the log-odds of their levels: (n, categories); an unknown level says nothing."""
    columns = [[levels[name].get(text, 0.0) for text in column] for name, column in texts.items()]
    return np.array(columns, dtype=np.float64).reshape(len(columns), -1).T


def see(cases: Cases, known: Known, habits: Mapping[str, Any]) -> Seen:
    """The cases without anything their customers ever paid. habits: of the whole book, as `inputs.fit_habits` made them."""
    texts = {
        name: np.asarray(read_column(cases.who, name, "category"), dtype=object)[cases.observation] for name in known.categories
    }
    return Seen(known, describe(blind(cases), known.numbers, habits), texts)


def blind(cases: Cases) -> Cases:
    """The cases as they would be if no customer had ever paid."""
    return replace(cases, **{name: np.zeros_like(getattr(cases, name)) for name in OF_PAYMENTS})


def halves_of(customers: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The half that each customer belongs to, whatever other customers there are."""
    return np.array([zlib.crc32(each.encode()) % len(HALVES) for each in customers], dtype=np.int64)


class Half:
    """What one half of the customers taught: a logistic by bin and small trees, or the book's mean where it was too few."""

    def __init__(self, stored: Mapping[str, Any], trees: bytes, known: Known) -> None:
        self.levels: Levels = stored["levels"]
        self.logistic: dict[str, Any] = stored["logistic"]
        self.weights: dict[str, float] = stored["weights"]
        self.known, self.names = known, known.names
        self.booster = lightgbm.Booster(model_str=trees.decode()) if trees else None

    def standing(self, facts: Floats) -> Floats:
        """What is known of customers adds to the log-odds to be paid, before their due dates and after: (n, 2).

        facts: (n, numbers and categories), as `facts_of` gives them. The logistic alone: of the trees no part belongs to a fact.
        """
        told = np.zeros((len(facts), 2))
        names = (*self.known.numbers, *self.known.categories)
        for term in self.logistic["terms"]:
            if term["input"] in names:
                value = standardised(term, facts[:, names.index(term["input"])])
                told[:, 0] += term["coefficient"] * value
                told[:, 1] += (term["coefficient"] + term["late_coefficient"]) * value
        return told

    def log_odds(self, periods: Floats, place: Any) -> Floats:
        """The log-odds to be paid in the bin, of periods as `Seen.periods` gives them; place: their bins."""
        said = self.weights["logistic"] * logistic_log_odds(self.logistic, self.names, periods, place)
        if self.booster is not None:
            said = said + self.weights["trees"] * trees_log_odds(self.booster, periods)
        return said


class Newcomers:
    """The hazard of newcomers, read from `formula.json` of a hazard and the text of its trees."""

    def __init__(self, stored: Mapping[str, Any], habits: Mapping[str, Any], trees: Sequence[bytes]) -> None:
        self.known = Known(tuple(stored["numbers"]), tuple(stored["categories"]))
        self.habits = habits
        self.halves = [Half(each, text, self.known) for each, text in zip(stored["halves"], trees, strict=True)]
        self.late_at_all = None if stored["late_at_all"] is None else LateAtAll(stored["late_at_all"])

    @property
    def follows_days(self) -> int | None:
        """Over how many days their level follows the book; null where it does not."""
        follows = None if self.late_at_all is None else self.late_at_all.follows
        return None if follows is None else int(follows["days"])

    @property
    def go_by_facts(self) -> bool:
        """Whether a fact of the customer speaks in them, or they say the book's mean.

        If not, the hazard of customers with a history reads all that they read, and more.
        """
        inputs = [{term["input"] for term in half.logistic["terms"]} for half in self.halves]
        return any(not each or each & FACTS for each in inputs)

    def survived(self, cases: Cases, lately: Lately | None = None) -> Floats:
        """The chance to be still unpaid at every edge: (n, N_BINS), 1 at edges that are past.

        lately: how the book was paid before the day of asking, see `LateAtAll.log_odds`.
        """
        curves = survival(np.where(cases.age[:, None] < EDGES, expit(self.log_odds(cases)), 0.0), cases.age)
        not_due = cases.age < 0
        if self.late_at_all is not None and not_due.any():
            then = None if lately is None else lately.take(not_due)
            told = self.late_at_all.told(cases.take(not_due), curves[not_due, AT_DUE], np.asarray(self.habits["mean"]), then)
            curves[not_due] = paid_late_with(curves[not_due], told)
        return curves

    def log_odds(self, cases: Cases) -> Floats:
        """The log-odds to be paid in each bin ahead: (n, N_BINS); 0 in bins that are past."""
        said = np.zeros((len(cases), N_BINS))
        seen = see(cases, self.known, self.habits)
        case, place = seen.described.periods()
        for half in self.halves:
            periods = seen.periods(case, place, encoded(seen.texts, half.levels))
            said[case, place] += half.log_odds(periods, place) / len(self.halves)
        return said

    def standing(self, who: pa.Table) -> Floats:
        """What is known of the customers of `Cases.who`, as `Half.standing` has it: (n, 2)."""
        told: Floats = np.mean([half.standing(facts_of(who, self.known, half.levels)) for half in self.halves], axis=0)
        return told
