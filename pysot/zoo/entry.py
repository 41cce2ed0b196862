"""What the catalog says of one snapshot, and how its links are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pysot.core.moved import old_names

if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)  # what pickles and scripts may call otherwise

SHA256_DIGITS = 64
NOT_STATED = "not stated"
DRIVE, DRIVE_FOLDER = "gd:", "gdfolder:"
"""Links to Google Drive: `gd:ID`, and `gdfolder:ID/NAME` for a file in a shared folder."""

FAMILIES = ("siamrpn", "siammask", "nanotrack", "atom", "dimp", "lmt", "tanet", "backbone")


class Form(NamedTuple):
    """A kind of snapshot files, all of one project.

    Attributes:
        files: what they are.
        origin: the project.
        license: of the weights.
        published_in: where their scores stand, and how they were taken.
    """

    files: str
    origin: str
    license: str
    published_in: str = ""


FORMS: Mapping[str, Form] = {
    "own": Form("this project's safetensors", "this project", "Apache-2.0"),
    "pysot": Form("PySOT's state_dict or checkpoint", "STVIR/pysot", "CC BY-SA 3.0", "PySOT's MODEL_ZOO.md"),
    "nanotrack": Form(
        "PySOT's checkpoint, with numpy numbers in its optimizer",
        "HonglinChu/SiamTrackers",
        "Apache-2.0",
        "README of HonglinChu/SiamTrackers",
    ),
    "pytracking": Form(
        "pytracking's checkpoint: weights under `net`, beside objects of its classes",
        "visionml/pytracking",
        NOT_STATED,
        "pytracking's MODEL_ZOO.md: means of 5 runs (VOT 15, GOT-10k 3)",
    ),
    "torchvision": Form("an ImageNet classifier's state_dict", "pytorch/vision", NOT_STATED),
    "matconvnet": Form("MatConvNet's .mat", "vlfeat/matconvnet", "see vlfeat.org"),
    "metasdnet": Form("MetaSDNet's checkpoint", "silverbottlep/meta_trackers", NOT_STATED),
    "c3d": Form("the state_dict of C3D, its linear layers included", "DavideA/c3d-pytorch", NOT_STATED),
    "ddgan": Form(
        "the state_dict of LGSearch_DDGAN's generator",
        "wangxiao5791509/LGSearch_DDGAN_PyTorch",
        NOT_STATED,
        "plots in the authors' repository; around which tracker is not said",
    ),
}


@dataclass(frozen=True)
class ModelEntry:
    """One snapshot.

    Attributes:
        name: zoo name, what `--snapshot` takes.
        family: one of `FAMILIES`; `backbone` for weights that only start a training, or a tracker without any others.
        file: name of the file in a zoo folder.
        form: how the file is written, and whose it is (`FORMS`).
        urls: where to download it, in the order to try: http(s), `gd:ID` or `gdfolder:ID/NAME`.
        configs: experiments it is made for, the main one first.
        aliases: other names of it, such as the file name that published configs use.
        sha256: of the file: 64 hex digits, the first few where only these are known, or nothing.
        size: of the file in bytes, 0 when not known.
        paper: where the tracker is described.
        backbone: entry of the registry that these weights are for, where they are no tracker's.
        published: benchmark -> score -> value, as its authors printed them; never measured here.
        checks: success on sequences of SYNTH, which `tests/pysot/zoo/test_own_snapshots.py` measures again.
        note: anything else a user must know.
    """

    name: str
    family: str
    file: str
    form: str
    urls: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    sha256: str = ""
    size: int = 0
    paper: str = ""
    backbone: str = ""
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    checks: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def license(self) -> str:
        """Of the weights."""
        return FORMS[self.form].license

    @property
    def origin(self) -> str:
        """The project that published it."""
        return FORMS[self.form].origin

    @property
    def published_in(self) -> str:
        """Where the `published` scores stand; empty when there are none."""
        return FORMS[self.form].published_in if self.published else ""

    @property
    def is_own(self) -> bool:
        """Whether it comes with this project, in `experiments/<name>/`."""
        return self.form == "own"

    @property
    def is_tracker(self) -> bool:
        """Whether it can be run and scored, with the first of its `configs`."""
        return bool(self.configs) and self.family != "tanet"

    @property
    def is_verified(self) -> bool:
        """Whether the whole hash of the file is known from somewhere else than a download."""
        return len(self.sha256) == SHA256_DIGITS

    @property
    def hash_state(self) -> str:
        """What is known of the hash, for tables."""
        if self.is_verified:
            return "sha256"
        return f"{len(self.sha256)} digits" if self.sha256 else "unverified"


def drive(file_id: str) -> tuple[str, str]:
    """The two ways to a public file on Drive: by gdown, which knows its pages, and by the address these lead to."""
    return f"{DRIVE}{file_id}", f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"


def page_of(link: str) -> str:
    """What to open in a browser for a link of the catalog."""
    if link.startswith(DRIVE_FOLDER):
        return f"https://drive.google.com/drive/folders/{link.removeprefix(DRIVE_FOLDER).partition('/')[0]}"
    return f"https://drive.google.com/uc?id={link.removeprefix(DRIVE)}" if link.startswith(DRIVE) else link
