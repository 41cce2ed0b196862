"""Every row of the catalog can be used: found by its names, linked, licensed, for experiments that exist."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pysot.config.experiments import list_experiments
from pysot.config.loading import load_config
from pysot.models.backbone import BACKBONES
from pysot.tracker.builder import snapshot_name
from pysot.zoo.catalog import CATALOG, find_entry
from pysot.zoo.entry import FAMILIES, FORMS, ModelEntry, drive, page_of

LINK = re.compile(r"https?://[\w./-]+(\?[\w=&.-]+)?|gd:[\w-]{33}|gdfolder:[\w-]{33}/[\w.-]+")


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_the_row_is_complete(entry: ModelEntry) -> None:
    assert entry.family in FAMILIES and entry.form in FORMS
    assert entry.license and entry.origin
    assert re.fullmatch(r"([0-9a-f]{64}|[0-9a-f]{8})?", entry.sha256)
    assert entry.urls or entry.is_own
    assert all(LINK.fullmatch(link) for link in entry.urls), entry.urls
    assert bool(entry.published) == bool(entry.published_in)
    assert all(0 < value < 1 for scores in entry.published.values() for value in scores.values())
    assert not entry.backbone or entry.backbone in BACKBONES
    assert entry.is_verified or not entry.size  # a size that was not looked at is not stated


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_its_experiments_are_here_and_find_it(entry: ModelEntry) -> None:
    for config in entry.configs:
        assert config in list_experiments()
        assert find_entry(snapshot_name(load_config(config), config)) == entry


def test_no_name_means_two_snapshots() -> None:
    names = Counter(
        name for e in CATALOG.values() for name in {e.name, e.file, *e.aliases, *(e.configs if not e.is_own else ())}
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_the_zoos_that_must_be_here() -> None:
    pysot = [entry.name for entry in CATALOG.values() if entry.form == "pysot" and entry.is_tracker]
    assert len(pysot) == 7 and all(CATALOG[name].license == "CC BY-SA 3.0" for name in pysot)
    assert {"atom", "dimp18", "dimp50", "prdimp18", "prdimp50", "super_dimp"} <= set(CATALOG)
    assert {"nanotrack_v1", "nanotrack_v2", "nanotrack_v3", "resnet18", "resnet50", "vgg16"} <= set(CATALOG)
    assert {"imagenet-vgg-m", "imagenet-vgg-verydeep-16", "metasdnet_otb", "metasdnet_vot", "tanet"} <= set(CATALOG)


def test_names_that_mean_nothing() -> None:
    assert find_entry("no such thing") is None
    assert find_entry("elsewhere/resnet50.model") is None
    assert find_entry("pretrained_models/resnet50.model") is CATALOG["pysot_resnet50"]


def test_pages_for_a_browser() -> None:
    assert page_of("gd:A") == "https://drive.google.com/uc?id=A"
    assert page_of("gdfolder:F/file.pth") == "https://drive.google.com/drive/folders/F"
    assert page_of("https://example.org/x") == "https://example.org/x"
    assert all("A" in link for link in drive("A"))
