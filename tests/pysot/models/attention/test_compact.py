"""What any attention network promises, and the small one's own comparison."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pysot.models.attention import ATTENTION_NETS, AttentionNet, TANet
from pysot.models.attention.compact import CompactAttention, alikeness
from pysot.models.inference import prepare_for_inference

CPU = torch.device("cpu")


def small(**options: object) -> TANet:
    torch.manual_seed(0)
    return TANet(input_size=64, width=1 / 32, **options)  # type: ignore[arg-type]


def pictures(side: int, *sizes: int) -> Tensor:
    return torch.rand(*sizes, 3, side, side, generator=torch.Generator().manual_seed(1)) * 255


@pytest.fixture(scope="module", params=["TANet", "TANetTiny"])
def net(request: pytest.FixtureRequest) -> AttentionNet:
    torch.manual_seed(0)
    options = {"TANet": {"width": 1 / 32}, "TANetTiny": {"widths": (8, 8, 16, 16), "hidden": 16}}[request.param]
    return ATTENTION_NETS[request.param](input_size=64, clip_len=3, **options).eval()


def test_remembered_target_gives_the_same_map(net: AttentionNet) -> None:
    target, frame, clip = pictures(net.target_size, 1), pictures(64, 1), pictures(64, 1, 3)
    with torch.no_grad():
        remembered = net.encode(target)
        first, again = net.attend(frame, remembered, clip), net.attend(frame, remembered, clip)
        whole = net(frame, target, clip)
    assert first.shape == (1, 1, 64, 64)
    assert torch.equal(first, again) and torch.equal(first, whole)


def test_map_depends_on_target_frame_and_clip(net: AttentionNet) -> None:
    target, frame, clip = pictures(net.target_size, 1), pictures(64, 1), pictures(64, 1, 3)
    moved = clip.clone()
    moved[:, 0] = 0
    with torch.no_grad():
        reference = net(frame, target, clip)
        for other in (
            net(frame, target.flip(1) * 0.5, clip),
            net(frame.flip(1), target, clip),
            net(frame, target, moved),
        ):
            assert not torch.equal(reference, other)


def test_fused_network_answers_alike() -> None:
    torch.manual_seed(0)
    net = CompactAttention(input_size=64, widths=(8, 8, 16, 16), hidden=16)
    target, frame, clip = pictures(net.target_size, 2), pictures(64, 2), pictures(64, 2, 3)
    net.train()(frame, target, clip)  # statistics that are not the first ones
    with torch.no_grad():
        plain = net.eval()(frame, target, clip)
        fused = prepare_for_inference(net, CPU)(frame, target, clip)
    torch.testing.assert_close(plain, fused, rtol=1e-3, atol=1e-4)


def test_alikeness_is_the_cosine_about_the_mean() -> None:
    features, parts = torch.randn(2, 5, 4, 3), torch.randn(2, 5, 2, 2)
    found = alikeness(features, parts)
    mean = features.mean(dim=(2, 3))
    place, part = features[1, :, 2, 1] - mean[1], parts[1, :, 1, 0] - mean[1]
    expected = torch.cosine_similarity(place, part, dim=0)
    assert found.shape == (2, 4, 4, 3)
    torch.testing.assert_close(found[1, 2, 2, 1], expected)
