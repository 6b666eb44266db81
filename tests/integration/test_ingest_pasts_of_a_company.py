"""A company that exports its whole history every month is not held; the same with payments moved is (reliability G12)."""

import datetime as dt
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporting import canonical, deliver, look, past_of
from futures import cut_to
from riskscore.errors import QuarantineAboveLimit
from riskscore.stores.ledgers.mapping import Limits
from simulated import world_of

EARLIER, LATER = dt.date(2022, 12, 31), dt.date(2023, 2, 28)


@cache
def exported(day: dt.date) -> dict[str, pa.Table]:
    """What the company of the simulator, with its late bookings, would have exported on a day."""
    return cut_to(world_of("default", 60, 14).tables, day)


def written(folder: Path, tables: dict[str, pa.Table]) -> Path:
    folder.mkdir()
    for name, rows in tables.items():
        if rows.num_rows:
            pq.write_table(rows, folder / f"{name}.parquet")
    return folder


def moved_back(tables: dict[str, pa.Table], one_in: int) -> dict[str, pa.Table]:
    """The export with one payment in so many, of those known at the earlier day, dated three weeks before."""
    rows = tables["settlements"].to_pylist()
    known = [row for row in rows if row["known_on"] <= EARLIER]
    for row in known[::one_in]:
        row["settled_on"] -= dt.timedelta(days=21)
    return {**tables, "settlements": pa.Table.from_pylist(rows, schema=tables["settlements"].schema)}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the company's book as of the earlier day."""
    folder = tmp_path_factory.mktemp("company")
    deliver(written(folder / "exports", exported(EARLIER)), canonical(limits=True), folder / "book", today=EARLIER)
    return folder


def test_a_company_that_goes_on_is_not_held(company: Path, tmp_path: Path) -> None:
    """Two months on, the whole history again with what was booked late: as each regular export is."""
    receipt = look(written(tmp_path / "next", exported(LATER)), canonical(limits=True), company / "book", today=LATER)

    past = past_of(receipt, "invoices.parquet")
    assert receipt.refused is None
    assert past.known_until == EARLIER
    assert past.compared > 1000
    assert (past.rewritten, past.booked_late > 0) == (0, True)
    assert past.booked_late < Limits().late_bookings * past.overdue / 2


@pytest.mark.parametrize(("one_in", "held"), [(10, True), (110, False)], ids=["a-tenth", "not-a-hundredth"])
def test_the_same_company_with_payments_moved_is_held_from_a_tenth_and_not_at_a_hundredth(
    one_in: int, held: bool, company: Path, tmp_path: Path
) -> None:
    path = written(tmp_path / "next", moved_back(exported(LATER), one_in))

    found = look(path, canonical(limits=not held), company / "book", today=LATER)

    assert found.refused_status == (8 if held else 0)
    past = past_of(found, "invoices.parquet")
    assert past.rewritten == pytest.approx(past.compared / one_in, rel=0.35)


def test_by_the_shipped_limits_so_many_contradictions_are_refused_before(company: Path, tmp_path: Path) -> None:
    """The same payment with two dates: both are set aside, and more of them than the mapping allows are no delivery."""
    path = written(tmp_path / "next", moved_back(exported(LATER), 10))

    assert look(path, canonical(limits=True), company / "book", today=LATER).refused_status == QuarantineAboveLimit.exit_status
