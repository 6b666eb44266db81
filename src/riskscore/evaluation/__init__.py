"""How good a probability is: discrimination, calibration, intervals over customers, and the guards that catch a leak.

Values in, values out: probabilities, outcomes (1.0 where the event followed) and a number per customer, one entry a row.
"""

from riskscore.evaluation.comparison import Measured, Replicates, Resamples, paired_difference
from riskscore.evaluation.grading import GradeRow, judge_grades
from riskscore.evaluation.guards import LeakFound, check_features, check_maturity, check_time_split
from riskscore.evaluation.metrics import METRICS, measure, reliability, roc

__all__ = [
    "METRICS",
    "GradeRow",
    "LeakFound",
    "Measured",
    "Replicates",
    "Resamples",
    "check_features",
    "check_maturity",
    "check_time_split",
    "judge_grades",
    "measure",
    "paired_difference",
    "reliability",
    "roc",
]
