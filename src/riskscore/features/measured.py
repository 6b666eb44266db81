"""The measures all themes share: one collection per frame of the snapshot, so that each frame is read once."""

from riskscore.snapshot.measures import Measures

ITEMS = Measures()
RECEIPTS = Measures()
