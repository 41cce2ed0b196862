"""Workspaces of the VOT toolkit: which trackers it starts and how, and sequences made of links to the user's data."""

from __future__ import annotations

import configparser
import io
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.datasets import Benchmark
from toolkit.datasets import Sequence as Video
from toolkit.datasets.frames import ImageFiles
from toolkit.datasets.image_folder import ImageFolder
from toolkit.errors import FrameError, ToolkitError, abbreviate
from toolkit.regions import format_region
from toolkit.results.writer import write_files

CONFIG, TRACKERS, SEQUENCES = "config.yaml", "trackers.ini", "sequences"
_FPS = 30
_DESCRIBED = ("*.txt", "*.tag", "*.value", "sequence")
"""What describes a sequence of the challenge's own data, beside its images."""


class WorkspaceError(ToolkitError):
    """A workspace cannot be written: it exists, or the data cannot be linked."""


@dataclass(frozen=True)
class TrackerEntry:
    """A tracker as the toolkit starts it: `identifier` (letters, digits, `_`, `-`), and the words of its command."""

    identifier: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """What the toolkit calls a challenge: its name there, the benchmark whose data it needs, the form of regions."""

    name: str
    benchmark: str
    region: str

    @property
    def several_objects(self) -> bool:
        """Whether its sequences have several targets, each with its own file of truth."""
        return self.name.startswith("vots")


def find_stack(text: str) -> Stack:
    """The stack that a user means: `vot2018`, `vot2018/shortterm`, `vot2022/shorttermbox`, `vots2023`, ...

    A year alone is its short-term challenge. Raises `WorkspaceError` for what is no stack of the challenge.
    """
    match = re.fullmatch(r"(vots?)(20\d\d)(?:/(\w+))?", text.lower())
    if match is None:
        raise WorkspaceError(
            f"'{text}' is no stack of the VOT toolkit. Expected as vot2018, vot2019/longterm, vot2022/shorttermbox or "
            "vots2023; `vot initialize --help` of the toolkit says where its own are."
        )
    kind, year, part = match[1], int(match[2]), match[3]
    if kind == "vots":
        return Stack(f"vots{year}" if year == 2023 and not part else f"vots{year}/{part or 'main'}", text, "mask")
    part = part or {2015: "rgb", 2016: "rgb"}.get(year, "shortterm" if year >= 2018 else "")
    name = f"vot{year}/{part}" if part else f"vot{year}"
    if part == "longterm":
        return Stack(name, f"VOT{year}-LT", "rectangle")
    if part == "shorttermbox":
        return Stack(name, f"VOT{year}-STB", "rectangle")
    return Stack(name, f"VOT{year}", "mask" if year >= 2020 else "polygon")


def write_workspace(
    folder: Path, stack: Stack, trackers: Sequence[TrackerEntry], data: Benchmark | Path, *, update: bool, copy: bool
) -> list[str]:
    """Writes `config.yaml`, `trackers.ini` and `sequences/` below `folder`; the names of the sequences in it.

    Args:
        data: the sequences, each with its images in files; for a stack of several objects the folder of the challenge's
            own data, whose files are linked as they are.
        update: adds trackers and sequences to a workspace that is there; its results stay.
        copy: copies images instead of linking to them.

    Raises `WorkspaceError` when there is a workspace already, one of another stack, or the data cannot be linked.
    """
    _require_free(folder, stack, update)
    place = folder / SEQUENCES
    written = _link_folders(data, place, copy) if isinstance(data, Path) else _link_videos(data, place, copy)
    known = (place / "list.txt").read_text().split() if (place / "list.txt").is_file() else []
    names = sorted({*known, *written})
    config = f"registry:\n- ./{TRACKERS}\nstack: {stack.name}\nsequences: ./{SEQUENCES}\n"
    write_files(
        {
            place / "list.txt": "".join(f"{name}\n" for name in names),
            folder / TRACKERS: _trackers_text(folder / TRACKERS, trackers),
            folder / CONFIG: config,
        }
    )
    return names


def _require_free(folder: Path, stack: Stack, update: bool) -> None:
    found = [name for name in (CONFIG, TRACKERS, SEQUENCES, "results") if (folder / name).exists()]
    if not found:
        return
    if not update:
        raise WorkspaceError(
            f"{folder} is a workspace already ({', '.join(found)}). Choose another folder, or add trackers and "
            "sequences to it with --update; its results stay."
        )
    text = (folder / CONFIG).read_text() if (folder / CONFIG).is_file() else ""
    other = re.search(r"^stack:\s*(\S+)", text, re.MULTILINE)
    if other and other[1] != stack.name:
        raise WorkspaceError(
            f"{folder} is a workspace of the stack {other[1]}, not {stack.name}. Choose another folder."
        )


