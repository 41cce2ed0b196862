"""The trackers' snapshots known by name. Data, not code: one row each.

Links, licenses and published scores are those of the projects' own pages: MODEL_ZOO.md of PySOT and of pytracking,
README.md of SiamTrackers' NanoTrack, of meta_trackers and of LGSearch. MODEL_ZOO.md is written from these rows and
from `scores.json` by `tools/zoo.py page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pysot.zoo.catalog_backbones import BACKBONE_ROWS
from pysot.zoo.entry import ModelEntry, drive

_NANO = (
    "https://raw.githubusercontent.com/HonglinChu/SiamTrackers/master/NanoTrack/models/pretrained",
    "https://github.com/HonglinChu/SiamTrackers/raw/master/NanoTrack/models/pretrained",
)
_SIAMRPN = "Li et al., SiamRPN++, CVPR 2019"
_ALEX = "Li et al., SiamRPN, CVPR 2018; SiamRPN++, CVPR 2019"
_DIMP = "Bhat et al., DiMP, ICCV 2019"
_PRDIMP = "Danelljan et al., PrDiMP, CVPR 2020"


def _vots(*scores: tuple[float, float, float]) -> dict[str, dict[str, float]]:
    """EAO, accuracy and robustness on VOT2016, VOT2018 and VOT2019."""
    benchmarks = zip(("VOT2016", "VOT2018", "VOT2019"), scores, strict=True)
    return {benchmark: dict(zip(("EAO", "A", "R"), values, strict=True)) for benchmark, values in benchmarks}


def _otb(success: float, precision: float) -> dict[str, dict[str, float]]:
    return {"OTB2015": {"AUC": success, "Prec": precision}}


def _own(name: str, *, family: str, sha256: str, size: int, paper: str, checks: Mapping[str, float]) -> ModelEntry:
    """A snapshot of ours: `experiments/<name>/model.safetensors`. `tools/zoo.py add` prints the row of a new one."""
    file = f"{name}.safetensors"
    return ModelEntry(name, family, file, "own", configs=(name,), sha256=sha256, size=size, paper=paper, checks=checks)


def _nanotrack(version: int, sha256: str, size: int, scores: tuple[float, float, float, float]) -> ModelEntry:
    name, file = f"nanotrack_v{version}", f"nanotrackv{version}.pth"
    columns = (("VOT2018", "EAO"), ("VOT2019", "EAO"), ("GOT-10k val", "AO"), ("DTB70", "AUC"))
    return ModelEntry(
        name,
        "nanotrack",
        file,
        "nanotrack",
        tuple(f"{folder}/{file}" for folder in _NANO),
        (name,),
        sha256=sha256,
        size=size,
        paper="no paper; HonglinChu/SiamTrackers",
        published={benchmark: {score: value} for (benchmark, score), value in zip(columns, scores, strict=True)},
    )


def _pysot(name: str, file_id: str, published: Mapping[str, Mapping[str, float]], paper: str = _SIAMRPN) -> ModelEntry:
    family = "siammask" if name.startswith("siammask") else "siamrpn"
    return ModelEntry(name, family, f"{name}.pth", "pysot", drive(file_id), (name,), paper=paper, published=published)


_PYTRACKING_COLUMNS = ("VOT2018", "OTB2015", "NFS", "UAV123", "LaSOT", "TrackingNet", "GOT-10k", "AVisT")
_PYTRACKING_SCORES = ("EAO", "AUC", "AUC", "AUC", "AUC", "Succ", "AO", "AUC")


def _pytracking(
    name: str,
    file_id: str,
    configs: tuple[str, ...],
    paper: str,
    scores: Sequence[float | None] = (None,) * len(_PYTRACKING_COLUMNS),
    aliases: tuple[str, ...] = (),
    note: str = "",
) -> ModelEntry:
    rows = zip(_PYTRACKING_COLUMNS, _PYTRACKING_SCORES, scores, strict=True)
    return ModelEntry(
        name,
        "atom" if name == "atom" else "dimp",
        f"{name}.pth",
        "pytracking",
        drive(file_id),
        configs,
        aliases,
        paper=paper,
        published={benchmark: {score: value} for benchmark, score, value in rows if value is not None},
        note=note,
    )


OWN_ROWS = (
    _own(
        "siamrpn_tiny",
        family="siamrpn",
        sha256="ffeee691e82946472a644d9c931c2bbde4aefa6a95d82977d9f5a3d0f844a5b5",
        size=3908856,
        paper="here",
        checks={"rotation_1": 0.797, "occlusion_1": 0.320},
    ),
    _own(
        "atom_tiny",
        family="atom",
        sha256="32c985e59aaf9532ac84564a6c9a042306d8332f13f34a5913768f6ccd93f9c4",
        size=7321972,
        paper="Danelljan et al., ATOM, CVPR 2019",
        checks={"rotation_1": 0.846, "camera_motion_1": 0.847},
    ),
    _own(
        "dimp_tiny",
        family="dimp",
        sha256="0106bd1845c5833621442706741441024d9ca8cd7045b5c522440656b612aed8",
        size=7766724,
        paper="Bhat et al., DiMP, ICCV 2019",
        checks={"rotation_1": 0.846, "camera_motion_1": 0.876},
    ),
    _own(
        "tanet_tiny",
        family="tanet",
        sha256="55558b63b004a97a7e11421cf0637a8ea9335a804ec4cd06c7e6443b1f744c86",
        size=3619416,
        paper="Wang et al., TANet, TNNLS 2021",
        checks={},
    ),
    _own(
        "lmt_tiny",
        family="lmt",
        sha256="610b51538ed1ae059738a9788c65dca2dc51d3bcac628a0cba5907242415e465",
        size=6636424,
        paper="Lin et al., LMT, IEEE Access 2019",
        checks={"rotation_1": 0.830, "camera_motion_1": 0.865},
    ),
)
"""A new snapshot of ours is one more row; `tests/pysot/zoo/test_own_snapshots.py` names those that lack one."""

PYSOT_ROWS = (
    _pysot(
        "siamrpn_alex_dwxcorr",
        "1t62x56Jl7baUzPTo0QrC4jJnwvPZm-2m",
        _vots((0.393, 0.618, 0.238), (0.352, 0.576, 0.290), (0.260, 0.573, 0.547)),
        _ALEX,
    ),
    _pysot("siamrpn_alex_dwxcorr_otb", "1gCpmR85Qno3C-naR3SLqRNpVfU7VJ2W0", _otb(0.666, 0.876), _ALEX),
    _pysot(
        "siamrpn_r50_l234_dwxcorr",
        "1Q4-1563iPwV6wSf_lBHDj5CPFiGSlEPG",
        _vots((0.464, 0.642, 0.196), (0.415, 0.601, 0.234), (0.287, 0.595, 0.467)),
    ),
    _pysot("siamrpn_r50_l234_dwxcorr_otb", "1Cx_oHu6o0gNeH7F9zZrgevfAGdyWC4D5", _otb(0.696, 0.914)),
    _pysot(
        "siamrpn_mobilev2_l234_dwxcorr",
        "1JB94pZTvB1ZByU-qSJn4ZAIfjLWE5EBJ",
        _vots((0.455, 0.624, 0.214), (0.410, 0.586, 0.229), (0.292, 0.580, 0.446)),
    ),
    _pysot(
        "siammask_r50_l3",
        "1YbPUQVTYw_slAvk_DchvRY-7B6rnSXP9",
        _vots((0.455, 0.634, 0.219), (0.423, 0.615, 0.248), (0.283, 0.597, 0.461)),
        "Wang et al., SiamMask, CVPR 2019",
    ),
    _pysot("siamrpn_r50_l234_dwxcorr_lt", "1lOOTedwGLbGZ7MAbqJimIcET3ANJd29A", {"VOT2018-LT": {"F": 0.629}}),
)

PYTRACKING_ROWS = (
    _pytracking(
        "atom",
        "1VNyr-Ds0khjM0zaq6lU-xfY74-iWxBvU",
        ("atom_r18", "atom_r18_vot"),
        "Danelljan et al., ATOM, CVPR 2019",
        (0.401, 0.663, 0.584, 0.642, 0.515, 0.703, 0.556, 0.386),
        aliases=("atom_default.pth",),
    ),
    _pytracking(
        "dimp18",
        "1MAjrRJDCbL0DSjUKFyDkUuYS1-cYBNjk",
        ("dimp_r18", "dimp_r18_vot18"),
        _DIMP,
        (0.402, 0.660, 0.610, 0.643, 0.535, 0.723, 0.579, 0.406),
    ),
    _pytracking(
        "dimp50",
        "1qgachgqks2UGjKx-GdO1qylBDdB1f9KN",
        ("dimp_r50", "dimp_r50_vot18", "dimp_r50_vot19"),
        _DIMP,
        (0.440, 0.684, 0.619, 0.653, 0.569, 0.740, 0.611, 0.419),
    ),
    _pytracking(
        "prdimp18",
        "1ycm3Uu63j-uCkz4qt0SG6rY_k5UFlhVo",
        ("prdimp_r18",),
        _PRDIMP,
        (0.385, 0.680, 0.633, 0.653, 0.564, 0.750, 0.612, 0.417),
        aliases=("prdimp18.pth.tar",),
    ),
    _pytracking(
        "prdimp50",
        "1zbQUVXKsGvBEOc-I1NuGU6yTMPth_aI5",
        ("prdimp_r50", "prdimp_r50_vot18"),
        _PRDIMP,
        (0.442, 0.696, 0.635, 0.680, 0.598, 0.758, 0.634, 0.433),
        aliases=("prdimp50.pth.tar",),
    ),
    _pytracking(
        "super_dimp",
        "1qDptswis2FxihLRYLVRGDvx6aUoAVVLv",
        ("super_dimp",),
        f"{_DIMP}; {_PRDIMP}",
        (None, 0.701, 0.648, 0.677, 0.631, 0.781, None, 0.484),
        aliases=("super_dimp.pth.tar",),
    ),
    _pytracking(
        "super_dimp_simple",
        "1lzwdeX9HBefQwznMaX5AKAGda7tqeQtg",
        (),
        f"{_DIMP}; {_PRDIMP}",
        aliases=("super_dimp_simple.pth.tar",),
        note="no config of ours is made for it; try --config super_dimp",
    ),
)

NANOTRACK_ROWS = (
    _nanotrack(
        1, "2a24bbfd1163a7692ab22100336a54de55dde12301b7d8ae7a4e745fb10b09a3", 2475634, (0.311, 0.247, 0.604, 0.532)
    ),
    _nanotrack(
        2, "938a320c560fd8c8d6a148a76a072bca29c529ce16591c9a2157859ee0ecc5e1", 2095829, (0.352, 0.270, 0.680, 0.584)
    ),
    _nanotrack(
        3, "4f0d25108385a67bdec5fa01ca37c74acb72343b53996dd645fe18b86e512e69", 3498955, (0.449, 0.296, 0.719, 0.628)
    ),
)

CATALOG: dict[str, ModelEntry] = {
    entry.name: entry for entry in (*OWN_ROWS, *NANOTRACK_ROWS, *PYSOT_ROWS, *PYTRACKING_ROWS, *BACKBONE_ROWS)
}

_PYSOT_FOLDER = Path("pretrained_models")  # where published configs say their backbone's weights are


def find_entry(name: str) -> ModelEntry | None:
    """The entry called `name`: its own name, an alias of it, its file's name, or an experiment it is made for.

    `pretrained_models/FILE`, as published configs have it, means FILE; any other path means nothing.
    """
    path = Path(name)
    if path.parent == _PYSOT_FOLDER:
        name = path.name
    if name in CATALOG:
        return CATALOG[name]
    for entry in CATALOG.values():
        if name in (entry.file, *entry.aliases, *entry.configs):
            return entry
    return None
