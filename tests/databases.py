"""A PostgreSQL server of our own for tests: made in a temporary folder, reached through a socket there, stopped afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

SERVER_USER = "postgres"  # a server refuses to run as root


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgresql() -> Iterator[str]:
    """The SQLAlchemy address of an empty server. Skips the test with a reason where none can be run."""
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

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments], check=True, capture_output=True, timeout=60, cwd=folder,
            user=SERVER_USER if as_root else None,
        )  # fmt: skip

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "riskscore", "-A", "trust", "-E", "UTF8", "--no-sync")
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses=", "start")
    try:
        yield f"postgresql+psycopg://riskscore@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def emptied(address: str) -> str:
    """The same server without any table."""
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sa.text("drop schema public cascade"))
        connection.execute(sa.text("create schema public"))
    engine.dispose()
    return address
