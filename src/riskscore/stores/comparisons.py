"""Comparisons at rest: what the gate found about a proposed version, kept for good, so that a proposal can be bound to it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import canonical_bytes
from riskscore.model.bundle import sha256
from riskscore.stores.database import MODEL_COMPARISONS, reading, writing

Verdict = Literal["passed", "held"]


@dataclass(frozen=True)
class Comparison:
    """One comparison of a proposed version with the champion in force (null: there was none).

    digest: SHA-256 of the report. challenger, champion: digests of the two models. report: canonical JSON of every check.
    """

    digest: str
    name: str
    version: str
    challenger: str
    champion: str | None
    verdict: Verdict
    report: str
    recorded_at: str

    @property
    def facts(self) -> dict[str, Any]:
        """The report as values."""
        facts: dict[str, Any] = json.loads(self.report)
        return facts


def comparison_of(
    name: str, version: str, challenger: str, champion: str | None, verdict: Verdict, report: dict[str, Any]
) -> Comparison:
    """A comparison ready to be kept, under the digest of its report."""
    text = canonical_bytes(report)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Comparison(sha256(text), name, version, challenger, champion, verdict, text.decode(), now)


def keep(engine: Engine, comparison: Comparison) -> Comparison:
    """Keep a comparison; one with an equal report is kept already, and is given back as it lies there."""
    with writing(engine) as connection:
        there = find(connection, comparison.digest)
        if there is None:
            connection.execute(sa.insert(MODEL_COMPARISONS).values(**comparison.__dict__))
        return there or comparison


def find(connection: Connection, digest: str | None) -> Comparison | None:
    """The comparison with that digest, or None."""
    row = connection.execute(sa.select(MODEL_COMPARISONS).where(MODEL_COMPARISONS.c.digest == digest)).one_or_none()
    return None if row is None else Comparison(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping


def comparison(engine: Engine, digest: str | None) -> Comparison | None:
    """The comparison with that digest, or None."""
    with reading(engine) as connection:
        return find(connection, digest)


def look_number(engine: Engine, name: str, challenger: str, champion: str | None, evidence: str) -> int:
    """Which look at this champion this is, from 1: each further look at new evidence has to be paid for by a stricter test.

    evidence: digest of the data; the same challenger on the same data is the same look again. A comparison without a look, such
    as the renewal of the very model in force, costs none.
    """
    query = sa.select(MODEL_COMPARISONS).where(MODEL_COMPARISONS.c.name == name)
    with reading(engine) as connection:
        rows = [Comparison(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001
    reports = [(row.challenger, row.facts) for row in rows if row.champion == champion]
    looks = {(other, facts["evidence"]): facts["look"] for other, facts in reports if "look" in facts}
    return int(looks.get((challenger, evidence), max(looks.values(), default=0) + 1))
