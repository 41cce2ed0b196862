"""The `pysot` command, its messages, the list of experiments and the environment report."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from pysot import __version__
from pysot.cli import collect_env
from pysot.cli import main as entry
from pysot.cli.command import guarded
from pysot.cli.list_experiments import found_snapshots, snapshot_state
from pysot.cli.main import COMMANDS, main, run_tool
from pysot.config.experiments import list_experiments
from pysot.core.errors import ConfigError
from toolkit.errors import FrameError


@pytest.fixture
def no_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Points the zoo at an empty folder, and returns it."""
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    monkeypatch.setenv("PYSOT_ZOO", str(zoo))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return zoo


EVERY_COMMAND = [
    words for name, command in COMMANDS.items() for words in ((name,), *((name, part) for part in command.parts))
]


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_every_command_can_be_started(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for start, program in ((main, " ".join(("pysot", *words))), (lambda rest: run_tool(words[0], rest[1:]), "usage")):
        with pytest.raises(SystemExit) as stop:
            start([*words, "--help"])
        assert stop.value.code == 0
        assert program in capsys.readouterr().out


def test_a_group_of_commands_wants_one_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["zoo"])
    assert stop.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "collect-env" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pysot {__version__}\n"


def test_a_misspelt_command_is_named_with_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dmeo"]) == 2
    assert "There is no command 'dmeo'. Did you mean 'demo'?" in capsys.readouterr().err


def test_the_exit_code_is_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "gone.avi", "--init-box", "1,2,3,4", "--no-display"]) == 2
    assert capsys.readouterr().err.startswith("demo: gone.avi does not exist")


def test_a_command_that_cannot_be_imported_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(name: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(entry.importlib, "import_module", broken)
    assert main(["demo", "x.avi"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("pysot: 'demo' cannot start: libGL.so.1")
    assert "collect-env" in said


def test_the_script_runs_from_anywhere(repo: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(repo / "tools" / "demo.py"), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--init-box" in done.stdout


def test_the_list_says_where_each_snapshot_is(no_zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = no_zoo / "siamrpn_alex_dwxcorr.pth"
    own.write_bytes(b"weights")
    assert main(["list"]) == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines() if "  " in line)
    assert set(lines) == set(list_experiments())
    assert lines["siamrpn_alex_dwxcorr"] == str(own)
    assert lines["nanotrack_v2"].startswith("not here")
    assert lines["siammask_r50_l3"].startswith("not here")
    assert lines["siamrpn_alex_dwxcorr_16gpu"].startswith("no snapshot")


def test_a_damaged_snapshot_is_called_unusable(no_zoo: Path) -> None:
    (no_zoo / "nanotrackv2.pth").write_bytes(b"half a file")
    assert "is not the published nanotrack_v2" in snapshot_state("nanotrack_v2")
    assert {"nanotrack_v2", "siamrpn_tiny"} <= {line.split(":")[0] for line in found_snapshots()}


def test_the_environment_report_is_complete(no_zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collect-env"]) == 0
    said = capsys.readouterr().out
    for wanted in (
        "pysot: ",
        "toolkit: ",
        "python:",
        "torch:",
        "cpu:",
        "opencv:",
        "MIL",
        "region overlap:",
        str(no_zoo),
        "siamrpn_tiny: ",
    ):
        assert wanted in said


def test_the_environment_report_survives_a_broken_package(
    no_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2")
    assert collect_env.run(argparse.Namespace()) == 1
    said = capsys.readouterr().out
    assert "problem: OpenCV is installed but cannot start" in said
    assert "opencv-python-headless" in said
    assert "experiments:" in said
    monkeypatch.setitem(sys.modules, "cv2", None)  # as where there is none
    assert collect_env.run(argparse.Namespace()) == 1
    assert "problem: OpenCV is not installed" in capsys.readouterr().out


@pytest.mark.parametrize("error", [ConfigError("key is wrong"), FrameError("key is wrong")])
def test_bad_input_is_one_message(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise error

    assert guarded("test", work) == 2
    assert capsys.readouterr().err == "test: key is wrong\n"
    with pytest.raises(type(error)):
        guarded("test", work, debug=True)


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded("test", lambda: 1 // 0)


def test_an_interrupt_has_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise KeyboardInterrupt

    assert guarded("test", work, interrupted="Stopped.") == 130
    assert "test: Stopped." in capsys.readouterr().err
