from __future__ import annotations

import configparser
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pysot.cli.main import run_tool
from pysot.cli.trax.command_line import trax_command
from tests.toolkit.vot.sessions import red_frames
from toolkit.regions import Rectangle
from toolkit.vot.client import TraxClient
from toolkit.vot.wire import image_text


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "trax", None)
    for words in ([], ["doctor"]):
        assert run_tool("trax", [*words, "--config", "siamrpn_tiny"]) == 2
        assert "pip install 'pysot-toolkit[vot]'" in capsys.readouterr().err


def test_the_entry_of_pysot_serves_a_tracker(tmp_path: Path) -> None:
    """As the VOT toolkit starts it: from anywhere, with the weights that come with the package."""
    pytest.importorskip("trax", reason="vot-trax is not installed")
    frames = red_frames(tmp_path, [(20, 10), (22, 12)])
    words = trax_command(["--config", "siamrpn_tiny", "--region", "rectangle"])
    assert words[1].endswith("vot_iter.py")
    with TraxClient(words, timeout=60) as client:
        client.frame(image_text(frames[0][1], "path", frames[0][0]), [Rectangle(20, 10, 8, 8)])
        (state,) = client.frame(image_text(frames[1][1], "path", frames[1][0]))
        x, y, width, height = map(float, state.arguments[0].split(","))
        assert abs(x + width / 2 - 26) < 4 and abs(y + height / 2 - 16) < 4
        assert client.quit() == 0
    assert client.output[-1] == "trax: siamrpn_tiny tracked 1 frame(s)."


@pytest.mark.slow
def test_the_doctor(repo: Path) -> None:
    pytest.importorskip("trax", reason="vot-trax is not installed")
    words = [sys.executable, str(repo / "tools/vot_iter.py"), "doctor"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].startswith("The tracker works over TraX.")


def test_the_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, path in (("bag", tmp_path / "data/bag"), ("ball1", tmp_path / "data/ball1")):
        (path / "color").mkdir(parents=True)
        red_frames(path / "color", [(1, 2), (3, 4)])
        (path / "groundtruth.txt").write_text("1,2,9,2,9,8,1,8\n" * 2, encoding="ascii")
        assert name in str(path)
    words = [str(tmp_path / "w"), "--stack", "vot2018", "--dataset_root", str(tmp_path / "data"), "--trackers"]
    assert run_tool("vot-workspace", [*words, "siamrpn_tiny", "opencv:MIL"]) == 0
    told = capsys.readouterr().out
    assert "2 sequence(s), siamrpn_tiny, opencv_MIL" in told and "58 of 60 sequences of VOT2018 are not here" in told
    assert "vot evaluate --workspace . siamrpn_tiny" in told
    registry = configparser.ConfigParser(interpolation=None)
    registry.read(tmp_path / "w/trackers.ini")
    command = shlex.split(registry["siamrpn_tiny"]["command"])
    assert Path(command[0]).is_file() and command[command.index("--region") + 1] == "polygon"
    assert Path(command[command.index("--snapshot") + 1]).is_file()
    assert run_tool("vot-workspace", [*words, "siamrpn_tiny"]) == 2
    assert "is a workspace already" in capsys.readouterr().err
    assert run_tool("vot-workspace", [str(tmp_path / "v"), *words[1:], "siamrpn_tinny"]) == 2
    assert "siamrpn_tinny" in capsys.readouterr().err and not (tmp_path / "v").exists()
