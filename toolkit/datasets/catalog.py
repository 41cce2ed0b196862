"""The table of benchmarks: one row each. Adding a benchmark is adding a row, here or with `register_benchmark`.

Coordinates. A raw folder whose row says `one_based` holds MATLAB coordinates: 1 is subtracted from x and y when it is
read, so that trackers and results are 0-based. Only OTB is known to be so; every other benchmark is read as it is
written, as the published toolkits do. PySOT JSON files and folders of annotation files without images are always read
as they are, because the result folders published for them live in the same frame.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.datasets import listings
from toolkit.errors import DatasetError


@dataclass(frozen=True)
class BenchmarkRow:
    """One benchmark.

    Attributes:
        name: canonical name; also the name of its PySOT JSON and of its folder under a dataset root.
        layout: key of `toolkit.datasets.layouts.LAYOUTS`, or `synthetic` for a rendered benchmark.
        protocol: how it is run, see `Benchmark.protocol`.
        aliases: other names users call it by, and other names of its JSON and folder.
        folders: names its official archive unpacks to.
        shares: benchmarks whose JSON or folder holds this one's sequences too; asks for `names`.
        names: the sequences it consists of; None when not listed here: sequences found = sequences run.
        synonyms: other spellings of a name in `names`.
        annotations: where annotation files lie below the root: `{name}` is the sequence, `{group}` any one folder,
            `{target}` the number of a second target (the sequence is then called `name-target`).
        frames: where the images of a sequence lie: `{dir}` is the folder of the annotation, `{video}` the sequence's
            name without its part (`bird1` for `bird1_2`).
        first_image: number of the image that the first annotation row belongs to; None: the first image there is.
        image_ranges: first and last (None: open) image number of sequences that use part of their images.
        attributes: names of the flags in the attribute files, in their order; () leaves them numbered.
        known_attributes: the attributes of sequences whose files do not say them.
        one_based: whether raw boxes are 1-based.
        stride: every how manieth annotation row belongs to an image.
        hidden_counts: whether one-pass scores take frames flagged absent like any other, as its published scores do.
    """

    name: str
    layout: str
    protocol: str = "ope"
    aliases: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None
    synonyms: Mapping[str, str] = field(default_factory=dict)
    annotations: tuple[str, ...] = ("{name}/groundtruth.txt",)
    frames: tuple[str, ...] = ("{dir}/img", "{dir}")
    first_image: int | None = 1
    image_ranges: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    known_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    one_based: bool = False
    stride: int = 1
    hidden_counts: bool = False

    def canonical(self, sequence: str) -> str:
        """The spelling of a sequence's name that `names` uses."""
        return self.synonyms.get(sequence, sequence)

    def own_names(self) -> tuple[str, ...]:
        """Names its JSON and folder may have."""
        return (self.name, *self.aliases)

    def folder_names(self) -> tuple[str, ...]:
        """Names of the folders under a dataset root that may hold it."""
        return (*self.own_names(), *self.folders, *self.shares)


def _otb(name: str, names: tuple[str, ...], aliases: tuple[str, ...], shares: tuple[str, ...] = ()) -> BenchmarkRow:
    return BenchmarkRow(
        name,
        "sequence_folders",
        aliases=aliases,
        shares=shares,
        names=names,
        synonyms={"Human4": "Human4-2"},
        annotations=("{name}/groundtruth_rect.{target}.txt", "{name}/groundtruth_rect.txt"),
        image_ranges=dict(listings.OTB_FRAMES),
        known_attributes=listings.OTB_ATTRIBUTES,
        one_based=True,
    )


def _vot(
    name: str,
    names: tuple[str, ...] | None = None,
    protocol: str = "supervised",
    aliases: tuple[str, ...] = (),
    shares: tuple[str, ...] = (),
) -> BenchmarkRow:
    return BenchmarkRow(
        name,
        "vot_folders",
        protocol,
        aliases=aliases,
        shares=shares,
        names=names,
        annotations=("{name}/groundtruth.txt", "sequences/{name}/groundtruth.txt"),
        frames=("{dir}/color", "{dir}"),
    )


_UAV_ATTRIBUTES = ("SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB")
"""Order of the attribute files (the sums of their columns are the counts of Mueller et al., ECCV 2016, figure 3)."""

