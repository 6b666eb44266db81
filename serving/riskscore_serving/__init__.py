"""The decision service: the API and, later, the pages."""
