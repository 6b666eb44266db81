"""Is the model as good for every kind of customer? The same figures, segment by segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskscore.evaluation.comparison import Measured, Resamples
from riskscore.evaluation.metrics import Floats, Integers

SHOWN = ("auc", "log_loss", "calibration_intercept", "calibration_slope")
FEWEST_CUSTOMERS = 10
"""A segment with fewer customers is not shown: its figures would be of persons."""


@dataclass(frozen=True)
class SegmentRow:
    """One segment: by what (`dimension`) and which (`segment`), its size, predicted against observed, and figures with intervals.

    figures: of `SHOWN`; NaN where all outcomes of the segment are alike.
    """

    dimension: str
    segment: str
    n: int
    n_customers: int
    n_customers_with_event: int
    mean_pd: float
    observed: float
    figures: Mapping[str, Measured]


def judge_segments(
    pd: Floats, outcome: Floats, customers: Integers, segments: Mapping[str, Sequence[str | None]], *, seed: int, n_resamples: int
) -> list[SegmentRow]:
    """Every segment of every dimension. segments: dimension to the segment of each row, null where it belongs to none.

    Calibration slope and intercept tell whether a segment is treated as it pays: slope 1 and intercept 0 within the interval.
    """
    found = []
    for dimension, named in segments.items():
        labels = np.array(["" if each is None else each for each in named], dtype=object)
        for segment in sorted(set(labels.tolist()) - {""}):
            there = labels == segment
            _, who = np.unique(customers[there], return_inverse=True)
            n_customers = int(who.max()) + 1
            if n_customers < FEWEST_CUSTOMERS:
                continue
            predicted, happened = pd[there], outcome[there]
            measured = Resamples(who.astype(np.int64), n_resamples, seed).judge(predicted, happened).measured()
            if not 0 < happened.sum() < len(happened):
                unknown = Measured(float("nan"), float("nan"), float("nan"))
                measured |= {name: unknown for name in SHOWN if name != "log_loss"}
            found.append(
                SegmentRow(
                    dimension=dimension,
                    segment=segment,
                    n=int(there.sum()),
                    n_customers=n_customers,
                    n_customers_with_event=len(np.unique(who[happened == 1])),
                    mean_pd=float(predicted.mean()),
                    observed=float(happened.mean()),
                    figures={name: measured[name] for name in SHOWN},
                )
            )
    return found
