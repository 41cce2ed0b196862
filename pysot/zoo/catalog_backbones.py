"""Snapshots that are no tracker of ours by themselves: backbones, beginnings of a training, parts. One row each.

Links are those of the projects' own pages; torchvision's file names end in the first eight digits of their hash.
"""

from __future__ import annotations

from typing import Any

from pysot.zoo.entry import ModelEntry, drive

_TORCHVISION = "https://download.pytorch.org/models"
_PYSOT_BACKBONES = "1DuXVWVYIeynAcvt9uxtkuleV6bs6e3T9"
_MATCONVNET = "http://www.vlfeat.org/matconvnet/models"


def _torchvision(name: str, digits: str, backbone: str, paper: str, **more: Any) -> ModelEntry:
    file = f"{name}-{digits}.pth"
    urls = (f"{_TORCHVISION}/{file}",)
    return ModelEntry(
        name, "backbone", file, "torchvision", urls, sha256=digits, paper=paper, backbone=backbone, **more
    )


def _pysot_backbone(name: str, file: str, backbone: str, note: str) -> ModelEntry:
    urls = (f"gdfolder:{_PYSOT_BACKBONES}/{file}",)
    return ModelEntry(name, "backbone", file, "pysot", urls, backbone=backbone, note=note)


def _matconvnet(name: str, backbone: str, paper: str, note: str) -> ModelEntry:
    file, note = f"{name}.mat", f"{note}; reading it needs scipy"
    urls = (f"{_MATCONVNET}/{file}",)
    return ModelEntry(name, "backbone", file, "matconvnet", urls, paper=paper, backbone=backbone, note=note)


def _metasdnet(name: str, file_id: str, file: str, trained_on: str, tested_on: str) -> ModelEntry:
    note = (
        f"MetaSDNet, trained on {trained_on} and ILSVRC, for tests on {tested_on}: LMT without its overlap branch "
        "(--opts HEAD.KWARGS.iou_branch False)"
    )
    paper = "Park and Berg, Meta-Tracker, ECCV 2018"
    return ModelEntry(name, "lmt", file, "metasdnet", drive(file_id), paper=paper, note=note)


BACKBONE_ROWS = (
    _torchvision(
        "resnet18", "f37072fd", "resnet18_std", "He et al., CVPR 2016", aliases=("resnet18.pth",), note="ATOM, DiMP-18"
    ),
    _torchvision(
        "resnet50", "0676ba61", "resnet50_std", "He et al., CVPR 2016", aliases=("resnet50.pth",), note="DiMP-50"
    ),
    _torchvision(
        "vgg16",
        "397923af",
        "vgg16",
        "Simonyan and Zisserman, ICLR 2015",
        configs=("tadt_vgg16",),
        note="all that TADT needs",
    ),
    _pysot_backbone(
        "pysot_resnet50", "resnet50.model", "resnet50", "PySOT's ResNet-50, whose shortcuts are 3x3: SiamRPN++"
    ),
    _pysot_backbone("pysot_alexnet", "alexnet-bn.pth", "alexnet", "PySOT's AlexNet with batch norms: SiamRPN"),
    ModelEntry(
        "resnet18_vggmconv1",
        "backbone",
        "resnet18_vggmconv1.pth",
        "pytracking",
        drive("1aWC4waLv_te-BULoy0k-n_zS-ONms21S"),
        note="ECO's features; no backbone of ours takes it",
    ),
    _matconvnet("imagenet-vgg-m", "vggm", "Chatfield et al., BMVC 2014", "VGG-M: LMT"),
    _matconvnet(
        "imagenet-vgg-verydeep-16", "vgg16", "Simonyan and Zisserman, ICLR 2015", "VGG-16 with TADT's own preprocessing"
    ),
    _metasdnet(
        "metasdnet_otb",
        "1hQm9pHO_FJDceAcX_DDqoiZvNpXUfJ5D",
        "meta_init_vot_ilsvrc.pth",
        trained_on="VOT",
        tested_on="OTB",
    ),
    _metasdnet(
        "metasdnet_vot",
        "1y5Iqd40G6CrRZTeY2zHybO49qfUmGjXE",
        "meta_init_otb_ilsvrc.pth",
        trained_on="OTB",
        tested_on="VOT",
    ),
    ModelEntry(
        "tanet",
        "tanet",
        "TANet_model.pkl",
        "ddgan",
        drive("1g3TsL3_qajKdL0bUp1iBwoiq8USHUpGZ"),
        paper="Wang et al., TANet, TNNLS 2021",
        published={"LaSOT": {"success": 0.570, "precision": 0.536, "normalized precision": 0.605}},
        note="the attention generator, learned on GOT-10k",
    ),
    ModelEntry(
        "c3d_sports1m",
        "tanet",
        "c3d.pickle",
        "c3d",
        ("http://imagelab.ing.unimore.it/files/c3d_pytorch/c3d.pickle",),
        paper="Tran et al., C3D, ICCV 2015",
        note="C3D learned on Sports-1M: where the motion parts of TANet start (TRAIN.PARTS_FROM)",
    ),
)
