"""How much the rows of a customer repeat each other, and how many customers a book therefore speaks for.

A hundred invoices of one customer are not a hundred customers. What is learned of customers is held back as if each had so many
rows as the customer of a row picked at random; where a few buy most of what is sold, that is many more than the mean.
"""

import math
from typing import Any

import numpy as np

USUAL = 2.3
"""How many times the mean the rows of a row's own customer are where the sizes of customers vary as usual (2.0 to 2.4 in
simulated books of 100 to 2,400 customers). The penalties of a recipe are meant for such a book.
"""

AS_MANY = 2.0
"""Customers counted for an effective one. Of those that paid late there are 2.4 to 3.1 for an effective one in simulated books,
so that up to a third are not counted there either; in UDYAM, a ledger with a few large vendors, there are 26.
"""


def rows_each(ids: Any) -> float:
    """The rows of a customer that penalties are multiplied by. ids: the customer of every row, as numbers from 0.

    The mean; or, where few customers have most rows, the size-biased mean sum(n^2) / sum(n) over what is usual, if that is more.
    """
    count = np.bincount(ids).astype(np.float64)
    count = count[count > 0]
    if not len(count):
        return 1.0
    return float(max(count.mean(), (count**2).sum() / count.sum() / USUAL))


def customers_shown(ids: Any) -> int:
    """How many customers the rows speak for: their number, or fewer where a few have most rows.

    The effective sample size sum(n)^2 / sum(n^2) of unequal clusters (Kish 1965, Survey Sampling), times `AS_MANY`.
    """
    count = np.bincount(ids).astype(np.float64)
    there = int((count > 0).sum())
    if not there:
        return 0
    return min(there, math.floor(AS_MANY * float(count.sum() ** 2 / (count**2).sum())))
