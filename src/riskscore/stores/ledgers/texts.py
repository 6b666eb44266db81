"""Ids, codes and names: kept byte for byte, refused where they hold what no id, code or name holds."""

import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.tables import Kind

CONTROL = r"[\x00-\x1f\x7f-\x{9f}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
"""Control characters and those that turn the direction of writing: in an id they make two different ids look the same."""

CONTROL_IN_TEXT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
"""In a name or a reason a tab and a line end are allowed."""

LONGEST: dict[str, int] = {"id": 200, "code": 200, "text": 4000}
"""Characters a cell may have; more is a shifted column or an attack."""


def text_faults(cells: pa.Array, kind: Kind) -> list[tuple[str, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """Reason and mask of what is wrong with the cells of an id, code or text column."""
    faults = [("control_char", pc.match_substring_regex(cells, CONTROL_IN_TEXT if kind == "text" else CONTROL))]
    if kind != "text":
        # The replacement character says that something upstream lost what stood there, so two ids may have become one.
        faults.append(("bad_encoding", pc.match_substring(cells, "\ufffd")))
    faults.append(("out_of_range", pc.greater(pc.utf8_length(cells), LONGEST[kind])))
    return [(reason, pc.fill_null(mask, False).to_numpy(zero_copy_only=False)) for reason, mask in faults]


def match_key(text: str) -> str:
    """What two ids are compared by: the same characters however they are composed, without blanks around them."""
    return unicodedata.normalize("NFC", text.strip(" "))
