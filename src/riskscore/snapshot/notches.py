"""Rating symbols as notches: 1 is the best grade, 22 is default. Standard & Poor's, Fitch and Moody's write the same ladder."""

from collections.abc import Mapping

_LADDER = (
    ("AAA", "Aaa"),
    ("AA+", "Aa1"),
    ("AA", "Aa2"),
    ("AA-", "Aa3"),
    ("A+", "A1"),
    ("A", "A2"),
    ("A-", "A3"),
    ("BBB+", "Baa1"),
    ("BBB", "Baa2"),
    ("BBB-", "Baa3"),
    ("BB+", "Ba1"),
    ("BB", "Ba2"),
    ("BB-", "Ba3"),
    ("B+", "B1"),
    ("B", "B2"),
    ("B-", "B3"),
    ("CCC+", "Caa1"),
    ("CCC", "Caa2"),
    ("CCC-", "Caa3"),
    ("CC", "Ca"),
    ("C",),
    ("D", "SD", "RD"),
)

NOTCHES: Mapping[str, int] = {symbol: notch for notch, symbols in enumerate(_LADDER, start=1) for symbol in symbols}
"""Symbol to notch. A symbol of another scale has no notch: it is kept as text and not compared."""
