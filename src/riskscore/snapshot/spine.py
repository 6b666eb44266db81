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
    versions = ledger.stage(ledger.prepare(_versions, ledger.frames["customers"]))
    spine = ledger.stage(ledger.prepare(_as_known, ledger.lift(pairs), versions))
    return ledger.stage(ledger.prepare(_in_family, spine, _families(ledger, spine)))


def _versions(customers: Frame) -> Frame:
    return in_force(customers.with_columns(known_from="known_on"), "customer_id", order=["known_from"])


def _as_known(spine: Frame, versions: Frame) -> Frame:
    known = holding(spine.join(versions, on="customer_id")).select("observation", *WHO)
    spine = spine.join(known, on="observation", how="left")
    return spine.with_columns(calendar_country=nw.col("country").fill_null(UNKNOWN_COUNTRY))


def _in_family(spine: Frame, chain: Frame) -> Frame:
    return spine.join(chain.select("observation", family_id="top"), on="observation", how="left")


def with_kinship(ledger: Ledger, customers: pa.Table) -> Ledger:
    """The ledger of some customers, told of the parents of all: a family reaches beyond the customers a ledger holds.

    customers: customer_id, parent_id and known_on of every version of every customer that ever had a parent, of the whole book.
    """
    kinship = customers.select(["customer_id", "parent_id", "known_on"])
    kinship = kinship.set_column(2, "known_on", kinship["known_on"].cast(pa.date32()).cast(pa.int32()))
    return replace(ledger, frames={**ledger.frames, KINSHIP: ledger.lift(kinship)})


def _families(ledger: Ledger, spine: Frame) -> Frame:
    """(observation, as_of, top): the top of the parent chain as known on the date; the customer itself where it has no parent."""
    links = ledger.stage(ledger.prepare(_links, ledger.frames.get(KINSHIP, ledger.frames["customers"])))
    chain = ledger.prepare(_at_the_foot, spine)
    for _ in range(DEEPEST_FAMILY):
        step = ledger.stage(ledger.prepare(_one_up, chain, links))
        if step.select(nw.len()).collect("pyarrow").item() == 0:
            break
        chain = ledger.stage(ledger.prepare(_climbed, chain, step))
    return chain


def _links(customers: Frame) -> Frame:
    versions = customers.select("customer_id", above="parent_id", known_from="known_on")
    links = in_force(versions, "customer_id", order=["known_from"])
    return links.filter(~nw.col("above").is_null(), nw.col("above") != nw.col("customer_id"))


def _at_the_foot(spine: Frame) -> Frame:
    return spine.select("observation", "as_of", top="customer_id")


def _one_up(chain: Frame, links: Frame) -> Frame:
    return holding(chain.join(links, left_on="top", right_on="customer_id")).select("observation", "above")


def _climbed(chain: Frame, step: Frame) -> Frame:
    climbed = chain.join(step, on="observation", how="left")
    return climbed.select("observation", "as_of", top=when(nw.col("above").is_null(), nw.col("top"), nw.col("above")))
