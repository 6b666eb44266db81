"""The schema's history, one file a change. A file that was released is never edited; the next change is the next file."""
