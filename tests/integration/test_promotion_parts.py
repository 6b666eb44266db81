"""What two versions say of invoices and newcomers on a book: from their runs where they were judged, as they are after their last day."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from gating import TERMS
from modelling import WORLD, export, trained, twin
from riskscore.hazard import from_part, take_cases
from riskscore.model import from_files
from riskscore.model.rows import Rows
from riskscore.promotion import compare_parts
from riskscore.snapshot.calendar import day_number
from riskscore.stores.ledgers import open_book
from riskscore.stores.models.judged import (
    FILE,
    INVOICES_FILE,
    LATENESS,
    NEWCOMERS_FILE,
    NO_INVOICES,
    JudgedInvoices,
    invoice_pseudonyms,
    pseudonyms,
    read_judged,
    read_judged_invoices,
    write_judged,
)
from riskscore_pipelines.main import main
from riskscore_pipelines.promoting.parts import invoices_to_compare, newcomers_to_compare
from riskscore_pipelines.promoting.rows import Side
from simulated import world_of

pytestmark = pytest.mark.slow

LATE = "hazard/late_0"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    export(dict(world_of(**WORLD).tables), folder / "exports")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert main(["ingest", "exports", "--mapping", "canonical", "--book", "book"]) == 0
    return open_book(folder / "book")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of a run's files about what was judged."""
    folder = tmp_path_factory.mktemp("run")
    write_judged(folder, trained())
    return folder


@pytest.fixture(scope="module")
def side(kept):
    customers, newcomers = (read_judged((kept / name).read_bytes()) for name in (FILE, NEWCOMERS_FILE))
    return Side(trained().model, customers, newcomers, read_judged_invoices((kept / INVOICES_FILE).read_bytes()))


def asked(book, champion, challenger):
    return invoices_to_compare(book, champion, challenger, told=lambda *_: None)


def shuffled(side, seed=3):
    """The same run with what it said of invoices dealt out anew."""
    said = side.invoices.said
    order = np.random.default_rng(seed).permutation(len(said))
    values = list(said.values())
    dealt = dict(zip(said, (values[place] for place in order), strict=True))
    return replace(side, invoices=JudgedInvoices(dealt, side.invoices.asked))


def earlier(side, days):
    """The same model under the name of one trained so many days before."""
    until = (date.fromisoformat(side.model.trained_until) - timedelta(days=days)).isoformat()
    return replace(side, model=from_files(twin(side.model.files, until)))


def test_the_run_keeps_what_was_said_of_each_judged_invoice_under_pseudonyms_and_in_little_room(kept, side):
    cases, curves = trained().forecast.cases, trained().forecast.curves
    keys = zip(invoice_pseudonyms(cases.invoices), cases.invoices["as_of"].to_pylist(), strict=True)
    chances = zip(*(curves.late(k).tolist() for k in LATENESS), strict=True)
    ids = {*cases.invoices["customer_id"].to_pylist(), *cases.invoices["invoice_id"].to_pylist()}
    content = (kept / INVOICES_FILE).read_bytes()

    assert side.invoices.said == dict(zip(keys, chances, strict=True))
    assert not any(each.encode() in content for each in ids)
    assert len(content) < 64 * len(cases) + 4096


@pytest.mark.parametrize("judged", ["nobody", "of-one-outcome"])
def test_newcomers_of_whom_none_was_calibrated_are_kept_as_far_as_they_were_judged(tmp_path, judged):
    newcomers = trained().judged.newcomers
    raw = replace(newcomers, pd={name: each for name, each in newcomers.pd.items() if name != "model"})
    few = replace(trained(), judged=replace(trained().judged, newcomers=None if judged == "nobody" else raw))
    write_judged(tmp_path, few)
    kept = read_judged((tmp_path / NEWCOMERS_FILE).read_bytes())

    assert list(kept.values()) == ([] if judged == "nobody" else newcomers.pd["uncalibrated"].tolist())


def test_equal_versions_are_asked_the_invoices_that_were_judged_and_are_as_good(book, side):
    evidence = asked(book, side, side)
    forecast = trained().forecast
    parts = compare_parts({LATE: evidence[LATE]}, TERMS)

    for k in LATENESS:
        judged = forecast.judged(k)
        assert len(evidence[f"hazard/late_{k}"].outcome) == judged.sum()
        assert evidence[f"hazard/late_{k}"].outcome.sum() == forecast.fates.late(k)[judged].sum()
    assert (parts.rows[0].basis, parts.checks[0].value, parts.checks[0].passed) == ("walk_forward", 0, True)


