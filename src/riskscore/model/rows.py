"""Rows to learn from: the features of customers at dates, and whether the outcome followed."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.model.formula import Floats

FAMILY = "family_id"
"""The column of the corporate family a customer belongs to, the same on all its rows. Where it is missing each is its own."""


class FeatureLike(Protocol):
    """What fitting asks of a catalogue entry: see `riskscore.features.Feature`."""

    @property
    def name(self) -> str: ...  # noqa: D102 - a protocol's members are said by their class

    @property
    def kind(self) -> str: ...  # noqa: D102

    @property
    def risk(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Rows:
    """Features with `customer_id` and `as_of`, sorted by both, and the outcome of each row (1.0 where it followed).

    Sorting on arrival is what makes a shuffled table give the same model.
    """

    features: pa.Table
    outcome: Floats

    @classmethod
    def of(cls, features: pa.Table, outcome: Iterable[Any]) -> "Rows":
        """The rows in canonical order. Raises ValueError where a customer has one date twice."""
        order = pc.sort_indices(features, sort_keys=[("customer_id", "ascending"), ("as_of", "ascending")])
        rows = cls(features.take(order).combine_chunks(), np.asarray(outcome, dtype=np.float64)[order.to_numpy()])
        if features.select(["customer_id", "as_of"]).group_by(["customer_id", "as_of"]).aggregate([]).num_rows != len(rows):
            raise ValueError("a customer has one date twice")
        return rows

    def __len__(self) -> int:
        return len(self.outcome)

    @cached_property
    def customers(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """A number per customer, rising with the id; equal numbers are one customer."""
        codes = self.features["customer_id"].combine_chunks().dictionary_encode()
        rank = np.argsort(np.argsort(np.asarray(codes.dictionary.to_pylist(), dtype=object)))
        result: np.ndarray[Any, np.dtype[np.int64]] = rank[codes.indices.to_numpy()].astype(np.int64)
        return result

    @cached_property
    def days(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The date of each row as days since 1970-01-01."""
        result: np.ndarray[Any, np.dtype[np.int64]] = self.features["as_of"].cast(pa.int32()).to_numpy().astype(np.int64)
        return result

    @cached_property
    def customer_weight(self) -> Floats:
        """One over the number of rows of the row's customer: with it every customer counts once."""
        result: Floats = 1.0 / np.bincount(self.customers)[self.customers]
        return result

    @property
    def n_customers(self) -> int:
        """How many customers there are."""
        return len(np.unique(self.customers))

    @property
    def n_customers_with_event(self) -> int:
        """How many customers have the outcome on any of their rows."""
        return len(np.unique(self.customers[self.outcome == 1]))

    def take(self, mask: np.ndarray[Any, np.dtype[np.bool_]]) -> "Rows":
        """The rows where the mask is true."""
        return Rows(self.features.filter(pa.array(mask)), self.outcome[mask])

    @property
    def families(self) -> list[str]:
        """The corporate family of each row's customer: its own id where none is known."""
        column = FAMILY if FAMILY in self.features.column_names else "customer_id"
        result: list[str] = self.features[column].to_pylist()
        return result

    def folds_of_customers(self, n: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """A fold, 0 to n - 1, for every row, the same for all rows of a family and whatever other families there are."""
        return np.array([zlib.crc32(each.encode()) % n for each in self.families], dtype=np.int64)
