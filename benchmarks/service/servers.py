"""The servers under measurement, each a process of its own on loopback, and the company whose customers are asked about."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

PATIENCE = 120  # seconds until a server answers
COMMAND = [sys.executable, "-m", "riskscore_pipelines"]


def prepare(folder: Path, *, customers: int, months: int, recipe: str | None = None) -> None:
    """A company's working folder in `folder`: book and approved model, by the product's own commands.

    recipe: the text of another recipe than the shipped one.
    """
    if recipe is not None:
        signed = folder / "models" / "late_payment" / "recipe.toml"
        signed.parent.mkdir(parents=True)
        signed.write_text(recipe, encoding="utf-8")
    # Released by two names, whatever the gate says: what is measured here is the server, not the model.
    for arguments in (
        ["simulate", "--out", "exports", "--customers", str(customers), "--months", str(months), "--seed", "7"],
        ["ingest", "exports", "--mapping", "canonical", "--book", "book"],
        ["train", "--book", "book"],
        ["promote", "1", "--book", "book", "--by", "Bench Mark", "--release", "a measurement of the server"],
        ["approve", "1", "--by", "Second Person", "--release", "a measurement of the server"],
    ):
        subprocess.run([*COMMAND, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def serving(
    command: Sequence[str], folder: Path, *, port: int, ready: str, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The process id, once it answers at `ready`; the process is ended at the end, whatever happened."""
    with (folder / f"server-{port}.log").open("wb") as told:  # a line a request: a terminal would slow it down
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, stdout=told, stderr=told
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}")
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bare_command(port: int) -> list[str]:
    """The bare application on the same server with the same settings."""
    return [
        sys.executable, "-m", "uvicorn", "bare:app", "--app-dir", str(Path(__file__).parent),
        "--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning", "--no-server-header",
    ]  # fmt: skip


def product_command(port: int, *more: str) -> list[str]:
    """The product, as an operator starts it."""
    return [*COMMAND, "serve", "--book", "book", "--port", str(port), *more]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit(f"the server ended with status {process.returncode} before it answered")
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"{address} did not answer within {PATIENCE} s")
