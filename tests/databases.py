"""A PostgreSQL server of our own for tests: made in a temporary folder, reached through a socket there, stopped afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

SERVER_USER = "postgres"  # a server refuses to run as root


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server that a test may stop, start and freeze. address: for SQLAlchemy."""

    programs: Path
    folder: Path
    as_root: bool

    @property
    def address(self) -> str:
        return f"postgresql+psycopg://riskscore@/postgres?host={self.folder}"

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, *arguments], check=True, capture_output=True, timeout=60, cwd=self.folder,
            user=SERVER_USER if self.as_root else None,
        )  # fmt: skip

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses="
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def crash(self) -> None:
        """Stop at once, without finishing anything."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its connections stay open and nothing answers on them."""
        first = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        processes = [first, *first.children(recursive=True)]
        for each in processes:
            each.suspend()
        try:
            yield
        finally:
            for each in processes:
                each.resume()


@contextmanager
def postgresql() -> Iterator[str]:
    """The SQLAlchemy address of an empty server. Skips the test with a reason where none can be run."""
    with postgresql_server() as server:
        yield server.address


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """An empty server that runs. Skips the test with a reason where none can be run."""
    programs = _programs() or (Path(found).parent if (found := shutil.which("initdb")) else None)
    if programs is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    as_root = os.geteuid() == 0
    if as_root and SERVER_USER not in {user.pw_name for user in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and there is no user for it")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    if as_root:
        shutil.chown(folder, SERVER_USER)

    server = Server(programs, folder, as_root)
    server.run("initdb", "-D", str(folder / "data"), "-U", "riskscore", "-A", "trust", "-E", "UTF8", "--no-sync")
    server.start()
    try:
        yield server
    finally:
        server.crash()
        shutil.rmtree(folder, ignore_errors=True)


def emptied(address: str) -> str:
    """The same server without any table."""
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sa.text("drop schema public cascade"))
        connection.execute(sa.text("create schema public"))
    engine.dispose()
    return address
