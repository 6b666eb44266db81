"""Does memory stay flat under steady load? Proportional set size over time, its slope, and what one can say against it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psutil
from scipy.stats import theilslopes

MIB = 2**20
GROWTH_BETWEEN_THIRDS = 1.03


@dataclass(frozen=True)
class Slope:
    """MiB a minute: the median of all pairwise slopes (Theil 1950, Sen 1968) and its upper 95 % bound; last third over first."""

    per_minute: float
    upper: float
    thirds: float

    def within(self, bound: float) -> bool:
        return self.upper <= bound and self.thirds <= GROWTH_BETWEEN_THIRDS


def memory_of(pid: int) -> float:
    """MiB that the process and its children hold for themselves, shared pages divided among their holders."""
    process = psutil.Process(pid)
    return sum(each.memory_full_info().pss for each in [process, *process.children(recursive=True)]) / MIB


def handles_of(pid: int) -> int:
    """Open files and sockets, and threads."""
    process = psutil.Process(pid)
    return sum(each.num_fds() + each.num_threads() for each in [process, *process.children(recursive=True)])


def slope_of(minutes: Sequence[float], mib: Sequence[float]) -> Slope:
    found = theilslopes(mib, minutes, alpha=0.95)
    third = max(len(mib) // 3, 1)
    return Slope(float(found.slope), float(found.high_slope), float(np.median(mib[-third:]) / np.median(mib[:third])))