_DTB70_ATTRIBUTES = ("SV", "ARV", "OCC", "DEF", "FCM", "IPR", "OPR", "OV", "BC", "SOA", "MB")
"""Order of the attribute files (the sums of their columns are the counts of Li and Yeung, AAAI 2017, table 2)."""

_LASOT_ATTRIBUTES = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")
"""Order of the attribute files in the official evaluation toolkit."""


def _uav(name: str, firsts: Mapping[str, int], aliases: tuple[str, ...] = ()) -> BenchmarkRow:
    return BenchmarkRow(
        name,
        "split_folders",
        aliases=aliases,
        names=listings.UAV123,
        annotations=(f"anno/{name}/{{name}}.txt",),
        frames=(f"data_seq/{name}/{{name}}", f"data_seq/{name}/{{video}}"),
        image_ranges={sequence: (first, None) for sequence, first in firsts.items()},
        attributes=_UAV_ATTRIBUTES,
    )


def _lasot(name: str, names: tuple[str, ...], aliases: tuple[str, ...], folders: tuple[str, ...]) -> BenchmarkRow:
    return BenchmarkRow(
        name,
        "lasot_folders",
        aliases=aliases,
        folders=folders,
        names=names,
        annotations=("{group}/{name}/groundtruth.txt", "{name}/groundtruth.txt"),
        attributes=_LASOT_ATTRIBUTES,
    )


def _got10k(name: str, subset: str, names: tuple[str, ...], aliases: tuple[str, ...]) -> BenchmarkRow:
    return BenchmarkRow(
        name,
        "got10k_folders",
        "got10k",
        aliases=aliases,
        folders=("GOT-10k", "GOT10k", "full_data", subset),
        names=names,
        annotations=(f"{subset}/{{name}}/groundtruth.txt", "{name}/groundtruth.txt"),
        frames=("{dir}",),
    )


def _nfs(name: str, rate: int, aliases: tuple[str, ...], stride: int) -> BenchmarkRow:
    return BenchmarkRow(
        name,
        "nfs_folders",
        aliases=aliases,
        folders=("NFS", "Nfs", "nfs"),
        annotations=(
            f"{{name}}/{rate}/{{name}}.txt",
            f"{rate}/{{name}}.txt",
            *(("anno/nfs_{name}.txt",) if rate == 30 else ()),  # the release for pytracking, a row per image
            "anno/{name}.txt",
        ),
        frames=(f"{{name}}/{rate}/{{name}}", f"{rate}/{{name}}", "sequences/{name}"),
        stride=stride,
        hidden_counts=True,
    )


