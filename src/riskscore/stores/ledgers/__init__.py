"""Ledgers on disk: exports are read through a mapping, checked, and published as a book that ledgers are taken from."""

from riskscore.stores.ledgers.book import Book, bucket_of, open_book
from riskscore.stores.ledgers.ingestion import check, ingest
from riskscore.stores.ledgers.reception import Delivery

__all__ = ["Book", "Delivery", "bucket_of", "check", "ingest", "open_book"]
