"""Old names: pickles and scripts of earlier versions find what they name, or are told what to do."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pysot.core import moved
from pysot.core.errors import ConfigError
from pysot.tracker.online import OnlineParams

CLASSES = {  # as trackers name them in pickles
    "pysot.models.backbone.resnet_atrous.ResNet50": "pysot.models.backbone.resnet.ResNet50",
    "pysot.models.backbone.resnet_std.BasicBlock": "pysot.models.backbone.resnet.PaddedBasicBlock",
    "pysot.models.backbone.resnet_std.ResNet50": "pysot.models.backbone.resnet.StandardResNet50",
    "pysot.models.iou_model.AtomNet": "pysot.models.meta_arch.atom.AtomNet",
    "pysot.models.select.base.Selection": "pysot.models.target_aware.base.Selection",
    "pysot.models.select.target_aware.TargetAwareSelector": "pysot.models.target_aware.selector.TargetAwareSelector",
    "pysot.models.siamese.NanoTrack": "pysot.models.meta_arch.siamese.NanoTrack",
    "pysot.online.classifier_update.FrameMemory": "pysot.tracker.lmt.online_update.FrameMemory",
    "pysot.online.localisation.LocalisationParams": "pysot.online.localization.LocalizationParams",
    "pysot.tracker.dimp.DimpAugmentation": "pysot.online.augmentation.AugmentationParams",
    "pysot.tracker.lmt.LmtTracker": "pysot.tracker.lmt.tracker.LmtTracker",
    "pysot.tracker.local_global.LocalGlobalTracker": "pysot.tracker.global_search.tracker.LocalGlobalTracker",
    "pysot.tracker.points.PointDecoder": "pysot.tracker.decoders.PointDecoder",
    "pysot.tracker.tadt.TADTTracker": "pysot.tracker.tadt.TadtTracker",
    "pysot.training.distributed.Workers": "pysot.training.distributed.DistributedContext",
    "pysot.zoo.entry.Entry": "pysot.zoo.entry.ModelEntry",
}


def unpickled(path: str) -> Any:
    """What a pickle that names `path` finds."""
    module, _, name = path.rpartition(".")
    return pickle.loads(f"c{module}\n{name}\n.".encode())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("old", CLASSES)
def test_pickled_classes_are_found(old: str) -> None:
    module, _, name = CLASSES[old].rpartition(".")
    assert unpickled(old) is getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("old", moved.MOVED)
def test_every_old_module_has_a_successor(repo: Path, old: str) -> None:
    assert importlib.util.find_spec(moved.MOVED[old]) is not None
    folder = repo.joinpath(*old.split("."))
    assert not folder.with_suffix(".py").exists() and not (folder / "__init__.py").exists()


def test_an_old_module_warns_once_and_lacks_what_its_successor_lacks() -> None:
    sys.modules.pop("pysot.core.runtime", None)
    with pytest.warns(DeprecationWarning, match=r"pysot\.core\.runtime has become pysot\.core\.device\."):
        runtime = importlib.import_module("pysot.core.runtime")
    assert importlib.import_module("pysot.core.runtime") is runtime  # warnings are errors in tests
    assert runtime.resolve_device("cpu").type == "cpu"
    with pytest.raises(AttributeError, match="'resolve_divice'"):
        runtime.resolve_divice  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("pysot.core.runtimes")


def test_fields_of_old_parameters() -> None:
    params = OnlineParams(seed=3)
    state = dict(vars(params))
    state["localisation"] = state.pop("localization")
    again = OnlineParams.__new__(OnlineParams)
    again.__setstate__(state)
    assert again == params == pickle.loads(pickle.dumps(params))
    with pytest.raises(ConfigError, match=r"pickled OnlineParams has colour, which.*load_tracker"):
        again.__setstate__({**state, "colour": 1})


def test_import_is_silent_and_without_torch() -> None:
    code = "import sys, pysot; assert not {'torch', 'cv2', 'numpy', 'tempfile'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=True).stderr == b""