BENCHMARKS: list[BenchmarkRow] = [
    _otb("OTB100", listings.OTB100, ("OTB", "OTB2015", "TB100", "OTB-100")),
    _otb("OTB50", listings.OTB50, ("TB50", "OTB-50"), shares=("OTB100", "OTB2015", "OTB")),
    _otb("CVPR13", listings.OTB2013, ("OTB2013", "OTB-2013"), shares=("OTB100", "OTB2015", "OTB")),
    _vot("VOT2013", listings.VOT2013),
    _vot("VOT2014", listings.VOT2014),
    _vot("VOT2015", listings.VOT2016, shares=("VOT2016",)),
    _vot("VOT2016", listings.VOT2016),
    _vot("VOT2017", listings.VOT2018, shares=("VOT2018",)),
    _vot("VOT2018", listings.VOT2018, shares=("VOT2017",)),
    _vot("VOT2019", listings.VOT2019),
    _vot("VOT2018-LT", protocol="longterm", aliases=("VOT-LT2018",)),
    _vot("VOT2019-LT", protocol="longterm", aliases=("VOT-LT2019",)),
    _vot("VOT2020", protocol="multistart", aliases=("VOT-ST2020",)),
    _vot("VOT2021", protocol="multistart", aliases=("VOT-ST2021",)),
    _vot("VOT2022", protocol="multistart", aliases=("VOT-STS2022", "VOT2022-STS")),
    _vot("VOT2022-STB", protocol="multistart", aliases=("VOT-STB2022",)),
    _uav("UAV123", listings.UAV123_FIRST),
    _uav("UAV123_10fps", listings.UAV123_10FPS_FIRST, ("UAV123@10fps",)),
    BenchmarkRow(
        "UAV20L",
        "split_folders",
        shares=("UAV123",),
        names=listings.UAV20L,
        annotations=("anno/UAV20L/{name}.txt",),
        frames=("data_seq/UAV20L/{name}", "data_seq/UAV123/{name}"),
        attributes=_UAV_ATTRIBUTES,
    ),
    BenchmarkRow(
        "DTB70",
        "sequence_folders",
        names=listings.DTB70,
        annotations=("{name}/groundtruth_rect.txt",),
        attributes=_DTB70_ATTRIBUTES,
    ),
    BenchmarkRow(
        "UAVDT",
        "split_folders",
        aliases=("UAVDT-SOT",),
        annotations=("UAV-benchmark-SOT_v1.0/anno/{name}_gt.txt", "anno/{name}_gt.txt"),
        frames=("UAV-benchmark-S/{name}", "{name}"),
    ),
    _nfs("NFS30", 30, ("NFS", "NfS", "NFS-30"), stride=8),
    _nfs("NFS240", 240, ("NFS-240",), stride=1),
    _lasot("LaSOT", listings.LASOT_TEST, (), ("LaSOTBenchmark", "LaSOTTesting", "LaSOTTest")),
    _lasot(
        "LaSOT_ext",
        listings.LASOT_EXTENSION,
        ("LaSOText", "LaSOT-extension", "LaSOTExtSub"),
        ("LaSOT_extension_subset", "LaSOT_Ext", "LaSOT_extension"),
    ),
    _got10k("GOT-10k-val", "val", listings.GOT10K_VAL, ("GOT-10k", "GOT-10k/val", "GOT-10k_Val")),
    _got10k("GOT-10k-test", "test", listings.GOT10K_TEST, ("GOT-10k/test", "GOT-10k_Test")),
    BenchmarkRow(
        "TrackingNet",
        "split_folders",
        annotations=("TEST/anno/{name}.txt", "anno/{name}.txt"),
        frames=("TEST/frames/{name}", "frames/{name}"),
        first_image=None,
    ),
    BenchmarkRow(
        "TNL2K",
        "sequence_folders",
        folders=("TNL2K_test_subset", "TNL2K_CVPR2021"),
        frames=("{dir}/imgs", "{dir}/img"),
        first_image=None,
    ),
    BenchmarkRow(
        "TC128",
        "sequence_folders",
        aliases=("TColor128", "TC-128"),
        folders=("Temple-color-128", "Temple-Color-128"),
        annotations=("{name}/{name}_gt.txt",),
    ),
    BenchmarkRow("SYNTH", "synthetic"),
    BenchmarkRow("SYNTH-val", "synthetic"),
    BenchmarkRow("SYNTH-test", "synthetic"),
    BenchmarkRow("SYNTH-LT", "synthetic", "longterm"),
]


def register_benchmark(row: BenchmarkRow) -> None:
    """Adds a benchmark of one's own to the table. Raises `DatasetError` when one of its names is taken."""
    for name in row.own_names():
        known = find_row(name)
        if known is not None:
            raise DatasetError(f"'{name}' is already a name of {known.name}; expected a new one. Rename {row.name}.")
    BENCHMARKS.append(row)
    _BY_KEY.update({_key(name): row for name in row.own_names()})


def find_row(name: str) -> BenchmarkRow | None:
    """The row called `name`; case, blanks and the signs `-`, `_`, `@` do not matter. None when there is none."""
    return _BY_KEY.get(_key(name))


def require_row(name: str) -> BenchmarkRow:
    """The row called `name`, or `DatasetError` with the closest names and the whole list."""
    row = find_row(name)
    if row is not None:
        return row
    spelled = {_key(spelling): spelling for row in BENCHMARKS for spelling in reversed(row.own_names())}
    close = [spelled[key] for key in difflib.get_close_matches(_key(name), spelled, n=3, cutoff=0.5)]
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise DatasetError(
        f"'{name}' is neither a benchmark nor an existing folder or file.{hint} "
        f"Benchmarks: {', '.join(row.name for row in BENCHMARKS)}. For data of your own, give the path to its folder."
    )


def _key(name: str) -> str:
    return name.casefold().translate(str.maketrans("", "", "-_@ "))


_BY_KEY = {_key(spelling): row for row in reversed(BENCHMARKS) for spelling in row.own_names()}
