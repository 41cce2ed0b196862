"""PySOT's data sets: NAME.json beside the images, read into `Video`s by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.compat.videos import (
    VOT_TAGS,
    GOT10kVideo,
    LaSOTVideo,
    NFSVideo,
    OTBVideo,
    TrackingNetVideo,
    UAVVideo,
    Video,
    VOTLTVideo,
    VOTVideo,
)
from toolkit.errors import DatasetError


class Dataset:
    """Sequences by name, in the order of their names.

    Args:
        name: of the benchmark; `dataset_root/NAME.json` is read.
        dataset_root: folder that holds it, and the images.
        load_img: read all images now.

    Raises `DatasetError` when the file is missing, or lacks what is asked for.
    """

    video_type: type[Video] = Video
    fields: Sequence[str] = ("attr",)
    """What a sequence's entry holds beside the common keys, in the order of the arguments of `video_type`."""

    def __init__(self, name: str, dataset_root: str, load_img: bool = False) -> None:
        self.name, self.dataset_root = name, dataset_root
        self.tracker_path, self.tracker_names = "", list[str]()
        path = Path(dataset_root) / f"{name}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            self.videos = {key: self._video(key, values, load_img) for key, values in content.items()}
        except OSError as error:
            raise DatasetError(
                f"{path}: cannot be read ({error.strerror}); PySOT's data sets have their annotations there. "
                f"Without it, `toolkit.datasets.load_benchmark({name!r}, ...)` reads the official files."
            ) from None
        except (ValueError, KeyError, AttributeError) as error:
            raise DatasetError(f"{path} is no annotation file of {type(self).__name__} ({error!r}).") from None
        self.attr = self._attributes()

    def _video(self, name: str, values: Mapping[str, Any], load_img: bool) -> Video:
        keys = ("video_dir", "init_rect", "img_names", "gt_rect", *self.fields)
        arguments: list[Any] = [values.get(key) if key == "attr" else values[key] for key in keys]
        make: Any = self.video_type
        made: Video = make(name, self.dataset_root, *arguments, load_img)
        return made

    def _attributes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {"ALL": list(self.videos)}
        for name, video in self.videos.items():
            for attribute in video.attr or ():
                found.setdefault(attribute, []).append(name)
        return found

    def __getitem__(self, idx: str | int) -> Any:
        return self.videos[idx if isinstance(idx, str) else sorted(self.videos)[idx]]

    def __len__(self) -> int:
        return len(self.videos)

    def __iter__(self) -> Iterator[Any]:
        return (self.videos[name] for name in sorted(self.videos))

    def set_tracker(self, path: str, tracker_names: Sequence[str]) -> None:
        """Says where results are, and of which trackers; a benchmark reads them when it needs them."""
        self.tracker_path, self.tracker_names = path, list(tracker_names)


class OTBDataset(Dataset):
    """OTB100, CVPR13 or OTB50."""

    video_type = OTBVideo


class UAVDataset(Dataset):
    """UAV123 or UAV20L."""

    video_type = UAVVideo


class LaSOTDataset(Dataset):
    """LaSOT's test set."""

    video_type = LaSOTVideo
    fields = ("attr", "absent")


class NFSDataset(Dataset):
    """NFS30 or NFS240."""

    video_type = NFSVideo


class GOT10kDataset(Dataset):
    """GOT-10k."""

    video_type = GOT10kVideo


class TrackingNetDataset(Dataset):
    """TrackingNet."""

    video_type = TrackingNetVideo


class VOTDataset(Dataset):
    """VOT2016 to VOT2019, run with restarts."""

    video_type = VOTVideo
    fields = VOT_TAGS

    def __init__(self, name: str, dataset_root: str, load_img: bool = False) -> None:
        super().__init__(name, dataset_root, load_img)
        self.tags = ["all", *VOT_TAGS, "empty"]


class VOTLTDataset(Dataset):
    """VOT2018-LT."""

    video_type = VOTLTVideo
    fields = ()


_KINDS: Sequence[tuple[str, type[Dataset]]] = (
    ("OTB", OTBDataset),
    ("CVPR13", OTBDataset),
    ("LaSOT", LaSOTDataset),
    ("UAV", UAVDataset),
    ("NFS", NFSDataset),
    ("VOT2018-LT", VOTLTDataset),
    ("VOT2019-LT", VOTLTDataset),
    ("VOT", VOTDataset),
    ("TrackingNet", TrackingNetDataset),
    ("GOT-10k", GOT10kDataset),
)
"""What a benchmark's name begins with, and its class; the first that fits counts."""


class DatasetFactory:
    """Makes the data set of a name."""

    @staticmethod
    def create_dataset(**kwargs: Any) -> Dataset:
        """The data set `name`, of the other arguments of `Dataset`. Raises `DatasetError` for an unknown name."""
        name = kwargs.get("name", "")
        for beginning, kind in _KINDS:
            if name.startswith(beginning):
                return kind(**kwargs)
        known = ", ".join(beginning for beginning, _ in _KINDS)
        raise DatasetError(
            f"'{name}' is no data set of PySOT; its names begin with {known}. "
            "`toolkit.datasets.load_benchmark` knows more of them."
        )
