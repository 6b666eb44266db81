"""A second, slow engine in plain Python: what the definitions say, one fact at a time, to hold the fast one against."""
