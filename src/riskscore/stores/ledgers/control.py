"""What the sender says of a delivery: rows, sums per currency and digests, compared with what was read."""

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from riskscore.errors import InputRefused, UsageRefused
from riskscore.stores.ledgers.accounting import Account
from riskscore.stores.ledgers.mapping import Strict


class Stated(Strict):
    """Of one file: its data rows, the sum of its amounts per currency (`total` where a table states none), its SHA-256."""

    rows: int | None = None
    sums: dict[str, str] = Field(default_factory=dict)
    sha256: str | None = None


class Control(Strict):
    """A control file: what is stated of each file, by its name."""

    files: dict[str, Stated]


def read_control(path: Path) -> dict[str, Any]:
    """The content of a control file. Raises UsageRefused where it cannot be understood."""
    try:
        control = Control.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise UsageRefused(f"{path}: the control file cannot be read ({first}). Nothing was ingested.") from error
    return control.model_dump(exclude_none=True)


def refuse_other_digest(stated: Mapping[str, Any], name: str, sha256: str) -> None:
    """Raises InputRefused where the bytes are not those the sender states; asked before anything parses them."""
    if stated.get("sha256", sha256).lower() != sha256:
        raise InputRefused(
            f"{name}: the control file states sha256 {stated['sha256'][:12]}..., but the file has {sha256[:12]}.... Nothing was "
            "written. The file was cut or changed on its way: deliver it again."
        )


def refuse_other_sums(stated: Mapping[str, Any], name: str, parts: Sequence[Account]) -> None:
    """Raises InputRefused where the number of rows or a sum, over all parts read of the file, is not what the sender states."""
    rows = sum(part.read.rows for part in parts)
    if stated.get("rows", rows) != rows:
        raise InputRefused(
            f"{name}: the control file states rows {stated['rows']}, but the delivery has {rows}. Nothing was "
            "written. The file was cut or changed on its way: deliver it again."
        )
    for currency, total in stated.get("sums", {}).items():
        code = "" if currency == "total" else currency
        money = sum((part.read.money.get(code, Decimal(0)) for part in parts), Decimal(0))
        if Decimal(total) != money:
            raise InputRefused(
                f"{name}: the control file states {total} {currency}, but the rows sum to {money:f}. Nothing was written. "
                "Rows are missing, or amounts are read in another grammar than they were written in."
            )
