"""Reading frames and masks: what is converted, what is refused, what is kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pysot.core.errors import ConfigError, ImageError
from pysot.datasets.sources import images
from pysot.datasets.sources.images import ImageCache, mask_values, read_frame, read_mask, set_cache_size
from tests.pysot.datasets.files import write_image, write_palette_png


@pytest.fixture(autouse=True)
def _no_cache_left() -> Iterator[None]:
    yield
    set_cache_size(0)


def test_frame_is_bgr_and_read_only(tmp_path: Path) -> None:
    written = write_image(tmp_path / "a.png")
    frame = read_frame(tmp_path / "a.png")
    assert np.array_equal(frame, written) and not frame.flags.writeable


@pytest.mark.parametrize("levels", [np.full((20, 30), 200, np.uint8), np.full((20, 30), 200 * 257, np.uint16)])
def test_gray_and_16_bit_frames_are_converted(tmp_path: Path, levels: np.ndarray) -> None:
    cv2.imwrite(str(tmp_path / "gray.png"), levels)
    frame = read_frame(tmp_path / "gray.png")
    assert frame.shape == (20, 30, 3) and frame.dtype == np.uint8 and (frame == 200).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_cut_frame_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"cut{suffix}"
    write_image(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=f"cut{suffix}"):
        read_frame(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_end_marker_is_looked_for_where_the_decoder_forgives(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"cut{suffix}"
    write_image(path)
    path.write_bytes(path.read_bytes()[:-40])
    monkeypatch.setattr(images, "read_image", lambda path: np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(ImageError, match=r"cut short.*end marker"):
        read_frame(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_bytes_after_the_end_do_no_harm(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"long{suffix}"
    write_image(path)
    whole = read_frame(path)
    path.write_bytes(path.read_bytes() + b"\0" * 500)
    assert np.array_equal(read_frame(path), whole)


@pytest.mark.parametrize("content", [None, b"", b"no image at all"])
def test_missing_empty_and_foreign_files_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=r"x\.jpg"):
        read_frame(path)
    with pytest.raises(ImageError, match=r"x\.jpg"):
        read_mask(path)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 2, 4, 8]).flatmap(lambda bits: st.tuples(st.just(bits), arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 21)), elements=st.integers(0, 2**bits - 1)
))))  # fmt: skip
def test_palette_masks_count_by_index(
    tmp_path_factory: pytest.TempPathFactory, example: tuple[int, np.ndarray]
) -> None:
    bits, indices = example
    path = tmp_path_factory.getbasetemp() / "indexed.png"
    write_palette_png(path, indices, bits)
    assert np.array_equal(read_mask(path), indices != 0)
    assert mask_values(path) == [value for value in np.unique(indices).tolist() if value]
    for value in mask_values(path):
        assert np.array_equal(read_mask(path, value), indices == value)


def test_gray_and_color_masks(tmp_path: Path) -> None:
    levels = np.zeros((10, 12), np.uint8)
    levels[2:5, 3:7] = 255
    cv2.imwrite(str(tmp_path / "gray.png"), levels)
    cv2.imwrite(str(tmp_path / "color.png"), np.dstack([levels * 0, levels, levels * 0]))
    for name in ("gray.png", "color.png"):
        assert np.array_equal(read_mask(tmp_path / name), levels > 0)
        assert np.array_equal(read_mask(tmp_path / name, 255), levels > 0)
        assert not read_mask(tmp_path / name, 1).any()


def test_cache_hands_out_the_same_array_until_it_is_dropped(tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / f"{number}.png", (256, 256), number)  # 0.1875 MiB decoded
    set_cache_size(0.4)
    first, second = read_frame(tmp_path / "0.png"), read_frame(tmp_path / "1.png")
    assert read_frame(tmp_path / "0.png") is first
    read_frame(tmp_path / "2.png")  # no room for three: the one used longest ago goes
    assert read_frame(tmp_path / "0.png") is first
    again = read_frame(tmp_path / "1.png")
    assert again is not second and np.array_equal(again, second)


def test_masks_are_cached_by_object(tmp_path: Path) -> None:
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_palette_png(tmp_path / "m.png", indices)
    set_cache_size(1)
    one = read_mask(tmp_path / "m.png", 1)
    assert read_mask(tmp_path / "m.png", 1) is one
    assert np.array_equal(read_mask(tmp_path / "m.png", 2), indices == 2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 400_000)), max_size=40), st.floats(0, 1.5))
def test_cache_never_exceeds_its_bound(requests: list[tuple[int, int]], mib: float) -> None:
    cache = ImageCache(mib)
    for key, size in requests:
        cache.get((key, size), lambda size=size: np.zeros(size, np.uint8))
        assert cache.used_mib <= mib
    cache.resize(0)
    assert cache.used_mib == 0


def test_negative_cache_is_refused() -> None:
    with pytest.raises(ConfigError, match="-1"):
        set_cache_size(-1)
