"""Every provision adds up to the cent, however it is grouped, and moves only in the direction of what moved it."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from riskscore import provision
from riskscore.provision import BUCKETS, Item, Overlay, Rate, Scenario

TODAY = date(2026, 3, 31)
shares = st.decimals(0, 1, places=4)
money = st.decimals(0, 10**7, places=2)
segments = st.sampled_from(["retail", "building"])

books = st.dictionaries(st.tuples(segments, st.sampled_from(BUCKETS)), st.decimals(-(10**6), 10**7, places=2), min_size=1)
items = st.lists(
    st.builds(Item, st.uuids().map(str), st.sampled_from(BUCKETS), st.floats(0, 1), shares, money, segments), max_size=25
)
overlays = st.lists(
    st.builds(
        lambda factor, start, days, segment: Overlay(
            factor, "owner", "reason", TODAY + timedelta(start), TODAY + timedelta(start + days), segment
        ),
        st.decimals(0, 3, places=2),
        st.integers(-40, 10),
        st.integers(0, 40),
        st.sampled_from(["", "retail"]),
    ),
    max_size=3,
)


def matrix(rates: list[tuple[Decimal, Decimal]]) -> list[Rate]:
    keys = [(segment, bucket) for segment in ("retail", "building") for bucket in BUCKETS]
    return [Rate(bucket, q * lgd, q, lgd, segment) for (segment, bucket), (q, lgd) in zip(keys, rates, strict=True)]


matrices = st.lists(st.tuples(shares, shares), min_size=10, max_size=10).map(matrix)


@given(books, matrices, overlays, st.decimals("0.5", 2, places=2))
def test_history_macro_and_overlay_add_up_and_stay_within_what_is_owed(book, rates, judged, scalar) -> None:
    found = provision.provide(book, rates, on=TODAY, scenarios=[Scenario("one", Decimal(1), scalar)], overlays=judged)

    assert found.total == sum(row.history + row.macro + row.overlay for row in found.rows)
    assert all(0 <= row.amount <= max(row.gross, Decimal(0)) for row in found.rows)
    assert len(found.rows) == len(book)
    assert set(found.overlays) | set(found.ignored) == set(judged)


@given(books, matrices, overlays)
def test_an_overlay_out_of_its_dates_might_as_well_not_be_there(book, rates, judged) -> None:
    in_force = [overlay for overlay in judged if overlay.starts_on <= TODAY <= overlay.expires_on]

    assert (
        provision.provide(book, rates, on=TODAY, overlays=judged).total
        == provision.provide(book, rates, on=TODAY, overlays=in_force).total
    )


@given(books, matrices, st.decimals(1, 2, places=2))
def test_a_worse_economy_never_lowers_a_provision(book, rates, scalar) -> None:
    base = provision.provide(book, rates, on=TODAY)
    worse = provision.provide(book, rates, on=TODAY, scenarios=[Scenario("worse", Decimal(1), scalar)])

    assert all(after.amount >= before.amount for before, after in zip(base.rows, worse.rows, strict=True))


@given(items)
def test_expected_loss_adds_up_per_customer_segment_bucket_and_in_total(seen: list[Item]) -> None:
    losses = [(item, provision.expected_loss(item.pd, item.lgd, item.ead)) for item in seen]
    total = sum((loss for _, loss in losses), Decimal(0))

    for name in ("customer_id", "segment", "bucket"):
        groups = {getattr(item, name) for item, _ in losses}
        assert sum(sum(loss for item, loss in losses if getattr(item, name) == group) for group in groups) == total
    assert all(loss == loss.quantize(Decimal("0.01")) and 0 <= loss <= item.ead for item, loss in losses)


@given(items, matrices, st.integers(1, 730))
def test_the_bridge_walks_from_the_models_loss_to_what_is_booked(seen: list[Item], rates: list[Rate], horizon: int) -> None:
    book: dict[tuple[str, str], Decimal] = {}
    for item in seen:
        book[item.segment, item.bucket] = book.get((item.segment, item.bucket), Decimal(0)) + item.ead
    booked = provision.provide(book, rates, on=TODAY)

    found = provision.bridge(seen, booked, pd_horizon_days=horizon)

    assert found.total("model") == sum((provision.expected_loss(item.pd, item.lgd, item.ead) for item in seen), Decimal(0))
    assert found.total("booked") == booked.total
    assert all(abs(row.residual) <= Decimal("0.01") for row in found.rows), "the same ledger on both sides explains itself"
    assert found.total("booked") == sum(
        (found.total(step) for step in ("model", "mix", "pd", "lgd", "horizon", "macro", "overlay", "residual")), Decimal(0)
    )
