"""Every decision logged over a period made again from the book of today: what was known then must lead to what was said then.

This is more than a replay of the record (`stores.replaying`): features, positions and receivables are computed anew, from a book
that has grown since. Nothing that came later may show.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from riskscore import grades, policy
from riskscore.decisions import Decision, Provenance
from riskscore.stores import decisions as log
from riskscore.stores.desk import Signed, Told
from riskscore.stores.ledgers import Book
from riskscore.stores.replaying import Replayer
from riskscore.stores.runs import decide_book

NAMED_BY_THE_RUN = frozenset({"decision_id", "run_id"})
"""What differs because the book or the program have another digest today; everything else is the decision."""


@dataclass(frozen=True)
class Difference:
    """A logged decision that comes out differently. fields: of the record; `customer_id` where the book does not know it now."""

    decision_id: str
    customer_id: str
    as_of: date
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Reproduction:
    """n_decisions: how many were logged over the period and made again. n_other_code: those by another version of the program."""

    n_decisions: int
    n_other_code: int
    differences: tuple[Difference, ...]


def reproduce(replayer: Replayer, book: Book, first: date, last: date, *, code: str, told: Told) -> Reproduction:
    """Make every decision again that was logged for a day of the period, with the model and the texts of its time.

    An applicant is in no book; its decision is made again from its record. code: the version of this program. Raises what reading
    texts and models raises, where they are not kept.
    """
    n_decisions = n_other = 0
    differences: list[Difference] = []
    for made, logged in log.between(replayer.engine, first, last):
        told("making decisions again", n_decisions, None)
        n_decisions += len(logged)
        n_other += len(logged) if made.code != code else 0
        differences += _of_run(replayer, book, made, logged)
    return Reproduction(n_decisions, n_other, tuple(differences))


def _of_run(replayer: Replayer, book: Book, made: Provenance, logged: Mapping[str, Decision]) -> Iterator[Difference]:
    of_book = {customer: decision for customer, decision in logged.items() if decision.asked is None}
    again: dict[str, Decision] = {}
    if of_book:
        signed = signed_then(replayer, made)
        for part in decide_book(book, made.as_of, signed, told=_silent):
            again.update({each.customer_id: each for each in part.decisions if each.customer_id in of_book})
    for customer, decision in sorted(logged.items()):
        made_again = replayer.again(decision).again if decision.asked is not None else again.get(customer)
        if fields := _differs(decision, made_again):
            yield Difference(decision.decision_id, customer, made.as_of, fields)


def signed_then(replayer: Replayer, made: Provenance) -> Signed:
    """The model and the texts that a run was made with. Raises StorageFailed for a text, ModelRefused for a model not kept."""
    law = None if made.statutes is None else replayer.text(made.statutes)
    params = policy.parse(replayer.text(made.policy), on=made.as_of, law=law)
    before = None if made.before is None else log.grades_of(replayer.engine, made.before)
    return Signed(replayer.model(made.model), grades.parse(replayer.text(made.grades)), params, doubt=made.doubt, before=before)


def _differs(decision: Decision, again: Decision | None) -> tuple[str, ...]:
    if again is None:
        return ("customer_id",)
    one, other = decision.record, again.record
    return tuple(name for name in sorted({*one, *other} - NAMED_BY_THE_RUN) if one.get(name) != other.get(name))


def _silent(*_: object) -> None:
    """One run is one step of the bar."""
