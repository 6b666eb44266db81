"""What finance asks of a book: the material of its verbs, and the one page that a terminal and a browser show alike."""
