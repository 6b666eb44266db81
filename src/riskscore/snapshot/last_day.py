"""The last day a ledger tells of. After it nothing that happened is known: an invoice open by then may well be paid by now."""

from datetime import date

import narwhals.stable.v2 as nw

from riskscore.snapshot.calendar import date_of
from riskscore.tables import Ledger

FACTS = ("invoices", "settlements", "disputes")
"""The tables whose last known day is the natural day to look at a book: something happens in them whenever a company works."""

QUIET_DAYS = 10
"""So long may nothing have become known before a day, and the ledger can still speak of that day. The longest that companies rest
is nine days: a week of public holidays in China with its weekend, or Christmas to the second of January. Who invoices on Friday
and asks on Monday must get an answer; whoever lets more pass has not ingested what happened."""


def last_known_day(ledger: Ledger) -> date | None:
    """The latest day anything was learned of an invoice, a settlement or a dispute; null where nothing was."""
    newest = [day for name in FACTS if (day := _newest(ledger, name)) is not None]
    return date_of(max(newest)) if newest else None


def _newest(ledger: Ledger, name: str) -> int | None:
    day = ledger.frames[name].select(nw.col("known_on").max()).collect("pyarrow")["known_on"].to_list()[0]
    return None if day is None else int(day)
