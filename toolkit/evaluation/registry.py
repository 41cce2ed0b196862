"""One scorer per protocol: which files it reads and which kernels it calls."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.datasets.sequence import Benchmark
from toolkit.errors import ProtocolError
from toolkit.evaluation.base import Scorer
from toolkit.evaluation.got10k import Got10kScorer
from toolkit.evaluation.longterm import LongtermScorer
from toolkit.evaluation.multistart import MultistartScorer
from toolkit.evaluation.ope import OpeScorer
from toolkit.evaluation.supervised import SupervisedScorer
from toolkit.evaluation.trackingnet import TrackingNetScorer

SCORERS: Mapping[str, type[Scorer]] = {
    "ope": OpeScorer,
    "supervised": SupervisedScorer,
    "longterm": LongtermScorer,
    "got10k": Got10kScorer,
    "trackingnet": TrackingNetScorer,
    "multistart": MultistartScorer,
}


def make_scorer(
    benchmark: Benchmark, protocol: str | None = None, rules: str = "pysot", experiment: str = "baseline"
) -> Scorer:
    """The scorer of a benchmark; `protocol` replaces the benchmark's own. Raises `ProtocolError` for an unknown one."""
    chosen = protocol or ("trackingnet" if benchmark.name == "TrackingNet" else benchmark.protocol)
    if chosen not in SCORERS:
        raise ProtocolError(f"Unknown protocol '{chosen}'. Choose from: {', '.join(SCORERS)}.")
    if chosen == "ope":
        return OpeScorer(benchmark, rules)
    if chosen == "supervised":
        return SupervisedScorer(benchmark, experiment)
    return SCORERS[chosen](benchmark)
