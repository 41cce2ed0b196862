"""ATOM's network: the published names, the reference outputs, and what the parts promise."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.head.iounet import IOU_HEADS, IouNet, TargetOverlap
from pysot.models.inference import prepare_for_inference
from pysot.models.layers.normalize import RGB_MEAN, RGB_STD
from pysot.models.meta_arch.atom import AtomNet
from pysot.models.meta_arch.siamese import count_parameters
from pysot.zoo.convert import own_key, own_keys
from tests.golden import recorded
from tests.golden.recipe import golden_atom, hash_uniform, published_shapes, relative_error, second_fill
from tests.pysot.models.test_registry_models import check_stat

GOLDEN = "pytracking_atom"


def golden_images() -> Tensor:
    """(4, 3, 288, 288) BGR in 0..255: the images of the reference outputs, which were made from RGB."""
    cells = np.random.RandomState(0).uniform(0, 255, (4, 3, 18, 18)).astype(np.float32)
    rgb = np.kron(cells, np.ones((1, 1, 16, 16), np.float32))
    return torch.from_numpy(rgb[:, ::-1].copy())


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    return recorded(f"{GOLDEN}_net.npz")


@pytest.fixture(scope="module", params=["as published", "prepared for inference"])
def atom(request: pytest.FixtureRequest) -> AtomNet:
    model = golden_atom().requires_grad_(False)
    return model if request.param == "as published" else prepare_for_inference(model, torch.device("cpu"))


@pytest.mark.parametrize(
    ("golden", "backbone", "input_dim"),
    [(GOLDEN, "resnet18_std", (128, 256)), ("pytracking_dimp50", "resnet50_std", (512, 1024))],
)
def test_state_dict_is_the_published_one(golden: str, backbone: str, input_dim: tuple[int, int]) -> None:
    listing = recorded(f"{golden}_state.json")
    published = [row for row in listing if not row[0].startswith("classifier.")]
    with torch.device("meta"):
        state = AtomNet(BACKBONES[backbone](), IouNet(input_dim)).state_dict()
    assert [[name, list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in state.items()] == [
        [own_key(name), shape, dtype.removeprefix("torch.")] for name, shape, dtype in published
    ]


def test_outputs_agree_with_the_reference(atom: AtomNet, reference: dict[str, np.ndarray]) -> None:
    head, target = atom.bb_regressor, torch.from_numpy(reference["train_boxes_xywh"][:1])
    with torch.no_grad():
        features = atom.features(golden_images())
        modulation = head.modulation([level[:1] for level in features], target)
        maps = head.iou_features([level[3:] for level in features])
    for name, level in zip(("layer2_slice", "layer3_slice"), features, strict=True):
        assert relative_error(level[:, :: level.shape[1] // 16, ::6, ::6], reference[name]) < 1e-3
    for index in (0, 1):
        assert relative_error(modulation[index], reference[f"iou_modulation{index}"]) < 1e-3
        assert relative_error(maps[index][0, ::16, ::6, ::6], reference[f"iou_feat{index}_slice"]) < 1e-3
    boxes = torch.from_numpy(reference["proposals_xywh"])
    for step in range(5):
        boxes.requires_grad_()
        iou = head.predict_iou(modulation, maps, boxes)
        (gradient,) = torch.autograd.grad(iou.sum(), boxes)
        if step == 0:
            assert relative_error(iou.detach(), reference["iou_pred"]) < 1e-3
            assert relative_error(gradient, reference["iou_pred_grad_boxes"]) < 1e-3
        assert relative_error(iou.detach(), reference["refined_iou_hist"][step]) < 1e-3
        boxes = (boxes + gradient * boxes[..., 2:].repeat(1, 1, 2)).detach()
    assert relative_error(boxes, reference["refined_boxes_5it_step1"]) < 1e-3


def test_second_independent_reference() -> None:
    golden = recorded("second_reference.json")["atom_r18"]
    model = AtomNet(BACKBONES["resnet18_std"](), IouNet()).eval()
    assert count_parameters(model.backbone) == golden["params"]["feature_extractor"]
    assert count_parameters(model.bb_regressor) == golden["params"]["bb_regressor"]
    model.load_state_dict(own_keys(second_fill(published_shapes(GOLDEN))))
    head, box = model.bb_regressor, torch.tensor([[100.0, 90, 60, 80]])
    proposals = torch.stack([box, torch.tensor([[110.0, 100, 50, 70]]), torch.tensor([[90.0, 60, 90, 120]])], dim=1)
    with torch.no_grad():
        reference, test = (model.features(hashed_image(phase)) for phase in (0, 1))
        modulation, maps = head.modulation(reference, box), head.iou_features(test)
        iou = head.predict_iou(modulation, maps, proposals)
    check_stat(reference[0], golden["forward"]["layer2"])
    check_stat(reference[1], golden["forward"]["layer3"])
    for index in (0, 1):
        check_stat(modulation[index], golden["forward"]["modulation"][index])
        check_stat(maps[index], golden["forward"]["iou_feat"][index])
    assert iou[0].tolist() == pytest.approx(golden["forward"]["iou"]["first"][:3], rel=1e-4)


def hashed_image(phase: int) -> Tensor:
    """(1, 3, 288, 288) BGR in 0..255 that the backbone normalizes to the second set's input."""
    normalized = -2 + 4 * hash_uniform(3 * 288 * 288, phase).reshape(1, 3, 288, 288)
    std, mean = (np.reshape(values, (3, 1, 1)) for values in (RGB_STD, RGB_MEAN))
    rgb = 255 * (normalized * std + mean)
    return torch.from_numpy(rgb[:, ::-1].astype(np.float32))


