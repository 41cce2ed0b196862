"""README.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from pysot.config.experiments import list_experiments


def test_make_targets_and_links_exist(repo: Path) -> None:
    text, makefile = (repo / "README.md").read_text(), (repo / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert f"\n{target}:" in makefile
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (repo / link).is_file(), link


def test_every_experiment_stands_in_the_table(repo: Path) -> None:
    text = (repo / "README.md").read_text()
    for name in list_experiments():
        stem = name if f"`{name}`" in text else next(s for s in list_experiments() if name.startswith(s) and s in text)
        assert f"`{name.removeprefix(stem) or name}`" in text, name
