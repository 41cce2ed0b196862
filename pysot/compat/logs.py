"""PySOT's loggers: lines with the time, the process and the place in the program."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import partial

from pysot.training.distributed import context_from_environment

Formatting = Callable[[logging.Logger, int], logging.Formatter]

_started: set[tuple[str, int]] = set()
_told: set[tuple[str, int, str]] = set()


def _format(fields: str, logger: logging.Logger, level: int) -> logging.Formatter:
    rank = context_from_environment().rank
    if level == logging.INFO and rank != 0:
        logger.addFilter(lambda record: False)
    return logging.Formatter(f"[%(asctime)s-rk{rank}-{fields}%(message)s")


get_format: Formatting = partial(_format, "%(filename)s#%(lineno)3d] ")
"""Formatter of a logger's lines; at INFO, processes other than the main one then log nothing."""


def init_log(name: str, level: int = logging.INFO, format_func: Formatting = get_format) -> logging.Logger:
    """The logger `name`; from the first call on it writes what is at least `level` to stderr."""
    logger = logging.getLogger(name)
    if (name, level) not in _started:
        _started.add((name, level))
        logger.setLevel(level)
        handler = logging.StreamHandler()
        handler.setLevel(level)
        handler.setFormatter(format_func(logger, level))
        logger.addHandler(handler)
    return logger


def add_file_handler(name: str, log_file: str, level: int = logging.INFO) -> None:
    """Lets the logger `name` also write to a file."""
    logger = logging.getLogger(name)
    handler = logging.FileHandler(log_file)
    handler.setFormatter(get_format(logger, level))
    logger.addHandler(handler)


def print_speed(i: int, i_time: float, n: int) -> None:
    """Logs that `i` of `n` steps of `i_time` seconds each are done, and how long the others take."""
    minutes = int((n - i) * i_time) // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    logging.getLogger("global").info(
        "Progress: %d / %d [%d%%], Speed: %.3f s/iter, ETA %d:%02d:%02d (D:H:M)\n",
        i, n, i / n * 100, i_time, days, hours, minutes % 60,
    )  # fmt: skip


def log_once(strings: str) -> None:
    """Logs a text the first time that this line of a program logs it."""
    frame = inspect.currentframe()
    caller = None if frame is None else frame.f_back
    place = ("", 0) if caller is None else (caller.f_code.co_filename, caller.f_lineno)
    if (*place, strings) not in _told:
        _told.add((*place, strings))
        init_log("log_once", format_func=partial(_format, "")).info("%s#%d] %s", *place, strings)


init_log("global")
