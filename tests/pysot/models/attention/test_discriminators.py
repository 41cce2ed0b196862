"""The discriminators of attention maps: sizes as released, and answers that can be learned."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pysot.config.loading import load_config
from pysot.core.errors import ConfigError
from pysot.models.attention import APPEARANCE_DISCRIMINATORS, MOTION_DISCRIMINATORS
from pysot.models.attention.c3d import WIDTHS
from pysot.models.attention.compact import CompactAttention
from pysot.models.attention.discriminators import from_config as build_discriminators
from pysot.models.attention.discriminators import joined_in_time
from pysot.models.builder import build_model


def pictures(side: int, *sizes: int) -> Tensor:
    return torch.rand(*sizes, 3, side, side, generator=torch.Generator().manual_seed(1)) * 255


def shapes_inside(model: nn.Module, *names: str) -> dict[str, list[tuple[int, ...]]]:
    """Shapes that the parts `names` return from now on, call by call."""
    seen: dict[str, list[tuple[int, ...]]] = {name: [] for name in names}
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen[name].append(tuple(output.shape))
        )
    return seen


def test_shapes_of_the_released_discriminators() -> None:
    with torch.device("meta"):
        appearance, motion = APPEARANCE_DISCRIMINATORS["released"](), MOTION_DISCRIMINATORS["released"]()
        assert appearance.fc4[0].in_features == 57600 and motion.fc4[0].in_features == 900
        seen = shapes_inside(motion, "motionModel")
        assert appearance(torch.empty(2, 3, 300, 300), torch.empty(2, 1, 300, 300)).shape == (2,)
        assert motion(torch.empty(1, 3, 3, 300, 300), torch.empty(1, 3, 1, 300, 300)).shape == (1,)
    assert seen["motionModel"] == [(1, 512, 1, 18, 18)]


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


@pytest.mark.parametrize(("turn", "atleast"), [("d_app", 0.9), ("d_mot", 0.75)])
def test_compact_discriminators_learn_to_tell_soft_maps_from_true_ones(turn: str, atleast: float) -> None:
    """Share of pairs, of frames not seen before, whose true map gets the higher answer. The made maps are right but
    blurred, and half as bright.
    """
    torch.manual_seed(0)
    cfg = load_config("tanet_tiny", ["ATTENTION.INPUT_SIZE", "64"])
    discriminator = build_discriminators(cfg)[turn]
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=0.002)
    rng = torch.Generator().manual_seed(5)
    for step in range(70):
        frames = torch.rand(8, 3, 3, 8, 8, generator=rng).repeat_interleave(8, -1).repeat_interleave(8, -2) * 255
        true = torch.zeros(8, 3, 1, 64, 64)
        for maps in true:
            x, y = torch.randint(0, 48, (2,), generator=rng).tolist()
            maps[:, :, y : y + 12, x : x + 12] = 1
        made = nn.functional.avg_pool2d(true.flatten(0, 1), 9, 1, 4).unflatten(0, (8, 3)) * 0.5
        if turn == "d_app":
            frames, true, made = (part.flatten(0, 1) for part in (frames, true, made))
        if step == 60:
            discriminator.eval()
        real, fake = discriminator(frames, true), discriminator(frames, made)
        if step < 60:
            optimizer.zero_grad()
            (nn.functional.softplus(-real) + nn.functional.softplus(fake)).mean().backward()
            optimizer.step()
        elif step == 69:
            assert float((real[:, None] > fake[None]).float().mean()) >= atleast
