"""Dates are read in declared formats only; what is no date is refused and never repaired (reliability A11, A12)."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from riskscore.stores.ledgers.dates import DateGrammar, from_serial


def read(text: str, *formats: str, **settings: object) -> date | None:
    return DateGrammar(formats, **settings).reader()(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2024-02-29", "%Y-%m-%d", date(2024, 2, 29)),
        ("29.02.2023", "%d.%m.%Y", None),
        ("29.02.2024", "%d.%m.%Y", date(2024, 2, 29)),
        ("1/26/2013", "%-m/%-d/%Y", date(2013, 1, 26)),
        ("01/26/2013", "%-m/%-d/%Y", date(2013, 1, 26)),
        ("1/26/2013", "%m/%d/%Y", None),
        ("26-Apr-2011", "%d-%b-%Y", date(2011, 4, 26)),
        ("26-apr-2011", "%d-%b-%Y", date(2011, 4, 26)),
        ("26-Avr-2011", "%d-%b-%Y", None),
        ("20240131", "%Y%m%d", date(2024, 1, 31)),
        ("2024-1-31", "%Y-%m-%d", None),
        ("2024-01-31 ", "%Y-%m-%d", None),
        ("２024-01-31", "%Y-%m-%d", None),
        ("31-12-9999", "%d-%m-%Y", date(9999, 12, 31)),
        ("26-04-2011 11:50", "%d-%m-%Y %H:%M", date(2011, 4, 26)),
        ("26-04-2011 24:50", "%d-%m-%Y %H:%M", None),
    ],
)
def test_a11_a_date_is_read_in_its_declared_format_or_not_at_all(text: str, form: str, expected: date | None) -> None:
    assert read(text, form) == expected


@pytest.mark.parametrize(
    ("text", "pivot", "year"),
    [("01-Jan-69", 1970, 2069), ("01-Jan-70", 1970, 1970), ("01-Jan-11", 1970, 2011), ("01-Jan-69", 1950, 1969)],
)
def test_a11_two_digit_years_follow_the_declared_pivot(text: str, pivot: int, year: int) -> None:
    assert read(text, "%d-%b-%y", pivot=pivot) == date(year, 1, 1)


@pytest.mark.parametrize(
    ("serial", "epoch", "expected"),
    [
        ("1", "excel", date(1900, 1, 1)),
        ("59", "excel", date(1900, 2, 28)),
        ("60", "excel", None),
        ("61", "excel", date(1900, 3, 1)),
        ("45000", "excel", date(2023, 3, 15)),
        ("45000.75", "excel", date(2023, 3, 15)),
        ("0", "excel", None),
        ("-1", "excel", None),
        ("0", "excel_1904", date(1904, 1, 1)),
        ("43538", "excel_1904", date(2023, 3, 15)),
        ("9999999", "excel", None),
    ],
)
def test_a11_a_spreadsheet_day_number_counts_from_its_epoch_and_day_60_is_no_date(
    serial: str, epoch: str, expected: date | None
) -> None:
    assert from_serial(serial, epoch) == expected


def test_a_text_that_two_declared_formats_read_differently_is_no_date() -> None:
    both = ("%d/%m/%Y", "%m/%d/%Y")

    assert read("01/02/2024", *both) is None
    assert read("31/01/2024", *both) == date(2024, 1, 31)
    assert read("01/01/2024", *both) == date(2024, 1, 1)


@pytest.mark.parametrize(
    ("home", "instant", "day"),
    [
        ("Europe/Berlin", "2024-03-30 22:59:59+0000", date(2024, 3, 30)),
        ("Europe/Berlin", "2024-03-30 23:00:00+0000", date(2024, 3, 31)),
        ("Europe/Berlin", "2024-06-30 22:00:00+0000", date(2024, 7, 1)),
        ("America/New_York", "2024-03-01 04:59:00Z", date(2024, 2, 29)),
        ("Asia/Shanghai", "2024-02-28 16:00:00Z", date(2024, 2, 29)),
        ("Asia/Shanghai", "2024-12-31 18:00:00+02:00", date(2025, 1, 1)),
    ],
)
def test_a12_an_instant_belongs_to_the_business_date_of_the_company(
    home: str, instant: str, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    for machine in ("UTC", "Pacific/Kiritimati"):
        monkeypatch.setenv("TZ", machine)
        time.tzset()
        assert read(instant, "%Y-%m-%d %H:%M:%S%z", home=ZoneInfo(home)) == day
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("local", "policy", "day"),
    [
        ("2024-03-31 02:30", "bad_date", None),  # skipped in Berlin
        ("2024-10-27 02:30", "bad_date", None),  # twice in Berlin
        ("2024-10-27 02:30", "earlier", date(2024, 10, 26)),
        ("2024-10-27 02:30", "later", date(2024, 10, 26)),
        ("2024-10-27 01:30", "bad_date", date(2024, 10, 26)),
    ],
    ids=["gap", "overlap", "overlap-earlier", "overlap-later", "unambiguous"],
)
def test_a12_a_local_time_that_summer_time_skips_or_repeats_is_decided_by_the_mapping(
    local: str, policy: str, day: date | None
) -> None:
    settings = {"zone": ZoneInfo("Europe/Berlin"), "home": ZoneInfo("America/New_York"), "at_clock_change": policy}

    assert read(local, "%Y-%m-%d %H:%M", **settings) == day
