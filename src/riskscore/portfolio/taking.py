"""Taking the portfolio: every open invoice of every customer on a date, aged, and summed by customer and family."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.portfolio.concentration import Concentration, concentration_of
from riskscore.portfolio.outstanding import DsoRule, Quarter, dso_alert, quarter_ends
from riskscore.snapshot import customers_known_at, take_open_items
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.measures import Measures
from riskscore.snapshot.money import money_of
from riskscore.tables import Ledger

AGEING = ("not_due", "due_1_30", "due_31_60", "due_61_90", "due_over_90")
"""Days past the business-day due date. Unapplied credits lower `not_due`: they hide nothing overdue, and the columns add up."""

EDGES = (0, 30, 60, 90)
CENT = Decimal("0.01")
AMOUNTS = ("balance", *AGEING, "disputed")
RULES: tuple[DsoRule, ...] = ("each", "cumulative")

_EMPTY = pa.schema(
    [("customer_id", pa.string()), ("as_of", pa.date32())]
    + [(name, pa.string()) for name in ("name", "family_id", "industry", "country")]
    + [(name, pa.int64()) for name in (*AMOUNTS, "overdue", "sales")]
).empty_table()


@dataclass(frozen=True)
class Portfolio:
    """The receivables of a book at a date, as known then, in the reporting currency.

    ageing: amount by bucket of `AGEING`; sums to `receivables`, the control total of all open balances.
    disputed: the contested part of it. by_customer, by_family: the same buckets a row each, largest balance first.
    quarters: oldest first. alerts: the DSO rules and whether each fires. concentration: by family.
    """

    as_of: date
    currency: str
    receivables: Decimal
    ageing: Mapping[str, Decimal]
    disputed: Decimal
    by_customer: pa.Table
    by_family: pa.Table
    quarters: tuple[Quarter, ...]
    alerts: Mapping[DsoRule, bool]
    concentration: Concentration


def take_portfolio(
    ledgers: Ledger | Iterable[Ledger],
    as_of: date,
    *,
    n_quarters: int = 5,
    cap: Decimal = Decimal("0.20"),
    dso_rise: Decimal = Decimal("0.15"),
) -> Portfolio:
    """The portfolio at `as_of`, over one ledger or over the buckets of a book; facts known by then, and by each quarter's end.

    cap: a single family's largest share of the receivables. dso_rise: the rise of DSO that alerts.
    """
    ends = quarter_ends(as_of, n_quarters + 1)
    currency, rows = _book(ledgers, ends)
    return _portfolio(rows, currency, as_of, ends, cap, dso_rise)


def take_portfolio_and_ageing(
    ledgers: Ledger | Iterable[Ledger],
    as_of: date,
    ends: Sequence[date],
    *,
    n_quarters: int = 5,
    cap: Decimal = Decimal("0.20"),
    dso_rise: Decimal = Decimal("0.15"),
) -> tuple[Portfolio, pa.Table]:
    """What `take_portfolio` says of `as_of`, `ageing_series` of the ends, in one pass: turning a ledger into states is dear."""
    quarters = quarter_ends(as_of, n_quarters + 1)
    currency, rows = _book(ledgers, sorted({*quarters, *ends}))
    of_quarters, of_ends = (
        rows.filter(pc.is_in(rows["as_of"], pa.array(sorted(set(days)), pa.date32()))) for days in (quarters, ends)
    )
    return _portfolio(of_quarters, currency, as_of, quarters, cap, dso_rise), _ageing(of_ends)


def _book(ledgers: Ledger | Iterable[Ledger], ends: Sequence[date]) -> tuple[str, pa.Table]:
    """The reporting currency, and the balances of all buckets at each end; no date twice."""
    currency, balances = "", [_EMPTY]
    # One bucket at a time: the next ledger is asked for only when this one has been summed.
    for ledger in each_ledger(ledgers):
        currency = ledger.reporting_currency
        balances.append(_balances(ledger, ends))
    return currency, pa.concat_tables(balances)


def _portfolio(rows: pa.Table, currency: str, as_of: date, ends: Sequence[date], cap: Decimal, dso_rise: Decimal) -> Portfolio:
    today = rows.filter(pc.equal(rows["as_of"], pa.scalar(as_of)))
    families = _families(today)
    quarters = _quarters(rows, ends)
    series = [quarter.dso for quarter in quarters]
    return Portfolio(
        as_of=as_of,
        currency=currency,
        receivables=_total(today, "balance"),
        ageing={bucket: _total(today, bucket) for bucket in AGEING},
        disputed=_total(today, "disputed"),
        by_customer=_in_money(today, ["customer_id", "name", "family_id", "industry", "country"]),
        by_family=_in_money(families, ["family_id", "name", "n_customers"]),
        quarters=quarters,
        alerts={rule: dso_alert(series, rule=rule, rise=dso_rise) for rule in RULES},
        concentration=concentration_of(_owed(families), cap=cap),
    )


def receivables_by_family(ledgers: Ledger | Iterable[Ledger], as_of: date) -> dict[str, Decimal]:
    """What each family of customers owes at a date, unapplied credits taken off; the others' total bounds one buyer's limit."""
    return _owed(_families(pa.concat_tables([_EMPTY, *(_balances(ledger, [as_of]) for ledger in each_ledger(ledgers))])))


def ageing_series(ledgers: Ledger | Iterable[Ledger], ends: Sequence[date]) -> pa.Table:
    """The ageing at each date, as known on it, oldest first, in one pass: as_of, the buckets of `AGEING`, their sum `balance`."""
    return _ageing(_book(ledgers, sorted(set(ends)))[1])


def _ageing(rows: pa.Table) -> pa.Table:
    names = (*AGEING, "balance")
    sums = rows.group_by("as_of").aggregate([(name, "sum") for name in names]).sort_by("as_of")
    return pa.table({"as_of": sums["as_of"], **{name: money_of(sums[f"{name}_sum"]) for name in names}})


def each_ledger(ledgers: Ledger | Iterable[Ledger]) -> Iterable[Ledger]:
    """The ledgers of the buckets of a book; a single ledger is the whole book."""
    return [ledgers] if isinstance(ledgers, Ledger) else ledgers


def _measures() -> Measures:
    items = Measures()
    opened, age = nw.col("open"), nw.col("age")
    owed = opened > 0
    items.total("balance", opened)
    items.total("not_due", opened, ~owed | (age <= 0))
    for name, low, high in zip(AGEING[1:], EDGES, (*EDGES[1:], None), strict=True):
        items.total(name, opened, owed & (age > low) & (age <= high if high is not None else age > low))
    items.total("disputed", nw.col("contested"))
    items.total("overdue", opened, owed & (age > 0))
    items.total("sales", nw.col("billed"), (nw.col("billed") > 0) & (nw.col("issued") < nw.col("quarter_days")))
    return items


def _balances(ledger: Ledger, ends: Sequence[date]) -> pa.Table:
    """One row per customer known at each end: whole cents open by bucket, and billed in the three months up to it."""
    known = take_open_items(ledger, pa.concat_tables([customers_known_at(ledger, end) for end in ends]))
    quarters = pa.table(
        {
            "as_of": pa.array([day_number(end) for end in ends], pa.int32()),
            "quarter_days": pa.array([(end - quarter_ends(end, 2)[0]).days for end in ends], pa.int32()),
        }
    )
    items = known.items.join(ledger.lift(quarters), on="as_of")
    sums = _measures().taken(known.spine.select("observation", "name", "family_id", "industry", "country"), items)
    rows = sums.collect("pyarrow").to_native().sort_by("observation")
    who = known.observations
    given = {"customer_id": who["customer_id"], "as_of": who["as_of"]}
    return pa.table(
        [given.get(field.name, rows[field.name] if field.name in rows.column_names else None) for field in _EMPTY.schema],
        schema=_EMPTY.schema,
    )


def _families(rows: pa.Table) -> pa.Table:
    sums = rows.group_by("family_id").aggregate([*((name, "sum") for name in AMOUNTS), ("customer_id", "count")])
    sums = sums.rename_columns({**{f"{name}_sum": name for name in AMOUNTS}, "customer_id_count": "n_customers"})
    heads = rows.filter(pc.equal(rows["customer_id"], rows["family_id"])).select(["family_id", "name"])
    return sums.join(heads, "family_id")


def _quarters(rows: pa.Table, ends: Sequence[date]) -> tuple[Quarter, ...]:
    sums = rows.group_by("as_of").aggregate([(name, "sum") for name in ("balance", "overdue", "sales")]).to_pylist()
    found = {row["as_of"]: row for row in sums}

    def of(end: date, name: str) -> Decimal:
        return (found[end][f"{name}_sum"] if end in found else 0) * CENT

    return tuple(
        Quarter(
            ends_on=end,
            opening=of(before, "balance"),
            closing=of(end, "balance"),
            overdue=of(end, "overdue"),
            sales=of(end, "sales"),
        )
        for before, end in pairwise(ends)
    )


def _total(rows: pa.Table, name: str) -> Decimal:
    return (pc.sum(rows[name]).as_py() or 0) * CENT


def _owed(families: pa.Table) -> dict[str, Decimal]:
    return {
        family: cents * CENT
        for family, cents in zip(families["family_id"].to_pylist(), families["balance"].to_pylist(), strict=True)
    }


def _in_money(rows: pa.Table, who: list[str]) -> pa.Table:
    rows = rows.sort_by([("balance", "descending"), (who[0], "ascending")])
    return pa.table({**{name: rows[name] for name in who}, **{name: money_of(rows[name]) for name in AMOUNTS}})
