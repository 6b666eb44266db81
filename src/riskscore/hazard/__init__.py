"""The payment hazard: when an open invoice will be paid, as one curve from which every question about its lateness is read."""

from riskscore.hazard.cases import Cases, cases_of, take_cases
from riskscore.hazard.formula import HAZARD_FILES, Curves, Hazard, from_part
from riskscore.hazard.issued import Invoices, all_at_issue, issued_of
from riskscore.hazard.lately import Lately, paid_lately
from riskscore.hazard.usual import Usual, usual_invoices

__all__ = [
    "HAZARD_FILES", "Cases", "Curves", "Hazard", "Invoices", "Lately", "Usual", "all_at_issue", "cases_of", "from_part",
    "issued_of", "paid_lately", "take_cases", "usual_invoices",
]  # fmt: skip
