"""Every row of the table loads from every form it may lie on disk in; a new row is tested by being there."""

from __future__ import annotations

import json
import re
import tarfile

import numpy as np
import pytest

from toolkit.datasets import load_benchmark
from toolkit.datasets.catalog import BENCHMARKS, BenchmarkRow, find_row, require_row
from toolkit.datasets.layouts import LAYOUTS
from toolkit.errors import DatasetError

PROTOCOLS = {"ope", "supervised", "longterm", "got10k", "multistart"}
ON_DISK = [row for row in BENCHMARKS if row.layout != "synthetic"]
BOXES = np.array([[3.0, 2.0, 4.0, 3.0], [2.0, 1.5, 4.0, 3.0], [np.nan] * 4, [1.0, 1.0, 2.0, 2.0]])
each_row = pytest.mark.parametrize("row", ON_DISK, ids=lambda row: row.name)


def two_names(row):
    return list(row.names[:2]) if row.names else ["alpha", "beta"]


def as_stored(row, boxes):
    """The boxes as the benchmark's own files write them."""
    if row.layout == "nfs_folders":
        return np.repeat(np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]), row.stride, axis=0)
    return boxes + np.array([1, 1, 0, 0]) if row.one_based else boxes


def build_sequence(row, pattern, root, name, write_rows, write_images):
    """One sequence in the row's own layout, annotation where `pattern` says."""
    relative = re.sub(r"\{name\}", name, pattern).replace("{group}", "group")
    annotation = write_rows(root / relative, as_stored(row, BOXES))
    folder = root / row.frames[0].format(dir=annotation.parent.relative_to(root), name=name, video=name)
    first = row.image_ranges.get(name, (row.first_image, None))[0]
    write_images(folder, [f"{(first or 0) + i:06d}.png" for i in range(len(BOXES))])


@pytest.mark.parametrize(
    ("row", "pattern"),
    [pytest.param(row, pattern, id=f"{row.name}-{pattern}") for row in ON_DISK for pattern in row.annotations],
)
@pytest.mark.parametrize("below", ["", "{folder}"])
def test_official_layout(row, pattern, below, tmp_path, write_rows, write_images):
    root = tmp_path / below.format(folder=row.folder_names()[-1]) if below else tmp_path
    names = two_names(row)
    for name in names:
        build_sequence(row, pattern.replace(".{target}", ""), root, name, write_rows, write_images)

    benchmark = load_benchmark(row.name, tmp_path)

    assert (benchmark.name, benchmark.protocol) == (row.name, row.protocol)
    assert list(benchmark.names()) == names
    for sequence in benchmark:
        np.testing.assert_allclose(sequence.ground_truth, BOXES)
        assert len(sequence) == len(BOXES)
        assert [int(frame[0, 0, 0]) for frame in sequence.require_frames()] == [0, 1, 2, 3]
        assert sequence.size() == (8, 6)
    if row.names:
        assert benchmark.missing == row.names[2:]


@each_row
def test_annotation_files_are_read_as_they_are(row, tmp_path, write_rows):
    names = two_names(row)
    for name in names:
        write_rows(tmp_path / row.name / f"{name}.txt", BOXES)
    benchmark = load_benchmark(row.name, tmp_path)
    assert list(benchmark.names()) == names
    for sequence in benchmark:
        np.testing.assert_array_equal(sequence.ground_truth, BOXES)
        assert sequence.frames is None
        assert len(sequence) == len(BOXES)


