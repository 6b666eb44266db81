"""What was understood of each column of a source, with samples, so that a person can see it before anything is written."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.cells import FINE, REASON_CODES, Typed, decimals_of
from riskscore.stores.ledgers.mapping import Cell
from riskscore.stores.ledgers.reading import Cells, Chunk
from riskscore.tables import TABLES

N_SAMPLES = 3
ENOUGH = 10
EARLY = 1000
UNREAD = (REASON_CODES["bad_date"], REASON_CODES["bad_number"])


@dataclass
class ColumnReport:
    """One canonical column of one source: where it comes from, samples of text and value, how many were empty or refused."""

    table: str
    column: str
    cell: Cell
    n_rows: int = 0
    n_empty: int = 0
    n_refused: int = 0
    n_unread: int = 0
    samples: list[tuple[str, str]] = field(default_factory=list)
    first_unread: tuple[int, str] | None = None

    @property
    def source(self) -> str:
        """Where the cells come from, in words."""
        if self.cell.sources:
            return self.cell.join.join(self.cell.sources)
        if self.cell.extracted:
            return "(day of the extract)"
        return f"(constant {self.cell.constant})" if self.cell.constant is not None else "(terms)"

    def note(self, cells: Cells, typed: Typed, chunk: Chunk) -> None:
        """Take one chunk into the counts."""
        refused = typed.reasons != FINE
        unread = np.isin(typed.reasons, UNREAD)
        self.n_rows += len(refused)
        self.n_empty += cells.text.null_count
        self.n_refused += int(refused.sum())
        self.n_unread += int(unread.sum())
        if self.first_unread is None and unread.any():
            at = int(np.flatnonzero(unread)[0])
            self.first_unread = (int(chunk.lines[at]), cells.text[at].as_py())
        if len(self.samples) < N_SAMPLES:
            self._sample(cells.text, typed.values)

    def refuse_if_misunderstood(self, name: str, *, at_end: bool = False) -> None:
        """Raises InputRefused where no cell at all could be read: then it is the declaration that is wrong, not the rows."""
        n_good = self.n_rows - self.n_empty - self.n_refused
        if n_good or self.first_unread is None:
            return
        if self.n_unread >= EARLY or (at_end and (self.n_unread >= ENOUGH or self.n_unread * 100 >= self.n_rows)):
            line, text = self.first_unread
            raise InputRefused(
                f"{name} line {line}: {text!r} in {self.source!r} is not {self._declared()}, and neither is any other value of "
                f"that column, so {self.table}.{self.column} cannot be read. Nothing was written. Declare how the export "
                "writes it."
            )

    def _declared(self) -> str:
        if TABLES[self.table].column(self.column).kind == "date":
            return f"a date in a declared format ({', '.join(self.cell.formats) or 'none is declared'})"
        thousands = f" and {self.cell.thousands!r} between thousands" if self.cell.thousands else ""
        decimals = decimals_of(TABLES[self.table].column(self.column), self.cell)
        return f"a number with {self.cell.decimal!r} before at most {decimals} decimals{thousands}"

    @property
    def number_told(self) -> str:
        """What a number of this column must look like, and what to do about one that has more decimals."""
        is_money = TABLES[self.table].column(self.column).kind == "money"
        declare = ", or declare `decimals` (4 at most), `round_floats` for floats" if is_money else ""
        return f"not {self._declared()}; of more, round in the export{declare}"

    def _sample(self, text: pa.Array, values: pa.Array) -> None:
        known = {said for said, _ in self.samples}
        for at in pc.indices_nonzero(pc.is_valid(values)).to_pylist()[: 50 * N_SAMPLES]:
            said: Any = text[at].as_py()
            if said is not None and said not in known and len(self.samples) < N_SAMPLES:
                value = values[at].as_py()
                self.samples.append((said, f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)))
                known.add(said)
