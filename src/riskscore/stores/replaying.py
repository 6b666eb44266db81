"""Recorded decisions made again: with the texts kept beside them and the approved copy of the model of their time."""

from dataclasses import dataclass

from sqlalchemy.engine import Engine

from riskscore import grades, policy
from riskscore.decisions import Decision
from riskscore.errors import ModelRefused, StorageFailed
from riskscore.model import Model
from riskscore.scoring import replay
from riskscore.stores import decisions as log
from riskscore.stores.approvals import approvals_by_digest
from riskscore.stores.models.approved import load_of
from riskscore.stores.workplace import Workplace


@dataclass(frozen=True)
class Replayed:
    """A recorded decision and the same made again. differs: fields in which the two differ."""

    recorded: Decision
    again: Decision

    @property
    def identical(self) -> bool:
        """Are they the same, byte for byte?"""
        return self.recorded.to_bytes() == self.again.to_bytes()

    @property
    def differs(self) -> tuple[str, ...]:
        """The fields in which they differ."""
        one, other = self.recorded.record, self.again.record
        return tuple(name for name in one if one[name] != other.get(name))


class Replayer:
    """Makes recorded decisions again; models and texts are read once each."""

    def __init__(self, workplace: Workplace, engine: Engine) -> None:
        self.workplace, self.engine = workplace, engine
        self._models: dict[str, Model] = {}

    def __call__(self, decision_id: str) -> Replayed | None:
        """The decision with that id, made again; None where none is recorded.

        Raises StorageFailed where a text it was made with is not kept, ModelRefused where the model's bytes are not there or are
        not those that were approved.
        """
        found = log.find(self.engine, decision_id)
        return None if found is None else self.again(found.decision)

    def again(self, decision: Decision) -> Replayed:
        """A recorded decision, made again; raises as `__call__`."""
        made = decision.provenance
        bounds, params = grades.parse(self.text(made.grades)), policy.parse(self.text(made.policy), on=made.as_of)
        return Replayed(decision, replay(decision, self.model(made.model), bounds, params))

    def text(self, digest: str) -> str:
        """The signed text with that digest. Raises StorageFailed where it is not kept."""
        text = log.text_of(self.engine, digest)
        if text is None:
            raise StorageFailed(
                f"the signed text {digest[:12]} that this decision was made with is not kept in this database. "
                "Decisions recorded before texts were kept cannot be made again."
            )
        return text

    def model(self, digest: str | None) -> Model | None:
        """The approved model with that digest, null for none. Raises ModelRefused where its bytes were never approved here."""
        if digest is None:
            return None
        if digest not in self._models:
            approvals = approvals_by_digest(self.engine, digest)
            if not approvals:
                raise ModelRefused(f"model {digest[:12]} was never approved here, so its bytes are not read.")
            self._models[digest] = load_of(self.workplace, approvals[-1])
        return self._models[digest]
