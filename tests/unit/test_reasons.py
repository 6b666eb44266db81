"""Reasons: grouped by code, strongest first, never the calendar, and the same under noise."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.features import CATALOGUE
from riskscore.reasons import NEVER_SHOWN, rank

NUMBERS = [name for name, feature in CATALOGUE.items() if feature.kind == "number"]


def ranked(contributions: dict[str, float], values=None, typical=None, **options):
    names = list(contributions)
    return rank(
        names, list(contributions.values()), {**dict.fromkeys(names, 1.0), **(values or {})},
        {**dict.fromkeys(names, 0.5), **(typical or {})}, CATALOGUE, **options,
    )  # fmt: skip


def codes(reasons):
    return [reason.code for reason in reasons.adverse]


def test_features_of_one_code_count_together():
    reasons = ranked({"days_beyond_terms_90d": 0.3, "days_beyond_terms_365d": 0.3, "overdue_share": 0.5})

    assert codes(reasons) == ["P01", "E01"]
    assert reasons.adverse[0].contribution == pytest.approx(0.6)
    assert reasons.adverse[0].share == pytest.approx(0.6 / 1.1)


def test_at_most_four_adverse_reasons_and_the_strongest_favourable():
    reasons = ranked(
        {"days_beyond_terms_90d": 0.5, "late_share_0_365d": 0.4, "max_days_late_90d": 0.3, "overdue_share": 0.2, "disputed_share": 0.1,
         "current_ratio": -0.2, "tenure_days": -0.4}
    )  # fmt: skip

    assert codes(reasons) == ["P01", "P02", "P03", "E01"]
    assert reasons.favourable.code == "B01"
    assert codes(ranked({"days_beyond_terms_90d": 0.5, "overdue_share": 0.2}, max_adverse=1)) == ["P01"]


@pytest.mark.parametrize("hidden", sorted(NEVER_SHOWN))
def test_calendar_and_terms_are_never_a_reason_but_count_in_the_whole(hidden):
    calendar = next(name for name in NUMBERS if CATALOGUE[name].reason == hidden)
    reasons = ranked({calendar: 3.0, "overdue_share": 0.5})

    assert codes(reasons) == ["E01"]
    assert reasons.by_code[hidden] == 3.0
    assert reasons.adverse[0].share == pytest.approx(0.5 / 3.5)


def test_largest_reason_is_given_however_small_and_smaller_ones_must_weigh_something():
    assert codes(ranked({"overdue_share": 0.001, "disputed_share": 0.0009})) == ["E01"]
    assert codes(ranked({"overdue_share": 0.0, "disputed_share": 0.0})) == []
    assert codes(ranked({"overdue_share": 0.5, "disputed_share": 0.0099})) == ["E01"]
    assert codes(ranked({"overdue_share": 0.5, "disputed_share": 0.0101})) == ["E01", "D01"]


def test_reason_is_told_by_the_feature_that_agrees_with_it():
    # The strongest pull comes from a value better than typical: a tree may do that, but the sentence would contradict itself.
    reasons = ranked(
        {"days_beyond_terms_90d": 0.4, "days_beyond_terms_365d": 0.2},
        values={"days_beyond_terms_90d": 3.0, "days_beyond_terms_365d": 12.0},
        typical={"days_beyond_terms_90d": 5.0, "days_beyond_terms_365d": 6.0},
    )

    assert reasons.adverse[0].feature == "days_beyond_terms_365d"
    assert (reasons.adverse[0].value, reasons.adverse[0].typical) == (12.0, 6.0)


def test_favourable_reason_is_told_by_a_value_better_than_typical():
    reasons = ranked(
        {"current_ratio": -0.3, "cash_ratio": -0.1},
        values={"current_ratio": 1.0, "cash_ratio": 0.9},
        typical={"current_ratio": 1.4, "cash_ratio": 0.2},
    )

    assert reasons.favourable.feature == "cash_ratio"


def test_where_no_feature_agrees_the_strongest_tells_it():
    reasons = ranked({"overdue_share": 0.4, "overdue_months": 0.1}, values={"overdue_share": 0.0, "overdue_months": None})

    assert (reasons.adverse[0].feature, reasons.adverse[0].value) == ("overdue_share", 0.0)


def test_feature_without_a_meaning_cannot_be_a_reason():
    with pytest.raises(KeyError, match="secret"):
        ranked({"secret": 1.0})


contributions = st.dictionaries(
    st.sampled_from(NUMBERS),
    # Multiples of a coarse step: equal contributions are common, and that is where noise would reorder.
    st.integers(-6, 6).map(lambda step: step * 0.0625),
    min_size=1,
)


@given(contributions, st.randoms(use_true_random=False))
def test_noise_in_the_ninth_digit_reorders_nothing(given_contributions, random):
    shaken = {name: value + random.uniform(-1e-9, 1e-9) for name, value in given_contributions.items()}
    calm, noisy = ranked(given_contributions), ranked(shaken)

    assert [(reason.code, reason.feature) for reason in noisy.adverse] == [
        (reason.code, reason.feature) for reason in calm.adverse
    ]
    assert (noisy.favourable and noisy.favourable.code) == (calm.favourable and calm.favourable.code)


@given(contributions)
def test_order_of_the_features_is_of_no_account(given_contributions):
    backwards = dict(reversed(given_contributions.items()))
    one, other = ranked(given_contributions), ranked(backwards)

    assert [reason.code for reason in one.adverse] == [reason.code for reason in other.adverse]
    assert math.isclose(sum(one.by_code.values()), sum(other.by_code.values()), abs_tol=1e-12)


@given(contributions)
def test_strongest_shown_code_is_always_among_the_reasons(given_contributions):
    reasons = ranked(given_contributions)
    shown = {code: total for code, total in reasons.by_code.items() if code not in NEVER_SHOWN}
    strongest = max(shown.values(), default=0.0)

    if strongest > 1e-6:
        assert reasons.adverse[0].contribution == pytest.approx(strongest, abs=1e-6)
    assert all(reason.contribution > 0 for reason in reasons.adverse)
