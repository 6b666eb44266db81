"""Names, texts and files inside SQL: quoted once, here."""

# ruff: noqa: S608 - this is where names and texts are quoted.

from pathlib import Path


def name(text: str) -> str:
    """An identifier."""
    return '"' + text.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def parquet(path: Path) -> str:
    """The rows of one Parquet file. A folder may be called `[old]*`: what DuckDB would take for a pattern is taken literally."""
    literal = "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(path))
    return f"read_parquet({text(literal)})"


def beside(rows: Path, origins: Path) -> str:
    """The rows of one file with, row for row, those of another."""
    return f"(select * from {parquet(rows)} as rows positional join {parquet(origins)} as origins)"
