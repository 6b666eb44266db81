"""The table of promises names what there is: every row is there, and every test and benchmark that a row names exists."""

import ast
import re
from pathlib import Path

import pytest

PAGE = "docs/explanation/what-is-promised-and-what-shows-it.md"
ROW = re.compile(r"^\| ([A-H]\d{1,2}) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
PROOF = re.compile(r"`(?:(\w+\.py)::(\w+)|(bench_\w+\.py))`")
BLOCKING = set(
    "C1 C3 C4 C5 C6 C8 C9 C12 D1 D2 D3 D5 D7 D10 D11 D12 D14 E1 E2 E5 E6 E7 E8 F1 F2 F3 F5 F7 "  # noqa: SIM905
    "G1 G2 G3 G4 G6 G8 G11 H1".split()
)
"""Promises without which no company's data may be put in."""


def named_in(path: Path) -> set[str]:
    """What a file defines at its top: functions, classes and names."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def faults(text: str, repository: Path) -> list[str]:
    """Rows that are missing, that nothing shows, or that name what is not there."""
    rows = {row: (promise, proofs) for row, promise, proofs in ROW.findall(text)}
    found = [f"{row} is missing" for row in sorted(BLOCKING - rows.keys())]
    for row, (_, proofs) in rows.items():
        named = PROOF.findall(proofs)
        said_plainly = "does not apply: " in proofs or ("not met: " in proofs and row not in BLOCKING)
        if not named and not said_plainly:
            found.append(f"{row}: nothing shows it")
        for file, name, benchmark in named:
            if benchmark:
                there = (repository / "benchmarks" / benchmark).is_file()
            else:
                there = any(name in named_in(path) for path in (repository / "tests").rglob(file))
            if not there or (name and not re.match(r"test_|Test|_nothing_leaks$", name)):
                found.append(f"{row}: there is no {benchmark or f'{file}::{name}'}")
        left = PROOF.sub("", proofs)
        found += [f"{row}: {name} is no test and no benchmark" for name in re.findall(r"`([^`]+)`", left)]
    return found


def test_every_promise_is_shown_by_what_exists(repository: Path) -> None:
    assert faults((repository / PAGE).read_text("utf-8"), repository) == []


def test_what_is_not_met_may_be_said_of_no_promise_that_company_data_wait_for(repository: Path) -> None:
    text = (repository / PAGE).read_text("utf-8")
    blocking = re.sub(r"^(\| G3 \| [^|]+ \|) [^|]+ \|$", r"\1 not met: later |", text, flags=re.MULTILINE)
    assert blocking != text

    assert faults(blocking, repository) == ["G3: nothing shows it"]
    other = re.sub(r"^(\| G12 \| [^|]+ \|) [^|]+ \|$", r"\1 not met: later |", text, flags=re.MULTILINE)
    assert other != text
    assert faults(other, repository) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("::test_fifty_at_once_with_one_key_are_one_decision_and", "::test_fifty_at_once_are_one_decision_and", "C1: there is no test_service"),
        ("`bench_service.py`", "`bench_services.py`", "H1: there is no bench_services.py"),
        ("test_record.py::", "test_records.py::", "E1: there is no test_records.py"),
        ("| E5 |", "| E4 |", "E5 is missing"),
        ("`bench_service.py`", "it is fast", "H1: nothing shows it"),
        ("`bench_service.py`", "`make bench`", "H1: nothing shows it"),
        ("test_held_runs.py::test_two_people_release_it_and", "test_held_runs.py::test_one_person_releases_it_and", "G11: there is no test_held"),
        ("| G4 |", "| G14 |", "G4 is missing"),
        ("test_ingest_pasts_of_a_company.py::test_a_company_that", "test_ingest_pasts_of_a_company.py::test_a_firm_that", "G12: there is no test_ingest"),
        ("conftest.py::_nothing_leaks", "conftest.py::repository", "E7: there is no conftest.py::repository"),
    ],
)  # fmt: skip
def test_a_promise_that_nothing_shows_is_found(repository: Path, old: str, new: str, fault: str) -> None:
    text = (repository / PAGE).read_text("utf-8")
    assert old in text

    assert any(each.startswith(fault) for each in faults(text.replace(old, new), repository))
