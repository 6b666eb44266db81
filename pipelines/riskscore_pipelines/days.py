"""The day a verb looks at a book on: what was asked for, as far as the book can speak of it."""

import sys
from datetime import date

from riskscore.stores.ledgers import Book
from riskscore_pipelines.unpaid import looks_unpaid


def day_to_look_at(book: Book, as_of: date | None) -> date:
    """See `Book.day_to_look_at`. On stderr is said where nothing became known in the days up to it, and what looks unpaid."""
    on, last = book.day_to_look_at(as_of), book.last_known_on
    if on > last:
        quiet = (on - last).days
        print(
            f"riskscore: nothing became known in the {quiet} days after {last}. Invoices paid since then count as unpaid; if you "
            "have newer exports, ingest them first.",
            file=sys.stderr,
        )
    if book.untold is not None and (told := looks_unpaid(book.untold, on)):
        print(f"riskscore: {told}", file=sys.stderr)
    return on
