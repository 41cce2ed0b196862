"""Published scores against those computed here from the same authors' raw result files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.datasets import load_benchmark
from toolkit.errors import ResultError
from toolkit.evaluation import evaluate
from toolkit.report.formats import Table

REFERENCE_FILE = "REFERENCE_SCORES.json"
_BENCHMARKS = {"OTB100_jwlim": "OTB100", "LaSOT_test280": "LaSOT"}
_FOLDERS = {"LaSOT_test280": "LaSOT"}
_SCALARS = {
    "published_EAO": ("eao", 1.0),
    "published_AUC_percent": ("success", 0.01),
    "reference_toolkit_AUC": ("success", 1.0),
    "reference_toolkit_P20": ("precision", 1.0),
}
"""Key in the reference file -> our metric and the factor to its unit."""


@dataclass(frozen=True)
class Reproduction:
    """One published number and ours."""

    benchmark: str
    tracker: str
    metric: str
    published: float
    reproduced: float
    source: str

    @property
    def difference(self) -> float:
        """Ours minus the published one."""
        return self.reproduced - self.published


def reproduce(results: Path, annotations: Path) -> list[Reproduction]:
    """Scores every tracker of `results/REFERENCE_SCORES.json` that has a published number.

    `results` holds `<benchmark>/<tracker>` folders or archives, `annotations` what `load_benchmark` reads. Raises
    `ResultError` when the file cannot be read or a tracker cannot be scored.
    """
    found = []
    for entry, trackers in _reference(results / REFERENCE_FILE).items():
        benchmark = load_benchmark(_BENCHMARKS.get(entry, entry), annotations)
        report = evaluate(benchmark, results / _FOLDERS.get(entry, entry))
        for name, record in trackers.items():
            source = next((str(value) for key, value in record.items() if key.endswith("_source")), "")
            source = re.sub(r"\s*\([^()]*\)$", "", source)  # a remark about the file, not where the number is from
            for metric, value in _published(record):
                found.append(Reproduction(entry, name, metric, value, report[name].scores[metric], source))
    return found


def reproduction_table(found: list[Reproduction]) -> Table:
    """One row per published number."""
    rows = []
    for one in found:
        numbers = f"{one.published:.4g}", f"{one.reproduced:.4f}", f"{one.difference:+.4f}"
        rows.append((one.benchmark, one.tracker, one.metric, *numbers, one.source))
    return Table(
        "Published scores and the ones computed from the same raw result files",
        ("Benchmark", "Tracker", "Score", "Published", "Reproduced", "Difference", "Source"),
        tuple(rows),
    )


def _reference(path: Path) -> dict[str, dict[str, Mapping[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultError(f"{path}: cannot be read ({error}); expected published scores as JSON.") from None
    return {name: trackers for name, trackers in content.items() if isinstance(trackers, dict)}


def _published(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if "published" in record:
        yield from zip(("success", "precision"), record["published"], strict=True)
    for key, (metric, factor) in _SCALARS.items():
        if key in record:
            yield metric, factor * float(record[key])
