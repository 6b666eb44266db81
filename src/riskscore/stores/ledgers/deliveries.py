"""What was delivered: files, folders and databases, each matched with the part of the mapping that reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path

from riskscore.errors import InputRefused, UsageRefused
from riskscore.stores.ledgers.csvfiles import CsvFile
from riskscore.stores.ledgers.databases import DatabaseRows, is_address, relations_of, without_secrets
from riskscore.stores.ledgers.mapping import Mapping, Source
from riskscore.stores.ledgers.parquetfiles import ParquetFile
from riskscore.stores.ledgers.reading import Reader

FORMATS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".gz": "csv", ".parquet": "parquet", ".xlsx": "xlsx"}
"""The format a suffix names, where the mapping names none. What the file then holds is compared with it."""


@dataclass(frozen=True)
class Item:
    """One file or relation to be read, and how."""

    where: str
    source: Source
    number: int

    def open(self) -> Reader:
        """Its reader. Raises InputRefused where it is not what the mapping says."""
        if is_address(self.where):
            return DatabaseRows(self.where, self.source)
        path = Path(self.where)
        kind = self.source.format or FORMATS.get(path.suffix.lower())
        if kind is None:
            raise UsageRefused(f"{path.name}: neither its suffix nor the mapping says which format it is. Declare format = ...")
        if kind == "csv":
            return CsvFile(path, self.source)
        if kind == "parquet":
            return ParquetFile(path, self.source)
        from riskscore.stores.ledgers.workbooks import Workbook  # openpyxl is loaded for who has a workbook

        return Workbook(path, self.source)


def items_of(places: Sequence[str], mapping: Mapping) -> tuple[list[Item], list[str]]:
    """Everything to be read, in the order of the mapping, and the files of folders that no part of it reads.

    A file is read by every part of the mapping that names it, as long as no row can belong to two of them. Raises UsageRefused
    where one could, or a named file fits no part of the mapping; InputRefused where a place holds nothing to read.
    """
    items: list[Item] = []
    ignored: list[str] = []
    for place in places:
        if is_address(place):
            items += _of_database(place, mapping)
        elif Path(place).is_dir():
            found, left = _of_folder(Path(place), mapping)
            items += found
            ignored += left
        else:
            items += _of_file(Path(place), mapping)
    return sorted(items, key=lambda item: (item.number, item.where)), ignored


def _of_folder(folder: Path, mapping: Mapping) -> tuple[list[Item], list[str]]:
    items, ignored = [], []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        fitting = _fitting(path, mapping)
        _refuse_one_row_twice(path, fitting)
        items += [Item(str(path), source, number) for number, source in fitting]
        ignored += [] if fitting else [path.name]
    if not items:
        patterns = ", ".join(pattern for source in mapping.source for pattern in source.files)
        raise InputRefused(f"{folder}: holds no file the mapping reads ({patterns}). Nothing was written.")
    return items, ignored


def _of_file(path: Path, mapping: Mapping) -> list[Item]:
    if not path.is_file():
        raise InputRefused(f"{path}: there is no such file or folder. Nothing was written.")
    fitting = _fitting(path, mapping)
    if not fitting:
        reading = [(number, source) for number, source in enumerate(mapping.source) if source.files]
        if len(reading) != 1:
            patterns = ", ".join(pattern for source in mapping.source for pattern in source.files)
            raise UsageRefused(
                f"{path.name}: no part of the mapping reads a file of that name (it reads {patterns}). Nothing was read."
            )
        fitting = reading  # a mapping of a single export reads it under any name
    _refuse_one_row_twice(path, fitting)
    return [Item(str(path), source, number) for number, source in fitting]


def _of_database(address: str, mapping: Mapping) -> list[Item]:
    there = relations_of(address)
    items = [
        Item(address, source, number)
        for number, source in enumerate(mapping.source)
        if source.query is not None or (source.relation is not None and source.relation in there)
    ]
    if not items:
        wanted = ", ".join(source.relation for source in mapping.source if source.relation)
        raise InputRefused(
            f"{without_secrets(address)}: holds no relation the mapping reads ({wanted or 'it names none'}). Nothing was written."
        )
    return items


def _fitting(path: Path, mapping: Mapping) -> list[tuple[int, Source]]:
    return [
        (number, source)
        for number, source in enumerate(mapping.source)
        if any(fnmatchcase(path.name.lower(), pattern.lower()) for pattern in source.files)
    ]


def _refuse_one_row_twice(path: Path, fitting: list[tuple[int, Source]]) -> None:
    """Raises UsageRefused where two parts of the mapping could read the same row of the file."""
    for (_, one), (_, other) in combinations(fitting, 2):
        if not _apart(one, other):
            raise UsageRefused(
                f"{path.name}: {one.table} and {other.table} of the mapping both read a file of that name. Nothing was read. "
                "Make their patterns differ; or, where both are in this file, part them: each with its own sheet, or each with "
                "keep over the same column and other values."
            )


def _apart(one: Source, other: Source) -> bool:
    """Whether no row can belong to both: they read different sheets, or keep different values of one column."""
    if one.sheet is not None and other.sheet is not None and one.sheet != other.sheet:
        return True
    if one.keep is None or other.keep is None or one.keep.column != other.keep.column:
        return False
    return not set(one.keep.values) & set(other.keep.values)
