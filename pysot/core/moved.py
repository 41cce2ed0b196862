"""Old names of modules and classes, for trackers pickled and scripts written before the packages were laid out anew.

`import pysot` puts a finder behind Python's own. A module that is no longer there is found under its old name, warns
once, and hands out what its successor holds. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PACKAGES = {  # old and new package: modules, `old=new` where their names differ
    ("core", "core"): "grid=anchors runtime=device",
    ("core", "config"): "config_defaults=defaults experiments",
    ("datasets", "datasets.prepare"): "prepare_video=video",
    ("datasets", "datasets.samples"): "clips frame_sets pairs positions=base tasks",
    ("datasets", "datasets.sources"): "coco copy_paste=copy_paste.source crop511 folder images light official_boxes="
    "tracking official_imagenet=imagenet official_masks=vos pseudo regions rendered source=base tracks",
    ("models", "models"): "select=target_aware",
    ("models", "models.meta_arch"): "dimp_model=dimp iou_model=atom lmt_model=lmt siamese tadt_model=tadt",
    ("models.backbone", "models.backbone"): "resnet_atrous=resnet resnet_std=resnet",
    ("models.select", "models.target_aware"): "base params ranking regression solvers target_aware=selector",
    ("online", "online"): "localisation=localization",
    ("online", "tracker.lmt"): "box_regression classifier_update=online_update iou_guide",
    ("tracker", "tracker"): "anchors=decoders points=decoders siamrpn_lt=siamrpn",
    ("tracker", "tracker.global_search"): "attention local_global=tracker map_scores=map_metrics proposals proposers",
    ("tracker", "tracker.lmt"): "lmt_params=params lmt_view=frame_view",
    ("training", "training"): "attention_validation=tanet_validation",
    ("training", "training.recipes"): "adversarial=lmt_adversarial attention=tanet dimp distill iounet=atom meta=lmt "
    "recipe=base siamese siammask=siamese",
    ("zoo", "zoo"): "catalogue=catalog",
}
MOVED = {
    f"pysot.{old}.{before}": f"pysot.{new}.{after or before}"
    for (old, new), names in _PACKAGES.items()
    for before, _, after in (name.partition("=") for name in names.split())
}
RENAMED = {  # module: what has another name there, or a home of its own
    "pysot.datasets.source": {"Annotated": "AnnotatedFrame"},
    "pysot.models.backbone.resnet_std": {
        "BasicBlock": "PaddedBasicBlock",
        "Bottleneck": "PaddedBottleneck",
        "ResNet18": "StandardResNet18",
        "ResNet50": "StandardResNet50",
        "normalise": "pysot.models.layers.normalize.normalize_imagenet",
    },
    "pysot.online.localisation": {"LocalisationParams": "LocalizationParams"},
    "pysot.tracker.dimp": {"DimpAugmentation": "pysot.online.augmentation.AugmentationParams"},
    "pysot.tracker.lmt": {"LmtTracker": "pysot.tracker.lmt.tracker.LmtTracker"},
    "pysot.tracker.tadt": {"TADTParams": "TadtParams", "TADTTracker": "TadtTracker"},
    "pysot.training.distributed": {"Workers": "DistributedContext"},
    "pysot.zoo.catalogue": {"CATALOGUE": "CATALOG"},
    "pysot.zoo.entry": {"Entry": "ModelEntry"},
}
RENAMED_FIELDS = {"localisation": "localization"}
"""Of pickled hyper-parameters."""


def old_names(module: str) -> Callable[[str], Any]:
    """A `__getattr__` for `module`: finds what had another name, or another home, before."""

    def find(name: str) -> Any:
        home, new_name = MOVED.get(module, module), RENAMED.get(module, {}).get(name, name)
        if name.startswith("__") or (home, new_name) == (module, name):
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        elsewhere, _, attribute = new_name.rpartition(".")
        return getattr(import_module(elsewhere or home), attribute)

    return find


class OldModules:
    """Finder and loader of the modules that `MOVED` knows. No `importlib.abc`, whose import would take a while."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Says that an old module is here."""
        is_package = fullname == "pysot.models.select"
        return ModuleSpec(fullname, self, is_package=is_package) if fullname in MOVED else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Python makes an empty one."""

    def exec_module(self, module: ModuleType) -> None:
        """Makes it hand out what its successor holds."""
        old, new = module.__name__, MOVED[module.__name__]
        advice = "Import it from there; build again what was pickled, as it may lack what this version needs."
        warnings.warn(f"{old} has become {new}. {advice}", DeprecationWarning, stacklevel=2)
        module.__getattr__ = old_names(old)  # type: ignore[method-assign]


def install() -> None:
    """Lets old names be imported; done by `import pysot`."""
    if not any(isinstance(finder, OldModules) for finder in sys.meta_path):
        sys.meta_path.append(OldModules())
