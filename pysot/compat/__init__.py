"""PySOT's Python API, for programs written against it (docs/pysot_users.md).

One file per part; modules at PySOT's own paths hand it out. What is here calls the models, trackers, losses and data of
this package. It alone works on a config that all share, as PySOT's programs expect.
"""
