"""How a run becomes visible: compared with the one published before, then published; or held, where it moved too much."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import Provenance
from riskscore.errors import HeldForReview, StorageFailed
from riskscore.promotion import Moves, Stood
from riskscore.promotion.terms import Runs
from riskscore.stores import decisions as log
from riskscore.stores import holds
from riskscore.stores.approvals import approvals_of
from riskscore.stores.database import COMPLETIONS, DECISIONS, RUNS, reading, writing
from riskscore.stores.holds import Hold

SAID: Mapping[str, str] = {
    "approvals_moved": "the share of customers decided without a person moved by {value:.1%} (at most {bound:.1%})",
    "limits_moved": "the sum of all limits moved by {value:.1%} (at most {bound:.1%})",
    "limits_doubled": "{value:,.0f} limits are more than twice the one before and the one granted today (at most {bound:,.0f})",
    "limits_above_cap": "{value:,.0f} limits are above a cap of the policy (never)",
}
"""Each check in words; value: what was found, bound: what may be."""


def against(engine: Engine, provenance: Provenance, model: str) -> str | None:
    """The run this one is compared with: the newest published one of the same model name, up to its day; null: there is none.

    Whatever the version of the model, the policy and the grades were: what comes out is compared. A run without a model, or in
    doubt, is compared with none and none with it: everybody is referred there, and holding that would keep older approvals.
    """
    if provenance.model is None or provenance.doubt is not None:
        return None
    digests = _digests(engine, model)
    with reading(engine) as connection:
        return _against(connection, provenance, digests)


def moves_against(engine: Engine, run_id: str | None) -> Moves:
    """An empty account of what moves against that run; null: against none."""
    if run_id is None:
        return Moves(None)
    limit = _recommended_limit(engine)
    query = sa.select(DECISIONS.c.customer_id, DECISIONS.c.status, limit).where(DECISIONS.c.run_id == run_id)
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=log.ROWS_AT_ONCE).execute(query)
        return Moves({who: _stood(status, text) for who, status, text in rows})


def publish(
    engine: Engine, provenance: Provenance, n_decisions: int, moves: Moves, bounds: Runs, *, model: str, compared: str | None
) -> None:
    """Publish a run whose decisions are all recorded, or hold it. One that is published already stays as it is.

    moves: what it moves against the run `compared`. Raises HeldForReview where it moves more than it may, or was held before and
    not released; StorageFailed where decisions are missing, or another run was published meanwhile.
    """
    digests = _digests(engine, model)
    with writing(engine) as connection:
        log.lock_chain(connection)  # of two runs that are through at once the second is compared with the first
        log.check_whole(connection, provenance.run_id, n_decisions)
        if log.is_complete_in(connection, provenance.run_id):
            return
        held = holds.find(connection, provenance.run_id)
        if held is None:
            _check_still_newest(connection, provenance, compared, digests)
            checks = moves.checks(bounds)
            if all(check.passed for check in checks):
                log.complete_in(connection, provenance, n_decisions)
                return
            report = report_of(moves, bounds)
            holds.hold(connection, provenance, model=model, against=compared, n_decisions=n_decisions, report=report)
            held = holds.find(connection, provenance.run_id)
            assert held is not None
    raise HeldForReview(said(held))


def refuse_held(engine: Engine, run_id: str) -> None:
    """Raises HeldForReview where the run is held: what it decided is for nobody but those who look at it."""
    with reading(engine) as connection:
        held = holds.find(connection, run_id)
    if held is not None and held.released_by is None:
        raise HeldForReview(said(held))


def report_of(moves: Moves, bounds: Runs) -> dict[str, Any]:
    """What moved, against what may, as plain values; money as text."""
    figures = ("n_customers", "n_new", "n_gone", "approved_before", "approved_after", "n_doubled", "n_above_cap")
    return {
        "checks": [
            {name: None if value == float("inf") else value for name, value in asdict(check).items()}
            for check in moves.checks(bounds)
        ],
        **{name: getattr(moves, name) for name in figures},
        "limits_before": str(moves.limits_before),
        "limits_after": str(moves.limits_after),
        "above_cap": moves.above_cap,
        **{
            name: [[each.customer_id, str(each.before), str(each.after)] for each in rows]
            for name, rows in (("doubled", moves.doubled), ("largest", moves.largest))
        },
    }


def failed_of(held: Hold) -> list[str]:
    """In words, what moved more than it may."""
    return [_sentence(check) for check in held.report["checks"] if not check["passed"]]


def said(held: Hold) -> str:
    """What a held run is told as: which bounds were crossed, what that means, and what to do."""
    short = held.run_id[:12]
    compared = "" if held.against is None else f" against run {held.against[:12]}"
    waits = "" if held.proposed_by is None else f" {held.proposed_by} proposed it; somebody else:"
    return (
        f"run {short} as of {held.as_of} is kept and not published{compared}: {'; '.join(failed_of(held))}. Nothing was written "
        f"and nobody reads its decisions. See what moved: riskscore release {short}. If it is right, two people release it, each "
        f"with a reason:{waits} riskscore release {short} --by NAME --reason REASON. If not, correct what it was made of and "
        "score again."
    )


def _digests(engine: Engine, model: str) -> set[str]:
    """Every version of the model that was ever approved."""
    return {each.digest for each in approvals_of(engine, model) if each.approved_by is not None}


def _sentence(check: Mapping[str, Any]) -> str:
    value = check["value"]
    if value is None:
        return "limits were given where there was none before"
    return SAID[check["name"]].format(value=value, bound=check["bound"])


def _check_still_newest(connection: Connection, provenance: Provenance, compared: str | None, digests: set[str]) -> None:
    if provenance.model is None or provenance.doubt is not None:
        return
    if _against(connection, provenance, digests) != compared:
        raise StorageFailed(
            f"run {provenance.run_id[:12]}: another run was published while this one was compared. Everything is recorded; "
            "run it again."
        )


def _against(connection: Connection, provenance: Provenance, digests: set[str]) -> str | None:
    runs = (
        sa.select(RUNS.c.run_id, RUNS.c.manifest)
        .join(COMPLETIONS, COMPLETIONS.c.run_id == RUNS.c.run_id)
        .where(RUNS.c.as_of <= provenance.as_of, RUNS.c.run_id != provenance.run_id)
        .order_by(RUNS.c.as_of.desc(), COMPLETIONS.c.recorded_at.desc(), RUNS.c.run_id)
    )
    for run_id, manifest in connection.execute(runs):
        made = json.loads(manifest)
        if made["model"] in digests and "doubt" not in made:
            return str(run_id)
    return None


def _recommended_limit(engine: Engine) -> sa.ColumnElement[Any]:
    """Read by the database: whole records of a large book would take their time."""
    if engine.dialect.name == "postgresql":
        found: sa.ColumnElement[Any] = sa.cast(DECISIONS.c.record, JSONB)[("recommendation", "limit")].astext
        return found
    return sa.func.json_extract(DECISIONS.c.record, "$.recommendation.limit")


def _stood(status: str, limit: str | None) -> Stood:
    amount = Decimal(limit or 0)
    return Stood(status == "scored" and amount > 0, amount)
