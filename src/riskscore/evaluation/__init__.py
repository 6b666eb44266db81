"""How good a probability is: discrimination, calibration, intervals over customers, and the guards that catch a leak.

Values in, values out: probabilities, outcomes (1.0 where the event followed) and a number per customer, one entry a row.
"""

from riskscore.evaluation.comparison import Measured, Replicates, Resamples, paired_difference
from riskscore.evaluation.grading import GradeRow, judge_grades
from riskscore.evaluation.guards import (
    LeakFound,
    check_categories,
    check_features,
    check_known_before,
    check_maturity,
    check_point_in_time,
    check_time_split,
)
from riskscore.evaluation.holdouts import HOLDOUTS, four_holdouts
from riskscore.evaluation.limit import Attained, attained, check_below_limit
from riskscore.evaluation.metrics import METRICS, measure, reliability, roc
from riskscore.evaluation.segments import SegmentRow, judge_segments
from riskscore.evaluation.trueness import Spiegelhalter, Trueness, YearRow, by_year, judge_trueness, spiegelhalter

__all__ = [
    "HOLDOUTS",
    "METRICS",
    "Attained",
    "GradeRow",
    "LeakFound",
    "Measured",
    "Replicates",
    "Resamples",
    "SegmentRow",
    "Spiegelhalter",
    "Trueness",
    "YearRow",
    "attained",
    "by_year",
    "check_below_limit",
    "check_categories",
    "check_features",
    "check_known_before",
    "check_maturity",
    "check_point_in_time",
    "check_time_split",
    "four_holdouts",
    "judge_grades",
    "judge_segments",
    "judge_trueness",
    "measure",
    "paired_difference",
    "reliability",
    "roc",
    "spiegelhalter",
]
