"""The list of versions: what it says of a proposal that waits, that was used up, and that was overtaken."""

import pytest

from gating import compared
from riskscore.stores.approvals import approval_in_force, approvals_of, approve, approve_first, propose, roll_back, rollbacks_of
from riskscore.stores.database import open_database
from riskscore.stores.models import Version
from riskscore_pipelines.models import describe

NAME = "late_payment"
DIGESTS = {version: version * 64 for version in "1234"}


@pytest.fixture
def engine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield engine
    engine.dispose()


def statuses(engine):
    versions = [Version(NAME, version, "run", digest, "2026-06-30", {}, "0") for version, digest in DIGESTS.items()]
    described = describe(versions, approvals_of(engine, NAME), rollbacks_of(engine, NAME), approval_in_force(engine, NAME), {})
    return [each["status"] for each in described]


def test_what_waits_and_what_was_overtaken(engine):
    approve_first(engine, NAME, "1", DIGESTS["1"], by="Ann")
    propose(engine, compared(engine, "2", DIGESTS["2"], DIGESTS["1"]), by="Ann")
    propose(engine, compared(engine, "3", DIGESTS["3"], DIGESTS["1"]), by="Ann")
    assert statuses(engine) == [
        "in force: approved by Ann, first version",
        "proposed by Ann; a second person must approve it",
        "proposed by Ann; a second person must approve it",
        "registered; nobody proposed it",
    ]

    approve(engine, NAME, "2", DIGESTS["2"], by="Bo")
    overtaken = "what Ann proposed counts no more: another version was approved or rolled back since"
    assert statuses(engine)[1:3] == ["in force: approved by Bo, proposed by Ann", overtaken]

    propose(engine, compared(engine, "1", DIGESTS["1"], DIGESTS["2"]), by="Ann")
    roll_back(engine, NAME, by="Cy", reason="wrong")
    assert statuses(engine) == [
        "in force: approved by Ann, first version",
        "was in force: approved by Bo, proposed by Ann",
        overtaken,
        "registered; nobody proposed it",
    ]
