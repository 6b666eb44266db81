"""The watch over the whole suite (`leaks`, reliability E7) finds a name or a secret wherever one may not be; so it would have said.

What it finds over all tests is said at the end of each test process, by `conftest.py`.
"""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import doors
from leaks import ACCOUNT, NAME, PASSWORD, Watch, on_watch
from riskscore_serving import operating, problems
from riskscore_serving.logs import OneLine, trace_of
from riskscore_serving.operating import Figures

TOKEN = f"rsk_{'0a' * 6}_{'x' * 43}"


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Another watch than the one over the suite, which does not see what is planted here."""
    with on_watch(Watch()) as watch:
        yield watch


def kinds(watch: Watch) -> set[str]:
    return {finding.partition(",")[0] for finding in watch.found}


def test_the_suite_gives_its_canaries_to_the_product() -> None:
    assert doors.PASSWORD == PASSWORD
    here = Path(__file__).parent
    asking = {*here.glob("test_*.py"), *here.parent.glob("*.py")} - {here.parent / "leaks.py"}  # tests, and what they stand on
    assert len([path for path in asking if NAME in path.read_text("utf-8")]) >= 7


@pytest.mark.parametrize("logger", ["riskscore_serving.office", "riskscore.requests", "uvicorn.error", "mlflow"])
def test_a_name_in_an_entry_of_any_log_is_found(watch: Watch, logger: str) -> None:
    logging.getLogger(logger).error("no answer for %s", NAME.upper())  # what the product silences is below this, and not written

    assert kinds(watch) == {f"a name in the log {logger}"}


@pytest.mark.parametrize("secret", [PASSWORD, TOKEN])
def test_a_secret_in_the_log_is_found(watch: Watch, secret: str) -> None:
    logging.getLogger("riskscore_serving").error("refused %s", secret)

    assert kinds(watch) == {"a secret in the log riskscore_serving"}


def test_a_name_in_a_problem_is_found(watch: Watch) -> None:
    problems.problem("not-found", "0" * 32, detail=f"There is no {NAME}.")

    assert kinds(watch) == {"a name in a problem"}


def test_a_name_in_the_figures_is_found(watch: Watch) -> None:
    figures = Figures()
    figures.requests.labels("GET", f"/{ACCOUNT}", 200).inc()
    operating.generate_latest(figures.registry)

    assert kinds(watch) == {"a name in the figures"}


def test_a_secret_on_a_command_line_is_found(watch: Watch) -> None:
    subprocess.run([sys.executable, "-c", "", PASSWORD], check=True)

    assert kinds(watch) == {"a secret in the arguments of a process"}


@pytest.mark.parametrize(
    ("place", "text", "finding"),
    [
        ("server-1.log", NAME, {"a name in the file"}),
        ("book/manifest.json", NAME, {"a name in the file"}),
        ("mlruns/1/params/customer", NAME, {"a name in the file"}),
        ("mlflow.db", f"x{TOKEN}x", {"a secret in the file"}),
        ("riskscore.db", PASSWORD, {"a secret in the file"}),
        ("riskscore.db", NAME, set()),
        ("scores.csv", NAME, set()),
    ],
)
def test_what_is_left_on_the_disk_is_found(watch: Watch, tmp_path: Path, place: str, text: str, finding: set[str]) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("0" * 1000 + text)
    watch.look_on_disk(tmp_path)
    path.unlink()  # the watch over the suite looks here at the end as well

    assert {kind.rpartition(" ")[0] for kind in kinds(watch)} == finding


def test_an_honest_entry_is_no_finding(watch: Watch) -> None:
    logging.getLogger("riskscore_serving").warning("the store did not answer in time")

    assert (watch.found, watch.watched) == ([], {"the log riskscore_serving": 1})


FORGED = "it broke\r\n2026-01-01 00:00:00 INFO all is well\x1b[2K\x85\u2028end"


def test_an_entry_is_one_line_whatever_is_in_it_and_no_text_of_an_exception() -> None:
    try:
        try:
            raise KeyError(NAME)  # noqa: TRY301
        except KeyError as error:
            raise RuntimeError(PASSWORD) from error
    except RuntimeError as error:
        raised = error
    record = logging.LogRecord("a\nb", logging.ERROR, __file__, 1, "%s", (FORGED,), (RuntimeError, raised, raised.__traceback__))
    line = OneLine().format(record)

    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert r"it broke\x0d\x0a2026-01-01" in line
    assert NAME not in line
    assert PASSWORD not in line
    assert line.endswith(trace_of(raised))
    assert "RuntimeError at test_nothing_leaks.py:" in line
    assert "after KeyError at test_nothing_leaks.py:" in line


def test_the_formatter_of_the_standard_library_would_be_forged() -> None:
    record = logging.LogRecord("a", logging.ERROR, __file__, 1, "%s", (FORGED,), None)

    assert len(logging.Formatter("%(asctime)s %(message)s").format(record).splitlines()) > 1
