"""DiMP's network: the published names, the reference outputs, and what training relies on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.backbone import BACKBONES
from pysot.models.builder import build_model
from pysot.models.head.dimp import DimpClassifier
from pysot.models.head.iounet import IouNet
from pysot.models.inference import prepare_for_inference
from pysot.models.meta_arch.dimp import DimpNet
from pysot.models.meta_arch.siamese import count_parameters
from pysot.zoo.convert import own_key
from tests.golden import recorded
from tests.golden.recipe import (
    dimp_net,
    fill_dimp,
    golden_dimp,
    published_shapes,
    relative_error,
    second_fill,
)
from tests.pysot.models.head.test_iounet import golden_images, hashed_image
from tests.pysot.models.test_registry_models import check_stat


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    return recorded("pytracking_dimp18_net.npz")


@pytest.fixture(scope="module", params=["as published", "prepared for inference"])
def dimp(request: pytest.FixtureRequest) -> DimpNet:
    model = golden_dimp().requires_grad_(False)
    return model if request.param == "as published" else prepare_for_inference(model, torch.device("cpu"))


@pytest.mark.parametrize(
    ("experiment", "depth"),
    [("dimp_r18", 18), ("dimp_r50", 50), ("super_dimp", 50), ("prdimp_r18", 18), ("prdimp_r50", 50)],
)
def test_state_dict_is_the_published_one(experiment: str, depth: int) -> None:
    listing = recorded(f"pytracking_dimp{depth}_state.json")
    if experiment.startswith("prdimp"):  # its wanted scores are not learned
        listing = [row for row in listing if "filter_optimizer" not in row[0] or "predictor" not in row[0]]
    with torch.device("meta"):
        state = build_model(load_config(experiment)).state_dict()
    assert [[name, list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in state.items()] == [
        [own_key(name), shape, dtype.removeprefix("torch.")] for name, shape, dtype in listing
    ]


def test_fresh_optimizer_is_the_published_one(reference: dict[str, np.ndarray]) -> None:
    state = DimpClassifier(256).state_dict()
    kept = {key.removeprefix("kept/classifier."): value for key, value in reference.items() if key.startswith("kept/")}
    assert len(kept) == 5
    for name, value in kept.items():
        np.testing.assert_allclose(state[name], value, atol=1e-6)


def test_outputs_agree_with_the_reference(dimp: DimpNet, reference: dict[str, np.ndarray]) -> None:
    boxes = torch.from_numpy(reference["train_boxes_xywh"])[:, None]
    with torch.no_grad():
        maps = dimp.features(golden_images())
        features = dimp.classifier_features(maps)[:, None]
        filters = dimp.classifier.learn(features[:3], boxes, iterations=10)
        losses = torch.cat([dimp.classifier.loss(kernel, features[:3], boxes) for kernel in filters])
        scores = [dimp.classifier.scores(filters[k], features) for k in (0, 5)]
    for name, level in zip(("layer2_slice", "layer3_slice"), maps, strict=True):
        assert relative_error(level[:, :: level.shape[1] // 16, ::6, ::6], reference[name]) < 1e-3
    assert relative_error(features[:, 0, ::16, ::4, ::4], reference["clf_feat_slice"]) < 1e-3
    assert relative_error(filters[0], reference["filter_init"]) < 1e-3
    for k in (1, 2, 5, 10):
        assert relative_error(filters[k], reference[f"filter_opt{k}"]) < 1e-3
        assert relative_error(losses[: k + 1], reference[f"losses_opt{k}"]) < 1e-3
    assert relative_error(scores[0], reference["scores_init"]) < 1e-3
    assert relative_error(scores[1], reference["scores_opt5"]) < 1e-3


def test_sample_weights_of_the_reference(dimp: DimpNet, reference: dict[str, np.ndarray]) -> None:
    boxes, weights = torch.from_numpy(reference["train_boxes_xywh"])[:, None], torch.tensor([[0.5], [0.3], [0.2]])
    with torch.no_grad():
        features = dimp.classifier_features(dimp.features(golden_images()[:3]))[:, None]
        filters = dimp.classifier.learn(features, boxes, iterations=3, weights=weights)
        losses = [float(dimp.classifier.loss(kernel, features, boxes, weights=weights)) for kernel in filters]
    assert relative_error(filters[-1], reference["filter_opt3_sw"]) < 1e-3
    assert losses == pytest.approx(reference["losses_opt3_sw"].tolist(), rel=1e-3)


def test_overlaps_agree_with_the_reference(dimp: DimpNet, reference: dict[str, np.ndarray]) -> None:
    boxes, proposals = (torch.from_numpy(reference[key]) for key in ("train_boxes_xywh", "proposals_xywh"))
    images = golden_images()[:, None]
    with torch.no_grad():
        output = dimp(images[:3], boxes[:, None], images[3:], proposals[None])
    assert relative_error(output.overlaps[0], reference["iou_pred"]) < 1e-3
    assert len(output.scores) == 6
    assert relative_error(output.scores[0], reference["scores_init"][3:]) < 1e-3
    assert relative_error(output.scores[5], reference["scores_opt5"][3:]) < 1e-3


@pytest.mark.parametrize("depth", [18, 50])
def test_second_independent_reference(depth: int) -> None:
    golden = recorded("second_reference.json")[f"dimp{depth}"]
    model = fill_dimp(dimp_net(depth), second_fill(published_shapes(f"pytracking_dimp{depth}")))
    for name, count in golden["params"].items():
        assert count_parameters(model.get_submodule("backbone" if name == "feature_extractor" else name)) == count
    box, expected = torch.tensor([[[100.0, 90, 60, 80]]]), golden["forward"]
    with torch.no_grad():
        maps, test = (model.features(hashed_image(phase)) for phase in (0, 1))
        features = model.classifier_features(maps)[:, None]
        filters = model.classifier.learn(features, box)
        losses = [float(model.classifier.loss(kernel, features, box)) for kernel in filters]
        score = model.classifier.scores(filters[-1], model.classifier_features(test)[:, None])
    check_stat(maps[0], expected["backbone"]["layer2"])
    check_stat(maps[1], expected["backbone"]["layer3"])
    check_stat(features[0], expected["clf_feat"])
    for kernel, stat in zip(filters, expected["filter_iter"], strict=True):
        check_stat(kernel, stat)
    assert losses == pytest.approx(expected["losses"], rel=1e-3)
    check_stat(score, expected["score"])


def compact_net(**options: object) -> DimpNet:
    """As small as the project's own: two maps of 16 and 32 channels, features of 24."""
    torch.manual_seed(0)
    backbone = BACKBONES["compact"](widths=[8, 8, 16, 32], blocks=[0, 0, 1], used_layers=[2, 3], top_down=False)
    classifier = DimpClassifier(32, out_dim=24, **options)  # type: ignore[arg-type]
    return DimpNet(backbone, classifier, IouNet((16, 32), (16, 16), (16, 16), (16, 16)))


