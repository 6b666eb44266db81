"""A worse payer never gets longer terms, whatever the menu and the deal; and the exact walk agrees with a plain search."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from riskscore import terms_menu
from riskscore.terms_menu import Deal, Option, TermCap

MILLION = 10**6

shares = st.floats(0, 1, allow_subnormal=False)
probabilities = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(1e-5, 1 - 1e-5))

deals = st.builds(
    Deal,
    volume=st.integers(0, 10**7).map(Decimal),
    margin=shares,
    capital_cost=st.floats(0, 0.5, allow_subnormal=False),
    lgd=shares,
    delay_days=st.integers(0, 60).map(float),
    pd_horizon_days=st.sampled_from([90, 180, 365]),
)


@st.composite
def options(draw: st.DrawFn, code: str) -> Option:
    days = draw(st.sampled_from([0, 15, 29, 30, 31, 45, 60, 90]))
    early = draw(st.booleans()) and days > 10
    return Option(
        code=code,
        kind="net",
        days=days,
        mean_days=float(draw(st.integers(0, days))),
        volume_share=draw(st.floats(0, 1.5, allow_subnormal=False)),
        discount=draw(st.floats(0, 0.05, allow_subnormal=False)) if early else 0.0,
        discount_days=10 if early else 0,
        taken_share=draw(shares) if early else 0.0,
        covered_share=draw(st.sampled_from([0.0, 0.9, 1.0])),
        cover_cost=draw(st.floats(0, 0.05, allow_subnormal=False)),
        fixed_cost=draw(st.integers(0, 1000).map(Decimal)),
    )


menus = st.integers(1, 8).flatmap(lambda n: st.tuples(*(options(f"option_{i}") for i in range(n)))).map(list)


NOTHING_SOLD = Deal(volume=Decimal(0), margin=0.0, capital_cost=0.0, lgd=0.0, delay_days=0.0, pd_horizon_days=90)
GIVEN_AWAY_SOONER = [
    terms_menu.net(29, volume_share=1.0),
    replace(terms_menu.net(15, volume_share=1.0), discount=0.03125, discount_days=10, taken_share=1.0),
]


def longest_by_search(menu: list[Option], deal: Deal, pd: float, steps: int = 400) -> int:
    """The oracle: try 400 better payers, one after the other, and keep to the shortest term any of them reached.

    All money is taken a million times as large: rounded to the cent, small deals have ties that are none. Where no option has a
    fixed cost the choice is that of one unit, whatever is sold, also where nothing is.
    """
    sold = deal.volume if any(one.fixed_cost for one in menu) else Decimal(1)
    deal = replace(deal, volume=sold * MILLION)
    menu = [replace(one, fixed_cost=one.fixed_cost * MILLION) for one in menu]
    longest = max(one.days for one in menu)
    for step in range(steps + 1):
        near = [one for one in sorted(menu, key=lambda one: one.days) if one.days <= longest]
        longest = max(near, key=lambda one: terms_menu.expected_value(one, deal, pd * step / steps)).days
    return longest


class TestWhatMayNeverHappen:
    @given(menus, deals, probabilities, probabilities)
    @settings(max_examples=150)
    def test_a_worse_pd_never_gets_longer_terms(self, menu: list[Option], deal: Deal, one: float, other: float) -> None:
        better, worse = sorted((one, other))

        long = terms_menu.choose(menu, deal, better).best.option.days
        short = terms_menu.choose(menu, deal, worse).best.option.days

        assert short <= long

    @given(menus, deals, probabilities, probabilities, st.sampled_from([30, 45, 60]), st.sampled_from([0, 15, 30]))
    def test_nor_where_the_ladder_allows_the_worse_payer_less(
        self, menu: list[Option], deal: Deal, one: float, other: float, cap: int, cut: int
    ) -> None:
        better, worse = sorted((one, other))
        menu = [*menu, terms_menu.prepayment(volume_share=0.5)]

        long = terms_menu.choose(menu, deal, better, caps=[TermCap("ladder", cap)]).best.option.days
        short = terms_menu.choose(menu, deal, worse, caps=[TermCap("ladder", cap - cut)]).best.option.days

        assert short <= long <= cap

    @given(menus, deals)
    def test_the_ladder_falls_and_ends_within_certainty(self, menu: list[Option], deal: Deal) -> None:
        rungs = terms_menu.ladder(menu, deal)

        assert rungs[0].pd == 0.0
        assert [rung.pd for rung in rungs] == sorted({rung.pd for rung in rungs})
        assert [rung.option.days for rung in rungs] == sorted((rung.option.days for rung in rungs), reverse=True)

    @given(menus, deals, probabilities)
    def test_nothing_that_may_be_offered_earns_more_than_the_best(self, menu: list[Option], deal: Deal, pd: float) -> None:
        found = terms_menu.choose(menu, deal, pd)

        assert all(offer.expected_value <= found.best.expected_value + Decimal("0.01") for offer in found.offers)
        assert {o.option.code for o in found.offers} | {left.offer.option.code for left in found.left_out} == {
            o.code for o in menu
        }

    @given(menus, deals, probabilities)
    def test_the_order_of_the_menu_does_not_matter(self, menu: list[Option], deal: Deal, pd: float) -> None:
        one, other = terms_menu.choose(menu, deal, pd), terms_menu.choose(menu[::-1], deal, pd)

        assert abs(one.best.expected_value - other.best.expected_value) <= Decimal("0.01")
        assert one.best.option.days == other.best.option.days

    @given(menus, deals, probabilities)
    @example(menu=GIVEN_AWAY_SOONER, deal=NOTHING_SOLD, pd=0.0)
    @settings(max_examples=25)
    def test_the_walk_reaches_no_longer_terms_than_a_search_over_better_payers(self, menu, deal, pd) -> None:
        searched = longest_by_search(menu, deal, pd)

        # The search hops over crossings closer than its step, so it may only be too generous.
        assert terms_menu.choose(menu, deal, pd).best.option.days <= searched


class TestPlantedFaults:
    def test_ranking_by_value_alone_would_be_caught(self) -> None:
        deal = Deal(volume=Decimal(100_000), margin=0.2, capital_cost=0.073, lgd=0.5, delay_days=10, pd_horizon_days=180)
        short = terms_menu.net(15, volume_share=1.0)
        long = terms_menu.insured(terms_menu.net(60, volume_share=1.01), insured_share=0.95, premium=0.01)

        def by_value_alone(pd: float) -> int:
            return max((short, long), key=lambda one: terms_menu.expected_value(one, deal, pd)).days

        assert (by_value_alone(0.0), by_value_alone(0.3)) == (15, 60)
        assert [terms_menu.choose([short, long], deal, pd).best.option.days for pd in (0.0, 0.3)] == [15, 15]
