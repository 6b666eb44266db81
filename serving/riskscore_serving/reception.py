"""The reception: hands every request the desk over what is in force now: newest book, approved model, signed texts."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from typing import Any, cast

from sqlalchemy.engine import Engine

from riskscore.errors import ModelRefused, RiskscoreError, StorageFailed
from riskscore.stores.approvals import approval_in_force
from riskscore.stores.database import open_database
from riskscore.stores.desk import Desk, Signed, in_force, open_desk
from riskscore.stores.holds import unreleased
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace

log = logging.getLogger(__name__)


@dataclass
class Reception:
    """Opens a desk over a book, and a new one when a book was published, a model approved or rolled back, or a text signed.

    as_of: the date to answer for; None: the last day the newest version of the book knows. model: None refers everybody.
    store: gives the open database; None opens one for each look. look_every: seconds in which nothing is looked at again.
    in_background: the desk that is open answers while the next one is opened, instead of letting everybody wait for it.
    The day after the approval of its model ran out, where an approved model cannot be loaded, and while the run over the book is
    held for review, everybody is referred.
    """

    workplace: Workplace
    book: Path
    as_of: date | None = None
    model: str | None = "late_payment"
    texts: str = "late_payment"
    store: Callable[[], Engine] | None = None
    look_every: float = 0.0
    in_background: bool = False
    _desk: Desk | None = None
    _seen: Any = None
    _looked_at: float = float("-inf")
    _opening: Thread | None = None
    _lock: Lock = field(default_factory=Lock)

    def at_hand(self) -> Desk | None:
        """The desk that is open, where it was looked at lately; it costs nothing to ask."""
        return self._desk if monotonic() - self._looked_at < self.look_every else None

    def desk(self) -> Desk:
        """The desk over what is in force.

        Where a store or registry does not answer, the desk that is open goes on. Raises InputRefused or StorageFailed where no
        desk is open and the book does not open, UsageRefused where a text cannot be understood.
        """
        if (desk := self.at_hand()) is not None:
            return desk
        # One request looks. Where a desk is open and another follows in the background, nobody needs to wait for that look:
        # a registry that hangs would keep everybody waiting, one after the other.
        if not self._lock.acquire(blocking=self._desk is None or not self.in_background):
            return cast("Desk", self._desk)
        try:
            if (desk := self.at_hand()) is not None:  # somebody else looked meanwhile
                return desk
            try:
                seen = self._look()
                if self._desk is None or (seen != self._seen and not self.in_background):
                    self._desk, self._seen = self._open(), seen
                elif seen != self._seen and (self._opening is None or not self._opening.is_alive()):
                    self._opening = Thread(target=self._replace, args=(seen,), name="opening", daemon=True)
                    self._opening.start()
            except (RiskscoreError, OSError) as error:
                if self._desk is None:
                    raise
                log.warning("the desk stays as it is: %s", error)
            self._looked_at = monotonic()
            return self._desk
        finally:
            self._lock.release()

    def _replace(self, seen: Any) -> None:
        """Open the desk that is to follow; the one that is open answers until it stands."""
        try:
            desk = self._open()
        except (RiskscoreError, OSError) as error:
            log.warning("the desk stays as it is: %s", error)
            return
        self._desk, self._seen = desk, seen

    def _look(self) -> tuple[Any, ...]:
        """What a desk depends on."""
        texts = tuple(find_text(f"{self.texts}/{name}.toml", self.workplace.models).read_bytes() for name in ("grades", "policy"))
        return open_book(self.book).digest, texts, self._approval_and_holds()

    def _approval_and_holds(self) -> tuple[Any, ...]:
        if self.model is None:
            return ()
        with self._database() as engine:
            try:
                approval = approval_in_force(engine, self.texts)
            except ModelRefused:
                return ("none",)
            is_over = approval.last_day < datetime.now(UTC).date()
            return approval.digest, approval.last_day, is_over, _held(engine)

    def _open(self) -> Desk:
        book = open_book(self.book)
        on = book.day_to_look_at(self.as_of)
        return open_desk(book, on, self._signed(book, on), told=lambda *_: None)

    def _signed(self, book: Book, on: date) -> Signed:
        if self.model is None:
            return in_force(self.workplace, None, on, model_name=self.texts)
        with self._database() as engine:
            try:
                signed = in_force(self.workplace, engine, on, model_name=self.texts)
                is_held = signed.provenance(book, on).run_id in _held(engine)
            except (ModelRefused, StorageFailed) as error:
                if isinstance(error, StorageFailed) and self._desk is not None:
                    raise  # the registry does not answer: the verified model that is open goes on
                log.warning("everybody is referred: %s", error)
                without = in_force(self.workplace, None, on, model_name=self.texts)
                return replace(without, why_not=str(error), doubt="model_unavailable")
        return signed.in_doubt("run_held") if is_held else signed

    @contextmanager
    def _database(self) -> Iterator[Engine]:
        if self.store is not None:
            yield self.store()
            return
        engine = open_database(self.workplace.database)
        try:
            yield engine
        finally:
            engine.dispose()


def _held(engine: Engine) -> frozenset[str]:
    """The runs that wait for two people; while there are none, that costs one look at an empty table."""
    return frozenset(each.run_id for each in unreleased(engine))
