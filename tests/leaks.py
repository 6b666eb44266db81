"""Canaries: a name and a password that the tests give to the product everywhere, and a watch that finds them where none may be.

The watch stands over the whole suite (`conftest.py`): every entry of every log, every problem, the arguments of every process that
is started, the figures, and at the end what was left on the disk. Names may stand in books, answers, exports and `applicants`; in
logs, problems, figures, manifests and what goes to MLflow they may not. Passwords and tokens may stand nowhere but in a request.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

NAME = "Kanarienvogel"
ACCOUNT = "kanarienkonto"
PASSWORD = "seven grey herons at noon"

PERSONAL = re.compile(rf"{NAME}|{ACCOUNT}".encode(), re.IGNORECASE)
SECRET = re.compile(rf"{PASSWORD}|rsk_[0-9a-f]{{12}}_[\w-]{{20,}}".encode())

LOGS = (
    "*.log",
    "**/manifest.json",
    "**/manifests/*.json",
    "**/runs/*.json",
    "**/mlflow.db*",
    "**/mlruns/**/*",
    "**/mlartifacts/**/*",
)
"""What is on the disk and holds neither names nor secrets."""

DATABASES = ("**/*.db", "**/*.db-wal")
"""What may hold a name, and no secret."""

PIECE = 2**24


def named(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables of a company whose customers are all called by the canary and a number."""
    customers = tables["customers"]
    names = pa.array([f"{NAME} {number} GmbH" for number in range(customers.num_rows)])
    return {**tables, "customers": customers.set_column(customers.schema.get_field_index("name"), "name", names)}


@dataclass
class Watch:
    """What was found, each with where and during which test. watched: how often it looked, by where."""

    found: list[str] = field(default_factory=list)
    watched: dict[str, int] = field(default_factory=dict)
    during: Callable[[], str] = lambda: "?"

    def look(self, where: str, text: bytes, *, names: bool = True) -> None:
        """Is a canary in it? The finding says where, not what."""
        self.watched[where] = self.watched.get(where, 0) + 1
        if SECRET.search(text):
            self.found.append(f"a secret in {where}, during {self.during()}")
        if names and PERSONAL.search(text):
            self.found.append(f"a name in {where}, during {self.during()}")

    def look_on_disk(self, folder: Path) -> None:
        """Every file in which none may be, or none but a name."""
        for patterns, names in ((LOGS, True), (DATABASES, False)):
            for path in {path for pattern in patterns for path in folder.rglob(pattern.removeprefix("**/"))}:
                if path.is_file() and not path.is_symlink():
                    self._look_into(path, names=names)

    def _look_into(self, path: Path, *, names: bool) -> None:
        with path.open("rb") as file:
            before = b""
            while piece := file.read(PIECE):
                self.look(f"the file {path.parent.name}/{path.name}", before + piece, names=names)
                before = piece[-200:]


_on_watch: list[Watch] = []
"""The last of them looks."""


def _of_logs(record: logging.LogRecord) -> None:
    from riskscore_serving.logs import OneLine

    if _on_watch:
        _on_watch[-1].look(f"the log {record.name}", OneLine().format(record).encode())


def _of_processes(event: str, given: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _on_watch:
        program, arguments = given[:2]
        said = [arguments] if isinstance(arguments, str | bytes) else [program, *arguments]
        _on_watch[-1].look("the arguments of a process", " ".join(map(str, said)).encode())


@contextmanager
def on_watch(watch: Watch) -> Iterator[Watch]:
    """It looks meanwhile, and no other one does."""
    _on_watch.append(watch)
    try:
        yield watch
    finally:
        _on_watch.remove(watch)


def listen() -> None:
    """Have everything in this process looked at from now on by whoever is on watch. Once a process: there is no way back."""
    from riskscore_serving import operating, problems

    pass_on = logging.Logger.callHandlers

    def heard(logger: logging.Logger, record: logging.LogRecord) -> None:  # also of loggers that keep their entries to themselves
        _of_logs(record)
        pass_on(logger, record)

    logging.Logger.callHandlers = heard  # type: ignore[method-assign]
    operating.requests_log.setLevel(logging.INFO)
    operating.requests_log.propagate = False
    sys.addaudithook(_of_processes)
    problems.problem = partial(_looked_at, problems.problem, "a problem", lambda answer: answer.body)
    operating.generate_latest = partial(_looked_at, operating.generate_latest, "the figures", bytes)


def _looked_at(made: Callable[..., Any], where: str, said: Callable[[Any], bytes], *given: Any, **more: Any) -> Any:
    found = made(*given, **more)
    if _on_watch:
        _on_watch[-1].look(where, said(found))
    return found
