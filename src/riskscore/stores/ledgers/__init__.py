"""Ledgers on disk: exports are read through a mapping, checked, and published as a book that ledgers are taken from."""

from riskscore.stores.ledgers.book import Book, bucket_of, open_book
from riskscore.stores.ledgers.writing import write_book

__all__ = ["Book", "bucket_of", "open_book", "write_book"]
