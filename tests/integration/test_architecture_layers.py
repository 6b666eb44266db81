"""The architecture is a contract that can be broken: each planted import must turn import-linter red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOTS = ("src", "pipelines", "serving")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the three source roots of a folder."""
    path = os.pathsep.join(str(folder / root) for root in ROOTS)
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-cache",
        "--no-logo",
    ]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    for root in ROOTS:
        shutil.copytree(repository / root, tmp_path / root, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_keeps_its_contracts(repository: Path) -> None:
    result = lint(repository)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param("src/riskscore/tables.py", "import riskscore.simulation", "The rooms of the library", id="upwards"),
        pytest.param("src/riskscore/helpers.py", "", "The rooms of the library", id="a-module-without-a-room"),
        pytest.param("src/riskscore/tables.py", "import pathlib", "Disk, network", id="disk-in-the-core"),
        pytest.param("src/riskscore/features/__init__.py", "import duckdb", "Disk, network", id="an-engine-in-the-core"),
        pytest.param(
            "pipelines/riskscore_pipelines/main.py",
            "import riskscore_serving",
            "The command and the server",
            id="command-on-server",
        ),
        pytest.param("src/riskscore/stores/engines.py", "import pickle", "Nothing here can execute", id="pickle"),
        pytest.param(
            "src/riskscore/features/__init__.py", "import riskscore.outcomes", "Only what learns", id="a-feature-sees-the-outcome"
        ),
        pytest.param(
            "src/riskscore/training/gathering.py", "import riskscore.review", "What is learned comes", id="an-override-as-a-label"
        ),
    ],
)
def test_a_planted_import_turns_the_contract_red(copy: Path, module: str, line: str, contract: str) -> None:
    target = copy / module
    target.write_text((target.read_text("utf-8") if target.exists() else "") + f"\n{line}\n", "utf-8")

    result = lint(copy)

    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in text and "BROKEN" in text for text in result.stdout.splitlines()), result.stdout
