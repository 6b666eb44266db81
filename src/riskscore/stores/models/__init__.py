"""Models at rest: recorded in MLflow for everyone to read, and loaded for scoring only where the bytes are the approved ones.

MLflow keeps bytes and figures. It never loads a model for us, and an alias in it approves nothing.
"""

from riskscore.stores.models.approved import approve_version, load_approved, promote_version, roll_back_version
from riskscore.stores.models.recording import Recorded, record
from riskscore.stores.models.registry import Registry, Version

__all__ = [
    "Recorded",
    "Registry",
    "Version",
    "approve_version",
    "load_approved",
    "promote_version",
    "record",
    "roll_back_version",
]
