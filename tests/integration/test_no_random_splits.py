"""Rows are split by time or by customer: the linter refuses what splits them at random, wherever it is written."""

import subprocess
import sys
from pathlib import Path

import pytest


def findings(repository: Path, place: str, code: str) -> str:
    asked = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache", "--stdin-filename", place, "-"]
    return subprocess.run(asked, input=code, cwd=repository, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    "place", ["src/riskscore/training/judging.py", "pipelines/riskscore_pipelines/train.py", "benchmarks/bench_model.py"]
)
@pytest.mark.parametrize(
    "planted",
    [
        "from sklearn.model_selection import train_test_split\n",
        "from sklearn.model_selection import KFold, cross_val_score\n",
        "import sklearn.model_selection as choosing\n",
        "def split():\n    import sklearn.model_selection\n    return sklearn.model_selection.ShuffleSplit()\n",
    ],
)
def test_a_random_split_is_refused(repository, place, planted):
    found = findings(repository, place, planted)

    assert "TID251" in found
    assert "Split by time" in found


def test_what_does_not_split_passes(repository):
    assert "TID251" not in findings(repository, "src/riskscore/training/judging.py", "from sklearn.linear_model import Ridge\n")
