"""The native extension and numba give the same bits, whatever comes in."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.golden import recorded
from toolkit.regions import backend, kernels

native = pytest.mark.skipif(
    importlib.util.find_spec("toolkit.utils._region") is None, reason="the native extension is not built"
)

EVERYWHERE = np.array([[-np.inf, -np.inf, np.inf, np.inf]])
IMAGE = np.array([[0.0, 0.0, 192.0, 108.0]])
FRACTION = np.array([[0.25, -3.5, 191.5, 107.75]])


def both(a: np.ndarray, b: np.ndarray, k: int, bounds: np.ndarray, mode: int) -> tuple[np.ndarray, np.ndarray]:
    from toolkit.utils._region import overlap_many

    starts = np.arange(len(a) // k + 1, dtype=np.int64) * k
    first, second = np.empty(len(starts) - 1), np.empty(len(starts) - 1)
    overlap_many(a, starts, b, starts, bounds, mode, first)
    kernels.overlap_many(a, starts, b, starts, bounds, mode, second)
    return first, second


@native
@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("scale", [2.0, 40.0, 400.0, 1e5, 1e9, 1e17])
@pytest.mark.parametrize("k", [3, 4, 9])
def test_random_polygons(mode: int, scale: float, k: int) -> None:
    rng = np.random.default_rng(k)
    a, b = rng.normal(0, scale, (2, 400 * k, 2))
    a[::2], b[::3] = np.round(a[::2]), np.round(b[::3])
    a[: 20 * k : 7, 0], b[: 20 * k : 11, 1] = np.nan, np.inf
    for bounds in (EVERYWHERE, IMAGE, FRACTION):
        np.testing.assert_array_equal(*both(a, b, k, bounds, mode))


@native
@settings(max_examples=150, deadline=None)
@given(
    arrays(np.float64, (10, 2), elements=st.floats(allow_nan=True, allow_infinity=True)),
    arrays(np.float64, (10, 2), elements=st.one_of(st.floats(-300, 300), st.integers(-9, 9).map(float))),
    st.sampled_from([EVERYWHERE, IMAGE, FRACTION]),
    st.sampled_from([0, 1, 2]),
)
def test_any_number_at_all(wild: np.ndarray, tame: np.ndarray, bounds: np.ndarray, mode: int) -> None:
    for first, second in ((wild, tame), (tame, tame[::-1].copy())):
        np.testing.assert_array_equal(*both(first, second, 5, bounds, mode))


@native
def test_the_reference_pairs() -> None:
    golden = recorded("region_overlap.npz")
    for a, b in (("P1", "P2"), ("U1", "U2")):
        points = [golden[name].astype(np.float64).reshape(-1, 2) for name in (a, b)]
        for mode in (0, 1, 2):
            np.testing.assert_array_equal(*both(*points, 4, IMAGE * 10, mode))


@native
def test_the_binding_refuses_what_would_read_outside_its_arrays() -> None:
    from toolkit.utils._region import overlap_many

    points, out = np.zeros((4, 2)), np.empty(1)
    for starts in ([0, 5], [-1, 4], [4, 0], [0, 2, 4]):
        with pytest.raises(ValueError, match="must name 1 polygons"):
            overlap_many(points, np.array(starts), points, np.array([0, 4]), EVERYWHERE, 0, out)
    with pytest.raises(ValueError, match="bounds must be"):
        overlap_many(points, np.array([0, 4]), points, np.array([0, 4]), np.zeros((2, 4)), 0, out)
    with pytest.raises(ValueError, match="mode 0, 1 or 2"):
        overlap_many(points, np.array([0, 4]), points, np.array([0, 4]), EVERYWHERE, 3, out)


def test_numba_answers_when_the_extension_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYSOT_NO_NATIVE", "1")
    backend.select.cache_clear()
    try:
        with caplog.at_level(logging.INFO, logger="toolkit.regions.backend"):
            assert [backend.backend_name(), backend.backend_name()] == ["numba", "numba"]
        assert len(caplog.records) == 1
        assert "PYSOT_NO_NATIVE" in caplog.text
    finally:
        monkeypatch.undo()
        backend.select.cache_clear()


def test_numba_answers_when_the_extension_is_absent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PYSOT_NO_NATIVE", raising=False)
    monkeypatch.setitem(sys.modules, "toolkit.utils._region", None)
    backend.select.cache_clear()
    try:
        with caplog.at_level(logging.INFO, logger="toolkit.regions.backend"):
            assert backend.backend_name() == "numba"
        assert "native extension is not usable" in caplog.text
    finally:
        monkeypatch.undo()
        backend.select.cache_clear()


def test_importing_the_regions_compiles_nothing(repo: Path) -> None:
    code = "import sys, toolkit.regions, toolkit.utils.region; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=repo, check=False, timeout=60).returncode == 0
