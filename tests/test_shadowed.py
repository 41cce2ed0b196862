"""Another `toolkit`, or a `pysot` of one's own, that comes first on the path is named by the first thing that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AS_INSTALLED = "import sys; sys.meta_path[:] = [one for one in sys.meta_path if 'editable' not in repr(one)]"
"""An editable install finds its modules by their full names, whatever package comes first."""
MISSING = "no_such"
COMMAND = "import sys, pysot_command; sys.argv = ['pysot', 'collect-env']; sys.exit(pysot_command.main())"


def run(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, "-c", f"{AS_INSTALLED}; {code}"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=path[0],
    )


@pytest.mark.parametrize("name", ["pysot", "toolkit"])
@pytest.mark.parametrize("content", ["", None])
def test_the_command_names_the_copy(name: str, content: str | None, repo: Path, tmp_path: Path) -> None:
    """Also where it is a folder without `__init__.py`, as PySOT's users have it, if nothing better is found."""
    (tmp_path / name).mkdir()
    if content is not None:
        (tmp_path / name / "__init__.py").write_text(content)
    done = run(COMMAND, tmp_path, repo)
    if content is None:  # a folder without it never hides a package
        assert done.returncode == 0 and f"{name}: {repo / name}\n" in done.stdout
        return
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"finds the package '{name}' at {tmp_path / name}; expected {repo / name}" in done.stderr
    assert f"Take {tmp_path} off PYTHONPATH" in done.stderr


def test_the_first_import_error_names_the_copy(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "toolkit").mkdir()
    (tmp_path / "toolkit" / "__init__.py").write_text("")
    done = run("import pysot.datasets.builder", tmp_path, repo)
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: There is no toolkit.") and str(tmp_path / "toolkit") in message
    assert f"it is in {repo / 'toolkit'}" in message
    done = run(f"import pysot, toolkit.{MISSING}", tmp_path, repo)
    assert done.stderr.splitlines()[-1] == f"ModuleNotFoundError: No module named 'toolkit.{MISSING}'"
    done = run(f"import pysot, toolkit.{MISSING}", repo)
    assert done.stderr.splitlines()[-1] == f"ModuleNotFoundError: No module named 'toolkit.{MISSING}'"
