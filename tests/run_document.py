"""Runs the commands and programs of a document: `python tests/run_document.py TRAIN.md` (`--list` only names them).

In their order, as a reader would who copies them, in a new folder that holds what the documents speak of: `video.mp4`,
`my_videos`, benchmarks and results below `DIR`, ... A block of code that begins with a comment that names a file is
written to that file. What is made smaller is said in `SMALLER`; what is not run says itself why: its comment names what
it needs (`# needs the network`).
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
if __name__ in ("__main__", "__mp_main__"):
    sys.path.insert(0, str(REPO))

FOLDERS = ("docs", "examples", "experiments", "tests/golden")
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml))\b")
NEEDS = re.compile(r"#.*\bneeds (.+)$")
NEVER_RUN = {"make": "an environment of its own", "pip": "an environment of its own", "torchrun": "several GPUs"}
"""Programs that are not run, and what they need."""

SMALL_TRAINING = {
    "TRAIN.EPOCH": "1",
    "TRAIN.BATCH_SIZE": "2",
    "TRAIN.NUM_WORKERS": "0",
    "TRAIN.DISTILL.TEACHER": "",
    "TRAIN.VALIDATE.MAX_FRAMES": "3",
    "DATASET.VIDEOS_PER_EPOCH": "4",
    "DATASET.CACHE_MIB": "50",
}
SMALLER = {
    "train": ["--quiet", "--device", "cpu", "--opts", *(word for pair in SMALL_TRAINING.items() for word in pair)],
    "benchmark train": ["--steps", "2", "--warm-up", "1"],
    "benchmark": ["--frames", "2", "--size", "160x120"],
    "benchmark eval": [],
}
"""What is added to a command, so that it takes seconds: one short epoch instead of a training, a few frames."""


MAY_END_WITH = {"data check": (1,)}
"""Exit codes beside 0: of the benchmarks below `DIR` most sequences are missing, and the check says so."""


@dataclass(frozen=True)
class Step:
    """Something that a document tells its reader to do.

    Attributes:
        kind: `command`, `program`, or `file`.
        text: the command without its comment, the program, or the content of the file.
        needs: what it needs that is not on every machine; empty where it can be run.
        file: where the content goes, for a file.
    """

    kind: str
    text: str
    needs: str = ""
    file: str = ""

    @property
    def words(self) -> list[str]:
        """A command, split as the shell does; variables before it are left out."""
        words = shlex.split(self.text)
        while re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        return words


def documents() -> list[str]:
    """The documents that tell their reader to do something."""
    return [name for name in pages() if list(steps((REPO / name).read_text("utf-8")))]


def pages() -> list[str]:
    """Every page that is written for readers, as a path from the root."""
    found = [*REPO.glob("*.md"), *(path for folder in FOLDERS for path in (REPO / folder).rglob("*.md"))]
    return [path.relative_to(REPO).as_posix() for path in sorted(found)]


def steps(text: str) -> Iterator[Step]:
    """What the document `text` tells its reader to do, in order."""
    for language, content in BLOCK.findall(text):
        file = FILE.match(content)
        if file:
            yield Step("file", content, file=file[1])
        elif language == "python":
            yield Step("program", content)
        elif language == "bash":
            for line in re.sub(r"\\\n\s*", "", content).splitlines():
                needs = NEEDS.search(line)
                command = re.sub(r"(?:^|\s+)#.*$", "", line).strip()
                if command:
                    yield Step("command", command, needs[1] if needs else NEVER_RUN.get(command.split()[0], ""))


def command_of(words: list[str]) -> list[str] | None:
    """The words of the `pysot` command that a shell's words call; None where it is another program."""
    if words[0] == "torchrun":
        words = ["python", *words[next(k for k, word in enumerate(words) if word.endswith(".py")) :]]
    if words[0] == "pysot":
        return words[1:]
    if words[0] == "python" and words[1].startswith("tools/"):
        name = re.search(r'run_tool\("([\w-]+)"\)', (REPO / words[1]).read_text("utf-8"))
        return None if name is None else [name[1], *words[2:]]
    return None


def furnish(folder: Path, text: str) -> None:
    """Makes those things in `folder` that a document speaks of, from rendered scenes and random numbers."""
    for name in ("tools", "experiments"):
        (folder / name).symlink_to(REPO / name)
    for word, make in FURNITURE.items():
        if word in text:
            make(folder)


def _video(folder: Path) -> None:
    from toolkit.visualization.video_sink import VideoSink

    with VideoSink(folder / "video.mp4", 20.0) as sink:
        for index in range(24):
            sink.write(_scene(index))


def _frame(folder: Path) -> None:
    import cv2

    cv2.imwrite(str(folder / "frame.jpg"), _scene(0))


def _scene(index: int) -> Any:
    from toolkit.synthetic import synth_benchmark

    return synth_benchmark()["rotation_1"].require_frames()[index]


def _own_videos(folder: Path) -> None:
    from tests.pysot.training.small_run import write_video

    for seed, name in enumerate(("first", "second")):
        write_video(folder / "my_videos" / name, seed + 3, 12, (200, 150))


def _training_set(folder: Path) -> None:
    """The folder `train` that the small experiments name, below `$SOT_DATA_ROOT`."""
    from tests.pysot.training.small_run import write_video

    write_video(folder / "train/davis16val/dog", 3, 12, (200, 150))
    for place in ("davis16val/libby", "otb/MountainBike", "tinytlp/Bike", "vot/vot2014-car"):
        shutil.copytree(folder / "train/davis16val/dog", folder / "train" / place)


