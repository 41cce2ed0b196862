"""The throughput report has its three rates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pysot.cli.main import run_tool
from tests.pysot.training.small_run import small_config, write_videos


def test_three_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = small_config(write_videos(tmp_path / "videos", count=3), tmp_path)
    file = tmp_path / "rates.json"
    arguments = ["--config", str(config), "--device", "cpu", "--steps", "2", "--warm-up", "1", "--json", str(file)]
    assert run_tool("benchmark", ["train", *arguments]) == 0
    report = json.loads(file.read_text())
    assert min(report["loading"], report["network"], report["step"]) > 0
    assert report["step"] <= 1.5 * min(report["loading"], report["network"])
    assert "times as fast as training" in capsys.readouterr().out


def test_bad_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tool("benchmark", ["train", "--config", "siamrpn_tiny", "--steps", "0"]) == 2
    assert "must be 1 or more" in capsys.readouterr().err
