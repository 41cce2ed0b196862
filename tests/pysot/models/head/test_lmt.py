"""LMT's network: sizes, shared maps that equal single crops, crops that equal OpenCV's, parameters from outside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.core.roi_patch import RoiPatch
from pysot.models.backbone import BACKBONES
from pysot.models.backbone.vggm import VggM
from pysot.models.builder import build_model
from pysot.models.head.lmt import CELL_GEOMETRY, CellPool, LmtHead, Mlp, PyramidPool
from pysot.models.layers.box_crop import box_crops
from pysot.models.meta_arch.lmt import LmtNet
from pysot.zoo.loading import load_weights

torch.set_num_threads(1)


def image(seed: int, height: int, width: int, blur: float = 2.0) -> NDArray[np.uint8]:
    """Noise blurred over a few pixels, of full contrast."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), blur), None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels)[None].permute(0, 3, 1, 2).float()


@pytest.fixture(scope="module")
def vgg() -> VggM:
    torch.manual_seed(0)
    backbone = VggM()
    for layer in (backbone.conv1, backbone.conv2, backbone.conv3):
        nn.init.kaiming_normal_(layer.weight)
    return backbone.eval().requires_grad_(False)


def test_pooled_cells_of_a_shared_map_are_those_of_single_crops(vgg: VggM) -> None:
    """Boxes of the patch's own scale, displaced by whole steps of 8 patch pixels; an image that needs no resampling."""
    pixels = image(2, 200, 200)
    pool, side = CellPool(vgg), CELL_GEOMETRY.box_side
    patch = RoiPatch.around((100.5, 100.5), (side, side), CELL_GEOMETRY, (171, 171))
    moves = np.array([[0, 0], [8, -16], [-24, 32], [32, 0]])
    boxes = np.concatenate([100.5 + moves - side / 2, np.full((4, 2), side)], axis=1)
    shared = pool.pool(
        pool.maps(vgg, as_tensor(patch.cut(pixels))), torch.from_numpy(patch.boxes_in_patch(boxes))[None]
    )
    crops, corners = box_crops(pixels, boxes, CELL_GEOMETRY)
    alone = pool.crops(vgg, crops, corners)
    torch.testing.assert_close(shared[0].float(), alone, rtol=1e-3, atol=1e-3 * float(alone.max()))


def test_features_between_cells_are_near(vgg: VggM) -> None:
    """What interpolation costs, for candidates anywhere and five per cent larger or smaller, in shares of the distance
    between the features of different candidates."""
    pixels = image(3, 200, 200, blur=5)
    rng, side = np.random.default_rng(0), 75.0
    patch = RoiPatch.around((100.0, 100.0), (side, side), CELL_GEOMETRY, (191, 191))
    sizes = side * 1.05 ** rng.uniform(-1, 1, (24, 1)).repeat(2, 1)
    boxes = np.concatenate([100 + rng.uniform(-25, 25, (24, 2)) - sizes / 2, sizes], axis=1)
    crops, corners = box_crops(pixels, boxes, CELL_GEOMETRY)
    alone = CellPool(vgg).crops(vgg, crops, corners)
    apart = torch.cdist(alone.flatten(1), alone.flatten(1)).sum(1) / (len(alone) - 1)
    errors = []
    for stride in (8, 4):
        pool = CellPool(vgg, stride)
        maps = pool.maps(vgg, as_tensor(patch.cut(pixels)))
        shared = pool.pool(maps, torch.from_numpy(patch.boxes_in_patch(boxes))[None])
        errors.append(float(((shared[0].float() - alone).flatten(1).norm(dim=1) / apart).mean()))
    assert errors[1] < 0.25 < errors[0] < 0.4, errors


def tiny(**options: bool) -> LmtNet:
    torch.manual_seed(0)
    backbone = BACKBONES["compact"](widths=(4, 8, 8, 8), blocks=(0, 0, 1), used_layers=(2, 3), top_down=False)
    pool = PyramidPool(backbone, width=4, size=3)
    return LmtNet(backbone, pool, LmtHead(72, hidden=16, init="he"), **options).eval()


