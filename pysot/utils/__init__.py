"""PySOT's helpers at PySOT's paths (docs/pysot_users.md); they are in `pysot.compat`."""
