"""GOT-10k's protocol: one pass, repeated, with the time of every frame (specs/evaluation.md section 2).

A repetition is the same pass as in one-pass evaluation; what GOT-10k adds is the number of repetitions, the rule that
ends them early, and the result layout (`toolkit.results.writer`).
"""

from __future__ import annotations

from collections.abc import Sequence as AbstractSequence

REPETITIONS_TO_AGREE = 3
"""So many equal repetitions prove a tracker deterministic, and further ones are skipped. VOT has the same rule."""


def is_deterministic(repetitions: AbstractSequence[str]) -> bool:
    """Whether the result texts of the repetitions so far show that the tracker always answers the same."""
    first = repetitions[:REPETITIONS_TO_AGREE]
    return len(first) == REPETITIONS_TO_AGREE and len(set(first)) == 1
