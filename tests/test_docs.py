"""What documents, docstrings and comments refer to exists, and all of them use the same words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

FOLDERS = ("pysot", "toolkit", "tools", "tests", "csrc", "experiments", "docs")
KINDS = (".py", ".pyx", ".cpp", ".h", ".md", ".yaml")

PAGE = re.compile(r"(?<![\w/.-])docs/([\w/]+)\.md(?: and (\w+)\.md)?(, (?=[A-Z]))?")
"""A page, or two, and where a heading follows, the comma before it: "docs/systems/atom.md, Online classifier"."""
PATH = re.compile(r"`((?:pysot|toolkit|tools|tests|csrc|experiments|docs)/[\w./-]*)`")
MODULE = re.compile(r"(?<![\w.])(?:pysot|toolkit)(?:\.[A-Za-z_]\w*)+")
LINK = re.compile(r"\]\(([^)\s]+)\)")

WORDS = re.compile(
    r"cent(?:re|ring)|colour|catalogue|\bgrey|behaviour|neighbour|favour|flavour|honour|licence|artefact"
    r"|\b(?:hum|lab|rum|vap|vig|endeav)our|\b(?:defence|offence|pretence|aluminium|fulfil|skilful|programme|metre|litre"
    r"|fibre|theatre|calibre|ageing|practise[ds]?|whilst|amongst|learnt|spelt|burnt|mould)s?\b"
    r"|\b(?:anal|paral)ys(?:ed?|ing)\b|focuss"
    r"|(?:label|cancel|travel|model|signal|channel|level|total|fuel|tunnel)l(?:ed|ing)\b"
    r"|(?:normal|optim|initial|local|serial|recogn|raster|minim|maxim|summar|general|penal|regular|discret|quant"
    r"|parallel|equal|factor|polar|organ|categor|priorit|visual|util|vector|synchron|token|memor|binar|standard|linear"
    r"|emphas|custom|character|central)is(?:e|ing|ation|able)"
    r"|\bjudg|\bmanner|\bstroll|\bhopeless|\bcomplain|\bprops?\b|\btrainer\.workers\b"
    r"|(?-i:\bWorkers\b|\bAnnotated\(|\bTADT(?:Tracker|Params)\()",
    re.IGNORECASE,
)
"""Spelling is American, and words are those of the field: a discriminator does not judge, a
scene has a difficulty, an object a trajectory, what hides it is an occluder, a frame with its box an annotated frame,
and processes that train together have ranks."""

ALLOWED = {
    "pysot/training/checkpoint.py": "judges.",  # the prefix in checkpoints written before it was renamed
    "tests/pysot/training/test_checkpoint.py": "judges.",
}
"""What may stand in a file nevertheless."""
NO_MODULES = ("toolkit.nothing", "pysot.plugins")
"""What a test looks for in vain, and a group of entry points."""
OLD_NAMES = ("pysot/core/moved.py", "tests/pysot/core/test_moved.py")
"""Here names stand as they were once."""


def texts(repo: Path) -> Iterator[tuple[str, str]]:
    """Path from the root, and content, of all source but the history of versions and this file."""
    paths = [path for folder in FOLDERS for path in (repo / folder).rglob("*") if path.suffix in KINDS]
    for path in sorted([*paths, *repo.glob("*.md")]):
        if path.name not in ("CHANGELOG.md", Path(__file__).name):
            yield path.relative_to(repo).as_posix(), path.read_text(encoding="utf-8")


def prose(text: str) -> str:
    """`text` on one line, without the signs that begin a comment: a reference may be broken anywhere."""
    return re.sub(r"\s*\n\s*(?:#+ |// |\* )?", " ", text)


def headings(page: Path) -> list[str]:
    """The headings of a Markdown page as they are read, without code and signs."""
    lines = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"[`*]", "", line) for line in re.findall(r"^#+ (.+)$", lines, re.MULTILINE)]


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@lru_cache
def names_in(module: Path) -> frozenset[str]:
    """Names that a module defines or imports at its top level, or lists in a tuple at it (`PYSOT_NAMES`)."""
    names = set()
    for statement in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            names.add(statement.name)
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Tuple):
                names |= {item.value for item in node.elts if isinstance(item, ast.Constant)}
    return frozenset(names)


def is_there(repo: Path, dotted: str) -> bool:
    """Whether `dotted` is a package, a module, or a name in one; what follows that name is not looked at."""
    folder, *rest = repo, *dotted.split(".")
    while rest:
        part = rest.pop(0)
        module = folder / f"{part}.py"
        if (folder / part).is_dir():
            folder = folder / part
        elif module.is_file():
            return not rest or rest[0] in names_in(module)
        else:
            return part.startswith("_") or part in names_in(folder / "__init__.py")  # compiled, or Python's own
    return True


def test_no_specification_outside_the_repository(repo: Path) -> None:
    assert not [name for name, text in texts(repo) if "specs/" in text]


def test_pages_and_their_headings_are_there(repo: Path) -> None:
    wrong = []
    for name, text in texts(repo):
        line = prose(text)
        for match in PAGE.finditer(line):
            first, second, comma = match.groups()
            page = repo / "docs" / f"{first}.md"
            pages = [page, page.with_name(f"{second}.md")] if second else [page]
            missing = [p.name for p in pages if not p.is_file()]
            if missing or not comma or name.endswith(".md"):
                wrong += [f"{name}: {p}" for p in missing]
            elif not all(line[match.end() :].startswith(tuple(h.split(" (")[0] for h in headings(p))) for p in pages):
                wrong.append(f"{name}: no such heading: {line[match.start() : match.end() + 30]}")
    assert not wrong, "\n".join(wrong)


def test_paths_are_there(repo: Path) -> None:
    wrong = [
        f"{name}: {path}"
        for name, text in texts(repo)
        for path in PATH.findall(text)
        if "NAME" not in path and not (repo / path).exists()
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_are_there(repo: Path) -> None:
    wrong = {
        f"{name}: {dotted}"
        for name, text in texts(repo)
        for dotted in MODULE.findall(text)
        if name not in OLD_NAMES and dotted not in NO_MODULES and not is_there(repo, dotted)
    }
    assert not wrong, "\n".join(sorted(wrong))


def test_links_lead_somewhere(repo: Path) -> None:
    wrong = []
    for name, text in texts(repo):
        if not name.endswith(".md") or name.endswith("/training.md"):  # those become part of MODEL_ZOO.md
            continue
        for link in LINK.findall(text):
            if re.match(r"https?:|mailto:", link):
                continue
            path, _, wanted = link.partition("#")
            target = (repo / name).parent / path if path else repo / name
            if not target.exists() or (wanted and wanted not in map(anchor, headings(target))):
                wrong.append(f"{name}: {link}")
    assert not wrong, "\n".join(wrong)


def test_words(repo: Path) -> None:
    wrong = []
    for name, text in texts(repo):
        if name in OLD_NAMES:
            continue
        for number, line in enumerate(text.replace(ALLOWED.get(name, "\0"), "").splitlines(), start=1):
            wrong += [f"{name}:{number}: {match[0]}" for match in WORDS.finditer(line)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "word",
    [
        "centre",
        "Colours",
        "normalised",
        "judged",
        "labelled",
        "neighbouring",
        "linearisation",
        "analysed",
        "Annotated(x)",
    ],
)
def test_words_that_are_found(word: str) -> None:
    assert WORDS.search(word)


@pytest.mark.parametrize(
    "word", ["center", "raise", "noise", "precise", "comprise", "initial", "labels", "licensed", "annotated", "workers"]
)
def test_words_that_are_not(word: str) -> None:
    assert not WORDS.search(word)
