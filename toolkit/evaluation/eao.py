"""Expected average overlap of VOT with restarts (docs/evaluation.md, With restarts).

Kristan et al., "The Visual Object Tracking VOT2015 challenge results" (ICCVW 2015), section 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as AbstractSequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from toolkit.datasets.annotation import VOT_TAGS, fit_tag
from toolkit.datasets.sequence import Sequence
from toolkit.errors import ProtocolError
from toolkit.evaluation.metrics import Curve, Metric
from toolkit.evaluation.statistics import SequenceStatistic
from toolkit.protocols.vot import FAILED, SKIP_FRAMES

ACCURACY = Metric("accuracy", "Accuracy", label="Accuracy (mean overlap)")
EAO = Metric("eao", "EAO", label="Expected average overlap")
EAO_CURVE = Curve("eao", "eao", "expected overlap", "Sequence length (frames)", "Expected overlap", EAO.label)
"""What VOT's scorers with and without restarts declare alike."""

_INTERVALS = {2015: (108, 371), 2016: (108, 371), 2017: (100, 356), 2018: (100, 356), 2019: (46, 291)}


def interval(benchmark: str, lengths: NDArray[np.int64]) -> tuple[int, int]:
    """Shortest and longest sequence length (frames) that the EAO of this benchmark averages over.

    The organizers' figure for a VOT year, else the range around the mode of a Gaussian kernel density of `lengths` that
    holds half of its mass, which is how theirs are made. Raises `ProtocolError` when there is no sequence.
    """
    match = re.match(r"VOT(20\d\d)", benchmark)
    if match and int(match[1]) in _INTERVALS:
        return _INTERVALS[int(match[1])]
    if len(lengths) == 0:
        raise ProtocolError(f"{benchmark} has no sequences, hence no interval for its EAO.")
    spread = max(1.0, float(np.median(np.abs(lengths - np.median(lengths)))) / 0.6745)
    bandwidth = spread * (4.0 / (3.0 * len(lengths))) ** 0.2
    grid = np.arange(1, int(lengths.max()) + 1)
    density = np.exp(-0.5 * ((grid[:, None] - lengths) / bandwidth) ** 2).sum(axis=1)
    density /= density.sum()
    low = high = int(density.argmax())
    mass = density[low]
    while mass < 0.5 and (low > 0 or high < len(grid) - 1):
        below = density[low - 1] if low > 0 else -1.0
        above = density[high + 1] if high < len(grid) - 1 else -1.0
        low, high, mass = (low - 1, high, mass + below) if below > above else (low, high + 1, mass + above)
    return int(grid[low]), int(grid[high])


def frame_tags(sequences: AbstractSequence[Sequence]) -> dict[str, NDArray[np.bool_]]:
    """VOT tag -> (F,) frames that carry it, over all sequences one after the other; `empty` are those with no tag.

    A sequence's tag list may be shorter than the sequence (some of VOT's are, or are empty): the rest is untagged. Tags
    that no frame carries are left out.
    """
    names = [tag for tag in VOT_TAGS if any(tag in sequence.frame_tags for sequence in sequences)]
    if not names:
        return {}
    rows = {name: [np.asarray(s.frame_tags.get(name, ()), dtype=np.bool_) for s in sequences] for name in names}
    lengths = [len(sequence.ground_truth) for sequence in sequences]
    tags = {name: np.concatenate(list(map(fit_tag, one, lengths))) for name, one in rows.items()}
    tags["empty"] = ~np.any(list(tags.values()), axis=0)
    return {name: frames for name, frames in tags.items() if frames.any()}


@njit(cache=True, nogil=True)
def expected_overlaps(
    codes: NDArray[np.int64],
    overlaps: NDArray[np.float64],
    offsets: NDArray[np.int64],
    tag: NDArray[np.bool_],
    n_lengths: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted sums (S, n_lengths) of mean overlap after i frames, and (S, n_lengths) sums of the weights.

    `codes` and `overlaps` (R, F) as in `SupervisedOverlaps`, `tag` (F,) the frames that carry the attribute (all True
    for the plain EAO). A run is cut at each restart; a piece that ended in a failure stays at overlap 0 for ever, the
    last piece is unknown after its end, and a piece weighs as much as the share of its frames that carry the tag.
    """
    n_sequences = len(offsets) - 1
    sums = np.zeros((n_sequences, n_lengths))
    weights = np.zeros((n_sequences, n_lengths))
    for repetition in range(len(codes)):
        for s in range(n_sequences):
            end = offsets[s + 1]
            start = offsets[s]
            for frame in range(offsets[s], end):
                restart = frame + SKIP_FRAMES
                if codes[repetition, frame] == FAILED and restart <= end:
                    stop = min(restart + 1, end)
                    share = tag[start:stop].sum() / (restart - start + 1)
                    _add_piece(overlaps[repetition, start:stop], share, True, sums[s], weights[s])
                    start = restart
            if start < end:
                share = tag[start:end].sum() / (end - start)
                _add_piece(overlaps[repetition, start:end], share, False, sums[s], weights[s])
    return sums / len(codes), weights / len(codes)


def eao_statistic(sums: NDArray[np.float64], weights: NDArray[np.float64], low: int, high: int) -> SequenceStatistic:
    """EAO: the curve averaged over lengths low ... high (indices low-1 ... high-1), unknown points left out."""
    return SequenceStatistic(sums[:, low - 1 : high], weights[:, low - 1 : high])


@njit(cache=True, nogil=True)
def _add_piece(
    piece: NDArray[np.float64], weight: float, failed: bool, sums: NDArray[np.float64], weights: NDArray[np.float64]
) -> None:
    """Adds the running mean of `piece`, its first frame left out, to the curve; length 1 is 1 by definition."""
    if weight == 0.0:
        return
    total = 0.0
    sums[0] += weight
    weights[0] += weight
    for i in range(1, len(sums) if failed else min(len(sums), len(piece))):
        if i < len(piece):
            total += 0.0 if np.isnan(piece[i]) else piece[i]
        sums[i] += weight * total / i
        weights[i] += weight
