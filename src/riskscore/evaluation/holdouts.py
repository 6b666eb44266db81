"""Four hold-outs: in and out of time, in and out of the customers learned from. Each tells another kind of forgetting."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from riskscore.evaluation.metrics import Integers

Flags = np.ndarray[Any, np.dtype[np.bool_]]

HELD_BACK = 5
"""One customer in so many is never learned from."""

HOLDOUTS = (
    "in time, known customers",
    "in time, other customers",
    "out of time, known customers",
    "out of time, other customers",
)
"""The first is what was learned from: the distance to it is what the model has learned by heart."""


def four_holdouts(
    days: Integers, families: Sequence[str], from_day: int, horizon_days: int, embargo_days: int
) -> tuple[Flags, Mapping[str, Flags]]:
    """The rows to learn from, and the rows of each of `HOLDOUTS`.

    In time: the outcome was known, with the embargo, before `from_day`; out of time: from that day on; what lies between is left
    out. Who is held back follows from the name of its family alone (where a customer has none, its own id), so that it does not
    depend on who else there is; sisters are on one side, because they pay out of one purse.
    """
    held = np.array([zlib.crc32(f"held back {each}".encode()) % HELD_BACK == 0 for each in families])
    early = days + horizon_days + embargo_days <= from_day
    late = days >= from_day
    masks = (early & ~held, early & held, late & ~held, late & held)
    return masks[0], dict(zip(HOLDOUTS, masks, strict=True))
