"""PySOT's running means."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass
class Meter:
    """The last value and the mean of one quantity."""

    name: str
    val: float
    avg: float

    def __repr__(self) -> str:
        return f"{self.name}: {self.val:.6f} ({self.avg:.6f})"

    def __format__(self, spec: str) -> str:
        return repr(self)


class AverageMeter:
    """Means over the last `num` values of any number of quantities; of all values with a negative `num`.

    Each quantity is an attribute: `meter.loss.avg`.
    """

    def __init__(self, num: int = 100) -> None:
        self.num = num
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.val: dict[str, float] = {}
        self.history: dict[str, deque[float]] = {}

    def update(self, batch: int = 1, **kwargs: float) -> None:
        """Adds each value, a sum over `batch` samples, as so many times its mean."""
        for name, value in kwargs.items():
            self.val[name] = value / float(batch)
            history = self.history.setdefault(name, deque(maxlen=None if self.num < 0 else max(1, self.num)))
            history.extend([self.val[name]] * batch)

    def avg(self, attr: str) -> float:
        """Mean of the quantity `attr`."""
        return sum(self.history[attr]) / len(self.history[attr])

    def format_str(self, attr: str) -> str:
        """Name, last value and mean of the quantity `attr`."""
        return f"{Meter(attr, self.val[attr], self.avg(attr))} "

    def __getattr__(self, attr: str) -> Meter:
        if attr.startswith("__") or attr in ("val", "history"):
            raise AttributeError(attr)
        return Meter(attr, self.val[attr], self.avg(attr)) if attr in self.val else Meter(attr, 0, 0)

    def __repr__(self) -> str:
        return "".join(map(self.format_str, self.val))
