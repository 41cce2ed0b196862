"""PySOT's data sets: what a program reads, iterates, draws, and which names there are."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import numpy as np
import pytest

from tests.toolkit.compat.made import LENGTHS, SIZE, true_boxes, write_data
from toolkit.datasets import DatasetFactory, OTBDataset, VOTDataset
from toolkit.errors import DatasetError, FrameError, ResultError

MODULES = {
    "toolkit.datasets": "DatasetFactory GOT10kDataset LaSOTDataset NFSDataset OTBDataset TrackingNetDataset UAVDataset "
    "VOTDataset VOTLTDataset",
    "toolkit.datasets.dataset": "Dataset",
    "toolkit.datasets.video": "Video",
    "toolkit.datasets.otb": "OTBDataset OTBVideo",
    "toolkit.datasets.uav": "UAVDataset UAVVideo",
    "toolkit.datasets.lasot": "LaSOTDataset LaSOTVideo",
    "toolkit.datasets.nfs": "NFSDataset NFSVideo",
    "toolkit.datasets.got10k": "GOT10kDataset GOT10kVideo",
    "toolkit.datasets.trackingnet": "TrackingNetDataset TrackingNetVideo",
    "toolkit.datasets.vot": "VOTDataset VOTLTDataset VOTLTVideo VOTVideo",
    "toolkit.evaluation": "AccuracyRobustnessBenchmark EAOBenchmark F1Benchmark OPEBenchmark",
    "toolkit.evaluation.ar_benchmark": "AccuracyRobustnessBenchmark",
    "toolkit.evaluation.eao_benchmark": "EAOBenchmark",
    "toolkit.evaluation.f1_benchmark": "F1Benchmark",
    "toolkit.evaluation.ope_benchmark": "OPEBenchmark",
    "toolkit.utils.misc": "determine_thresholds",
    "toolkit.utils.region": "vot_float2str vot_overlap vot_overlap_traj",
    "toolkit.utils.statistics": "calculate_accuracy calculate_expected_overlap calculate_f1 calculate_failures "
    "determine_thresholds overlap_ratio success_error success_overlap",
}
"""PySOT's public names."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pysot")
    write_data(folder)
    return folder


@pytest.mark.parametrize("module", MODULES)
def test_names_are_where_pysot_has_them(module: str) -> None:
    found = importlib.import_module(module)
    for name in MODULES[module].split():
        assert callable(getattr(found, name)), name
    with pytest.raises(AttributeError):
        _ = found.no_such_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("OTB100", "OTBDataset"), ("CVPR13", "OTBDataset"), ("LaSOT", "LaSOTDataset"), ("UAV20L", "UAVDataset"),
        ("NFS30", "NFSDataset"), ("VOT2019", "VOTDataset"), ("VOT2018-LT", "VOTLTDataset"),
        ("TrackingNet", "TrackingNetDataset"), ("GOT-10k", "GOT10kDataset"),
    ],
)  # fmt: skip
def test_the_factory_knows_the_names(name: str, kind: str, root: Path, tmp_path: Path) -> None:
    source = "VOT2018-LT.json" if name == "VOT2018-LT" else "VOT2018.json"
    (tmp_path / f"{name}.json").write_bytes((root / source).read_bytes())
    dataset = DatasetFactory.create_dataset(name=name, dataset_root=str(tmp_path), load_img=False)
    assert type(dataset).__name__ == kind and len(dataset) == 3 and dataset.name == name


def test_a_program_walks_through_a_data_set(root: Path) -> None:
    dataset = OTBDataset("OTB100", str(root), load_img=True)
    assert [video.name for video in dataset] == ["a", "b", "c"]
    assert dataset[0] is dataset["a"] and dataset.attr["OCC"] == ["c"]
    video = dataset["b"]
    assert len(video) == LENGTHS["b"] and (video.width, video.height) == SIZE
    assert np.allclose([truth for _, truth in video], true_boxes("b"))
    image, truth = video[3]
    assert image.shape == (SIZE[1], SIZE[0], 3) and truth == true_boxes("b")[3].tolist()
    video.free_img()
    assert video.imgs is None and np.array_equal(video[3][0], image)


def test_results_are_kept_or_returned(root: Path) -> None:
    video = OTBDataset("OTB100", str(root))["a"]
    rows = video.load_tracker(str(root / "results" / "ope"), "t2", store=False)
    assert video.pred_trajs == {} and len(rows) == LENGTHS["a"] and len(rows[0]) == 4
    video.load_tracker(str(root / "results" / "ope"))
    assert video.tracker_names == ["t1", "t2"] and video.pred_trajs["t2"] == rows
    long = DatasetFactory.create_dataset(name="VOT2018-LT", dataset_root=str(root))["a"]
    boxes, scores = long.load_tracker(str(root / "results" / "lt"), ["t1"])
    assert math.isnan(scores[0]) and len(scores) == len(boxes) and long.confidence["t1"] == scores
    assert [len(box) for box in long.gt_traj[18:28]] == [4, 4, *[1] * 6, 4, 4]


def test_tags_of_frames(root: Path) -> None:
    video = VOTDataset("VOT2018", str(root))["a"]
    assert video.tag_names[0] == "all" and video.tag_names[-1] == "empty"
    assert len(video.select_tag("empty", 5, 25)) == 20
    untagged = np.array(video.tags["empty"], bool)
    assert not any(np.array(video.tags[tag])[untagged].any() for tag in video.tag_names[1:-1])


def test_boxes_are_drawn(root: Path) -> None:
    video = OTBDataset("OTB100", str(root))["a"]
    canvas = np.zeros((120, 160, 3), np.uint8)
    for roi in ([20, 40, 50, 30], [90, 20, 120, 30, 110, 60, 80, 50]):
        before = canvas.copy()
        assert video.draw_box(roi, canvas, 2, (0, 255, 0), "t") is canvas
        assert (canvas != before).any() and (canvas == (0, 255, 0)).all(axis=2).any()
    before = canvas.copy()
    assert np.array_equal(video.draw_box([math.nan] * 4, canvas, 2, (0, 0, 255)), before)


def test_what_is_missing_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="'KITTI' is no data set of PySOT"):
        DatasetFactory.create_dataset(name="KITTI", dataset_root=str(root))
    with pytest.raises(DatasetError, match=r"UAV123\.json: cannot be read.*load_benchmark\('UAV123'"):
        DatasetFactory.create_dataset(name="UAV123", dataset_root=str(root))
    (tmp_path / "NFS30.json").write_text('{"a": {"video_dir": "a"}}')
    with pytest.raises(DatasetError, match=r"NFS30\.json is no annotation file of NFSDataset \(KeyError\('init_rect'"):
        DatasetFactory.create_dataset(name="NFS30", dataset_root=str(tmp_path))
    video = OTBDataset("OTB100", str(root))["a"]
    with pytest.raises(ResultError, match=r"t3.a\.txt: there is no such file"):
        video.load_tracker(str(root / "results" / "ope"), "t3")
    with pytest.raises(ResultError, match=r"no results for 'a' \(baseline/a/a_001\.txt\)"):
        VOTDataset("VOT2018", str(root))["a"].load_tracker(str(root / "results" / "ope"), "t1")
    (tmp_path / "OTB100.json").write_bytes((root / "OTB100.json").read_bytes())
    with pytest.raises(FrameError, match=r"1\.png"):
        _ = OTBDataset("OTB100", str(tmp_path))["a"].width
