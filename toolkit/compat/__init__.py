"""PySOT's toolkit under PySOT's names (docs/pysot_users.md): data sets, benchmarks with printed tables, figures.

The old import paths hand out what is here; nothing else in the package uses it.
"""
