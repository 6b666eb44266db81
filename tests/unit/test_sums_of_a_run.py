"""What a run over a book comes to: an amount that nobody has is not known, and not nothing."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from deciding import PROVENANCE, shipped
from riskscore.scoring import not_scored
from riskscore_pipelines.score import Summary


@pytest.mark.parametrize(
    ("limits", "sums"), [((None, None), None), ((None, Decimal(0)), "0"), ((Decimal(300), None, Decimal(200)), "500")]
)
def test_limits_that_nobody_has_are_no_limits_of_nothing(limits: tuple[Decimal | None, ...], sums: str | None) -> None:
    summary = Summary(Path("scores.csv"), PROVENANCE, shipped())
    for number, limit in enumerate(limits):
        summary.add(replace(not_scored(f"c{number}", "internal_error", PROVENANCE, "EUR"), limit_now=limit))

    assert summary.as_json()["money"]["EUR"]["limit_now"] == sums
