"""What tests of the gate share: its shipped terms, evidence of customers, and a comparison kept without a model behind it."""

from pathlib import Path

import numpy as np
from scipy.special import expit
from sqlalchemy.engine import Engine

from riskscore.promotion import Earned, Evidence, parse
from riskscore.stores.comparisons import Comparison, Verdict, comparison_of, keep

GATE_TEXT = (Path(__file__).resolve().parents[1] / "models" / "late_payment" / "gate.toml").read_text(encoding="utf-8")
TERMS = parse(GATE_TEXT)


def evidence(seed=0, n_customers=700, n_dates=4, noise=0.5, gain=0.0, shift=0.0, stretch=1.0, **changed):
    """Customers with a hidden risk; both models see it with noise, the challenger with less by `gain`, shifted and stretched."""
    random = np.random.default_rng(seed)
    risk = random.normal(-2.2, 1.1, n_customers)
    who = np.repeat(np.arange(n_customers), n_dates)
    outcome = (random.random(len(who)) < expit(risk[who])).astype(float)
    said = [risk[who] + spread * random.normal(size=n_customers)[who] for spread in (noise, noise - gain)]
    money = random.lognormal(0, 1, n_customers)[who]
    facts = {
        "customers": who.astype(np.int64),
        "days": np.tile(20_000 + 30 * np.arange(n_dates), n_customers).astype(np.int64),
        "outcome": outcome,
        "champion": expit(said[0]),
        "challenger": expit(shift + stretch * said[1]),
        "earned_by_champion": Earned(money * (1 - 3 * outcome * (1 - expit(said[0]))), money),
        "earned_by_challenger": Earned(money * (1 - 3 * outcome * (1 - expit(said[1]))), money),
        "segments": {"country": np.array(["DE", "FR", "IT"], dtype=object)[np.arange(n_customers) % 3][who].tolist()},
    }
    return Evidence(**(facts | changed))


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
