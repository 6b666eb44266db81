"""The report: one HTML file over a book at a date, from facts to markup."""
