"""Training: from the ledgers of a book and a recipe to a model, and the proof of how good it is on months it had not seen."""

from riskscore.training.gathering import Gathered, gather
from riskscore.training.gathering_invoices import GatheredInvoices, gather_invoices
from riskscore.training.judging import Evaluation, Judged, judge
from riskscore.training.learning import Trained, learn, train

__all__ = [
    "Evaluation",
    "Gathered",
    "GatheredInvoices",
    "Judged",
    "Trained",
    "gather",
    "gather_invoices",
    "judge",
    "learn",
    "train",
]