def _benchmarks(folder: Path) -> None:
    """Two benchmarks below `DIR`, one sequence each, and results of the trackers A and B."""
    import numpy as np

    from tests.pysot.training.small_run import write_video

    write_video(folder / "scene", 3, 12, (200, 150))
    truth = np.loadtxt(folder / "scene/groundtruth.txt", delimiter=",")
    corners = truth[:, [0, 1, 0, 1, 0, 1, 0, 1]] + truth[:, [2, 3, 2, 3, 2, 3, 2, 3]] * [0, 0, 1, 0, 1, 1, 0, 1]
    for place, images, rows, boxes in (
        ("OTB100/Crossing", "img", "groundtruth_rect.txt", truth),
        ("VOT2018/bag", "color", "groundtruth.txt", corners),
    ):
        shutil.copytree(folder / "scene/img", folder / "DIR" / place / images)
        np.savetxt(folder / "DIR" / place / rows, boxes, delimiter=",", fmt="%.3f")
    for name, shift in (("A", 1), ("B", 4)):
        rows = [",".join(f"{value:.4f}" for value in row) for row in truth + np.array([shift, 0, 0, 0])]
        _write(folder / f"results/OTB100/{name}/Crossing.txt", "\n".join(rows))
        for experiment in ("baseline", "realtime"):
            _write(folder / f"results/VOT2018/{name}/{experiment}/bag/bag_001.txt", "\n".join(["1", *rows[1:]]))


def _submissions(folder: Path) -> None:
    from toolkit.datasets.listings import GOT10K_TEST

    for name in GOT10K_TEST:
        _write(folder / f"results/GOT-10k-test/TRACKER/{name}/{name}_001.txt", "1,2,3,4")
        _write(folder / f"results/GOT-10k-test/TRACKER/{name}/{name}_time.txt", "0.01")
    for number in range(511):
        _write(folder / f"results/TrackingNet/TRACKER/video{number}.txt", "1,2,3,4")


def _snapshot(folder: Path) -> None:
    import torch

    from pysot.config.loading import load_config
    from pysot.models.builder import build_model

    (folder / "Downloads").mkdir()
    weights = build_model(load_config("siamrpn_alex_dwxcorr")).state_dict()
    for place in ("Downloads/Alex.pth", "model.pth"):
        torch.save(weights, folder / place)


def _example(folder: Path) -> None:
    """What `pip install -e examples/siamban` does, without an environment of its own."""
    (folder / "examples").symlink_to(REPO / "examples")
    package = str(REPO / "examples" / "siamban")
    sys.path.insert(0, package)
    os.environ["PYTHONPATH"] = os.pathsep.join((os.environ.get("PYTHONPATH", ""), package))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


FURNITURE: dict[str, Callable[[Path], None]] = {
    "video.mp4": _video,
    "frame.jpg": _frame,
    "my_videos": _own_videos,
    "train": _training_set,
    " DIR": _benchmarks,
    "/TRACKER": _submissions,
    "model.pth": _snapshot,
    "-e examples/siamban": _example,
}
"""What a document speaks of, and what makes it."""


def fewer_scenes() -> None:
    """Leaves one or two sequences of the rendered benchmarks, for this process."""
    from toolkit.synthetic import synth, synth_lt

    synth.SEQUENCES, synth.VAL_SEQUENCES = synth.SEQUENCES[:2], synth.VAL_SEQUENCES[:1]
    synth_lt.PLANS = synth_lt.PLANS[:1]


def run(step: Step) -> None:
    """Does what `step` says, in the current folder. Raises `SystemExit` or another exception when it fails."""
    if step.kind == "file":
        Path(step.file).parent.mkdir(parents=True, exist_ok=True)
        Path(step.file).write_text(step.text, encoding="utf-8")
        return
    if step.kind == "program":
        exec(compile(step.text, "program", "exec"), {"__name__": "program"})
        return
    words = [os.path.expanduser(word) for word in step.words]
    called = command_of(words)
    if called is None:
        subprocess.run([sys.executable if words[0] == "python" else words[0], *words[1:]], check=True)
        return
    try:
        if words[0] == "pysot":
            from pysot.cli.main import main

            sys.exit(main([called[0], *smaller(called)]))
        sys.argv = [words[1], *smaller(called)]
        runpy.run_path(words[1], run_name="__main__")
    except SystemExit as end:
        if end.code not in (0, None, *MAY_END_WITH.get(" ".join(called[:2]), ())):
            raise SystemExit(f"{step.text}: exit code {end.code}") from None


def smaller(called: list[str]) -> list[str]:
    """The words after a command's name, with what makes it small; config keys join those that are there."""
    extra, words = SMALLER.get(" ".join(called[:2]), SMALLER.get(called[0], [])), called[1:]
    if "--help" in words:
        return words
    at = words.index("--opts") if "--opts" in words else len(words)
    if "--opts" in extra and at < len(words):
        first = extra.index("--opts")
        return [*words[:at], *extra[:first], *words[at:], *extra[first + 1 :]]
    return [*words[:at], *extra, *words[at:]]


def run_all(document: str) -> None:
    """Runs the document in a new folder and prints what each step took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        text = (REPO / document).read_text("utf-8")
        os.environ |= {
            "PYSOT_OFFLINE": "1",
            "PYSOT_ZOO": str(folder / "zoo"),
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join((str(REPO), str(folder))),
        }
        sys.path.insert(0, str(folder))
        furnish(folder, text)
        fewer_scenes()
        os.chdir(folder)
        for step in steps(text):
            title = step.file or step.text.splitlines()[0]
            if step.needs:
                print(f"--- not run, needs {step.needs}: {title}", flush=True)
                continue
            print(f"--- {title}", flush=True)
            began = time.perf_counter()
            run(step)
            print(f"--- {time.perf_counter() - began:.1f} s", flush=True)
        os.chdir(REPO)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--list"]:
        print("\n".join(documents()))
    else:
        run_all(sys.argv[1])
