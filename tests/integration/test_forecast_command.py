"""`riskscore forecast`: from a book and an approved model to dates of payment and cash, the same bytes every time."""
