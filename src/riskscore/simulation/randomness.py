"""Random numbers by name: every draw is a pure function of the seed, its purpose and its counters (customer, month, ...).

A generator with a state would give each customer other numbers as soon as one more customer is simulated, or the order changes.
Counters make a customer's life the same in every world of that seed, and let draws be made in any order and shape.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEP = np.uint64(0x9E3779B97F4A7C15)  # the odd constant of splitmix64 (Steele, Lea & Flood 2014)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def uniforms(seed: int, purpose: str, *counters: Any) -> Floats:
    """Uniform numbers strictly between 0 and 1, one for each broadcast combination of the counters.

    purpose: what the draw is for; two purposes are independent streams.
    counters: whole numbers or arrays of them, broadcast against each other.
    """
    first = int.from_bytes(hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest(), "little")
    state = np.full(np.broadcast_shapes(*(np.shape(counter) for counter in counters)), first, dtype=np.uint64)
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is meant
        for counter in counters:
            state = _mixed(state + _STEP * (np.asarray(counter, dtype=np.int64).astype(np.uint64) + np.uint64(1)))
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, purpose: str, *counters: Any) -> Floats:
    """Standard normal numbers, by inverting the uniform ones."""
    drawn: Floats = ndtri(uniforms(seed, purpose, *counters))
    return drawn


def chosen(uniform: Floats, shares: Any) -> Ints:
    """The index that each uniform number picks among shares (which are scaled to sum to one)."""
    bounds = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.searchsorted(bounds[:-1] / bounds[-1], uniform, side="right").astype(np.int64)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))
