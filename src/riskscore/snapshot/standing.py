"""Standing: what else was known of a customer on a date: accounts, rating, granted limit, securities."""

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.snapshot.measures import Expr, integer, real, when
from riskscore.snapshot.money import FOREVER, cents, holding, in_force, parts
from riskscore.snapshot.notches import NOTCHES
from riskscore.tables import STATEMENT_ITEMS, Frame, Ledger, drawn

YEAR_BEFORE = (300, 430)
"""The prior accounts end between these many days before the newest: fiscal years shift, but growth is growth over a year."""

RATING_YEAR = 365
UNSTATED_SHARE = 0.9
"""What insurance pays of a loss where the register does not say: the commonest share, and not all of it."""

DIGITS = 2**17
"""Day numbers up to the year 2328 fit 17 bits, so three of them order rows as one 64-bit number."""


def take_statements(ledger: Ledger, spine: Frame, rates: Frame) -> Frame:
    """Per observation the newest accounts published by then, and beside them (`prior_...`) those of the year before.

    Line items are ten-thousandths of the statement's currency; `rate` converts them. Nothing is known before publication.
    """
    met = ledger.stage(ledger.prepare(_published, ledger.frames["statements"], spine))
    return ledger.stage(ledger.prepare(_accounts, met, rates))


@drawn
def _published(statements: Frame, spine: Frame) -> Frame:
    rows = statements.with_columns(
        known_from=nw.max_horizontal("known_on", "published_on"), **{name: parts(name) for name in STATEMENT_ITEMS}
    )
    met = spine.select("observation", "customer_id", "as_of").join(rows, on="customer_id")
    met = met.filter(nw.col("known_from") <= nw.col("as_of"))
    # Of several versions of one year the last one known counts.
    rank = (integer(nw.col("period_end")) * DIGITS + nw.col("known_from")) * DIGITS + nw.col("published_on")
    return met.with_columns(rank=rank)


@drawn
def _accounts(met: Frame, rates: Frame) -> Frame:
    newest = _first(met, "rank").select("observation", "as_of", "period_end", "published_on", "currency", *STATEMENT_ITEMS)
    # Growth compares money with money of the same currency, or not at all.
    earlier = met.join(newest.select("observation", "currency", newest_end="period_end"), on=["observation", "currency"])
    gap = nw.col("newest_end") - nw.col("period_end")
    earlier = _first(earlier.filter(gap >= YEAR_BEFORE[0], gap <= YEAR_BEFORE[1]), "rank")
    prior = earlier.select("observation", **{f"prior_{name}": name for name in STATEMENT_ITEMS})
    joined = newest.join(prior, on="observation", how="left").join(rates, on=["currency", "as_of"], how="left")
    return joined.with_columns(statement_age=nw.col("as_of") - nw.col("period_end")).drop("as_of", "currency")


def take_standing(ledger: Ledger, spine: Frame, rates: Frame) -> Frame:
    """One row per observation: rating and notch, granted limit and terms, securities in force, all as known then."""
    scale = ledger.lift(pa.table({"rating": list(NOTCHES), "notch": pa.array(NOTCHES.values(), pa.int32())}))
    rated = ledger.stage(ledger.prepare(_rated, ledger.frames["ratings"], spine, scale))
    rating = ledger.prepare(_ratings, rated, spine)
    limit = ledger.prepare(_limits, ledger.frames["limits"], spine, rates)
    security = ledger.prepare(_securities, ledger.frames["securities"], spine, rates)
    return ledger.stage(ledger.prepare(_standing, spine, rating, limit, security))


def _who(spine: Frame) -> Frame:
    return spine.select("observation", "customer_id", "as_of")


def _standing(spine: Frame, *parts: Frame) -> Frame:
    standing = spine.select("observation")
    for part in parts:
        standing = standing.join(part, on="observation", how="left")
    return standing


