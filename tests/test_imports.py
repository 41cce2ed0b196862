"""The import rules of docs/architecture.md, and an import that emits no warning."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS: dict[str, set[str]] = {  # who may import whom, beside itself and pysot.core
    "pysot.core": set(),
    "pysot.config": set(),
    "pysot.models": {"pysot.config"},
    "pysot.online": {"pysot.models"},
    "pysot.zoo": {"pysot.config"},
    "pysot.tracker": {"pysot.config", "pysot.models", "pysot.online", "pysot.zoo"},
    "pysot.datasets": {"pysot.config", "pysot.models"},
    "pysot.training": {"pysot.config", "pysot.models", "pysot.online", "pysot.datasets", "pysot.tracker", "pysot.zoo"},
    "pysot.compat": {"pysot." + room for room in ("config", "models", "tracker", "datasets", "training", "zoo")},
    "pysot.utils": {"pysot.compat"},
    "pysot.cli": {"pysot." + room for room in ("config", "models", "online", "zoo", "tracker", "datasets", "training")},
}

PYSOT_PATHS = {
    f"pysot/{module}.py"
    for module in (
        "core/config", "models/model_builder", "tracker/tracker_builder", "tracker/base_tracker",
        "tracker/siamrpn_tracker", "tracker/siammask_tracker", "tracker/siamrpnlt_tracker", "datasets/dataset",
    )
}  # fmt: skip
"""Modules where PySOT's programs look for them: they hand out names of `pysot.compat`; nothing imports them."""

KNOW_THE_TOOLKIT = {"pysot.cli", "pysot.compat", "pysot.datasets", "pysot.training"}
"""Rooms that read benchmark folders, render scenes or score: everything else runs without the toolkit."""


def python_files(repo: Path) -> list[Path]:
    return sorted(path for package in ("pysot", "toolkit") for path in (repo / package).rglob("*.py"))


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names imported anywhere in a file, also inside functions; not those that only types are checked with."""
    tree = ast.parse(path.read_text())
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test):
            block.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(dotted: str) -> str:
    return ".".join(dotted.split(".")[:2])


def test_toolkit_knows_neither_torch_nor_pysot(repo: Path) -> None:
    for path in (repo / "toolkit").rglob("*.py"):
        for name in imports_of(path):
            assert name.split(".")[0] not in ("torch", "pysot"), f"{path} imports {name}"


def test_rooms_import_only_what_they_may(repo: Path) -> None:
    for path in (repo / "pysot").glob("*/**/*.py"):
        room = room_of(".".join(path.relative_to(repo).with_suffix("").parts))
        for name in imports_of(path):
            if name.startswith("pysot.") and str(path.relative_to(repo)) not in PYSOT_PATHS:
                target = room_of(name)
                if target not in ROOMS:
                    assert room == "pysot.cli", f"{path} imports {name}: only pysot.cli uses the public names"
                    continue
                assert target in {room, "pysot.core", *ROOMS[room]}, f"{path} imports {name}"
            if name.startswith("toolkit") and room not in KNOW_THE_TOOLKIT:
                raise AssertionError(f"{path} imports {name}: only {sorted(KNOW_THE_TOOLKIT)} know the toolkit")


def test_modules_at_pysots_paths_only_hand_out_names(repo: Path) -> None:
    dotted = {path.removesuffix(".py").replace("/", ".") for path in PYSOT_PATHS}
    utils = sorted((repo / "pysot" / "utils").glob("*.py"))
    for path in (*(repo / path for path in PYSOT_PATHS), *utils):
        found = {type(node) for node in ast.parse(path.read_text()).body}
        assert found <= {ast.Expr, ast.ImportFrom, ast.Assign}, path
        assert all(name.startswith(("pysot.compat", "__future__")) for name in imports_of(path)), path
    for path in python_files(repo):
        used = {name for full in imports_of(path) for name in (full, full.rpartition(".")[0])}
        assert not used & dotted, path


def test_nobody_imports_the_command_line(repo: Path) -> None:
    for path in python_files(repo):
        if "cli" not in path.parts:
            assert not any(name.startswith("pysot.cli") for name in imports_of(path)), path


READ_A_CONFIG = ("from_config", "check_config", "check_family")


def test_a_config_is_read_by_builders_from_config_and_the_command_line_only(repo: Path) -> None:
    """Elsewhere parts take plain arguments; a function that builds from a config is called `from_config`,
    one that checks it `check_config`.
    """
    for path in (repo / "pysot").rglob("*.py"):
        if path.name == "builder.py" or {"cli", "config"} & set(path.parts) or path.name == "config.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in READ_A_CONFIG:
                named = [arg.arg for arg in (*node.args.args, *node.args.kwonlyargs) if reads_config(arg)]
                assert not named, f"{path}:{node.lineno}: {node.name} takes {named}"


def reads_config(argument: ast.arg) -> bool:
    return argument.arg == "cfg" or (argument.annotation is not None and "CfgNode" in ast.dump(argument.annotation))


def test_the_import_graph_has_no_circles(repo: Path) -> None:
    """Imports inside functions count: a lazy one may save time, but must not hide a circle."""
    files = {".".join(path.relative_to(repo).with_suffix("").parts): path for path in python_files(repo)}
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    arrows = {
        name: {found for full in imports_of(path) if (found := nearest_module(full, modules)) not in ("", name)}
        for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"imports go in a circle: {' -> '.join([*above[above.index(name) :], name])}"
        if name not in done:
            for other in sorted(arrows[name]):
                visit(other, (*above, name))
            done.add(name)

    for name in modules:
        visit(name, ())


def nearest_module(dotted: str, modules: dict[str, Path]) -> str:
    """The module that `import dotted` or `from ... import` reads; the empty text for other packages."""
    while dotted and dotted not in modules:
        dotted = dotted.rpartition(".")[0]
    return dotted


def test_no_folder_is_a_heap(repo: Path) -> None:
    for folder in {path.parent for path in python_files(repo)}:
        assert len(list(folder.glob("*.py"))) <= 20, f"{folder} holds more than 20 files"


def test_devices_are_named_in_one_file(repo: Path) -> None:
    for path in python_files(repo):
        if path.name != "device.py" and "cli" not in path.parts:
            text = path.read_text()
            assert ".cuda(" not in text and '"cuda"' not in text, path


@pytest.mark.parametrize("package", ["toolkit", "pysot"])
def test_import_is_silent(package: str, repo: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", f"import {package}"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_toolkit_loads_no_torch(repo: Path) -> None:
    code = "import sys, toolkit, toolkit.datasets, toolkit.regions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=repo, check=False).returncode == 0


def test_missing_libgl_is_explained(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    for statement in ("from pysot import load_tracker", "import toolkit.datasets"):
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {statement}"
        done = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=False)
        assert "libGL.so.1" in done.stderr and "opencv-python-headless" in done.stderr
