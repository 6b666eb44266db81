"""The catalogue: nothing without a unit, a direction, a reason, a meaning, a specification and a page that is current."""

import importlib.util
import re

import pytest

from riskscore.features import CATALOGUE
from riskscore.snapshot.items import ITEMS_WINDOW

GROUPS = {"payment_history", "exposure", "financial_strength", "external_rating", "terms_and_calendar", "sector_and_macro"}
REASONS = re.compile(r"P0[1-8]|E0[1-4]|D0[12]|W01|B0[1-3]|F0[1-7]|X01|S0[12]|T01")


def test_there_are_at_least_seventy_features():
    assert len(CATALOGUE) >= 70


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_feature_says_what_machines_and_people_need(name):
    feature = CATALOGUE[name]
    question, *_ = feature.meaning.splitlines()

    assert feature.name == name
    assert "?" in question
    assert feature.group in GROUPS
    assert REASONS.fullmatch(feature.reason)
    assert feature.unit
    assert re.search(r"\b(Null|null|0 when)\b", feature.meaning), "the meaning says what an empty answer means"
    assert feature.kind == "number" or feature.risk == "none"
    assert (
        feature.window_days is None
        or not (named := re.search(r"_(\d+)d$", name))
        or feature.window_days >= int(named[1])
        or int(named[1]) <= 30
    )


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_feature_has_a_specification(name, repository):
    pages = [page.read_text("utf-8") for page in (repository / "tests" / "spec").glob("test_features_of_*.py")]

    assert any(f'"{name}"' in page for page in pages)


def test_no_window_reaches_beyond_what_a_snapshot_carries():
    """An invoice "more than 90 days late?" in the last year fell due up to a year and 90 days ago."""
    longest = max(feature.window_days for feature in CATALOGUE.values() if feature.window_days)

    assert longest + 91 <= ITEMS_WINDOW


def test_rhythm_and_terms_have_reasons_that_are_never_shown():
    calendar = {name for name, feature in CATALOGUE.items() if feature.reason in {"P07", "T01"}}

    assert calendar == {
        "n_payment_days_365d",
        "weekday_concentration_365d",
        "month_end_share_365d",
        "days_between_payments_365d",
        "mean_terms_365d",
        "longest_terms_365d",
        "terms_spread_365d",
        "terms_change_90d",
    }


def test_the_reference_page_is_current(repository):
    spec = importlib.util.spec_from_file_location("generate_docs", repository / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)

    assert (repository / "docs" / "reference" / "features.md").read_text("utf-8") == generate.features()
