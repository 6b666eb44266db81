"""One decision told to a person: the facts of the page, and the page itself."""

from riskscore_pipelines.explaining.telling import CapRow, Explanation, ReasonRow, Step, explanation_of
from riskscore_pipelines.explaining.writing import html_of, print_to

__all__ = ["CapRow", "Explanation", "ReasonRow", "Step", "explanation_of", "html_of", "print_to"]
