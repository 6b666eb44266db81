"""The gate between a trained model and one that scores: is the new one better, no worse where it matters, and how much moves?

Values in, values out: both models' probabilities on the same matured rows, decisions of both on one book. Who may let what
through, and where it is recorded, is for the stores.
"""

from riskscore.promotion.blast import Blast, blast_radius
from riskscore.promotion.check import Check
from riskscore.promotion.earning import Earned, Trades, earned
from riskscore.promotion.evidence import Evidence, Row, judge_segments
from riskscore.promotion.gate import compare
from riskscore.promotion.moves import Moved, Moves, Stood
from riskscore.promotion.parity import check_parity
from riskscore.promotion.parts import PartEvidence, PartRow, Parts, compare_parts
from riskscore.promotion.stability import population_stability
from riskscore.promotion.terms import GateTerms, parse

__all__ = [
    "Blast",
    "Check",
    "Earned",
    "Evidence",
    "GateTerms",
    "Moved",
    "Moves",
    "PartEvidence",
    "PartRow",
    "Parts",
    "Row",
    "Stood",
    "Trades",
    "blast_radius",
    "check_parity",
    "compare",
    "compare_parts",
    "earned",
    "judge_segments",
    "parse",
    "population_stability",
]