def test_parameters_from_outside_replace_those_inside() -> None:
    model, other = tiny(), tiny()
    with torch.no_grad():
        for value in other.head.parameters():
            value.mul_(-0.5).add_(0.1)
    features = torch.randn(5, 8, 3, 3)
    given = {f"head.{name}": value for name, value in other.head.named_parameters()}
    assert torch.equal(model.classify(features, given), other.classify(features))
    assert torch.equal(model.predict_iou(features, given), other.predict_iou(features))
    some = {name: value for name, value in given.items() if name.startswith("head.iou.fc6")}
    assert torch.equal(model.classify(features, some), model.classify(features))
    assert not torch.equal(model.predict_iou(features, some), model.predict_iou(features))


def test_adapted_backbone_is_used_for_maps_and_crops(vgg: VggM) -> None:
    model = LmtNet(vgg, CellPool(vgg), LmtHead(4608, hidden=4), adapt_backbone=True)
    other = {name: value * 0.5 for name, value in model.adapted().items() if name.startswith("backbone.")}
    assert set(other) == {f"backbone.conv{n}.{kind}" for n in (1, 2, 3) for kind in ("weight", "bias")}
    patch = as_tensor(image(6, 115, 107))
    (changed,), (plain,) = model.maps(patch, other), model.maps(patch)
    assert changed.shape == plain.shape and not torch.allclose(changed, plain)
    crop = patch[..., :107, :]
    assert not torch.allclose(model.crops(crop, torch.zeros(1, 4), other), model.crops(crop, torch.zeros(1, 4)))


def test_every_adapted_parameter_has_a_rate_of_its_shape() -> None:
    model = tiny()
    rates = model.rates.by_name()
    assert {name: value.shape for name, value in model.adapted().items()} == {n: r.shape for n, r in rates.items()}
    assert all(name.startswith("head.") for name in rates) and len(rates) == 12
    assert all(name.startswith("head.cls.") for name in tiny(adapt_iou=False).rates.by_name())


def test_published_key_names() -> None:
    keys = set(build_model(load_config("lmt_vggm_otb")).state_dict())
    layers = [*(f"backbone.conv{n}" for n in (1, 2, 3)), *(f"head.cls.fc{n}" for n in (1, 2, 3))]
    layers += [f"head.iou.fc{n}" for n in (4, 5, 6)]
    weights = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert keys == weights | {"rates." + name.replace(".", "/") for name in weights}


def test_mdnets_first_weights() -> None:
    torch.manual_seed(0)
    branch = Mlp(4608, 512, 2, first=1)
    weight = branch.get_submodule("fc1").weight
    assert isinstance(weight, Tensor) and float(weight.detach().std()) == pytest.approx(0.01, rel=0.01)
    biases = [float(branch.state_dict()[f"{name}.bias"][0]) for name in branch.names]
    assert biases == pytest.approx([0.1, 0.1, 0])


def test_batch_norms_cannot_be_adapted() -> None:
    with pytest.raises(ConfigError, match=r"ADAPT_BACKBONE: Compact has batch norms"):
        tiny(adapt_backbone=True)
    backbone = tiny().backbone
    with pytest.raises(ConfigError, match=r"length 7, but the pooling delivers 72"):
        LmtNet(backbone, PyramidPool(backbone, width=4, size=3), LmtHead(7))


def test_the_backbone_starts_from_the_projects_own_snapshot(repo: object) -> None:
    model = build_model(load_config("lmt_tiny"))
    report = load_weights(model.backbone, f"{repo}/experiments/siamrpn_tiny/model.safetensors")
    assert not report.missing and not report.wrong_shape


def test_experiments_fit_their_heads_and_patches() -> None:
    for name in ("lmt_tiny", "lmt_vggm_otb", "lmt_vggm_vot"):
        model = build_model(load_config(name)).eval()
        assert isinstance(model, LmtNet)
        patch = torch.rand(1, 3, 160, 128) * 255
        with torch.no_grad():
            logits, overlaps = model(patch, torch.tensor([[[30.0, 40, 100, 120], [0, 0, 82, 82]]]))
        assert logits.shape == (1, 2, 2) and bool(((overlaps >= 0) & (overlaps <= 1)).all())
