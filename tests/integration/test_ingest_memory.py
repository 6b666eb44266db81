"""Memory does not grow with the delivery (reliability A18). The full sizes are in benchmarks/bench_ingest.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PLANTED_LEAK = """
import sys
from riskscore.stores.ledgers.csvfiles import CsvFile
kept, honest = [], CsvFile.chunks
def chunks(self):
    for chunk in honest(self):
        kept.append(chunk)
        yield chunk
CsvFile.chunks = chunks
"""


def peak_mib(repository: Path, folder: Path, n_rows: int, planted: str = "") -> float:
    """Peak memory of one process that ingests a ledger of so many rows."""
    program = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(repository / "benchmarks")!r})
{planted}
import bench_ingest
exports = Path({str(folder)!r}) / "exports"
exports.mkdir(parents=True)
bench_ingest.write_ledger(exports, {n_rows})
print(json.dumps(bench_ingest.measure(exports, exports.parent / "book")))
"""
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    figures = json.loads(answer.stdout)
    assert figures["rows"] == n_rows
    return float(figures["peak_mib"])


SMALL, LARGE = 300_000, 900_000
"""Rows from which the engine has all the memory it may have, and three times as many."""


@pytest.fixture(scope="module")
def small(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    return peak_mib(repository, tmp_path_factory.mktemp("small"), SMALL)


@pytest.mark.slow
def test_a18_three_times_the_rows_need_hardly_more_memory(small: float, repository: Path, tmp_path: Path) -> None:
    large = peak_mib(repository, tmp_path, LARGE)

    assert large < 1.5 * small


@pytest.mark.slow
def test_a18_a_reader_that_keeps_what_it_read_is_caught(small: float, repository: Path, tmp_path: Path) -> None:
    leaking = peak_mib(repository, tmp_path, LARGE, PLANTED_LEAK)

    assert leaking > 1.5 * small