@drawn
def _rated(ratings: Frame, spine: Frame, scale: Frame) -> Frame:
    rows = ratings.join(scale, on="rating", how="left")
    rows = rows.with_columns(known_from=nw.max_horizontal("known_on", "rated_on"))
    met = _who(spine).join(rows, on="customer_id").filter(nw.col("known_from") <= nw.col("as_of"))
    # Newest first; of several agencies on one day the more cautious one. An unread symbol ranks behind a read one.
    return met.with_columns(
        rank=(integer(nw.col("rated_on")) * DIGITS + nw.col("known_from")) * 32 + nw.col("notch").fill_null(0)
    )


@drawn
def _ratings(met: Frame, spine: Frame) -> Frame:
    valid = met.filter(nw.col("valid_until").fill_null(FOREVER) >= nw.col("as_of"))
    now = valid.with_columns(top=nw.col("rank").max().over("observation")).filter(nw.col("rank") == nw.col("top"))
    now = now.group_by("observation").agg(
        rating=nw.col("rating").min(),
        agency=nw.col("agency").min(),
        notch=nw.col("notch").max(),
        rated_on=nw.col("rated_on").max(),
    )
    past = met.filter(nw.col("as_of") - nw.col("rated_on") >= RATING_YEAR, ~nw.col("notch").is_null())
    past = past.with_columns(top=nw.col("rank").max().over("observation")).filter(nw.col("rank") == nw.col("top"))
    past = past.group_by("observation").agg(notch_year_before=nw.col("notch").max())
    now = now.join(spine.select("observation", "as_of"), on="observation").join(past, on="observation", how="left")
    return now.with_columns(rating_age=nw.col("as_of") - nw.col("rated_on")).drop("as_of", "rated_on")


@drawn
def _limits(limits: Frame, spine: Frame, rates: Frame) -> Frame:
    rows = limits.with_columns(known_from=nw.max_horizontal("known_on", "granted_on"))
    rows = in_force(rows, "customer_id", order=["known_from", "granted_on"])
    met = holding(_who(spine).join(rows, on="customer_id")).join(rates, on=["currency", "as_of"], how="left")
    return met.select(
        "observation", limit_cents=cents(parts("amount")), limit_terms="terms", limit_age=nw.col("as_of") - nw.col("granted_on")
    )


@drawn
def _securities(securities: Frame, spine: Frame, rates: Frame) -> Frame:
    rows = securities.with_columns(known_from=nw.max_horizontal("known_on", "valid_from"))
    rows = rows.with_columns(known_to=nw.col("valid_until").fill_null(FOREVER - 1) + 1)
    met = holding(_who(spine).join(rows, on="customer_id")).join(rates, on=["currency", "as_of"], how="left")
    met = met.with_columns(worth=cents(parts("amount")))
    # Of several insurers the one with the shortest terms; days are whole, rounded down, and of a cover worth nothing none count.
    covers = (nw.col("kind") == "insurance") & (nw.col("worth") > 0)
    met = met.with_columns(allowed=when(covers, integer(nw.col("longest_terms_days").floor())))
    met = met.with_columns(shortest=nw.col("allowed").min().over("observation"))
    covered = integer((real(nw.col("worth")) * nw.col("cover_share").fill_null(UNSTATED_SHARE) + 0.5).floor())

    def of(kind: str, what: Expr) -> Expr:
        return integer(when(nw.col("kind") == kind, what, nw.lit(0)).sum())

    return met.group_by("observation").agg(
        insured_cents=of("insurance", nw.col("worth")),
        covered_cents=of("insurance", covered),
        guarantee_cents=of("guarantee", nw.col("worth")),
        collateral_cents=of("collateral", nw.col("worth")),
        deposit_cents=of("deposit", nw.col("worth")),
        insurer_days=nw.col("allowed").min(),
        insurer=when(nw.col("allowed") == nw.col("shortest"), nw.col("provider")).min(),
    )


def _first(met: Frame, rank: str) -> Frame:
    best = met.with_columns(top=nw.col(rank).max().over("observation")).filter(nw.col(rank) == nw.col("top")).drop("top")
    # Ingestion lets no two rows of a key through; should they come, one of them counts and no customer comes twice.
    return best.unique(subset=["observation"], keep="any")
