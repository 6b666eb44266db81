"""The gate at work: both models on the same rows of a book, the comparison kept, and how it looks in a terminal."""
