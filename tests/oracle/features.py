"""The definition of every feature, read off its docstring and written as plainly as can be: lists, sums, one division."""

from oracle import balance, lateness, receipts, relationship, statements, words
from oracle.words import ORACLES

ROOMS = (words, lateness, receipts, balance, relationship, statements)
"""Where the definitions are written, by subject."""

__all__ = ["ORACLES", "ROOMS"]
