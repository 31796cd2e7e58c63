"""The rule book's second compilation: a plan that judges a chunk of the population as columns.

It needs the extra `[batch]` (polars); nothing of the base install imports this package at module level.
"""
