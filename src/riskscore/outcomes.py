"""Outcomes: what happened after a date. The label a model learns from; training and monitoring only."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.measures import ZERO, integer, when
from riskscore.snapshot.money import FOREVER, cents, parts, rates_at
from riskscore.snapshot.spine import numbered, take_spine
from riskscore.snapshot.states import ITEM, issued_items, settled_parts
from riskscore.tables import Frame, Ledger

YEAR = 365
MATERIAL_WRITE_OFF = 10
"""A write-off below one part in 10 of its invoice is a rounding or a settled difference, not a loss."""


@dataclass(frozen=True)
class Outcome:
    """Material delinquency within `horizon_days`: which of three things, how late and how much, make a customer a bad one.

    days_past_due: an invoice later than this many days past its business-day due date ...
    min_amount, min_billing_share: ... with an undisputed open amount of at least both (the share is of trailing 365-day billing).
    late_share, late_days: or at least this share of the amounts falling due is still open this many days after they fell due.
    A material write-off always counts; an insolvency shows as one.
    """

    horizon_days: int = 180
    days_past_due: int = 60
    min_amount: Decimal = Decimal(500)
    min_billing_share: Decimal = Decimal("0.01")
    late_share: Decimal = Decimal("0.10")
    late_days: int = 30


def observe(ledger: Ledger, observations: pa.Table, definition: Outcome, *, until: date) -> pa.Table:
    """What became of each observed customer within the horizon, judged on facts known by `until`.

    Returns customer_id, as_of, outcome (bool; null while as_of + horizon is after `until`, for every row alike: early payers
    mature no sooner than the late), matures_on (date32), cause (write_off, past_due or late_share; null without an outcome).
    Sorted by customer id and date. Payments count by their own date here, not by the day they became known.
    """
    pairs = numbered(observations)
    spine = take_spine(ledger, pairs)
    last = day_number(until)
    facts = _facts(ledger, spine, last)
    causes = spine.select("observation", "as_of")
    for cause in (
        _past_due(facts, definition, last),
        _late_share(facts, definition),
        _write_off(facts, definition),
    ):
        causes = causes.join(cause, on="observation", how="left")
    matures = nw.col("as_of") + definition.horizon_days
    past_due, late, lost = (nw.col(name).fill_null(0) > 0 for name in ("n_past_due", "n_late", "n_lost"))
    named = when(lost, nw.lit("write_off"), when(past_due, nw.lit("past_due"), when(late, nw.lit("late_share"))))
    mature = matures <= last
    rows = causes.select(
        "observation", outcome=when(mature, lost | past_due | late), matures_on=matures, cause=when(mature, named)
    )
    table = rows.collect("pyarrow").to_native().sort_by("observation")
    return pa.table(
        {
            "customer_id": pairs["customer_id"],
            "as_of": pairs["as_of"].cast(pa.date32()),
            "outcome": table["outcome"],
            "matures_on": table["matures_on"].cast(pa.int32()).cast(pa.date32()),
            "cause": table["cause"].cast(pa.string()),
        }
    )


@dataclass(frozen=True)
class _Facts:
    """Who was asked about, and everything known of their invoices by the last day."""

    who: Frame
    issued: Frame
    settled: Frame
    disputes: Frame
    rates: Frame


def _facts(ledger: Ledger, spine: Frame, last: int) -> _Facts:
    issued = ledger.stage(issued_items(ledger, spine).filter(nw.col("issued_from") <= last))
    disputes = ledger.frames["disputes"].filter(nw.col("known_on") <= last)
    disputes = disputes.select("invoice_id", "opened_on", closed_on=nw.col("closed_on").fill_null(FOREVER), part=parts("amount"))
    return _Facts(
        who=spine.select("observation", "customer_id", "calendar_country", "as_of"),
        issued=issued,
        settled=ledger.stage(settled_parts(ledger, issued).filter(nw.col("known_from") <= last)),
        disputes=ledger.stage(disputes.join(issued.select(*ITEM, "due", "billed"), on="invoice_id")),
        rates=_rates(ledger, spine, last),
    )


def _rates(ledger: Ledger, spine: Frame, last: int) -> Frame:
    # The rate of the observation's date, so that thresholds mean what they meant then; a currency first met later takes the
    # last one known.
    dates = spine.select("as_of").unique()
    currencies = ledger.frames["invoices"].select("currency").unique()
    latest = rates_at(ledger, dates.select(as_of=nw.lit(last)).unique()).select("currency", latest="rate")
    then = rates_at(ledger, dates).select("currency", "as_of", then="rate")
    every = (
        currencies.join(dates, how="cross")
        .join(latest, on="currency", how="left")
        .join(then, on=["currency", "as_of"], how="left")
    )
    return ledger.stage(every.select("currency", "as_of", rate=when(nw.col("then").is_null(), nw.col("latest"), nw.col("then"))))


def _billing(facts: _Facts) -> Frame:
    met = facts.who.join(facts.issued, on=["customer_id", "calendar_country"])
    age = nw.col("as_of") - nw.col("issued_on")
    met = met.filter(nw.col("issued_from") <= nw.col("as_of"), age < YEAR, nw.col("billed") > 0)
    met = met.join(facts.rates, on=["currency", "as_of"]).with_columns(worth=cents(nw.col("billed")))
    return met.group_by("observation").agg(billing=integer(nw.col("worth").sum()))


def _open_on(tests: Frame, facts: _Facts) -> Frame:
    """The tests (item, day) with `left` after the settlements of that day, and what of it was contested then."""
    key = [*ITEM, "day"]
    reduced = tests.select(*key).join(facts.settled.select(*ITEM, "settled_on", "amount", "kind"), on=list(ITEM))
    reduced = (
        reduced.filter(nw.col("settled_on") <= nw.col("day"))
        .group_by(key)
        .agg(
            reduced=integer(nw.col("amount").sum()),
            credited=integer(when(nw.col("kind") == "credit_note", nw.col("amount"), ZERO).sum()),
        )
    )
    contested = tests.select(*key).join(
        facts.disputes.select(*ITEM, "opened_on", "closed_on", "part", whole="billed"), on=list(ITEM)
    )
    contested = (
        contested.filter(nw.col("opened_on") <= nw.col("day"), nw.col("closed_on") > nw.col("day"))
        .group_by(key)
        .agg(contested=integer(when(nw.col("part").is_null(), nw.col("whole"), nw.col("part")).sum()))
    )
    joined = tests.join(reduced, on=key, how="left").join(contested, on=key, how="left")
    joined = joined.with_columns(credited=nw.col("credited").fill_null(0), left=nw.col("billed") - nw.col("reduced").fill_null(0))
    above_zero = nw.max_horizontal(nw.col("left"), ZERO)
    return joined.with_columns(left=above_zero, contested=nw.min_horizontal(above_zero, nw.col("contested").fill_null(0)))


def _past_due(facts: _Facts, definition: Outcome, last: int) -> Frame:
    reached = facts.issued.filter(nw.col("billed") > 0).with_columns(first=nw.col("due") + definition.days_past_due + 1)
    columns = (*ITEM, "currency", "billed", "day")
    # An invoice is tested on the day it becomes too late, and again on each later day a dispute about it ends.
    ended = facts.disputes.select(*ITEM, day="closed_on").join(reached, on=list(ITEM))
    ended = ended.filter(nw.col("day") > nw.col("first"), nw.col("day") <= last)
    tests = nw.concat([reached.with_columns(day="first").select(*columns), ended.select(*columns)]).unique()
    tests = _open_on(tests, facts).with_columns(collectable=nw.col("left") - nw.col("contested"))
    tests = tests.filter(nw.col("collectable") > 0)
    met = facts.who.join(tests, on=["customer_id", "calendar_country"])
    met = met.filter(nw.col("day") > nw.col("as_of"), nw.col("day") <= nw.col("as_of") + definition.horizon_days)
    met = met.join(facts.rates, on=["currency", "as_of"]).with_columns(worth=cents(nw.col("collectable")))
    met = met.join(_billing(facts), on="observation", how="left")
    share = Fraction(definition.min_billing_share)  # compared in whole numbers: a threshold is met exactly or not at all
    met = met.filter(
        nw.col("worth") >= int(definition.min_amount * 100),
        nw.col("worth") * share.denominator >= nw.col("billing").fill_null(0) * share.numerator,
    )
    return met.group_by("observation").agg(n_past_due=integer(nw.col("worth").count()))


def _late_share(facts: _Facts, definition: Outcome) -> Frame:
    tests = facts.issued.filter(nw.col("billed") > 0).select(
        *ITEM, "currency", "billed", "due", day=nw.col("due") + definition.late_days
    )
    tests = _open_on(tests, facts)
    met = facts.who.join(tests, on=["customer_id", "calendar_country"])
    last_due = nw.col("as_of") + definition.horizon_days - definition.late_days
    met = met.filter(nw.col("due") > nw.col("as_of"), nw.col("due") <= last_due)
    met = met.join(facts.rates, on=["currency", "as_of"]).with_columns(
        owed=cents(nw.col("billed") - nw.col("credited") - nw.col("contested")), late=cents(nw.col("left") - nw.col("contested"))
    )
    sums = met.group_by("observation").agg(owed=integer(nw.col("owed").sum()), late=integer(nw.col("late").sum()))
    share = Fraction(definition.late_share)
    late = (nw.col("late") > 0) & (nw.col("late") * share.denominator >= nw.col("owed") * share.numerator)
    return sums.select("observation", n_late=integer(when(late, nw.lit(1), ZERO)))


def _write_off(facts: _Facts, definition: Outcome) -> Frame:
    losses = facts.settled.filter(nw.col("kind") == "write_off").join(facts.issued.select(*ITEM, "billed"), on=list(ITEM))
    losses = losses.filter(nw.col("billed") > 0, nw.col("amount") > 0, nw.col("amount") * MATERIAL_WRITE_OFF >= nw.col("billed"))
    met = facts.who.join(losses.select("customer_id", "calendar_country", "settled_on"), on=["customer_id", "calendar_country"])
    met = met.filter(nw.col("settled_on") > nw.col("as_of"), nw.col("settled_on") <= nw.col("as_of") + definition.horizon_days)
    return met.group_by("observation").agg(n_lost=integer(nw.col("settled_on").count()))
