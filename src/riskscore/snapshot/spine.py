"""The spine: one row per (customer, date) asked about, with who the customer was known to be on that date."""

from dataclasses import replace

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.snapshot.calendar import UNKNOWN_COUNTRY
from riskscore.snapshot.measures import when
from riskscore.snapshot.money import holding, in_force
from riskscore.tables import Frame, Ledger, drawn

WHO = ("name", "legal_form", "is_natural_person", "parent_id", "industry", "country", "onboarded_on")
KINSHIP = "kinship"
"""The frame of a ledger that holds some customers only, in which the parents of all are found (see `with_kinship`)."""

DEEPEST_FAMILY = 16
"""Steps up the parent chain. Deeper chains do not occur; a ring, which ingestion refuses, must still end somewhere."""


def numbered(observations: pa.Table) -> pa.Table:
    """The distinct observations, sorted by customer id and date, with their running number as `observation`.

    Inside the engine the number stands for the pair: an integer key is joined and grouped faster than text. Results never
    depend on it.
    """
    pairs = pa.table(
        {
            "customer_id": observations["customer_id"].cast(pa.string()),
            "as_of": observations["as_of"].cast(pa.date32()).cast(pa.int32()),
        }
    )
    if pairs.num_rows > 1:
        order = [("customer_id", "ascending"), ("as_of", "ascending")]
        pairs = pairs.group_by(["customer_id", "as_of"]).aggregate([]).sort_by(order)
    return pairs.append_column("observation", pa.array(range(pairs.num_rows), pa.int32()))


def in_order(rows: pa.Table) -> pa.Table:
    """The rows in the order of their observations. One row is in order: taking it out column by column would cost more."""
    return rows if rows.num_rows < 2 else rows.sort_by("observation")


def take_spine(ledger: Ledger, pairs: pa.Table) -> Frame:
    """The numbered observations with the customer's master data as known then, and the family it belonged to.

    A customer without a known row keeps its place with nulls. `calendar_country` is the country with "" for not known.
    """
    return _in_family(ledger, ledger.stage(ledger.prepare(_as_known, ledger.lift(pairs), ledger.frames["customers"])))


def _as_known(spine: Frame, customers: Frame) -> Frame:
    versions = in_force(customers.with_columns(known_from="known_on"), "customer_id", order=["known_from"])
    known = holding(spine.join(versions, on="customer_id")).select("observation", *WHO)
    spine = spine.join(known, on="observation", how="left")
    return spine.with_columns(calendar_country=nw.col("country").fill_null(UNKNOWN_COUNTRY), family_id="customer_id")


def with_kinship(ledger: Ledger, customers: pa.Table) -> Ledger:
    """The ledger of some customers, told of the parents of all: a family reaches beyond the customers a ledger holds.

    customers: customer_id, parent_id and known_on of every version of every customer that ever had a parent, of the whole book.
    """
    kinship = customers.select(["customer_id", "parent_id", "known_on"])
    kinship = kinship.set_column(2, "known_on", kinship["known_on"].cast(pa.date32()).cast(pa.int32()))
    return replace(ledger, frames={**ledger.frames, KINSHIP: ledger.lift(kinship)})


def _in_family(ledger: Ledger, spine: Frame) -> Frame:
    """The spine with the top of the parent chain as known on the date as `family_id`; the customer where it has no parent."""
    links = ledger.stage(ledger.prepare(_links, ledger.frames.get(KINSHIP, ledger.frames["customers"])))
    for _ in range(DEEPEST_FAMILY):
        step = ledger.stage(ledger.prepare(_one_up, links, spine))
        if ledger.rows(step).num_rows == 0:
            break
        spine = ledger.stage(ledger.prepare(_climbed, spine, step))
    return spine


@drawn
def _links(customers: Frame) -> Frame:
    versions = customers.select("customer_id", above="parent_id", known_from="known_on")
    links = in_force(versions, "customer_id", order=["known_from"])
    return links.filter(~nw.col("above").is_null(), nw.col("above") != nw.col("customer_id"))


@drawn
def _one_up(links: Frame, spine: Frame) -> Frame:
    at = spine.select("observation", "as_of", "family_id")
    return holding(at.join(links, left_on="family_id", right_on="customer_id")).select("observation", "above")


def _climbed(spine: Frame, step: Frame) -> Frame:
    climbed = spine.join(step, on="observation", how="left")
    higher = when(nw.col("above").is_null(), nw.col("family_id"), nw.col("above"))
    return climbed.with_columns(family_id=higher).drop("above")