def pictures(count: int, batch: int) -> tuple[Tensor, Tensor]:
    """(count, batch, 3, 96, 96) images with a bright square each, and its boxes (count, batch, 4)."""
    generator = torch.Generator().manual_seed(count)
    images = torch.rand(count, batch, 3, 96, 96, generator=generator) * 60
    boxes = torch.tensor([40.0, 40, 24, 24]) + torch.randint(-12, 12, (count, batch, 4), generator=generator)
    boxes[..., 2:] = 24
    for k in range(count):
        for b in range(batch):
            x, y = (int(v) for v in boxes[k, b, :2])
            images[k, b, :, y : y + 24, x : x + 24] = torch.tensor([230.0, 40, 20 + 60 * b])[:, None, None]
    return images, boxes


@pytest.mark.parametrize("optimizer", ["gn", "newton"])
def test_a_training_step_reaches_every_weight(optimizer: str) -> None:
    model = compact_net(optimizer=optimizer, feat_blocks=1).train()
    train, train_boxes = pictures(2, 3)
    test, test_boxes = pictures(4, 3)
    output = model(train, train_boxes, test, test_boxes[:, :, None].repeat(1, 1, 5, 1))
    assert output.overlaps.shape == (4, 3, 5)
    assert [tuple(s.shape) for s in output.scores] == [(4, 3, 7, 7)] * 6
    (sum(s.square().mean() for s in output.scores) + output.overlaps.mean()).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()}
    assert without == set()
    learned = {name: float(p.grad.abs().max()) for name, p in model.classifier.named_parameters() if p.grad is not None}
    assert all(value > 0 for value in learned.values()), learned


