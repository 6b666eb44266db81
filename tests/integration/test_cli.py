"""The command: fast help, one line for an error, and exit statuses that scripts can rely on."""

import resource
import subprocess
import sys
import types
from collections.abc import Callable

import pytest
import typer

from riskscore import errors
from riskscore_pipelines.main import VERBS, main, usage

HEAVY = ("duckdb", "lightgbm", "mlflow", "pyarrow", "pandas", "numpy", "sklearn", "typer", "fastapi", "sqlalchemy")


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Plant a verb `planted` that runs the given function."""

    def plant(function: Callable[..., object]) -> None:
        module = types.ModuleType("riskscore_pipelines.planted")
        module.app = typer.Typer()  # type: ignore[attr-defined]  # a module made for the test
        module.app.command()(function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(VERBS, "planted", "For the test.")

    return plant


def test_help_names_every_verb_and_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out

    assert all(f"  {verb} " in shown for verb in VERBS)
    assert all(f"  {status} " in shown for status in range(9))
    assert max(map(len, shown.splitlines())) <= 120


def test_help_imports_no_engine() -> None:
    code = f"import sys; from riskscore_pipelines.main import main; main(['--help']); print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown.splitlines()[-1] == "[]"


def test_help_answers_at_once() -> None:
    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "riskscore_pipelines", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_seconds() for _ in range(3)) < 0.3


def test_no_arguments_show_the_help_and_version_shows_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == usage()
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.count(".") == 2


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out

    assert f"Usage: riskscore {name}" in shown
    assert f"riskscore {name} " in shown.split("Usage:")[1].split("\n", 1)[1], "the help of a verb holds an example"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["repot"], ("no verb 'repot'", "'report'"), id="a-verb-that-is-nearly-one"),
        pytest.param(["xyzzy"], ("no verb 'xyzzy'", "--help"), id="a-verb-that-is-none"),
        pytest.param(["demo", "--custmers", "3"], ("demo: No such option", "riskscore demo --help"), id="an-option-that-is-none"),
        pytest.param(["demo", "--customers", "many"], ("demo: Invalid value", "--customers"), id="a-number-that-is-none"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_status_2(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()

    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert all(word in shown.err for word in words)


@pytest.mark.parametrize("kind", sorted(errors.RiskscoreError.__subclasses__(), key=lambda kind: kind.__name__))
def test_an_error_of_ours_is_one_line_on_stderr_and_its_exit_status(
    kind: type[errors.RiskscoreError], verb: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise kind("orders.csv line 7: not a date. Nothing was written. Declare the date format.")

    verb(fail)

    assert main(["planted"]) == kind.exit_status
    assert capsys.readouterr().err == "riskscore: orders.csv line 7: not a date. Nothing was written. Declare the date format.\n"


def test_debug_shows_the_trace_wherever_it_stands(verb: Callable[..., None]) -> None:
    def fail() -> None:
        raise errors.InputRefused("no")

    verb(fail)

    with pytest.raises(errors.InputRefused):
        main(["planted", "--debug"])
    with pytest.raises(errors.InputRefused):
        main(["--debug", "planted"])


def test_a_bug_is_exit_status_1_and_says_how_to_report_it(verb: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ZeroDivisionError("division by zero")

    verb(fail)

    assert main(["planted"]) == 1
    assert "a bug: ZeroDivisionError" in capsys.readouterr().err


def test_a_missing_openmp_runtime_says_what_to_install(verb: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    verb(fail)

    assert main(["planted"]) == 2
    assert "apt-get install libgomp1" in capsys.readouterr().err


def test_interrupted_is_exit_status_130(verb: Callable[..., None]) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    verb(fail)

    assert main(["planted"]) == 130


def test_a_verb_may_say_its_own_exit_status(verb: Callable[..., None]) -> None:
    def held() -> None:
        raise typer.Exit(8)

    verb(held)

    assert main(["planted"]) == 8


def test_exit_statuses_are_the_public_contract() -> None:
    statuses = {kind.__name__: kind.exit_status for kind in errors.RiskscoreError.__subclasses__()}

    assert statuses == {
        "NotReproduced": 1,
        "TooManyNotScored": 1,
        "UsageRefused": 2,
        "InputRefused": 3,
        "QuarantineAboveLimit": 4,
        "ModelRefused": 5,
        "TooFewEvents": 5,
        "StorageFailed": 6,
        "RunLocked": 7,
        "HeldForReview": 8,
        "NotAllowed": 2,
        "Conflict": 2,
    }
