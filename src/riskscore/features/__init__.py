"""Features: one row per (customer, date), one column per question a credit analyst would ask of the ledger."""

from riskscore.features.catalogue import CATALOGUE, compute
from riskscore.features.feature import Feature

__all__ = ["CATALOGUE", "Feature", "compute"]
