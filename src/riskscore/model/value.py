"""A model as a value: log-odds, exact contributions, calibrated probability with its interval, and what it has never seen."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from riskscore.errors import ModelRefused
from riskscore.model.formula import Column, Floats, Formula
from riskscore.model.rows import FeatureLike


@dataclass(frozen=True)
class Explanation:
    """Why the log-odds are what they are, one row a customer.

    base + contributions.sum(axis=1) = log_odds to 1e-9 on every row. contributions: (n, d), in the order of `names`; above zero
    raises the risk. log_odds: (n,), before calibration.
    """

    base: float
    names: tuple[str, ...]
    contributions: Floats
    log_odds: Floats


@dataclass(frozen=True)
class Probability:
    """Calibrated probability of paying materially late within the horizon, and its interval: 0 <= low <= pd <= high <= 1."""

    pd: Floats
    low: Floats
    high: Floats


class Speaker:
    """A fitted formula that answers for customers: log-odds, why, the calibrated probability, and what it has never seen.

    feature_names: the columns it reads, found by name. typical: the training median of each number, the commonest level of each
    category.
    """

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.feature_names = formula.names
        self.typical: Mapping[str, float | str | None] = MappingProxyType(
            {each["name"]: each["typical"] for each in formula.inputs}
        )

    def log_odds(self, frame: pa.Table) -> Floats:
        """Log-odds before calibration, one a row of the frame. Raises ModelRefused as `explain` does."""
        return self.formula.log_odds(self._matrix(frame))

    def explain(self, frame: pa.Table) -> Explanation:
        """The exact contribution of every feature to every row's log-odds.

        frame: the features of `feature_names`, found by name (other columns are ignored): float64 numbers, string categories.
        Raises ModelRefused for a column that is missing, of another type, or infinite.
        """
        base, contributions, log_odds = self.formula.explain(self._columns(frame))
        return Explanation(base, self.feature_names, contributions, log_odds)

    def probability(self, log_odds: Floats) -> Probability:
        """The calibration step: log-odds to probability and interval. It keeps the order of the customers."""
        return Probability(*self.formula.probability(np.asarray(log_odds, dtype=np.float64)))

    def member_log_odds(self, frame: pa.Table) -> dict[str, Floats]:
        """What each member of the ensemble says on its own, as log-odds before calibration."""
        return self.formula.member_log_odds(self._matrix(frame))

    @property
    def level(self) -> float:
        """What is added to the log-odds before the curve: the drift of the level, zero where following it has not won."""
        return self.formula.level

    @property
    def calibration(self) -> Mapping[str, Any]:
        """The calibration curve: kind (none, shift, platt, beta) and its a, b, c (see `formula.calibrated`)."""
        return MappingProxyType(self.formula.calibrator["curve"])

    def unfamiliar(self, frame: pa.Table) -> list[tuple[str, ...]]:
        """Per row, the features on which training never saw the like: outside its 0.1-99.9 % range, or an unknown category."""
        columns = self._columns(frame)
        marks = np.zeros((frame.num_rows, len(self.feature_names)), dtype=bool)
        for place, each in enumerate(self.formula.inputs):
            column = columns[each["name"]]
            if each["kind"] == "category":
                marks[:, place] = [level is not None and level not in each["levels"] for level in column]
            elif each["seen_from"] is not None:
                numbers = np.asarray(column, dtype=np.float64)
                marks[:, place] = (numbers < each["seen_from"]) | (numbers > each["seen_to"])
        return [tuple(self.feature_names[place] for place in np.flatnonzero(row)) for row in marks]

    def _matrix(self, frame: pa.Table) -> Floats:
        return self.formula.matrix(self._columns(frame))

    def _columns(self, frame: pa.Table) -> dict[str, Column]:
        return {each["name"]: read_column(frame, each["name"], each["kind"]) for each in self.formula.inputs}


class Model(Speaker):
    """A fitted model. Made by `riskscore.model.from_files` alone, which verifies; equal digests mean equal answers.

    It speaks of customers with a settled invoice; `newcomer` of those without, from what is known before the first payment.
    files: the bytes it was read from, manifest included. digest: SHA-256 of the manifest, which holds the digest of every file.
    name, recipe_digest, trained_until, horizon_days: what it was learned as, and from facts until when.
    """

    def __init__(self, files: Mapping[str, bytes], digest: str, manifest: Mapping[str, Any]) -> None:
        super().__init__(Formula(files))
        if self.formula.cold is None:
            raise ModelRefused("the model has no part that speaks of newcomers.")
        self.newcomer = Speaker(self.formula.cold)
        self.files: Mapping[str, bytes] = MappingProxyType(dict(files))
        self.digest = digest
        self.name: str = manifest["name"]
        self.recipe_digest: str = manifest["recipe"]
        self.trained_until: str = manifest["trained_until"]
        self.horizon_days: int = manifest["horizon_days"]

    def __repr__(self) -> str:
        return f"Model({self.name!r}, digest={self.digest[:12]}, trained_until={self.trained_until})"

    def trained_rows(self) -> pa.Table:
        """Features of rows it learned from, spread evenly over all of them: those of the self-test, without ids."""
        stored = json.loads(self.files["selftest.json"])["features"]
        kinds = {each["name"]: pa.string() if each["kind"] == "category" else pa.float64() for each in self.formula.inputs}
        return pa.table({name: pa.array(values, kinds[name]) for name, values in stored.items()})

    def part(self, name: str) -> dict[str, bytes]:
        """The files of an object that travels with the model, by their names within it; empty where it has none of that name."""
        return {each.removeprefix(f"{name}/"): content for each, content in self.files.items() if each.startswith(f"{name}/")}


def read_columns(frame: pa.Table, features: Iterable[FeatureLike]) -> dict[str, Column]:
    """The columns of those features in a frame, by name; raises as `read_column`."""
    return {each.name: read_column(frame, each.name, each.kind) for each in features}


def read_column(frame: pa.Table, name: str, kind: str) -> Column:
    """One column of a frame of features by name: float64 with NaN for null, or texts. Raises ModelRefused where it is not so."""
    if frame.column_names.count(name) != 1:
        raise ModelRefused(f"the features must hold {name} exactly once; they hold it {frame.column_names.count(name)} times.")
    column = frame[name]
    wanted = pa.string() if kind == "category" else pa.float64()
    if column.type != wanted:
        raise ModelRefused(f"feature {name} is {column.type}; the model reads {wanted}. Nothing was scored.")
    if kind == "category":
        texts: list[str | None] = column.to_pylist()
        return texts
    numbers: Floats = column.to_numpy()
    if np.isinf(numbers).any():
        raise ModelRefused(f"feature {name} is infinite in {int(np.isinf(numbers).sum())} rows. Nothing was scored.")
    return numbers
