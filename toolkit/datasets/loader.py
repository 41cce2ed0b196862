"""Finds a benchmark by name or path and opens its sequences."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.datasets.catalog import BenchmarkRow, find_row, require_row
from toolkit.datasets.layouts import Found, find_sequences
from toolkit.datasets.layouts.own import EXPECTED, empty_sequences, own_data
from toolkit.datasets.layouts.pysot_json import pysot_json
from toolkit.datasets.layouts.text_files import annotation_archive, annotation_folder, is_archive
from toolkit.datasets.sequence import Benchmark, Sequence
from toolkit.errors import DatasetError, abbreviate

ROOT_VARIABLE = "SOT_DATA_ROOT"
"""Environment variable that names the folder above `testing_dataset`."""


@dataclass(frozen=True)
class Discovery:
    """What was found before any annotation is read.

    Attributes:
        name: canonical name of the benchmark.
        protocol: how it is run.
        found: sequence name -> the call that opens it, in order.
        missing: names the benchmark lists that were not found.
    """

    name: str
    protocol: str
    found: Found
    missing: tuple[str, ...] = ()


def load_benchmark(
    name_or_path: str, root: str | Path | None = None, *, video: str | None = None, partial: bool = False
) -> Benchmark:
    """Loads a benchmark by name, or a user's own data by path.

    Args:
        name_or_path: a benchmark's name (`OTB100`, `VOT2018`, `uav123@10fps`, `SYNTH`, ...), or the path of a folder of
            sequences, of one sequence, of a folder of images, of a video file, or of a JSON file in PySOT's form.
        root: where the benchmark lies: its official folder, a folder that holds it, a folder with `NAME.json` or
            `NAME/NAME.json`, or one with annotations alone (`NAME/*.txt`, `NAME*.tar.gz`). None: `./testing_dataset`,
            then `$SOT_DATA_ROOT/testing_dataset` and `$SOT_DATA_ROOT`.
        video: load only this sequence.
        partial: leave out sequences whose annotation cannot be read, and name them in `unreadable`: enough for a run.

    Returns:
        The sequences that are there, sorted by name; `missing` names the others. Images are not opened. Where some
        sequences have images and others only annotations, the latter count as missing; where none has, all are
        returned without frames, which is enough for scoring.

    Raises:
        DatasetError: unknown name, nothing found (the message lists every place looked at), or annotations that
            cannot be read (file and line): a score over the others would be another benchmark's.
    """
    row = find_row(name_or_path)
    if row is not None and row.layout == "synthetic":
        from toolkit.synthetic import synth_benchmark, synth_longterm_benchmark  # the renderer uses this package

        part = row.name.partition("-")[2]
        benchmark = synth_longterm_benchmark() if row.protocol == "longterm" else synth_benchmark(part=part)
        return benchmark if video is None else benchmark.select(video)
    discovery = discover(name_or_path, root)
    if video is not None:
        return Benchmark(
            discovery.name, discovery.protocol, _with_known_attributes(discovery, (_open_one(discovery, row, video),))
        )
    sequences, faults = _open_all(discovery)
    if faults and not (partial and sequences):
        raise DatasetError(_unreadable(discovery, faults, name_or_path, root))
    missing = discovery.missing
    if len({sequence.frames is None for sequence in sequences}) == 2:
        missing = tuple(sorted((*missing, *(sequence.name for sequence in sequences if sequence.frames is None))))
        sequences = tuple(sequence for sequence in sequences if sequence.frames is not None)
    return Benchmark(discovery.name, discovery.protocol, _with_known_attributes(discovery, sequences), missing, faults)


def _with_known_attributes(discovery: Discovery, sequences: tuple[Sequence, ...]) -> tuple[Sequence, ...]:
    """The sequences, with the attributes that the benchmark's row lists where their files say none."""
    row = find_row(discovery.name)
    if row is None or not row.known_attributes:
        return sequences
    known = {sequence.name: row.known_attributes.get(row.canonical(sequence.name), ()) for sequence in sequences}
    return tuple(replace(one, attributes=one.attributes or known[one.name]) for one in sequences)


def discover(name_or_path: str, root: str | Path | None = None) -> Discovery:
    """Finds the sequences of a benchmark (not a synthetic one) or of a user's own data, and opens none."""
    row = find_row(name_or_path)
    if row is not None:
        return _discover_row(row, root)
    path = Path(name_or_path)
    if not path.exists() and root is not None:
        path = Path(root) / name_or_path
    if not path.exists():
        require_row(name_or_path)
    return _discover_own(path)


def _discover_row(row: BenchmarkRow, root: str | Path | None) -> Discovery:
    if root is not None:
        roots = [Path(root)]
    else:
        data = os.environ.get(ROOT_VARIABLE)
        roots = [Path("testing_dataset"), *((Path(data) / "testing_dataset", Path(data)) if data else ())]
    listed = set(row.names or ())
    strangers: list[str] = []
    for found, defines_list in _candidates(row, roots):
        names = {name: row.canonical(name) for name in found}
        if not defines_list and row.names is not None:
            names = {name: canonical for name, canonical in names.items() if canonical in listed}
        if names:
            missing = tuple(name for name in row.names or () if name not in names.values())
            return Discovery(row.name, row.protocol, {name: found[name] for name in sorted(names)}, missing)
        strangers.extend(found)
    raise DatasetError(_nothing_found(row, roots, strangers))


