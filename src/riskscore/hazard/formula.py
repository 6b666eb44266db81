"""The hazard as a formula: from cases to the chance of being paid in each age bin, and to the curve of being still unpaid.

The members speak of one thing, the log-odds to be paid in a bin when it is reached, and are averaged there: the curve that
follows falls by construction, and every question (late by k days, day of payment, cash by a week) is read from the one curve.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from scipy.special import expit, logit

from riskscore.errors import ModelRefused
from riskscore.hazard import bins
from riskscore.hazard.bins import EDGES, N_BINS
from riskscore.hazard.cases import Cases
from riskscore.hazard.inputs import OF_BIN, OF_CASE, SMALLEST_CHANCE, describe, own_habit
from riskscore.hazard.lately import Lately
from riskscore.hazard.members import logistic_log_odds, trees_log_odds
from riskscore.hazard.newcomers import BOOSTERS, Half, Newcomers
from riskscore.model.bundle import canonical
from riskscore.model.formula import Floats

FILES_BEFORE_4 = ("booster.txt", "formula.json", "selftest.json")
HAZARD_FILES = (*FILES_BEFORE_4, *BOOSTERS)
SELFTEST_TOLERANCE = 1e-12
FORMAT = 6
"""How a hazard describes cases. 1 took the 12th on which a 10th was paid for a twelfth; 2 did not ask how was paid lately; 3 had
nothing to say of newcomers; 4 did not ask of their invoices directly whether they are late at all; 5 remembered a year of
payments, not three.
"""

WITH_NEWCOMERS = 4
STANDING = ("standing_before_due", "standing_after_due")
"""The inputs that hold what the hazard of newcomers makes of the facts of the customer."""

HABIT = len(OF_BIN) - OF_BIN.index("habit")
"""Where, counted from the last column of a period, the log-odds by the customer's own habit stand."""


@dataclass(frozen=True)
class Curves:
    """The chance of each invoice to be still unpaid, by age. age: (n,), on the case's date; survived: (n, N_BINS) at `EDGES`;
    pace: see `bins.unpaid_at`.
    """

    age: Floats
    survived: Floats
    pace: float

    def __len__(self) -> int:
        return len(self.age)

    def late(self, k: Floats | float) -> Floats:
        """P(unpaid more than k days past due); 1 where that has happened already."""
        return bins.unpaid_at(self.survived, self.age, np.asarray(k, dtype=np.float64), self.pace)

    def age_when(self, share: float) -> Floats:
        """The first age by which the invoice is paid with a chance of at least `share`; infinite where that never comes."""
        return bins.age_when(self.survived, self.age, share, self.pace)

    def expected_days(self) -> Floats:
        """Expected days from the date of the case to payment; see `bins.expected_days`."""
        return bins.expected_days(self.survived, self.age, self.pace)

    def take(self, mask: Any) -> "Curves":
        """The curves where the mask is true."""
        return Curves(self.age[mask], self.survived[mask], self.pace)


