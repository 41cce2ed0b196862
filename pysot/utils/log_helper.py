"""PySOT's loggers at PySOT's path (docs/pysot_users.md)."""

from __future__ import annotations

from pysot.compat.logs import add_file_handler, get_format, init_log, log_once, print_speed

__all__ = ["add_file_handler", "get_format", "init_log", "log_once", "print_speed"]
