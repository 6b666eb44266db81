"""A check of the gate: a number with its bound."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check. value: what was measured, with the end of its interval that counts (null: an exact figure); NaN: not measurable.

    bound: where that end must not go beyond; the name says which way. passed: it did not.
    """

    name: str
    value: float
    end: float | None
    bound: float
    passed: bool