def _trackers_text(path: Path, trackers: Sequence[TrackerEntry]) -> str:
    """The registry: what is there, with the sections of `trackers` new."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read(path)
    except configparser.Error as error:
        raise WorkspaceError(f"{path} cannot be read ({error}). Mend or remove it.") from error
    for tracker in trackers:
        parser[tracker.identifier] = {
            "label": tracker.identifier,
            "protocol": "trax",
            "command": shlex.join(tracker.command),
            **{f"env_{name}": value for name, value in tracker.environment.items()},
        }
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def _link_videos(benchmark: Benchmark, place: Path, copy: bool) -> list[str]:
    for video in benchmark:
        folder = place / video.name
        paths = _image_paths(video)
        suffix = paths[0].suffix.lower()
        for number, path in enumerate(paths, start=1):
            _link(path, folder / "color" / f"{number:08d}{suffix}", copy)
        write_files({folder / name: text for name, text in _description(video, suffix)})
    return list(benchmark.names())


def _image_paths(video: Video) -> list[Path]:
    frames = video.require_frames()
    if not isinstance(frames, ImageFiles | ImageFolder):
        raise WorkspaceError(
            f"'{video.name}' is no sequence of image files, and the VOT toolkit reads files. Extract its frames: "
            f"ffmpeg -i VIDEO -q:v 2 {video.name}/%08d.jpg"
        )
    paths = [Path(frames.label(index)).absolute() for index in range(len(frames))]
    absent = [path.name for path in paths if not path.is_file()]
    if absent:
        raise WorkspaceError(f"'{video.name}' lacks {len(absent)} of {len(paths)} images: {abbreviate(absent)}.")
    kinds = {path.suffix.lower() for path in paths}
    if len(kinds) != 1:
        raise WorkspaceError(f"'{video.name}' mixes {', '.join(sorted(kinds))}; a channel has images of one kind.")
    return paths


def _description(video: Video, suffix: str) -> Iterator[tuple[str, str]]:
    """The files that describe a sequence, name and text."""
    if video.masks is not None:
        truth = [format_region(mask) for mask in video.masks]
    else:
        truth = [",".join(f"{value:.10g}" for value in row) for row in video.ground_truth]
    yield "groundtruth.txt", "".join(f"{line}\n" for line in truth)
    for tag, flags in video.frame_tags.items():
        yield f"{tag}.tag", "".join(f"{int(flag)}\n" for flag in flags)
    if video.anchors is not None:
        yield "anchor.value", "".join(f"{int(value)}\n" for value in video.anchors)
    try:
        width, height = video.size() or (0, 0)
    except FrameError as error:
        raise WorkspaceError(f"'{video.name}': {error}") from error
    yield "sequence", _sequence_text(video.name, suffix, {"length": len(video), "width": width, "height": height})


def _sequence_text(name: str, suffix: str, more: Mapping[str, int]) -> str:
    lines = {"name": name, "fps": _FPS, "format": "default", "channels.color": f"color/%08d{suffix}", **more}
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def _link_folders(data: Path, place: Path, copy: bool) -> list[str]:
    """The challenge's own folders, whose truth is `groundtruth.txt` or `groundtruth_OBJECT.txt`, linked as they are."""
    root = data / SEQUENCES if (data / SEQUENCES).is_dir() else data
    found = (
        [folder for folder in sorted(root.iterdir()) if any(folder.glob("groundtruth*.txt"))] if root.is_dir() else []
    )
    if not found:
        raise WorkspaceError(
            f"{root} has no folder with groundtruth.txt or groundtruth_OBJECT.txt. See --dataset_root."
        )
    for source in found:
        folder = place / source.name
        files = [path for pattern in _DESCRIBED for path in source.glob(pattern)]
        channels = [path for path in source.iterdir() if path.is_dir()]
        for path in (*files, *channels):
            _link(path.absolute(), folder / path.name, copy)
        if not (source / "sequence").is_file():
            images = sorted((source / "color").glob("*"))
            if not images:
                raise WorkspaceError(f"{source} has neither a file `sequence` nor images in color/. Restore them.")
            write_files({folder / "sequence": _sequence_text(source.name, images[0].suffix, {"length": len(images)})})
    return [folder.name for folder in found]


def _link(source: Path, target: Path, copy: bool) -> None:
    if target.exists() or target.is_symlink():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not copy:
            os.symlink(source, target)
        elif source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
    except OSError as error:
        way = "Check the disk." if copy else "Copy the images instead: --copy."
        raise WorkspaceError(f"{target} cannot be made from {source}: {error.strerror}. {way}") from error


def identifier_of(name: str) -> str:
    """`name` as the toolkit allows it for a tracker: letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)
