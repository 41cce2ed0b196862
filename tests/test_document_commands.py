"""What the documents tell a reader to type is understood, and runs (`run_document.py`)."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from pysot.cli import main as cli
from pysot.config.loading import load_config
from tests.run_document import REPO, Step, command_of, documents, fewer_scenes, pages, smaller, steps

FAST = ("CONTRIBUTING.md", "INSTALL.md", "MODEL_ZOO.md", "README.md", "TRAIN.md", "docs/config.md")
"""Documents whose commands take less than a minute together; the others are for `-m slow`."""
PLACEHOLDERS = ("first.yaml", "mine.yaml", "NAME")
"""What stands for a config of the reader's own."""


def all_commands() -> list[tuple[str, Step]]:
    """Of all documents, but those that need parts which the document itself defines."""
    found = [(name, step) for name in documents() for step in steps((REPO / name).read_text("utf-8"))]
    return [(name, step) for name, step in found if step.kind == "command" and "--plugins" not in step.words]


@pytest.mark.parametrize(("document", "step"), all_commands(), ids=lambda value: getattr(value, "text", value))
def test_commands_are_understood(document: str, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that are not run: there is such a program, it takes these options, and the config exists."""
    words = step.words
    called = command_of(words)
    if called is None:
        assert is_there(words), step.text
        return
    parsed: list[Namespace] = []
    monkeypatch.setattr(cli, "_run", lambda args: parsed.append(args) or 0)
    try:
        assert (cli.main(called) if words[0] == "pysot" else cli.run_tool(called[0], called[1:])) == 0
    except SystemExit as end:
        if end.code != 0 or "--help" not in called:
            raise
        return
    config = getattr(parsed[0], "config", None)
    if config is not None and not str(config).endswith(".yaml"):  # those are files that documents show
        load_config(config, getattr(parsed[0], "opts", None) or [])


INLINE = re.compile(r"`(?:python )?((?:tools/\w+\.py|pysot) [^`]+)`")


@pytest.mark.parametrize("document", pages())
def test_commands_in_a_sentence_have_these_options(
    document: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments may be left out there."""
    monkeypatch.setattr(cli, "_run", lambda args: 0)
    for text in INLINE.findall((REPO / document).read_text("utf-8")):
        words = shlex.split(text)
        called = command_of(words if words[0] == "pysot" else ["python", *words])
        assert called is not None, text
        try:
            code = cli.main(called) if words[0] == "pysot" else cli.run_tool(called[0], called[1:])
        except SystemExit:
            code = 0
        said = capsys.readouterr().err
        assert code == 0 and not re.search("unrecognized|invalid choice", said), f"{text}: {said}"


def is_there(words: list[str]) -> bool:
    """Whether a program that is no command of ours can be called so."""
    if words[0] == "make":
        return f"\n{words[1]}:" in (REPO / "Makefile").read_text("utf-8")
    if words[0] == "pip":
        extras = re.findall(r"\[(\w+)\]", " ".join(words))
        return all(f"\n{extra} = [" in (REPO / "pyproject.toml").read_text("utf-8") for extra in extras)
    return words[0] in ("git", "pytest") or words[:2] in (["python", "-m"], ["python", "tests/run_document.py"])


def slow_unless_fast(name: str) -> object:
    return pytest.param(name, marks=() if name in FAST else pytest.mark.slow)


@pytest.mark.parametrize("document", [slow_unless_fast(name) for name in documents()])
def test_everything_runs(document: str, repo: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repo / "tests/run_document.py"), document],
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_no_command_hides_in_an_indented_block() -> None:
    hidden = [
        f"{name}: {line.strip()}"
        for name in pages()
        for line in (REPO / name).read_text("utf-8").splitlines()
        if re.match(r"(?:    |\t)(?:python|pysot|pip|make|torchrun) ", line)
    ]
    assert not hidden, "\n".join(hidden)


def test_commands_are_found_and_made_small() -> None:
    text = (
        "```bash\nPYSOT_OFFLINE=1 python tools/train.py --config x \\\n  --opts A 1    # a comment\n\n"
        "make demo # later\npysot zoo download y  # slow; needs the network\n```\n```yaml\n# a/b.yaml\nX: 1\n```\n"
    )
    train, make, zoo, file = steps(text)
    assert train.words == ["python", "tools/train.py", "--config", "x", "--opts", "A", "1"]
    assert (make.needs, zoo.needs, train.needs) == ("an environment of its own", "the network", "")
    assert (file.kind, file.file) == ("file", "a/b.yaml")
    called = command_of(train.words)
    assert called is not None and called[0] == "train"
    words = smaller(called)
    assert words.index("--quiet") < words.index("--opts") < words.index("A") < words.index("TRAIN.EPOCH")
    assert words.count("--opts") == 1 and smaller(["zoo", "list"]) == ["list"]
    assert command_of(["torchrun", "--nproc_per_node=2", "tools/test.py", "--x"]) == ["test", "--x"]


def test_the_rendered_benchmarks_can_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.datasets import load_benchmark
    from toolkit.synthetic import synth, synth_lt

    for module, name in ((synth, "SEQUENCES"), (synth, "VAL_SEQUENCES"), (synth_lt, "PLANS")):  # put back at the end
        monkeypatch.setattr(module, name, getattr(module, name))
    fewer_scenes()
    assert [len(load_benchmark(name)) for name in ("SYNTH", "SYNTH-val", "SYNTH-LT")] == [2, 1, 1]
