"""What was done for invoices, as people write it down: notices to an insurer, reminders to a customer."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from riskscore.errors import InputRefused, UsageRefused

HEADER = ["invoice_id", "act", "done_on"]
Done = Mapping[tuple[str, str], date]
"""Invoice and act to the day it was done."""


def read_done(path: Path, acts: Sequence[str]) -> Done:
    """What was done for invoices, from a CSV file with the columns `invoice_id`, `act` (one of `acts`) and `done_on`.

    Raises UsageRefused where the file cannot be read, InputRefused naming the line that is not of that shape or says two days.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageRefused(f"{path}: cannot be read ({error}).") from error
    if header != HEADER:
        raise InputRefused(f"{path} line 1: the columns are {','.join(HEADER)}, not {','.join(header)}. Nothing was read.")
    found: dict[tuple[str, str], date] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) != len(HEADER) or row[1] not in acts:
            raise InputRefused(f"{path} line {number}: an invoice, an act ({', '.join(acts)}) and a day are wanted.")
        try:
            day = date.fromisoformat(row[2])
        except ValueError as error:
            raise InputRefused(f"{path} line {number}: {row[2]!r} is not a date such as 2026-06-30. Correct the line.") from error
        if found.setdefault((row[0], row[1]), day) != day:
            raise InputRefused(f"{path} line {number}: {row[0]} has a {row[1]} on two days. Keep the one that was in time.")
    return found
