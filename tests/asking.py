"""Specification cases: whom, when, which column, which answer, in which words; every page is computed once for all its cases."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pytest

from ledger_text import observations, polars_ledger, tables_of
from riskscore import features
from riskscore.snapshot import take_snapshot

COLUMNS = ("who", "day", "column", "answer")


def case(who: str, day: str, column: str, answer: Any, words: str) -> Any:
    """One case; its words become the name of the test."""
    return pytest.param(who, day, column, answer, id=f"{column}: {words}")


class Page:
    """A page of the ledger and what a room (features unless said otherwise) answers to its cases.

    On Polars, which starts faster; that the default engine says the same to the last bit is a test of its own.
    """

    def __init__(self, text: str, cases: Sequence[Any], room: Any = features) -> None:
        self.text = text
        self.room = room
        self.pairs = sorted({(case.values[0], case.values[1]) for case in cases})

    @cached_property
    def answers(self) -> dict[tuple[str, str], dict[str, Any]]:
        snapshot = take_snapshot(polars_ledger(tables_of(self.text)), observations(*self.pairs))
        return {(row["customer_id"], row["as_of"].isoformat()): row for row in self.room.compute(snapshot).to_pylist()}

    def __call__(self, who: str, day: str, column: str) -> Any:
        return self.answers[who, day][column]


def agree(found: Any, answer: Any) -> bool:
    """Null is null, text is text, numbers to twelve digits."""
    if isinstance(answer, float) and found is not None:
        return bool(found == pytest.approx(answer, rel=1e-12, abs=1e-12))
    return bool(found == answer)
