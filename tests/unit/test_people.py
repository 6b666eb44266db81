"""Names of people: one person stays one however the name is written, and two stay two."""

import pytest

from riskscore.people import is_same_person, recorded_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Ann Lee", " Ann   Lee ", id="blanks"),
        pytest.param("Ann Lee", "Ann\u00a0Lee", id="a blank that does not break"),
        pytest.param("Ann Lee", "ANN lee", id="capitals"),
        pytest.param("Jürg Strauß", "JU\u0308RG STRAUSS", id="a mark of its own, sharp s in capitals"),
        pytest.param("Ann Lee", "\uff21\uff4e\uff4e\u3000Lee", id="wide letters and a wide blank"),
        pytest.param("Geoff", "Geo\ufb00", id="a ligature"),
        pytest.param("Ann Lee", "Ann\u200b Le\u00ade", id="unseen signs"),
        pytest.param("李伟", " 李伟", id="no letters at all"),
    ],
)
def test_one_person_stays_one_however_the_name_is_written(one, other):
    assert is_same_person(one, other)
    assert is_same_person(other, one)


@pytest.mark.parametrize(("one", "other"), [("Ann Lee", "Anna Lee"), ("Ann Lee", "AnnLee"), ("李伟", "李炜"), ("Ann", "Änn")])
def test_two_people_stay_two(one, other):
    assert not is_same_person(one, other)


def test_a_name_is_recorded_as_it_was_written_but_for_blanks():
    assert recorded_name("  Jürg \t Strauß ") == "Jürg Strauß"
    assert recorded_name(" \u3000 ") == ""
