"""Invoices on dates with what was known of their customers; and those of a ledger on the day of their issue, with little of it.

Whether a newcomer's invoice is late at all is learned from the latter: the rating and the accounts of a customer are found in a
tenth of the time that its whole record takes, so there may be ten times as many.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self, TypeVar

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.features import CATALOGUE
from riskscore.hazard import two_years
from riskscore.model.formula import Floats
from riskscore.snapshot import Histories
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.items import CUSTOMER, WHO
from riskscore.snapshot.money import cents, holding
from riskscore.snapshot.standing import take_standing, take_statements
from riskscore.snapshot.states import ITEM
from riskscore.tables import Frame, Ledger

RATING = CATALOGUE["rating_notch"]
Some = TypeVar("Some", bound="Invoices")


@dataclass(frozen=True)
class Invoices:
    """Invoices on dates, sorted by customer, date and invoice; facts of a (customer, date) stand once in `who`.

    invoices: one row each: customer_id, as_of (day number), invoice_id, currency, country ("" not known), issued_on, due (day
    numbers, due rolled to a business day), terms (days), open (undisputed, in ten-thousandths of its currency), cents (the same
    in cents of the reporting currency), is_electronic (null: not known), new (issued, or first known, on this very date).
    observation: the row of each invoice in `who`.
    who: customer_id, as_of and facts of the customer by their names.
    """

    invoices: pa.Table
    observation: np.ndarray[tuple[int], np.dtype[np.int64]]
    who: pa.Table

    def __len__(self) -> int:
        return int(self.invoices.num_rows)

    def column(self, name: str) -> Floats:
        """One numeric column of `invoices`."""
        result: Floats = self.invoices[name].cast(pa.float64()).to_numpy()
        return result

    @property
    def age(self) -> Floats:
        """Days past the business-day due date on the date of each; below zero before it."""
        return self.column("as_of") - self.column("due")

    def take(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Self:
        """The invoices where the mask is true; of the customers and dates only those still spoken of."""
        kept, place = np.unique(self.observation[mask], return_inverse=True)
        return type(self)(
            invoices=self.invoices.filter(pa.array(mask)),
            observation=place.astype(np.int64),
            who=self.who.take(pa.array(kept)),
            **{name: column[kept] for name, column in self.beside_who().items()},
        )

    def beside_who(self) -> Mapping[str, Floats]:
        """Arrays with an entry for each row of `who`."""
        return {}


def customers_of(invoices: Invoices) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The customer of every invoice."""
    return np.asarray(invoices.invoices["customer_id"].to_pylist(), dtype=object)


def all_at_issue(ledger: Ledger) -> pa.Table:
    """An observation for every customer and day on which an invoice of it became known."""
    invoices = ledger.frames["invoices"].with_columns(as_of=nw.max_horizontal("known_on", "issued_on"))
    days = invoices.select("customer_id", "as_of").unique().collect("pyarrow").to_native()
    days = days.sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    return days.set_column(1, "as_of", days["as_of"].cast(pa.int32()).cast(pa.date32()))


def issued_of(ledger: Ledger, known: Histories) -> Invoices:
    """The invoices issued, or first known, on the observed dates; of their customers the rating and the means of two years."""
    invoices, observation = open_invoices(known, whole_on=())
    statements, standing = (take(ledger, known.spine, known.rates) for take in (take_statements, take_standing))
    rated = known.spine.select("observation").join(standing, on="observation", how="left")
    rating = ledger.rows(rated.select("observation", **{RATING.name: RATING.formula()})).sort_by("observation")
    who = known.observations.select(["customer_id", "as_of"])
    who = who.append_column(RATING.name, rating[RATING.name].cast(pa.float64()))
    means = two_years.compute(known.spine, statements)
    for name in means.column_names:
        who = who.append_column(name, means[name])
    return Invoices(invoices, observation, who)


def open_invoices(
    known: Histories, whole_on: Collection[date] | None
) -> tuple[pa.Table, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """What `Invoices.invoices` and its `observation` hold of those open and not wholly disputed on the observed dates.

    whole_on: where given, on other dates only invoices that were issued (or first known) on the very date.
    """
    order = [("observation", "ascending"), ("invoice_id", "ascending")]
    rows = _open_invoices(known, whole_on).collect("pyarrow").to_native().sort_by(order)
    return rows.drop_columns(["observation"]), rows["observation"].to_numpy().astype(np.int64)


def joined(pieces: Sequence[Some]) -> tuple[Some, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The invoices of several ledgers in one order, whatever that of the ledgers, and where each stood in all pieces together."""
    who = pa.concat_tables([piece.who for piece in pieces])
    by_who = pc.sort_indices(who, sort_keys=[("customer_id", "ascending"), ("as_of", "ascending")]).to_numpy().astype(np.int64)
    rank = np.empty(len(by_who), dtype=np.int64)
    rank[by_who] = np.arange(len(by_who))
    offsets = np.cumsum([0, *(piece.who.num_rows for piece in pieces)])
    observation = rank[np.concatenate([piece.observation + start for piece, start in zip(pieces, offsets, strict=False)])]
    invoices = pa.concat_tables([piece.invoices for piece in pieces])
    placed = invoices.select(["invoice_id"]).append_column("place", pa.array(observation))
    order = pc.sort_indices(placed, sort_keys=[("place", "ascending"), ("invoice_id", "ascending")]).to_numpy().astype(np.int64)
    beside: list[Mapping[str, Any]] = [piece.beside_who() for piece in pieces]
    stacked = {name: np.concatenate([each[name] for each in beside])[by_who] for name in beside[0]}
    one = type(pieces[0])(
        invoices=invoices.take(pa.array(order)), observation=observation[order], who=who.take(pa.array(by_who)), **stacked
    )
    return one, order


def _open_invoices(known: Histories, whole_on: Collection[date] | None) -> Frame:
    live = known.states.filter(nw.col("unpaid") > 0, nw.col("left") > 0)
    live = live.join(known.issued.select(*ITEM, "issued_from", "is_electronic"), on=list(ITEM))
    met = known.spine.select(*WHO).join(live, on=CUSTOMER)
    if whole_on is not None:
        whole = nw.col("as_of").is_in([day_number(day) for day in whole_on])
        met = met.filter((nw.col("issued_from") == nw.col("as_of")) | whole)
    met = holding(met).join(known.rates, on=["currency", "as_of"], how="left")
    return met.select(
        "observation",
        "customer_id",
        "as_of",
        "invoice_id",
        "currency",
        "issued_on",
        "due",
        "collectable",
        "is_electronic",
        country="calendar_country",
        terms=nw.col("due_on") - nw.col("issued_on"),
        cents=cents(nw.col("collectable")),
        new=nw.col("issued_from") == nw.col("as_of"),
    )
