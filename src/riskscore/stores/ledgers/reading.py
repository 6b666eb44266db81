"""What every reader hands over: chunks of text cells with the line each row stands on, whatever the file or database was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

ROWS_PER_CHUNK = 65_536
"""Rows handed on at a time; memory follows from it, results do not."""


@dataclass(frozen=True)
class Cells:
    """The cells of one column as text; null is the source's own null.

    typed: where the source held a number or a date itself (Parquet, workbook, database), so that the text is the plain form
    and not the declared one. None means nowhere.
    """

    text: pa.Array
    typed: np.ndarray[Any, np.dtype[np.bool_]] | None = None


@dataclass(frozen=True)
class Misshapen:
    """A record that is not one: the line it begins on, its text, and what is wrong with it in words."""

    line: int
    raw: str
    why: str
    reason: str = "row_shape"


@dataclass(frozen=True)
class Chunk:
    """Some rows of a source. `lines`: line (or row) numbers as people count them; `raw`: each record as it was delivered."""

    lines: np.ndarray[Any, np.dtype[np.int64]]
    cells: Mapping[str, Cells]
    raw: pa.Array
    misshapen: list[Misshapen] = field(default_factory=list)

    def filtered(self, mask: pa.Array) -> "Chunk":
        """The rows where the mask is true; misshapen records stay, because nobody can tell what they would have held."""
        keep = mask.to_numpy(zero_copy_only=False)
        cells = {
            name: Cells(cell.text.filter(mask), None if cell.typed is None else cell.typed[keep])
            for name, cell in self.cells.items()
        }
        return Chunk(self.lines[keep], cells, self.raw.filter(mask), self.misshapen)


class Reader(Protocol):
    """One delivered file, sheet or query.

    name: what people call it (no folders, no passwords). sha256: of its bytes, or of its rows where there are no bytes.
    size: bytes, for the progress bar; None where nobody knows. header: the column names, in the order of the source.
    """

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def sha256(self) -> str:
        """Its digest."""
        ...

    @property
    def size(self) -> int | None:
        """Its bytes."""
        ...

    @property
    def header(self) -> list[str]:
        """Its columns."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """The rows, once. Raises InputRefused where the source is not what was declared, or changed while it was read."""
        ...

    def position(self) -> int:
        """Bytes read so far."""
        ...
