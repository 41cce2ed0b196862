"""Every command and program in README.md runs, in the order it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pysot.config.experiments import list_experiments
from toolkit.synthetic import synth_benchmark
from toolkit.visualization.video_sink import VideoSink

BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_commands_and_programs_run(repo: Path, shared: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall((repo / "README.md").read_text())
    assert len(blocks) >= 5
    (tmp_path / "tools").symlink_to(repo / "tools")
    with VideoSink(tmp_path / "video.mp4", 20.0) as sink:
        for frame in synth_benchmark()["rotation_1"].require_frames():
            sink.write(frame)
    environment = {**os.environ, "PYSOT_ZOO": str(shared / "data" / "weights"), "PYTHONPATH": str(repo)}
    for language, text in blocks:
        lines = text.strip().splitlines() if language == "bash" else [text]
        for line in lines:
            command = line.split() if language == "bash" else ["python", "-c", line]
            assert command[0] == "python", line
            done = subprocess.run(
                [sys.executable, *command[1:]],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "tracked.mp4").stat().st_size > 10_000
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["trackers"]["siamrpn_tiny"]["success"] == pytest.approx(0.657, abs=0.02)


def test_make_targets_and_links_exist(repo: Path) -> None:
    text, makefile = (repo / "README.md").read_text(), (repo / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", text, re.MULTILINE):
        assert f"\n{target}:" in makefile
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (repo / link).is_file(), link


def test_every_experiment_stands_in_the_table(repo: Path) -> None:
    text = (repo / "README.md").read_text()
    for name in list_experiments():
        stem = name if f"`{name}`" in text else next(s for s in list_experiments() if name.startswith(s) and s in text)
        assert f"`{name.removeprefix(stem) or name}`" in text, name
