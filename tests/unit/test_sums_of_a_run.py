"""What a run over a book comes to: an amount that nobody has is not known, and not nothing."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from deciding import PROVENANCE, case, shipped
from riskscore.phrases import Lang
from riskscore.policy import recommend
from riskscore.scoring import not_scored
from riskscore_pipelines.score import Summary, show


@pytest.mark.parametrize(
    ("limits", "sums"), [((None, None), None), ((None, Decimal(0)), "0"), ((Decimal(300), None, Decimal(200)), "500")]
)
def test_limits_that_nobody_has_are_no_limits_of_nothing(limits: tuple[Decimal | None, ...], sums: str | None) -> None:
    summary = Summary(Path("scores.csv"), PROVENANCE, shipped())
    for number, limit in enumerate(limits):
        summary.add(replace(not_scored(f"c{number}", "internal_error", PROVENANCE, "EUR"), limit_now=limit))

    assert summary.as_json()["money"]["EUR"]["limit_now"] == sums


@pytest.mark.parametrize(("lang", "begins"), [("en", "Hardly anybody gets credit: 19 of 20"), ("zh", "几乎无人得到额度：20名")])
def test_where_hardly_anybody_gets_credit_one_line_says_why_and_what_to_do_before_any_table(
    lang: Lang, begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = Summary(Path("scores.csv"), PROVENANCE, shipped())
    for number in range(20):
        grade = 3 if number == 0 else 9
        found = recommend(case(grade=grade, grade_high=grade), shipped())
        summary.add(replace(not_scored(f"c{number}", "internal_error", PROVENANCE, "EUR"), grade=grade, recommendation=found))
    show(summary, lang)
    lines = capsys.readouterr().out.splitlines()

    assert [line for line in lines if "riskscore policy measure" in line] == [lines[1]]
    assert lines[1].startswith(begins)
    assert lines[1].endswith("riskscore policy measure --out proposed.toml")


def test_where_many_get_credit_nobody_is_told_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(Path("scores.csv"), PROVENANCE, shipped())
    summary.add(
        replace(not_scored("c", "internal_error", PROVENANCE, "EUR"), grade=3, recommendation=recommend(case(), shipped()))
    )
    show(summary, "en")

    assert "measure" not in capsys.readouterr().out
