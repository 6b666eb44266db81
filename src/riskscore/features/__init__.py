"""Features by theme, each a docstring people can read and an expression an engine can run; CATALOGUE lists them."""
