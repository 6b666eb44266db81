"""The terms of the gate in force: what two people sign, for the promotion of a model and for the publication of a run."""

from riskscore.promotion import GateTerms, parse
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace


def gate_terms(workplace: Workplace, name: str) -> GateTerms:
    """The terms of the gate in force for a model: the company's own text, or the shipped one."""
    return parse(find_text(f"{name}/gate.toml", workplace.models).read_text(encoding="utf-8"))
