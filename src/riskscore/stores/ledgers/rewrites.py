"""A delivery that tells of another past than the book did is held: whoever signs for it is recorded, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from riskscore.errors import HeldForReview, UsageRefused
from riskscore.people import is_same_person, recorded_name
from riskscore.stores.ledgers.mapping import Limits
from riskscore.stores.ledgers.pasts import LATE_DAYS, Past, examples_of, files_behind

ENOUGH = 20
"""Changed invoices of one source, below which they are corrections, whatever share of a small source they are."""


@dataclass(frozen=True)
class Acceptance:
    """Who looked at a rewritten past and lets it into the book, and why."""

    by: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """The same as plain data."""
        return {"by": self.by, "reason": self.reason}


def acceptance_of(reason: str | None, by: str | None) -> Acceptance | None:
    """What a person said on the command line; None where nothing. Raises UsageRefused where either is missing or blank."""
    if reason is None and by is None:
        return None
    name, why = recorded_name(by or ""), (reason or "").strip()
    if is_same_person(name, "") or not why:  # unseen signs are no name
        raise UsageRefused(
            '--accept-rewrite says why and --by says who: give both, as in --accept-rewrite "the bank\'s correction of May" --by '
            '"Li Wei". Nothing was read.'
        )
    return Acceptance(name, why)


def over_the_bound(past: Past, limits: Limits) -> str | None:
    """Which verdict on the invoices of a source is found too often; None where neither is."""
    if past.rewritten >= ENOUGH and past.rewritten > limits.rewritten_past * past.compared:
        return "rewritten"
    if past.booked_late >= ENOUGH and past.booked_late > limits.late_bookings * past.overdue:
        return "booked late"
    return None


def refuse_rewrites(
    connection: duckdb.DuckDBPyConnection,
    there: set[str],
    readings: Sequence[Mapping[str, Any]],
    pasts: Sequence[Past],
    limits: Limits,
) -> None:
    """Raises HeldForReview where the past of a source changes beyond a bound, naming the worst source, files and examples.

    Needs the table `changed` of `compare_pasts`. there, readings: as there.
    """
    held = [(past, verdict) for past in pasts if (verdict := over_the_bound(past, limits))]
    if not held:
        return
    past, verdict = max(held, key=lambda one: (one[0].rewritten + one[0].booked_late, one[0].source))
    others = f" So it is with {len(held) - 1} more of its sources." if len(held) > 1 else ""
    files = files_behind(connection, there, readings, past)
    raise HeldForReview(
        f"{past.source}: {_counted(past, verdict, limits)}, e.g. {examples_of(connection, past.source, verdict)}.{others} "
        f"{f'The rows are in {files}. ' if files else ''}Nothing was published. Correct the export; or, where the past was wrong "
        'and this is right, have a second person ingest it with --accept-rewrite "WHY" --by "NAME".'
    )


def refuse_needless(pasts: Sequence[Past], limits: Limits) -> None:
    """Raises UsageRefused where there is nothing to accept: signed for in advance, the next rewrite would be let in unseen."""
    if not any(over_the_bound(past, limits) for past in pasts):
        raise UsageRefused(
            "--accept-rewrite: this delivery rewrites no more of the past than the mapping allows: there is nothing to accept. "
            "Nothing was published. Ingest it without."
        )


def _counted(past: Past, verdict: str, limits: Limits) -> str:
    if verdict == "rewritten":
        return (
            f"what became of {past.rewritten} of the {past.compared} invoices settled or due by {past.known_until} would be "
            f"rewritten ({past.rewritten / past.compared:.2%}, more than the {limits.rewritten_past:.2%} the mapping allows)"
        )
    return (
        f"{past.booked_late} of the {past.overdue} invoices overdue on {past.known_until} would have been settled in the "
        f"{LATE_DAYS} days before ({past.booked_late / past.overdue:.2%}, more than the {limits.late_bookings:.2%} the mapping "
        "allows)"
    )