def _candidates(row: BenchmarkRow, roots: list[Path]) -> Iterator[tuple[Found, bool]]:
    """Every place the benchmark may be, best first: what it holds, and whether it says which sequences there are."""
    bases = _bases(row, roots)
    for names, defines_list in ((row.own_names(), True), (row.shares, False)):
        for root, base in bases:
            for name in names:
                if (base / f"{name}.json").is_file():
                    yield pysot_json(base / f"{name}.json", (base, root)), defines_list
    for _, base in bases:
        if base.is_dir():
            yield find_sequences(base, row), False
    for root, base in bases:
        # texts at the root itself may be anything, unless the names are known or the folder bears the benchmark's
        if base.is_dir() and (base != root or row.names is not None or base.resolve().name in row.folder_names()):
            yield annotation_folder(base, row), False
    for root in roots:
        yield _archives(row, root), False


def _bases(row: BenchmarkRow, roots: list[Path]) -> list[tuple[Path, Path]]:
    """(root, folder) for every folder that may hold the benchmark: each root and its folders of a fitting name."""
    return [(root, base) for root in roots for base in (root, *(root / name for name in row.folder_names()))]


def _archives(row: BenchmarkRow, root: Path) -> Found:
    """Sequences in the first archive whose name begins with the benchmark's; `root` may be the archive itself."""
    if is_archive(root):
        return annotation_archive(root, row)
    for name in row.folder_names():
        for path in sorted(root.glob(f"{name}*")) if root.is_dir() else []:
            stem = path.name.split(".")[0]
            if is_archive(path) and find_row(stem) in (None, row, *map(find_row, row.shares)):
                found = annotation_archive(path, row)
                if found:
                    return found
    return {}


def _nothing_found(row: BenchmarkRow, roots: list[Path], strangers: list[str]) -> str:
    """The message that names every folder and every pattern that was tried."""
    absent = [str(root) for root in roots if not root.exists()]
    note = f" These do not exist: {', '.join(absent)}." if absent else ""
    if strangers:
        note += f" Found only sequences that are not part of it: {', '.join(strangers[:5])}."
    wanted = [f"{name}.json" for name in (*row.own_names(), *row.shares)]
    wanted += [*row.annotations, "*.txt", *(f"{name}*.tar.gz" for name in (*row.own_names(), *row.shares))]
    return (
        f"No sequence of {row.name} was found.{note} Pass the folder that holds it as dataset root.\n"
        f"  looked in: {', '.join(str(base) for _, base in _bases(row, roots))}\n"
        f"  looked for: {', '.join(wanted)}"
    )


def _discover_own(path: Path) -> Discovery:
    json_file = path if path.suffix == ".json" else path / f"{path.resolve().name}.json"
    found = pysot_json(json_file, (json_file.parent,)) if json_file.is_file() else own_data(path)
    empty = empty_sequences(path)
    if not found:
        note = f" Without any image: {', '.join(empty[:5])}." if empty else ""
        raise DatasetError(
            f"{path} holds no sequence.{note} Expected a video file (its boxes in <video>.txt beside it), a folder of "
            f"images, or {EXPECTED}."
        )
    name = path.resolve().stem if path.is_file() else path.resolve().name
    known = find_row(name) if json_file.is_file() else None
    if known is not None:
        return Discovery(known.name, known.protocol, found)
    return Discovery(name, "ope", found, empty)


def _open_all(discovery: Discovery) -> tuple[tuple[Sequence, ...], dict[str, str]]:
    """Every sequence that can be opened, and for each other why not."""
    sequences: list[Sequence] = []
    faults: dict[str, str] = {}
    for name, opener in discovery.found.items():
        try:
            sequences.append(opener())
        except DatasetError as error:
            faults[name] = str(error)
    return tuple(sequences), faults


def _unreadable(discovery: Discovery, faults: Mapping[str, str], name_or_path: str, root: str | Path | None) -> str:
    """The message for all sequences that cannot be opened, because none may be lost silently."""
    command = f"tools/data.py check {name_or_path}" + (f" --dataset_root {root}" if root is not None else "")
    listed = abbreviate(list(faults.values()), "\n  ", shown=3)
    return (
        f"{discovery.name}: {len(faults)} of {len(discovery.found)} sequences cannot be opened:\n  {listed}\n"
        f"Repair or remove them; `{command} --no-decode` lists all."
    )


def _open_one(discovery: Discovery, row: BenchmarkRow | None, video: str) -> Sequence:
    for name, opener in discovery.found.items():
        if name == video or (row is not None and row.canonical(name) == row.canonical(video)):
            return opener()
    state = "is listed but not there" if video in discovery.missing else "is not one of its sequences"
    raise DatasetError(f"{discovery.name}: '{video}' {state}. There are: {', '.join(discovery.found)}.")
