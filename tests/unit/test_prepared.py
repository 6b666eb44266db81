"""Plans that DuckDB keeps: of few rows an answer as of a plan of their own, of many no kept plan, and no row stays behind."""

import duckdb
import narwhals.stable.v2 as nw
import pyarrow as pa
import pytest

from riskscore.stores import prepared
from riskscore.stores.engines import connect
from riskscore.stores.prepared import Rows, _Kept, _plan_of
from riskscore.tables import DRAWN, drawn


def beside(one, other):
    return one.join(other, on="x", how="left").with_columns(z=nw.col("x") + 1)


def counted(one):
    return one.select(n=nw.col("x").count())


ONE = pa.table({"x": [1, 2, 3]})
OTHER = pa.table({"x": [2, 3], "y": ["b", "c"]})
BESIDE = [{"x": 1, "y": None, "z": 2}, {"x": 2, "y": "b", "z": 3}, {"x": 3, "y": "c", "z": 4}]


@pytest.fixture(params=[True, False], ids=["prepared", "as-before-DuckDB-2"])
def held(request, monkeypatch):
    monkeypatch.setattr(prepared, "WRITES_SQL", request.param)
    _plan_of.cache_clear()
    yield Rows(connect())
    _plan_of.cache_clear()


def asked(held, step, *tables):
    return held.rows(held.prepare(step, *(held.lift(table) for table in tables))).sort_by("x").to_pylist()


def is_computed(held, frame):
    return frame.to_native() in held._computed


def test_one_plan_answers_of_other_rows_each_time(held):
    _plan_of.cache_clear()

    assert asked(held, beside, ONE, OTHER) == BESIDE
    assert asked(held, beside, ONE.slice(1), OTHER.slice(1)) == [{"x": 2, "y": None, "z": 3}, BESIDE[2]]
    assert asked(held, beside, ONE, OTHER.slice(0, 0)) == [{**row, "y": None} for row in BESIDE]
    assert asked(Rows(connect()), beside, ONE, OTHER) == BESIDE
    assert _plan_of.cache_info().misses == 1


def test_of_columns_of_another_type_another_plan_is_made(held):
    _plan_of.cache_clear()

    assert asked(held, beside, ONE, OTHER) == BESIDE
    assert asked(held, beside, ONE.cast(pa.schema({"x": pa.float64()})), OTHER)[0]["z"] == 2.0
    assert _plan_of.cache_info().misses == 2


@pytest.mark.parametrize(
    ("most", "is_kept"), [pytest.param(4, False, id="one-too-many"), (5, True), (6, True)], ids=lambda value: str(value)
)
def test_of_more_than_few_rows_no_kept_plan_is_asked(held, monkeypatch, most, is_kept):
    monkeypatch.setattr(prepared, "FEW", most)
    made = held.prepare(beside, held.lift(ONE), held.lift(OTHER))

    assert is_computed(held, made) == is_kept
    assert held.rows(held.stage(made)).sort_by("x").to_pylist() == BESIDE


def test_of_rows_that_are_not_computed_yet_no_kept_plan_is_asked(held):
    late = held.lift(ONE).filter(nw.col("x") > 1)
    made = held.prepare(beside, late, held.lift(OTHER))

    assert not is_computed(held, made)
    assert held.rows(made).sort_by("x").to_pylist() == BESIDE[1:]


def test_what_is_drawn_from_no_rows_is_not_asked_and_what_is_counted_is(held):
    drawn(beside)
    try:
        _plan_of.cache_clear()
        assert asked(held, beside, ONE.slice(0, 0), OTHER) == []
    finally:
        DRAWN.discard(beside)
        _plan_of.cache_clear()

    none = held.lift(ONE.slice(0, 0))
    assert held.rows(held.prepare(counted, none)).to_pylist() == [{"n": 0}]


def test_no_row_stays_with_a_plan_whether_it_answers_or_fails():
    kept = _Kept(lambda frame: frame.select(y=nw.col("x") + 1), [ONE.schema])

    assert kept([ONE])["y"].to_pylist() == [2, 3, 4]
    with pytest.raises(duckdb.Error):
        kept([ONE.rename_columns(["w"]).cast(pa.schema({"w": pa.string()}))])
    assert [source.rows.num_rows for source in kept._sources] == [0]
    assert kept([ONE.slice(2)])["y"].to_pylist() == [4]


def test_what_nobody_asks_for_any_more_is_let_go(held):
    frame = held.lift(ONE)
    assert len(held._computed) == 1
    del frame

    assert len(held._computed) == 0