class Hazard:
    """A fitted hazard, read from the bytes of `HAZARD_FILES`. The caller has verified their digests."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        stored = json.loads(files["formula.json"])
        self.format: int = stored.get("format", 1)
        self.catalogue: tuple[str, ...] = tuple(stored["catalogue"])
        self.habits: dict[str, Any] = stored["habits"]
        self.pace: float = stored.get("pace", bins.book_pace(self.habits["mean"]))  # before it was counted: as the last two bins
        self.weights: dict[str, float] = stored["weights"]
        self.certainty: float = stored.get("certainty", 1.0)
        self.logistic: dict[str, Any] = stored["logistic"]
        self.rate: dict[str, float] = stored.get("rate", {"intercept": 0.0, "slope": 1.0, "center": 0.0})
        self.booster = lightgbm.Booster(model_str=files["booster.txt"].decode())
        self.newcomers: Newcomers | None = None
        if self.format == FORMAT:
            self.newcomers = Newcomers(stored["newcomers"], self.habits, [files[name] for name in BOOSTERS])
        self.newcomers_speak: bool = stored.get("newcomers_speak", True)
        self.names = inputs_of(self.catalogue) if self.newcomers else (*self.catalogue, *OF_CASE, *OF_BIN)

    @property
    def follows_days(self) -> int | None:
        """Over how many days before a date it wants to know how the book was paid; null: it does not."""
        return self.newcomers.follows_days if self.newcomers is not None and self.newcomers_speak else None

    def curves(self, cases: Cases, lately: Lately | None = None) -> Curves:
        """The curve of every case.

        lately: how the whole book was paid in the `follows_days` before the date of the cases, one for all or one each; null: as
        before the last day learned from. Raises ModelRefused where the hazard was learned from inputs described in another way.
        """
        told = self.by_history(cases)
        return self.by_newcomers(cases, told, lately) if self.newcomers_speak else told

    def by_newcomers(self, cases: Cases, told: Curves, lately: Lately | None = None) -> Curves:
        """The curves with those of newcomers as the hazard of newcomers has them; told: what `by_history` says of the cases."""
        assert self.newcomers is not None, "by_history refuses a hazard without"
        survived, new = told.survived.copy(), cases.newcomer
        survived[new] = self.newcomers.survived(cases.take(new), None if lately is None else lately.take(new))
        return Curves(told.age, survived, told.pace)

    def by_history(self, cases: Cases) -> Curves:
        """The curve of every case by the hazard of customers with a history, newcomers too. Raises as `curves` does."""
        if self.format != FORMAT or self.newcomers is None:
            raise ModelRefused(
                "the payment hazard of this model was learned from other inputs than this version describes. Its scores and "
                "limits hold; to forecast payments, train and approve a model again."
            )
        described = describe(cases, self.catalogue, self.habits)
        case, place = described.periods()
        standing = self.newcomers.standing(cases.who)[cases.observation]
        chance = np.zeros((len(cases), N_BINS))
        chance[case, place] = expit(self.log_odds(described.period_matrix(case, place, standing), place))
        return Curves(described.age, bins.survival(chance, described.age), self.pace)

    def log_odds(self, periods: Floats, place: Any) -> Floats:
        """The log-odds to be paid in the bin, of periods as `Described.period_matrix` gives them; place: their bins.

        The mean of the members; before the due date moved away from the book's chance in the bin by the factor `certainty`.
        """
        members = self.member_log_odds(periods, place)
        total = np.zeros(len(periods))
        for name, weight in self.weights.items():
            total += weight * members[name]
        usual = logit(np.clip(np.asarray(self.habits["mean"]), SMALLEST_CHANCE, 1 - SMALLEST_CHANCE))[place]
        result: Floats = usual + np.where(EDGES[place] <= 0, self.certainty, 1.0) * (total - usual)
        return result

    def member_log_odds(self, periods: Floats, place: Any) -> dict[str, Floats]:
        """What each member says on its own."""
        rate = self.rate["intercept"] + self.rate["slope"] * (periods[:, -HABIT] - self.rate["center"])
        return {
            "logistic": logistic_log_odds(self.logistic, self.names, periods, place),
            "trees": trees_log_odds(self.booster, periods),
            "rate": rate,
        }


def inputs_of(catalogue: tuple[str, ...]) -> tuple[str, ...]:
    """The inputs of a period, in order. catalogue: the features of a customer that are read."""
    return (*catalogue, *OF_CASE, *STANDING, *OF_BIN)


def with_selftest(
    files: Mapping[str, bytes], periods: Floats, place: Any, of_newcomers: Sequence[tuple[Floats, Any]]
) -> dict[str, bytes]:
    """The files with vectors by which a loaded hazard tests itself: periods and what is answered to them here.

    of_newcomers: periods and bins for each half of the hazard of newcomers.
    """
    hazard = Hazard(files)
    stored = _vectors(periods, place, hazard.log_odds(periods, place))
    halves = hazard.newcomers.halves if hazard.newcomers else []
    stored["newcomers"] = [_vectors(*sample, half.log_odds(*sample)) for half, sample in zip(halves, of_newcomers, strict=True)]
    return {**files, "selftest.json": canonical(stored)}


def with_newcomers_speaking(files: Mapping[str, bytes], speak: bool) -> dict[str, bytes]:
    """The files of a hazard that answers newcomers by the hazard of newcomers, or by that of customers with a history."""
    return {**files, "formula.json": canonical({**json.loads(files["formula.json"]), "newcomers_speak": speak})}


def _vectors(periods: Floats, place: Any, answers: Floats) -> dict[str, Any]:
    return {
        "periods": [[None if np.isnan(value) else value for value in row] for row in periods.tolist()],
        "bins": np.asarray(place).tolist(),
        "answers": answers.tolist(),
    }


def from_part(files: Mapping[str, bytes]) -> Hazard | None:
    """The hazard that travels with a model (`Model.part("hazard")`), tested; None where none does.

    Raises ModelRefused where a file is missing or unknown, and where the stored vectors are answered otherwise than when it was
    made. One of an older format is not tested: it answers nothing.
    """
    if not files:
        return None
    wanted = HAZARD_FILES if _format(files) >= WITH_NEWCOMERS else FILES_BEFORE_4
    if sorted(files) != sorted(wanted):
        raise ModelRefused(f"a hazard is exactly the files {', '.join(wanted)}; these are {', '.join(sorted(files))}.")
    hazard = Hazard(files)
    if hazard.format != FORMAT:
        return hazard
    stored = json.loads(files["selftest.json"])
    speakers: list[Hazard | Half] = [hazard, *(hazard.newcomers.halves if hazard.newcomers else [])]
    for speaker, vectors in zip(speakers, (stored, *stored.get("newcomers", [])), strict=True):
        periods = np.array(vectors["periods"], dtype=np.float64).reshape(-1, len(speaker.names))
        told = speaker.log_odds(periods, np.array(vectors["bins"], dtype=np.int64))
        difference = np.abs(told - np.array(vectors["answers"])).max(initial=0.0)
        if not difference <= SELFTEST_TOLERANCE:
            raise ModelRefused(
                f"self-test: the payment hazard differs by {difference:.3g} from the stored answers; this machine's libraries do "
                "not answer as those it was made with. Install the locked versions, or train and approve a model here."
            )
    return hazard


def _format(files: Mapping[str, bytes]) -> int:
    stored: dict[str, Any] = json.loads(files.get("formula.json", b"{}"))
    result: int = stored.get("format", 1)
    return result


def own_curves(cases: Cases, habits: Mapping[str, Any]) -> Curves:
    """The curves by the customer's own shrunken record alone: the rule of thumb the hazard has to beat."""
    age = cases.age
    return Curves(age, bins.survival(own_habit(cases, habits), age), bins.book_pace(habits["mean"]))