def test_a_batch_of_sequences_is_one_by_one() -> None:
    model = compact_net().eval()
    train, train_boxes = pictures(2, 2)
    test, test_boxes = pictures(3, 2)
    proposals = test_boxes[:, :, None] + torch.tensor([[0.0] * 4, [3, -2, 5, 1]])
    with torch.no_grad():
        together = model(train, train_boxes, test, proposals)
        for b in (0, 1):
            one = slice(b, b + 1)
            alone = model(train[:, one], train_boxes[:, one], test[:, one], proposals[:, one])
            torch.testing.assert_close(together.overlaps[:, one], alone.overlaps)
            for all_scores, scores in zip(together.scores, alone.scores, strict=True):
                torch.testing.assert_close(all_scores[:, one], scores, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["gn", "newton"])
def test_scores_peak_at_the_target(optimizer: str) -> None:
    model = compact_net(optimizer=optimizer).eval()
    (train, train_boxes), (test, test_boxes) = pictures(3, 1), pictures(2, 1)
    with torch.no_grad():
        features = model.classifier_features(model.features(train[:, 0]))[:, None]
        filters = model.classifier.learn(features, train_boxes, iterations=20)
        scored = model.classifier_features(model.features(test[:, 0]))[:, None]
        scores = model.classifier.scores(filters[-1], scored)[:, 0]
    for score_map, box in zip(scores, test_boxes[:, 0], strict=True):
        row, column = divmod(int(score_map.argmax()), score_map.shape[1])
        wanted = (box[:2] + box[2:] / 2) / 16
        assert abs(column - float(wanted[0])) <= 1 and abs(row - float(wanted[1])) <= 1


def test_first_filter_of_zeros() -> None:
    model, (_, boxes) = DimpClassifier(8, out_dim=8, init_filter="zero"), pictures(2, 1)
    features = model(torch.randn(2, 8, 6, 6)).unflatten(0, (2, 1))
    first, *later = model.learn(features, boxes)
    assert first.abs().max() == 0 and later[0].abs().max() > 0
    model.filter_initializer.filter_conv.weight.data.normal_()
    assert model.learn(features, boxes)[0].abs().max() > 0


def test_mixed_precision_leaves_the_steps_alone() -> None:
    model, (images, boxes) = compact_net().eval(), pictures(2, 1)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        features = model.classifier_features(model.features(images[:, 0]))[:, None]
        filters = model.classifier.learn(features.bfloat16(), boxes)
        scores = model.classifier.scores(filters[-1], features.bfloat16())
    assert filters[-1].dtype == scores.dtype == torch.float32
    with torch.no_grad():
        expected = model.classifier.improve(filters[0], features.bfloat16().float(), boxes)
    torch.testing.assert_close(filters[-1], expected[-1])


@pytest.mark.parametrize(
    ("opts", "message"),
    [
        (["HEAD.KWARGS.optimizer", "adam"], r"HEAD.KWARGS .*classifier of DiMP: optimizer is 'adam'; .*gn, newton"),
        (["HEAD.KWARGS.init_filter", "ones"], r"init_filter is 'ones'; expected default or zero"),
        (["HEAD.KWARGS.mask_act", "relu"], r"mask_act is 'relu'; expected sigmoid or linear"),
        (["HEAD.KWARGS.num_dist_bins", "1"], r"1 num_dist_bins of 0.1"),
        (["HEAD.KWARGS.width", "3"], r"HEAD.KWARGS .*do not fit.*width"),
        (["IOU.KWARGS.input_dim", "[64, 128]"], r"\[128, 256\] channels.*\[64, 128\]"),
        (["MODEL.TYPE", "iounet"], r"MODEL.TYPE is 'iounet'.*dimp"),
    ],
)
def test_impossible_models_are_explained(opts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message), torch.device("meta"):
        build_model(load_config("dimp_r18", opts))
