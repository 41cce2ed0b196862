"""Plug-ins: imported before a config is validated, once, with their keys; what is wrong with one is said."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pysot.cli.main import run_tool
from pysot.config import parts, plugins
from pysot.config.loading import get_cfg, load_config, override_config
from pysot.config.params import params_from_config
from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.tracker.systems import TRACKERS

TRACKER = """
from dataclasses import dataclass
from pysot.tracker.base import TRACKERS
from pysot.tracker.siamrpn import SiamRPNParams, SiamRPNTracker

@dataclass(frozen=True)
class Params(SiamRPNParams):
    patience: int = 3
    gains: tuple = (0.5, 1.0)

@TRACKERS.register("{name}")
class Patient(SiamRPNTracker):
    params_type = Params
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for modules; what they register is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    before = set(sys.modules)
    for owner, name in ((TRACKERS, "_entries"), (BACKBONES, "_entries")):
        monkeypatch.setattr(owner, name, dict(getattr(owner, name)))
    monkeypatch.setattr(parts, "DECLARED", dict(parts.DECLARED))
    monkeypatch.setattr(plugins, "_imported", set())
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def config_with(folder: Path, *names: str, extra: str = "") -> Path:
    path = folder / "config.yaml"
    path.write_text(f"_BASE_: siamrpn_tiny\nPLUGINS: [{', '.join(names)}]\n{extra}")
    return path


def test_the_keys_of_a_plug_in_are_keys_of_the_tree(folder: Path) -> None:
    (folder / "patient_parts.py").write_text(TRACKER.format(name="PatientTracker"))
    path = config_with(folder, "patient_parts", extra="TRACK: {TYPE: PatientTracker, PATIENCE: 5}")
    cfg = load_config(path, ["TRACK.GAINS", "[0.1, 0.2]"])
    params = params_from_config(cfg, TRACKERS["PatientTracker"].params_type)
    assert (params.patience, params.gains, params.penalty_k) == (5, (0.1, 0.2), cfg.TRACK.PENALTY_K)
    assert get_cfg().TRACK.PATIENCE == 3 and cfg.PLUGINS == ["patient_parts"]
    with pytest.raises(ConfigError, match=r"TRACK\.PATIENCE is a int.*got 'long'"):
        override_config(cfg, ["TRACK.PATIENCE", "long"])


def test_plug_ins_of_a_base_are_kept(folder: Path) -> None:
    (folder / "one_part.py").write_text("")
    (folder / "other_part.py").write_text("")
    config_with(folder, "one_part").rename(folder / "base.yaml")
    (folder / "config.yaml").write_text("_BASE_: base.yaml\nPLUGINS: [other_part]")
    assert load_config(folder / "config.yaml").PLUGINS == ["one_part", "other_part"]


def test_named_in_the_environment_or_in_an_option(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "environment_part.py").write_text(TRACKER.format(name="FromEnvironment"))
    monkeypatch.setenv(plugins.VARIABLE, "environment_part")
    load_config("siamrpn_tiny")
    assert "FromEnvironment" in TRACKERS
    (folder / "option_part.py").write_text(TRACKER.format(name="FromOption"))
    load_config("siamrpn_tiny", ["PLUGINS", "[option_part]"])
    assert "FromOption" in TRACKERS


def test_the_command_line_takes_plug_ins(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(plugins.VARIABLE, "")
    assert run_tool("eval", ["--plugins", "no_such_part", "--dataset", "OTB100"]) == 2
    message = capsys.readouterr().err
    assert "The plug-in no_such_part, named in $PYSOT_PLUGINS, does not import: ModuleNotFoundError" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_library", r"bad_part, named in .*config\.yaml: PLUGINS, does not.*No module named 'no_such_l"),
        ("x = 1 / 0", r"ZeroDivisionError: division by zero \(.*bad_part\.py, line 1\)"),
        (
            "from pysot.models.backbone import BACKBONES\n@BACKBONES.register('compact')\nclass Mine: ...",
            r"backbone 'compact' is registered twice",
        ),
        (
            TRACKER.format(name="Bad").replace("(0.5, 1.0)", "None"),
            r"TRACK\.GAINS of tracker 'Bad' has the default None",
        ),
    ],
)
def test_a_bad_plug_in_is_named(folder: Path, text: str, message: str) -> None:
    (folder / "bad_part.py").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(config_with(folder, "bad_part"))
    (folder / "bad_part.py").write_text("")  # mended
    sys.modules.pop("bad_part", None)
    load_config(config_with(folder, "bad_part"))


def test_two_plug_ins_with_one_key_and_two_defaults(folder: Path) -> None:
    (folder / "first_part.py").write_text(TRACKER.format(name="First"))
    (folder / "same_part.py").write_text(TRACKER.format(name="Same"))
    (folder / "other_part.py").write_text(
        TRACKER.format(name="Other").replace("patience: int = 3", "patience: int = 4")
    )
    load_config(config_with(folder, "first_part", "same_part"))
    with pytest.raises(ConfigError, match=r"'Other' declares the key TRACK\.PATIENCE.*4, but tracker 'First'.* 3"):
        load_config(config_with(folder, "other_part"))


def test_plugins_must_be_a_list_of_names(folder: Path) -> None:
    (folder / "config.yaml").write_text("PLUGINS: my_part")
    with pytest.raises(ConfigError, match=r"config\.yaml: PLUGINS is 'my_part'; expected a list of module names"):
        load_config(folder / "config.yaml")
