"""TANet's generator: the sizes of docs/systems/tanet.md, the published keys, and what the options change."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pysot.core.errors import ConfigError
from pysot.models.attention import TANet
from pysot.models.attention.c3d import LAYERS
from pysot.models.attention.generator import DECODER
from pysot.zoo.convert import own_keys

CPU = torch.device("cpu")


def shapes_inside(model: nn.Module, *names: str) -> dict[str, list[tuple[int, ...]]]:
    """Shapes that the parts `names` return from now on, call by call."""
    seen: dict[str, list[tuple[int, ...]]] = {name: [] for name in names}
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen[name].append(tuple(output.shape))
        )
    return seen


def test_shapes_of_the_released_generator() -> None:
    with torch.device("meta"):
        net = TANet()
        seen = shapes_inside(net, "encoder.layer2", "encoder.layer3", "encoder.layer4", "motionModel", "decoder.16")
        entered: list[tuple[int, ...]] = []
        net.decoder[0].register_forward_pre_hook(lambda _module, inputs: entered.append(tuple(inputs[0].shape)))
        frame, clip = torch.empty(1, 3, 300, 300), torch.empty(1, 3, 3, 300, 300)
        assert net(frame, frame, clip).shape == (1, 1, 300, 300)
        assert net(frame, frame, clip[:, :2]).shape == (
            1,
            1,
            300,
            300,
        )  # the release's clips had two frames in training
    assert seen["encoder.layer2"][0] == (1, 128, 38, 38)
    assert seen["encoder.layer3"][0] == (1, 256, 19, 19)
    assert seen["encoder.layer4"][0] == (1, 512, 10, 10)
    assert seen["motionModel"] == [(1, 512, 1, 38, 38)] * 2
    assert entered[0] == (1, 2304, 19, 19)
    assert seen["decoder.16"][0] == (1, 64, 304, 304)


def published_keys() -> set[str]:
    """The names of the released state_dict, from the listing of docs/systems/tanet.md, Generator."""
    keys = {f"decoder.{place}.{part}" for place, width in enumerate(DECODER) if width for part in ("weight", "bias")}
    keys |= {"mymodules.0.weight", "mymodules.0.bias", "encoder.fc.weight", "encoder.fc.bias"}
    c3d = [*LAYERS, "fc6", "fc7", "fc8"]
    keys |= {f"motionModel.{layer}.{part}" for layer in c3d for part in ("weight", "bias")}
    convs, norms = ["encoder.conv1"], ["encoder.bn1"]
    for layer in (1, 2, 3, 4):
        for block in (0, 1):
            stem = f"encoder.layer{layer}.{block}"
            convs += [f"{stem}.conv1", f"{stem}.conv2"]
            norms += [f"{stem}.bn1", f"{stem}.bn2"]
        if layer > 1:
            convs.append(f"encoder.layer{layer}.0.downsample.0")
            norms.append(f"encoder.layer{layer}.0.downsample.1")
    keys |= {f"{conv}.weight" for conv in convs}
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    return keys | {f"{norm}.{part}" for norm in norms for part in parts}


def test_released_snapshot_fits_without_its_unused_layers() -> None:
    """The three linear layers of C3D, half of the file, are dropped when it is read."""
    with torch.device("meta"):
        state = own_keys(dict.fromkeys(published_keys(), torch.empty(0)))
        net = TANet()
    assert set(state) == set(net.state_dict())
    count = sum(value.numel() for value in net.motionModel.parameters())
    assert count == pytest.approx(27.7e6, rel=0.01)
    assert sum(value.numel() for value in net.decoder.parameters()) == pytest.approx(25e6, rel=0.02)


def small(**options: object) -> TANet:
    torch.manual_seed(0)
    return TANet(input_size=64, width=1 / 32, **options)  # type: ignore[arg-type]


def pictures(side: int, *sizes: int) -> Tensor:
    return torch.rand(*sizes, 3, side, side, generator=torch.Generator().manual_seed(1)) * 255


def test_decoder_is_linear_as_released_and_need_not_be() -> None:
    """Without activations the map of a sum of targets is the sum of their maps, but for what the frame adds."""
    for act, linear in (("none", True), ("relu", False)):
        net, frame = small(dec_act=act, motion="none").eval(), pictures(64, 1)
        with torch.no_grad():
            one, other = net.encode(pictures(64, 1)), net.encode(255 - pictures(64, 1))
            nothing = tuple(torch.zeros_like(level) for level in one)
            both = tuple(first + second for first, second in zip(one, other, strict=True))
            together = net.attend(frame, both, None) + net.attend(frame, nothing, None)
            apart = net.attend(frame, one, None) + net.attend(frame, other, None)
        assert torch.allclose(together, apart, rtol=1e-4, atol=1e-5) == linear


def test_batch_statistics_reproduce_the_release() -> None:
    """With BN_MODE batch, evaluating normalizes as training does, and learns nothing from it."""
    net = small(bn_mode="batch", motion="none")
    target = pictures(64, 2)
    with torch.no_grad():
        trained = net.train().encode(target)
        before = {key: value.clone() for key, value in net.state_dict().items()}
        evaluated = net.eval().encode(target)
    for one, other in zip(trained, evaluated, strict=True):
        torch.testing.assert_close(one, other)
    for key, value in net.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)
    plain = small(motion="none").eval()
    assert not torch.allclose(plain.encode(target)[0], evaluated[0])


def test_imagenet_input_is_the_other_one() -> None:
    with torch.no_grad():
        plain, normal = (
            small(norm=norm, motion="none").eval().encode(pictures(64, 1))[0] for norm in ("none", "imagenet")
        )
    assert not torch.allclose(plain, normal)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "bgr"}, "norm is 'bgr'; expected none or imagenet"),
        ({"motion": "flow"}, "expected c3d or none"),
        ({"clip_len": 1}, "C3D needs 2 or more frames"),
    ],
)
def test_options_that_do_not_exist(options: dict[str, object], message: str) -> None:
    with torch.device("meta"), pytest.raises(ConfigError, match=message):
        TANet(**options)  # type: ignore[arg-type]
