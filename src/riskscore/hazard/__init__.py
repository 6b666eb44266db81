"""The payment hazard: when an open invoice will be paid, as one curve from which every question about its lateness is read."""

from riskscore.hazard.cases import Cases, all_at_issue, cases_of, take_cases
from riskscore.hazard.formula import HAZARD_FILES, Curves, Hazard, from_part

__all__ = ["HAZARD_FILES", "Cases", "Curves", "Hazard", "all_at_issue", "cases_of", "from_part", "take_cases"]