def test_follows_the_precision_of_its_inputs(atom: AtomNet, reference: dict[str, np.ndarray]) -> None:
    double = copy.deepcopy(atom).double()
    features = double.features(golden_images()[:1].double())
    box = torch.from_numpy(reference["train_boxes_xywh"][:1]).double()
    modulation = double.bb_regressor.modulation(features, box)
    iou = double.bb_regressor.predict_iou(modulation, double.bb_regressor.iou_features(features), box[None])
    assert iou.dtype == modulation[0].dtype == torch.float64
    assert relative_error(modulation[0], reference["iou_modulation0"]) < 1e-5


def small_head() -> IouNet:
    torch.manual_seed(0)
    head = IouNet((4, 6), pred_input_dim=(6, 8), pred_inter_dim=(5, 7), reference_dim=(3, 4)).double().eval()
    for norm in head.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.bias, 0.1, 0.4)  # keeps most units of so small a net alive
    return head


def small_maps(batch: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(batch)
    return [torch.rand(batch, c, s, s, generator=generator, dtype=torch.float64) for c, s in ((4, 12), (6, 6))]


def test_overlap_has_exact_gradients_in_the_boxes() -> None:
    head, target = small_head(), torch.tensor([[20.3, 21.1, 40.7, 33.9]], dtype=torch.float64)
    modulation, maps = head.modulation(small_maps(1), target), head.iou_features(small_maps(1))
    modulation, maps = tuple(x.detach() for x in modulation), tuple(x.detach() for x in maps)
    boxes = (target[None] + torch.tensor([[[0.0] * 4], [[3.3, -2.1, 5.7, 4.9]]]).transpose(0, 1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda boxes: head.predict_iou(modulation, maps, boxes), (boxes,))
    (gradient,) = torch.autograd.grad(head.predict_iou(modulation, maps, boxes).sum(), boxes)
    assert gradient.abs().min() > 1e-6


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_head_for_one_target_gives_the_same_overlaps_and_gradients(dtype: torch.dtype) -> None:
    head, target = small_head().to(dtype), torch.tensor([[20.3, 21.1, 40.7, 33.9]], dtype=dtype)
    maps = [level.to(dtype) for level in small_maps(1)]
    with torch.no_grad():
        modulation, maps = head.modulation(maps, target), head.iou_features(maps)
    boxes = target + torch.tensor([[0.0] * 4, [3.3, -2.1, 5.7, 4.9], [90.0, 90, 5, 5]], dtype=dtype)
    overlaps, gradient = TargetOverlap(head, modulation, rows=3)(maps, boxes)
    variable = boxes.clone().requires_grad_()
    expected = head.predict_iou(modulation, maps, variable[None])[0]
    (slope,) = torch.autograd.grad(expected.sum(), variable)
    tolerance = {"atol": 1e-10, "rtol": 1e-9} if dtype is torch.float64 else {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(overlaps, expected.detach(), **tolerance)
    torch.testing.assert_close(gradient, slope, **tolerance)


def test_maps_without_zeros_around_are_the_middle_of_those_with() -> None:
    head, features = small_head(), [level.repeat(1, 1, 2, 2) for level in small_maps(1)]
    with torch.no_grad():
        for whole, inner in zip(head.iou_features(features), head.unpadded()(features), strict=True):
            torch.testing.assert_close(inner, whole[:, :, 2:-2, 2:-2])
    assert head.conv3_1t[0].padding == (1, 1)
    inner_maps = head.unpadded()
    with torch.no_grad():
        before = inner_maps(features)[0]
        head.conv3_1t[0].weight.mul_(0)
        assert not torch.equal(inner_maps(features)[0], before)  # the weights are shared


def test_a_batch_is_its_samples_one_by_one() -> None:
    head, reference, test = small_head(), small_maps(3), small_maps(3)
    targets = torch.tensor([[20.3, 21.1, 40.7, 33.9], [5.0, 9.0, 60.0, 50.0], [40.0, 30.0, 22.0, 61.0]]).double()
    boxes = targets[:, None] + torch.tensor([[0.0] * 4, [3.3, -2.1, 5.7, 4.9]])
    together = head(reference, targets, test, boxes)
    assert together.shape == (3, 2)
    for k in range(3):
        one = slice(k, k + 1)
        alone = head([x[one] for x in reference], targets[one], [x[one] for x in test], boxes[one])
        torch.testing.assert_close(together[one], alone)


def test_a_training_step_reaches_every_weight_of_the_head() -> None:
    head = small_head().train()
    targets = torch.tensor([[20.3, 21.1, 40.7, 33.9], [5.0, 9.0, 60.0, 50.0]], dtype=torch.float64)
    loss = (head(small_maps(2), targets, small_maps(2), targets[:, None].repeat(1, 4, 1) + 1) - 1).square().mean()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
    assert sum(float(p.grad.abs().sum()) > 0 for p in head.parameters() if p.grad is not None) > 20


def test_fresh_heads_start_as_the_published_ones_did() -> None:
    head = IouNet()
    weight = head.fc3_rt.linear.weight
    assert float(weight.detach().std()) == pytest.approx((2 / weight.shape[1]) ** 0.5, rel=0.02)
    scale = head.conv4_2t[1].weight.detach()
    assert float(scale.min()) >= 0 and float(scale.max()) <= 1 and float(scale.mean()) == pytest.approx(0.5, abs=0.1)
    assert not any(p.any() for name, p in head.named_parameters() if name.endswith("bias"))
    assert "IouNet" in IOU_HEADS


def test_parts_that_do_not_fit_are_explained() -> None:
    with torch.device("meta"), pytest.raises(ConfigError, match=r"input_dim \[64, 128\].*\[128, 256\]"):
        AtomNet(BACKBONES["resnet18_std"](used_layers=[1, 2]), IouNet())
