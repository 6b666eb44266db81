"""Families: who belongs together when customers are split, because sisters pay out of one purse.

What a model knows of a customer it knows of its sisters too. So whoever is to be a stranger to a model has no sister among those
it learned from.
"""

from collections.abc import Iterable, Mapping

import narwhals.stable.v2 as nw

from riskscore.snapshot import Snapshot


def kin_of(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Each customer with the top of its chain of parents where that is another one, as known on any date of the snapshot."""
    spine = snapshot.spine.filter(nw.col("customer_id") != nw.col("family_id")).select("customer_id", "family_id")
    pairs = spine.unique().collect("pyarrow")
    return sorted(zip(pairs["customer_id"].to_list(), pairs["family_id"].to_list(), strict=True))


def families_of(kin: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The family of every customer named: one name for all that are joined, however many steps or dates lie between.

    kin: pairs of customers of one family. A customer that was sold joins two families: its rows of both times are its own, and
    stay together. The name is the smallest id among them, whatever the order of the pairs.

    >>> sorted(families_of([("b", "a"), ("c", "b"), ("x", "y")]).items())
    [('a', 'a'), ('b', 'a'), ('c', 'a'), ('x', 'x'), ('y', 'x')]
    """
    above: dict[str, str] = {}

    def top(customer: str) -> str:
        while (higher := above.setdefault(customer, customer)) != customer:
            above[customer] = above[higher]
            customer = above[higher]
        return customer

    for one, other in kin:
        first, second = sorted((top(one), top(other)))
        above[second] = first
    return {customer: top(customer) for customer in list(above)}
