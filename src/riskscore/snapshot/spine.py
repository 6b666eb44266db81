"""The spine: one row per (customer, date) asked about, with who the customer was known to be on that date."""

from dataclasses import replace

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.snapshot.calendar import UNKNOWN_COUNTRY
from riskscore.snapshot.measures import when
from riskscore.snapshot.money import holding, in_force
from riskscore.tables import Frame, Ledger

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
    pairs = pairs.group_by(["customer_id", "as_of"]).aggregate([]).sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    return pairs.append_column("observation", pa.array(range(pairs.num_rows), pa.int32()))


def take_spine(ledger: Ledger, pairs: pa.Table) -> Frame:
    """The numbered observations with the customer's master data as known then, and the family it belonged to.

    A customer without a known row keeps its place with nulls. `calendar_country` is the country with "" for not known.
    """
    spine = ledger.lift(pairs)
    versions = ledger.stage(
        in_force(ledger.frames["customers"].with_columns(known_from="known_on"), "customer_id", order=["known_from"])
    )
    known = holding(spine.join(versions, on="customer_id")).select("observation", *WHO)
    spine = spine.join(known, on="observation", how="left")
    spine = ledger.stage(spine.with_columns(calendar_country=nw.col("country").fill_null(UNKNOWN_COUNTRY)))
    families = _families(ledger, spine)
    return ledger.stage(spine.join(families, on="observation", how="left"))


def with_kinship(ledger: Ledger, customers: pa.Table) -> Ledger:
    """The ledger of some customers, told of the parents of all: a family reaches beyond the customers a ledger holds.

    customers: customer_id, parent_id and known_on of every version of every customer that ever had a parent, of the whole book.
    """
    kinship = customers.select(["customer_id", "parent_id", "known_on"])
    kinship = kinship.set_column(2, "known_on", kinship["known_on"].cast(pa.date32()).cast(pa.int32()))
    return replace(ledger, frames={**ledger.frames, KINSHIP: ledger.lift(kinship)})


def _families(ledger: Ledger, spine: Frame) -> Frame:
    """(observation, family_id): the top of the parent chain as known on the date; the customer itself where it has no parent."""
    versions = ledger.frames.get(KINSHIP, ledger.frames["customers"])
    versions = versions.select("customer_id", above="parent_id", known_from="known_on")
    links = in_force(versions, "customer_id", order=["known_from"])
    links = ledger.stage(links.filter(~nw.col("above").is_null(), nw.col("above") != nw.col("customer_id")))
    chain = spine.select("observation", "as_of", top="customer_id")
    for _ in range(DEEPEST_FAMILY):
        step = ledger.stage(holding(chain.join(links, left_on="top", right_on="customer_id")).select("observation", "above"))
        if step.select(nw.len()).collect("pyarrow").item() == 0:
            break
        climbed = chain.join(step, on="observation", how="left")
        chain = ledger.stage(
            climbed.select("observation", "as_of", top=when(nw.col("above").is_null(), nw.col("top"), nw.col("above")))
        )
    return chain.select("observation", family_id="top")
