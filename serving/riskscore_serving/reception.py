"""The reception: hands every request the desk over the newest published book."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock

from riskscore.stores.database import open_database
from riskscore.stores.desk import Desk, in_force, open_desk
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.workplace import Workplace


@dataclass
class Reception:
    """Opens a desk over a book, and a new one when a newer version of the book was published.

    as_of: the date to answer for; None: the last day the newest version of the book knows. model: None refers everybody.
    The model and the policy are read when a desk is opened; an approval given meanwhile counts from the next book, or a restart.
    The day after the approval of its model ran out, a desk without a model takes its place: everybody is referred.
    """

    workplace: Workplace
    book: Path
    as_of: date | None = None
    model: str | None = "late_payment"
    texts: str = "late_payment"
    _desk: Desk | None = None
    _lock: Lock = field(default_factory=Lock)

    def desk(self) -> Desk:
        """The desk over the book as last published.

        Raises InputRefused or StorageFailed where the book does not open, ModelRefused where no approved model can be loaded.
        """
        newest = open_book(self.book)
        with self._lock:  # one request opens the new desk, the others wait for it
            if self._desk is None or self._desk.book_digest != newest.digest or _has_run_out(self._desk):
                self._desk = self._open(newest)
            return self._desk

    def _open(self, book: Book) -> Desk:
        on = self.as_of or book.last_known_on
        engine = open_database(self.workplace.database)
        try:
            signed = in_force(self.workplace, None if self.model is None else engine, on, model_name=self.texts)
        finally:
            engine.dispose()
        return open_desk(book, on, signed, told=lambda *_: None)


def _has_run_out(desk: Desk) -> bool:
    last_day = desk.signed.holds_until
    return last_day is not None and last_day < datetime.now(UTC).date()
