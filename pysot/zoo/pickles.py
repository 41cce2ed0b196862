"""The shape of a pickle, read without unpickling it: what stops files that are made to crash or to stall their reader.

`torch.load(weights_only=True)` runs no code of a file, but builds whatever containers it describes, and uses some of
them as keys of dicts. Hashing a tuple of a million nested ones overflows the C stack; hashing thirty levels of
`(t, t)` takes forever, from a file of a hundred bytes. No file of weights looks like that.
"""

from __future__ import annotations

import functools
import io
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

DEEPEST = 100
"""Containers inside each other."""
LARGEST = 50_000_000
"""Objects of a tree whose shared parts are counted wherever they occur."""
BLOWN_UP = 8
"""How many times its own size the parts of a zip archive may have; torch compresses nothing."""

_PICKLES_OF_A_LEGACY_FILE = 4  # magic number, protocol, system, content
_ZIP = b"PK\x03\x04"
_MARK = None
_Shape = tuple[int, int]  # depth, size
_LEAF: _Shape = (0, 1)
_FILLS = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}


def why_refused(path: Path) -> str:
    """What is suspicious of the torch file `path`; empty when nothing is, or when it cannot be parsed."""
    with path.open("rb") as file:
        try:
            if is_archive(file) and (reason := _blown_up(file)):
                return reason
            for stream in pickles_in(file):
                if reason := _too_large(stream):
                    return reason
        except Exception:  # a damaged file may break the parser in any way; the reader itself says how
            return ""
    return ""


def is_archive(file: BinaryIO) -> bool:
    """Whether torch takes the file for a zip archive: by its first bytes, not by its last as `zipfile` does."""
    file.seek(0)
    return file.read(len(_ZIP)) == _ZIP


def pickles_in(file: BinaryIO) -> Iterator[BinaryIO]:
    """The pickled parts of a torch file: one in a zip archive, several in a row in a file of torch before 1.6.

    An archive may have several of one name, and torch finds names in any case: all that it could take are returned.
    """
    if is_archive(file):
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.filename.lower().endswith("data.pkl"):
                    yield io.BytesIO(archive.read(member))
        return
    file.seek(0)
    for _ in range(_PICKLES_OF_A_LEGACY_FILE):
        yield file


def _blown_up(file: BinaryIO) -> str:
    with zipfile.ZipFile(file) as archive:
        claimed = sum(member.file_size for member in archive.infolist())
    file.seek(0, io.SEEK_END)
    held = file.tell()
    if claimed > BLOWN_UP * held:
        return f"its parts claim {claimed} bytes, the whole file has {held}"
    return ""


def _too_large(stream: BinaryIO) -> str:
    """Follows the stack of the unpickler with the depth and the size of each object instead of the object."""
    stack: list[_Shape | None] = []
    memo: dict[object, _Shape] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1] or _LEAF
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = stack[-1] or _LEAF
        elif opcode.name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo.get(argument, _LEAF))
        elif opcode.name == "MARK":
            stack.append(_MARK)
        elif opcode.name == "DUP":
            stack.append(stack[-1])
        else:
            made = _apply(opcode, stack)
            if made[0] > DEEPEST:
                return f"its containers are more than {DEEPEST} deep"
            if made[1] > LARGEST:
                return f"its containers unfold to more than {LARGEST} objects"
    return ""


def _apply(opcode: pickletools.OpcodeInfo, stack: list[_Shape | None]) -> _Shape:
    """Takes from the stack what the opcode takes, and puts on what it makes; returns the shape of that."""
    to_mark, count, makes = _effect_of(opcode)
    taken: list[_Shape] = []
    if to_mark:
        while (top := stack.pop()) is not _MARK:
            assert top is not None
            taken.append(top)
    for _ in range(count):
        taken.append(stack.pop() or _LEAF)
    depth = max((shape[0] for shape in taken), default=-1) + 1
    if opcode.name in _FILLS:  # the container was there before, and lies below what is put into it
        depth = max(taken[-1][0], max((shape[0] for shape in taken[:-1]), default=-1) + 1)
    made = (depth, 1 + sum(shape[1] for shape in taken))
    stack.extend(made for _ in range(makes))
    return made


@functools.cache
def _effect_of(opcode: pickletools.OpcodeInfo) -> tuple[bool, int, int]:
    """Whether the opcode takes everything down to a mark, how many objects more it takes, and how many it makes."""
    before = [kind.name for kind in opcode.stack_before]
    to_mark = "mark" in before
    return to_mark, before.index("mark") if to_mark else len(before), len(opcode.stack_after)
