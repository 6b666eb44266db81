"""The wheel, not the source tree, is what people get: built, installed into a clean environment, and used from elsewhere.

The clean environment holds exactly the packages of requirements.lock, hard-linked from this one: no network, no development
tool, no editable install, and it takes seconds where an installation takes minutes.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CUSTOMERS = """customer_id,name,legal_form,is_natural_person,parent_id,industry,country,onboarded_on,known_on
C1,Krause GmbH,GmbH,false,,C25,DE,2023-01-02,2023-01-02
"""
INVOICES = """invoice_id,customer_id,issued_on,due_on,amount,currency,terms,order_id,known_on
I1,C1,2024-01-10,2024-02-09,1200.50,EUR,30,O1,2024-01-10
I2,C1,2024-02-10,2024-03-11,800.00,EUR,30,O2,2024-02-10
"""
SETTLEMENTS = """settlement_id,invoice_id,kind,settled_on,amount,known_on
S1,I1,payment,2024-02-20,1200.50,2024-02-20
"""


def locked(lock: str) -> set[str]:
    """Names of the packages in a lock, as the index spells them."""
    return {name.lower().replace("_", "-") for name in re.findall(r"^([A-Za-z0-9][\w.-]*)==", lock, re.MULTILINE)}


def link(distribution: importlib.metadata.Distribution, site: Path) -> None:
    """Link every file of an installed package into another site-packages; scripts beside it are left out."""
    for file in distribution.files or ():
        if ".." in file.parts or file.suffix == ".pyc":
            continue
        source, target = Path(str(distribution.locate_file(file))), site / file
        if not source.is_file() or target.exists():  # two distributions may hold one file
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system
            target.symlink_to(source)


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(out),
        str(repository),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(repository: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a virtual environment that holds the runtime lock and the wheel, and nothing else."""
    venv = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    installed = {dist.metadata["Name"].lower().replace("_", "-"): dist for dist in importlib.metadata.distributions()}
    for name in sorted(locked((repository / "requirements.lock").read_text("utf-8")) & set(installed)):
        link(installed[name], site)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(venv / "bin/python"),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return venv / "bin"


def run(clean: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(clean), "HOME": str(folder), "LANG": "C.UTF-8"}
    return subprocess.run(
        [clean / "riskscore", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_signed_texts_and_the_pages_parts_travel_in_the_wheel(repository: Path, wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    texts = {
        f"riskscore/models/{path.relative_to(repository / 'models')}"
        for path in (repository / "models").rglob("*")
        if path.is_file()
    }
    parts = {f"riskscore_pipelines/{path.relative_to(repository / 'pipelines/riskscore_pipelines')}"
             for path in (repository / "pipelines/riskscore_pipelines/reporting").rglob("*") if path.is_file() and path.suffix != ".pyc"}  # fmt: skip

    assert texts
    assert texts | parts <= inside


def test_the_wheel_holds_three_packages_and_no_tests(wheel: Path) -> None:
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name}

    assert top == {"riskscore", "riskscore_pipelines", "riskscore_serving"}


def test_the_lock_alone_is_enough_and_development_tools_are_absent(clean: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u, riskscore; print(riskscore.__file__, [m for m in ('pytest', 'mypy', 'ruff') if u.find_spec(m)])"
    shown = subprocess.run([clean / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "site-packages" in shown
    assert shown.strip().endswith("[]")


def test_the_command_answers_from_a_folder_without_the_source(clean: Path, tmp_path: Path) -> None:
    shown = run(clean, tmp_path, "--help")

    assert shown.returncode == 0
    assert "riskscore demo" in shown.stdout


def test_a_small_export_becomes_a_book(clean: Path, tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    for name, text in (("customers", CUSTOMERS), ("invoices", INVOICES), ("settlements", SETTLEMENTS)):
        (exports / f"{name}.csv").write_text(text)

    ingested = run(clean, tmp_path, "ingest", "exports", "--mapping", "canonical", "--book", "book")
    shown = run(clean, tmp_path, "book", "book")

    assert ingested.returncode == 0, ingested.stderr
    assert shown.returncode == 0, shown.stderr
    assert "invoices" in shown.stdout
