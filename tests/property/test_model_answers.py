"""What a model answers: exact, the same for one and for many, by name and type, and never against a declared direction."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelling import FEATURES, fitted, invented
from riskscore.errors import ModelRefused
from riskscore.model import from_files, to_files
from riskscore.model.bundle import canonical, make_files
from riskscore.model.formula import FORMULA_FILES, Formula, calibrated

FRAME = invented().features

wild = st.one_of(st.none(), st.floats(-1e308, 1e308), st.sampled_from([0.0, -0.0, 1e308, -1e308, 5e-324, 1.0]))
customers = st.fixed_dictionaries(
    {
        each.name: st.one_of(st.none(), st.sampled_from(["steel", "food", "never seen", ""])) if each.kind == "category" else wild
        for each in FEATURES
    }
)


def frame_of(rows):
    kinds = {each.name: pa.string() if each.kind == "category" else pa.float64() for each in FEATURES}
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})


def answers(model, frame):
    explanation = model.explain(frame)
    probability = model.probability(explanation.log_odds)
    return explanation, probability


@given(st.lists(customers, min_size=1, max_size=6))
def test_base_and_contributions_are_the_log_odds_on_any_row(rows):
    explanation, probability = answers(fitted(), frame_of(rows))

    total = explanation.base + explanation.contributions.sum(axis=1)
    assert np.abs(total - explanation.log_odds).max() <= 1e-9
    assert np.isfinite(explanation.log_odds).all()
    assert (probability.low >= 0).all()
    assert (probability.low <= probability.pd).all()
    assert (probability.pd <= probability.high).all()
    assert (probability.high <= 1).all()


@given(st.integers(0, FRAME.num_rows - 1))
def test_one_customer_alone_has_the_bits_it_has_in_the_book(row):
    alone, alone_pd = answers(fitted(), FRAME.slice(row, 1))
    book, book_pd = answers(fitted(), FRAME)

    assert alone.log_odds[0] == book.log_odds[row]
    assert (alone.contributions[0] == book.contributions[row]).all()
    assert (alone_pd.pd[0], alone_pd.low[0], alone_pd.high[0]) == (book_pd.pd[row], book_pd.low[row], book_pd.high[row])


@given(st.permutations(range(60)), st.permutations(FRAME.column_names), st.integers(1, 60))
def test_shuffled_rows_permuted_columns_and_chunks_change_nothing(order, columns, chunk):
    straight = FRAME.slice(0, 60)
    shuffled = straight.select(columns).take(pa.array(order))
    pieces = pa.concat_tables([shuffled.slice(start, chunk) for start in range(0, 60, chunk)])

    there = fitted().explain(straight)
    here = fitted().explain(pieces)

    assert (here.log_odds == there.log_odds[order]).all()
    assert (here.contributions == there.contributions[order]).all()


def test_columns_in_another_order_are_other_answers_that_only_the_self_test_notices(monkeypatch):
    """The planted fault of the test above: the trees take columns as they come, and do not complain."""
    honest, files, right = Formula.matrix, to_files(fitted()), fitted().explain(FRAME).log_odds
    monkeypatch.setattr(Formula, "matrix", lambda *given: honest(*given)[:, ::-1])

    assert (fitted().explain(FRAME).log_odds != right).mean() > 0.9
    with pytest.raises(ModelRefused, match="self-test"):
        from_files(files)


def test_no_customers_have_no_answers():
    explanation, probability = answers(fitted(), FRAME.slice(0, 0))

    assert explanation.contributions.shape == (0, len(FEATURES))
    assert len(probability.pd) == 0


@pytest.mark.parametrize("feature", [each for each in FEATURES if each.risk != "none"], ids=lambda each: each.name)
def test_a_declared_direction_holds_through_the_whole_chain(feature):
    # Every 12th customer, each feature of known direction moved over its range and beyond: 0 of some 8,000 steps may go wrong.
    people = FRAME.take(pa.array(range(0, FRAME.num_rows, 12)))
    grid = np.concatenate([np.linspace(-4, 4, 18), [-1e6, 1e6]])
    grid.sort()
    place = people.column_names.index(feature.name)
    swept = [answers(fitted(), people.set_column(place, feature.name, [np.full(people.num_rows, value)]))[1] for value in grid]
    for bound in ("pd", "low", "high"):
        path = np.array([getattr(each, bound) for each in swept])
        steps = np.diff(path, axis=0) * (1 if feature.risk == "rises" else -1)

        assert (steps >= 0).all(), bound


@given(st.floats(-60, 60), st.floats(-60, 60))
def test_the_calibration_step_keeps_the_order_of_customers(one, other):
    probability = fitted().probability(np.array(sorted((one, other))))

    for path in (probability.pd, probability.low, probability.high):
        assert path[0] <= path[1]


def test_an_unknown_category_counts_as_average_and_is_flagged():
    strange = frame_of([{each.name: None for each in FEATURES} | {"industry": level} for level in ("never seen", None, "steel")])
    explanation = fitted().explain(strange)
    place = explanation.names.index("industry")

    assert explanation.contributions[0, place] == explanation.contributions[1, place]
    assert explanation.contributions[2, place] > explanation.contributions[0, place]
    assert fitted().unfamiliar(strange) == [("industry",), (), ()]


def test_a_value_outside_what_training_saw_is_flagged_and_a_missing_one_is_not():
    strange = frame_of([{each.name: None for each in FEATURES} | {"worse_0": value} for value in (1e308, None, 0.0)])

    assert fitted().unfamiliar(strange) == [("worse_0",), (), ()]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda frame: frame.drop_columns(["worse_1"]), "worse_1 exactly once", id="a column is missing"),
        pytest.param(
            lambda frame: frame.append_column("worse_1", frame["noise_0"]), "hold it 2 times", id="a column is there twice"
        ),
        pytest.param(
            lambda frame: frame.set_column(2, "worse_0", frame["worse_0"].cast(pa.float32())),
            "worse_0 is float",
            id="another type",
        ),
        pytest.param(
            lambda frame: frame.set_column(2, "worse_0", frame["worse_0"].cast(pa.string())), "worse_0 is string", id="text"
        ),
        pytest.param(
            lambda frame: frame.set_column(2, "worse_0", [np.full(frame.num_rows, np.inf)]), "worse_0 is infinite", id="infinity"
        ),
    ],
)
def test_a_frame_that_is_not_what_the_model_reads_is_refused_by_name(spoil, said):
    with pytest.raises(ModelRefused, match=said):
        fitted().explain(spoil(FRAME))


def test_columns_the_model_does_not_know_are_ignored():
    more = FRAME.append_column("a new feature", pa.array(np.ones(FRAME.num_rows)))

    assert (fitted().explain(more).log_odds == fitted().explain(FRAME).log_odds).all()


def test_the_ensemble_is_the_weighted_mean_of_its_members_on_the_log_odds():
    members = fitted().member_log_odds(FRAME)
    weights = json.loads(fitted().files["members.json"])["weights"]
    mean = sum(weight * members[name] for name, weight in weights.items())

    assert np.abs(mean - fitted().explain(FRAME).log_odds).max() < 1e-12
    assert sum(weights.values()) == pytest.approx(1)


def test_what_is_typical_is_the_training_median():
    typical = fitted().typical

    assert typical["n_matured_30d"] == 5.0
    assert typical["industry"] in {"steel", "food", "retail"}
    assert abs(typical["worse_0"]) < 0.2


def test_the_level_is_a_step_of_its_own_between_log_odds_and_curve():
    files = dict(fitted().files)
    stored = json.loads(files["calibrator.json"])
    about = {name: json.loads(files["manifest.json"])[name] for name in ("name", "recipe", "trained_until", "horizon_days")}
    formula = {name: files[name] for name in FORMULA_FILES} | {"calibrator.json": canonical({**stored, "level": -0.25})}
    moved = from_files(make_files(formula, FRAME.slice(0, 60), about))
    explanation, probability = answers(moved, FRAME)

    assert moved.digest != fitted().digest
    assert moved.level == -0.25
    assert (explanation.log_odds == fitted().explain(FRAME).log_odds).all()
    assert np.abs(explanation.base + explanation.contributions.sum(axis=1) - explanation.log_odds).max() <= 1e-9
    assert (probability.pd == calibrated(moved.calibration, explanation.log_odds - 0.25)).all()
    assert (probability.pd < answers(fitted(), FRAME)[1].pd).all()


def test_a_model_made_before_levels_were_kept_answers_as_it_did():
    files = {name: fitted().files[name] for name in FORMULA_FILES}
    stored = json.loads(files["calibrator.json"])
    before = Formula(files | {"calibrator.json": canonical({name: stored[name] for name in ("curve", "interval")})})
    log_odds = np.linspace(-6, 6, 50)

    assert before.level == 0
    assert (np.array(before.probability(log_odds)) == np.array(Formula(files).probability(log_odds))).all()
