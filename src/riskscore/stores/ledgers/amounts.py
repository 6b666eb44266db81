"""Numbers in the grammar a mapping declares, read exactly: text to `Decimal`, never through a float."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

NUMBER_CAP = Decimal(10) ** 12
"""No single invoice, limit or line item is a million million: such a number is a slipped mark or a reference in the wrong
column."""

NOT_FINITE = frozenset(
    sign + word for sign in ("", "+", "-") for word in ("nan", "inf", "infinity", "1.#inf", "1.#qnan", "1.#ind")
)  # fmt: skip
"""How programs write what is not a number, in lower case."""


@dataclass(frozen=True)
class NumberGrammar:
    """How one column writes numbers: its marks, how a negative is written, how many decimals there may be, an exact factor."""

    decimal: str = "."
    thousands: str = ""
    negative: Sequence[str] = ("-1",)
    decimals: int = 2
    times: Decimal | None = None

    def pattern(self) -> str:
        """The grammar as a regular expression over the whole cell, without its sign. Only ASCII digits are digits."""
        mark, group = re.escape(self.decimal), re.escape(self.thousands)
        whole = f"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)" if self.thousands else "[0-9]+"
        return whole + (f"(?:{mark}[0-9]{{1,{self.decimals}}})?" if self.decimals else "")

    def reader(self) -> Callable[[str], Decimal | str]:
        """A function from text to the number, or to the reason why it is none."""
        body = re.compile(self.pattern())

        def read(text: str) -> Decimal | str:
            unsigned, is_negative = self._unsigned(text)
            if not body.fullmatch(unsigned):
                return "non_finite" if text.strip().lower() in NOT_FINITE else "bad_number"
            value = Decimal(unsigned.replace(self.thousands, "").replace(self.decimal, "."))
            if is_negative and not value:
                return "bad_number"  # a minus before nothing is what is left of an amount that was rounded away
            return self._scaled(-value if is_negative else value)

        return read

    def _unsigned(self, text: str) -> tuple[str, bool]:
        if "-1" in self.negative and text.startswith("-"):
            return text[1:], True
        if "1-" in self.negative and text.endswith("-"):
            return text[:-1], True
        if "(1)" in self.negative and text.startswith("(") and text.endswith(")"):
            return text[1:-1], True
        return text, False

    def _scaled(self, value: Decimal) -> Decimal | str:
        scaled = value if self.times is None else value * self.times
        if abs(scaled) >= NUMBER_CAP:
            return "out_of_range"
        return scaled


def reader_of_numbers(round_to: int | None, times: Decimal | None) -> Callable[[str], Decimal | str]:
    """A function from the text of a cell that was a number already (Parquet, workbook, database) to it, or to a reason.

    The text is the shortest one that gives the same number back, so 0.1 + 0.2 shows its seventeen digits: such a number is
    refused unless the mapping says to how many decimals it may be rounded.
    """
    plain = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
    scale = NumberGrammar(times=times)

    def read(text: str) -> Decimal | str:
        if not plain.fullmatch(text):
            return "non_finite" if text.strip().lower() in NOT_FINITE else "bad_number"
        value = Decimal(text)
        if abs(value) >= NUMBER_CAP * 1000:
            return "out_of_range"
        if round_to is not None:
            value = value.quantize(Decimal(1).scaleb(-round_to), rounding=ROUND_HALF_EVEN)
        return scale._scaled(value + 0)  # noqa: SLF001 - the same room; + 0 makes a floating -0.0 plain zero

    return read