@each_row
def test_annotation_archive_with_flags(row, tmp_path, write_rows, write_text):
    name = two_names(row)[0]
    write_rows(tmp_path / "tree" / row.name / f"{name}.txt", BOXES)
    write_text(tmp_path / "tree" / row.name / "absent" / f"{name}.txt", "0\n0\n1\n0\n")
    with tarfile.open(tmp_path / f"{row.name}_extra.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "tree" / row.name, row.name)
    (sequence,) = load_benchmark(row.name, tmp_path)
    np.testing.assert_array_equal(sequence.ground_truth, BOXES)
    np.testing.assert_array_equal(sequence.visible, [True, True, False, True])


@each_row
@pytest.mark.parametrize("with_frames", [False, True])
def test_pysot_json(row, with_frames, tmp_path, write_text, write_images):
    names = two_names(row)
    entries = {
        name: {
            "video_dir": name,
            "init_rect": BOXES[0].tolist(),
            "img_names": [f"{name}/img/{i:04d}.png" for i in range(len(BOXES))],
            "gt_rect": BOXES.tolist(),
            "attr": ["OCC"],
            "absent": [1, 1, 0, 1],
            "width": 8,
            "height": 6,
        }
        for name in names
    }
    write_text(tmp_path / row.name / f"{row.name}.json", json.dumps(entries))
    if with_frames:
        write_images(tmp_path / row.name / names[0] / "img", [f"{i:04d}.png" for i in range(len(BOXES))])

    benchmark = load_benchmark(row.name, tmp_path)

    assert (benchmark.name, benchmark.protocol) == (row.name, row.protocol)
    present = names[:1] if with_frames else names
    assert list(benchmark.names()) == present
    assert with_frames == (names[1] in benchmark.missing)
    for sequence in benchmark:
        np.testing.assert_array_equal(sequence.ground_truth, BOXES)
        assert sequence.attributes == ("OCC",)
        assert sequence.image_size == (8, 6)
        np.testing.assert_array_equal(sequence.visible, [True, True, False, True])
        if with_frames:
            assert int(sequence.require_frames()[3][0, 0, 0]) == 3


@pytest.mark.parametrize("row", BENCHMARKS, ids=lambda row: row.name)
def test_row_is_consistent(row):
    assert row.protocol in PROTOCOLS
    assert row.layout in LAYOUTS or row.layout == "synthetic"
    assert all(find_row(name) is row for name in row.own_names())
    assert row.names is None or (list(row.names) == sorted(set(row.names)))
    assert row.names is not None or not row.shares
    assert set(row.image_ranges) <= set(row.names or ()) or row.name in ("OTB50", "CVPR13")
    assert set(row.synonyms.values()) <= set(row.names or ()) or row.name == "CVPR13"


def test_names_belong_to_one_row_each():
    spellings = [name for row in BENCHMARKS for name in row.own_names()]
    assert all(isinstance(find_row(name), BenchmarkRow) for name in spellings)
    assert len({row.name for row in BENCHMARKS}) == len(BENCHMARKS)


@pytest.mark.parametrize(
    ("name", "expected", "count"),
    [
        ("otb2015", "OTB100", 100),
        ("OTB-2013", "CVPR13", 51),
        ("CVPR13", "CVPR13", 51),
        ("OTB50", "OTB50", 50),
        ("vot2013", "VOT2013", 16),
        ("VOT2014", "VOT2014", 25),
        ("VOT2016", "VOT2016", 60),
        ("VOT2019", "VOT2019", 60),
        ("UAV123@10fps", "UAV123_10fps", 123),
        ("uav20l", "UAV20L", 20),
        ("DTB70", "DTB70", 70),
        ("lasot", "LaSOT", 280),
        ("LaSOT-ext", "LaSOT_ext", 150),
        ("GOT-10k/val", "GOT-10k-val", 180),
        ("GOT-10k/test", "GOT-10k-test", 180),
    ],
)
def test_aliases_and_published_sizes(name, expected, count):
    row = require_row(name)
    assert row.name == expected
    assert len(row.names) == count


@pytest.mark.parametrize(("name", "close"), [("OTB10", "OTB100"), ("VOT2108", "VOT2018"), ("lasott", "LaSOT")])
def test_unknown_name_suggests_the_closest(name, close):
    with pytest.raises(DatasetError, match=rf"(?s)Did you mean.*{close}.*Benchmarks: OTB100, OTB50.*SYNTH-LT"):
        load_benchmark(name)
