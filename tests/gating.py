"""What tests of the gate share: its shipped terms, and a comparison that passed or was held, kept without a model behind it."""

from pathlib import Path

from sqlalchemy.engine import Engine

from riskscore.promotion import parse
from riskscore.stores.comparisons import Comparison, Verdict, comparison_of, keep

GATE_TEXT = (Path(__file__).resolve().parents[1] / "models" / "late_payment" / "gate.toml").read_text(encoding="utf-8")
TERMS = parse(GATE_TEXT)


def compared(
    engine: Engine,
    version: str,
    digest: str,
    champion: str | None = None,
    verdict: Verdict = "passed",
    name: str = "late_payment",
) -> Comparison:
    """A kept comparison of that version, with as much of a report as approvals read."""
    report = {"name": name, "version": version, "challenger": digest, "champion": champion, "verdict": verdict}
    return keep(engine, comparison_of(name, version, digest, champion, verdict, report))
