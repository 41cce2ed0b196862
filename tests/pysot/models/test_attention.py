"""TANet's networks: the sizes of docs/systems/tanet.md, the published keys, and what the options change."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.attention import APPEARANCE_DISCRIMINATORS, ATTENTION_NETS, MOTION_DISCRIMINATORS, AttentionNet, TANet
from pysot.models.attention.c3d import LAYERS, WIDTHS
from pysot.models.attention.compact import CompactAttention, alikeness
from pysot.models.attention.discriminators import from_config as build_discriminators
from pysot.models.attention.discriminators import joined_in_time
from pysot.models.attention.generator import DECODER
from pysot.models.builder import build_model
from pysot.models.inference import prepare_for_inference
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


def test_shapes_of_the_released_discriminators() -> None:
    with torch.device("meta"):
        appearance, motion = APPEARANCE_DISCRIMINATORS["released"](), MOTION_DISCRIMINATORS["released"]()
        assert appearance.fc4[0].in_features == 57600 and motion.fc4[0].in_features == 900
        seen = shapes_inside(motion, "motionModel")
        assert appearance(torch.empty(2, 3, 300, 300), torch.empty(2, 1, 300, 300)).shape == (2,)
        assert motion(torch.empty(1, 3, 3, 300, 300), torch.empty(1, 3, 1, 300, 300)).shape == (1,)
    assert seen["motionModel"] == [(1, 512, 1, 18, 18)]


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


def test_real_and_made_clips_are_joined_alike() -> None:
    """Frames first, then maps, along time: whatever the maps are."""
    frames, maps = pictures(8, 2, 3), torch.rand(2, 3, 1, 8, 8)
    joined = joined_in_time(frames, maps)
    assert joined.shape == (2, 3, 6, 8, 8)
    torch.testing.assert_close(joined[:, :, 1], frames[:, 1] / 255)
    for channel in range(3):
        torch.testing.assert_close(joined[:, channel, 4], maps[:, 1, 0])


@pytest.mark.parametrize("kind", ["released", "compact"])
def test_discriminators_answer_below_and_above_zero(kind: str) -> None:
    """Unlike the released ones, whose last ReLU kept a discriminator from ever calling a map made up."""
    torch.manual_seed(0)
    side = 128
    app, mot = APPEARANCE_DISCRIMINATORS[kind](input_size=side), MOTION_DISCRIMINATORS["compact"](input_size=side)
    with torch.no_grad():
        answers = [app(pictures(side, 1), torch.rand(1, 1, side, side) * k) for k in range(4)]
        assert mot(pictures(side, 2, 3), torch.rand(2, 3, 1, side, side)).shape == (2,)
        if kind == "released":
            app.fc5[1].bias.fill_(-5.0)
            assert app.eval()(pictures(side, 1), torch.rand(1, 1, side, side)) < 0
            old = APPEARANCE_DISCRIMINATORS[kind](input_size=side, final_relu=True)
            old.fc5[1].bias.fill_(-5.0)
            assert old.eval()(pictures(side, 1), torch.rand(1, 1, side, side)) == 0
    assert len({float(answer) for answer in answers}) == 4


def test_too_small_for_the_released_discriminators() -> None:
    with pytest.raises(ConfigError, match="INPUT_SIZE 40 is too small"):
        APPEARANCE_DISCRIMINATORS["released"](input_size=40)


def test_experiment_builds_its_parts() -> None:
    cfg = load_config("tanet_tiny")
    model = build_model(cfg)
    assert isinstance(model, CompactAttention) and model.input_size == cfg.ATTENTION.INPUT_SIZE
    assert set(build_discriminators(cfg)) == {"d_app", "d_mot"}
    assert sum(WIDTHS) == 64 + 128 + 2 * 256 + 4 * 512


def test_bad_width_names_the_key() -> None:
    with pytest.raises(ConfigError, match="multiples of 16"):
        build_model(load_config("tanet_tiny", ["ATTENTION.INPUT_SIZE", "100"]))
    with pytest.raises(ConfigError, match=r"ATTENTION.KWARGS.*do not fit attention network 'TANetTiny'"):
        build_model(load_config("tanet_tiny", ["ATTENTION.KWARGS.depth", "3"]))
