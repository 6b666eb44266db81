"""What was delivered: files, folders and databases, each matched with the part of the mapping that reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from riskscore.errors import InputRefused, UsageRefused
from riskscore.stores.ledgers.csvfiles import CsvFile
from riskscore.stores.ledgers.databases import DatabaseRows, is_address, relations_of, without_secrets
from riskscore.stores.ledgers.mapping import Mapping, Source
from riskscore.stores.ledgers.parquetfiles import ParquetFile
from riskscore.stores.ledgers.reading import Reader
from riskscore.stores.ledgers.workbooks import Workbook

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
        return ParquetFile(path, self.source) if kind == "parquet" else Workbook(path, self.source)


def items_of(places: Sequence[str], mapping: Mapping) -> tuple[list[Item], list[str]]:
    """Everything to be read, in the order of the mapping, and the files of folders that no part of it reads.

    Raises UsageRefused where a named file fits no part of the mapping or several, InputRefused where a place holds nothing to
    read.
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
            items.append(_of_file(Path(place), mapping))
    return sorted(items, key=lambda item: (item.number, item.where)), ignored


def _of_folder(folder: Path, mapping: Mapping) -> tuple[list[Item], list[str]]:
    items, ignored = [], []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        fitting = _fitting(path, mapping)
        if len(fitting) > 1:
            raise UsageRefused(_several(path, fitting))
        items += [Item(str(path), source, number) for number, source in fitting]
        ignored += [] if fitting else [path.name]
    if not items:
        patterns = ", ".join(pattern for source in mapping.source for pattern in source.files)
        raise InputRefused(f"{folder}: holds no file the mapping reads ({patterns}). Nothing was written.")
    return items, ignored


def _of_file(path: Path, mapping: Mapping) -> Item:
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
    if len(fitting) > 1:
        raise UsageRefused(_several(path, fitting))
    number, source = fitting[0]
    return Item(str(path), source, number)


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


def _several(path: Path, fitting: list[tuple[int, Source]]) -> str:
    tables = " and ".join(source.table for _, source in fitting)
    return f"{path.name}: {tables} of the mapping both read a file of that name. Nothing was read. Make their patterns differ."