def test_a_version_whose_invoice_chances_are_shuffled_is_held(book, side):
    parts = compare_parts({LATE: asked(book, side, shuffled(side))[LATE]}, TERMS)

    assert parts.rows[0].basis == "walk_forward"
    assert parts.checks[0].value > 0.1
    assert not parts.checks[0].passed


@pytest.mark.parametrize(
    ("robbed", "basis", "passed"),
    [
        pytest.param({"challenger"}, "challenger_lacks", False, id="the-challengers-run-lacks-the-file"),
        pytest.param({"champion"}, "champion_lacks", True, id="the-champion-was-trained-before-there-was-one"),
        pytest.param({"champion", "challenger"}, "neither", True, id="both-were"),
    ],
)
def test_a_run_without_its_invoices_is_told_and_holds_only_a_challenger(book, side, robbed, basis, passed):
    sides = [replace(side, invoices=NO_INVOICES) if name in robbed else side for name in ("champion", "challenger")]
    parts = compare_parts({LATE: asked(book, *sides)[LATE]}, TERMS)

    assert (parts.rows[0].basis, parts.checks[0].passed) == (basis, passed)


def test_after_its_last_day_a_version_answers_as_it_is(book, side):
    old = earlier(side, 200)
    evidence = asked(book, old, old)[LATE]
    cut = day_number(date.fromisoformat(old.model.trained_until))
    days = np.array([day for _, day in side.invoices.said])
    hazard = from_part(old.model.part("hazard"))
    ledger = book.ledger(bucket=0)
    cases = trained().forecast.cases
    later = cases.invoices.filter(np.array(cases.invoices["as_of"]) >= cut).select(["customer_id", "as_of"])
    observed = later.set_column(1, "as_of", later["as_of"].cast("date32"))
    as_it_is = hazard.curves(take_cases(ledger, observed, whole_on=())).late(0)

    assert evidence.after_both.any()
    assert (evidence.champion[evidence.after_both] == evidence.challenger[evidence.after_both]).all()
    assert set(np.round(as_it_is, 12)) & set(np.round(evidence.champion[evidence.after_both], 12))
    assert days.min() < cut < days.max()


def test_a_model_without_a_hazard_says_nothing_after_its_last_day(book, side):
    old = earlier(side, 200)
    mute = replace(old, model=trained_without_hazard(old.model), invoices=NO_INVOICES)

    parts = compare_parts({LATE: asked(book, old, mute)[LATE]}, TERMS)
    assert parts.rows[0].basis == "challenger_lacks"
    assert not parts.checks[0].passed


def trained_without_hazard(model):
    """Speaks of customers as that model does, and has no part of the name."""

    class Mute:
        trained_until, newcomer = model.trained_until, model.newcomer

        def part(self, name):
            return {}

    return Mute()


def test_newcomers_are_asked_of_the_model_of_newcomers_and_a_ruined_one_is_held(side):
    rows = many_newcomers()
    keys = list(zip(pseudonyms(rows.features["customer_id"].to_pylist()), rows.days.tolist(), strict=True))
    chances = np.where(rows.outcome == 1, 0.6, 0.2)
    sound = replace(side, newcomers=dict(zip(keys, chances, strict=True)))
    ruined = replace(side, newcomers=dict(zip(keys, np.random.default_rng(1).permutation(chances), strict=True)))

    def check(champion, challenger):
        (found,) = compare_parts({"newcomers": newcomers_to_compare(rows, champion, challenger)}, TERMS).checks
        return found.passed

    assert check(sound, sound)
    assert not check(sound, ruined)
    assert not check(sound, replace(side, newcomers={}))
    assert check(replace(side, newcomers={}), sound)


def test_after_its_last_day_the_model_of_newcomers_answers_as_it_is(side):
    rows = many_newcomers()
    old = earlier(side, 4000)
    evidence = newcomers_to_compare(rows, side, old)
    speaker = old.model.newcomer

    assert np.isnan(evidence.champion).all()
    assert evidence.challenger.tolist() == speaker.probability(speaker.log_odds(rows.features)).pd.tolist()


def many_newcomers() -> Rows:
    """Rows of the training under other names, some of them late: as many newcomers as a large book has."""
    rows = trained().judged.newcomers.rows
    features = rows.features.take(np.resize(np.arange(len(rows)), 120))
    names = [f"new {place}" for place in range(120)]
    place = features.column_names.index("customer_id")
    return Rows.of(features.set_column(place, "customer_id", [names]), (np.arange(120) % 3 == 0).astype(float))
