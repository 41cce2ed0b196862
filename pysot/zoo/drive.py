"""Files on Google Drive, by gdown, which knows its pages of warnings and confirmations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pysot.zoo.entry import DRIVE_FOLDER, page_of
from pysot.zoo.http import TIMEOUT_S, TransferError

_RETRIES, _LONGEST_REASON = 2, 160


def fetch_drive(link: str, part: Path) -> None:
    """Fetches `gd:ID` or `gdfolder:ID/NAME` into `part`; an interrupted transfer goes on.

    Raises `TransferError` when gdown is not installed, or does not get the file.
    """
    try:
        import gdown
    except ImportError as error:
        raise TransferError("links to Google Drive need gdown: pip install gdown", permanent=True) from error
    try:
        url = _file_in_folder(gdown, link) if link.startswith(DRIVE_FOLDER) else page_of(link)
        gdown.download(url, str(part), quiet=True, resume=True, use_cookies=False, timeout=TIMEOUT_S, retries=_RETRIES)
    except TransferError:
        raise
    except Exception as error:  # gdown's own errors and those of what it is made of
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0][:_LONGEST_REASON] if lines else type(error).__name__
        raise TransferError(f"gdown: {reason}", permanent=True) from error
    if not part.is_file():
        raise TransferError("gdown brought no file", permanent=True)


def _file_in_folder(gdown: Any, link: str) -> str:
    """The address of one file of a shared folder."""
    name = link.removeprefix(DRIVE_FOLDER).partition("/")[2]
    files = gdown.download_folder(page_of(link), skip_download=True, quiet=True, use_cookies=False, timeout=TIMEOUT_S)
    for file in files:
        if Path(file.path).name == name:
            return f"https://drive.google.com/uc?id={file.id}"
    raise TransferError(f"the folder holds {', '.join(file.path for file in files) or 'nothing'}, not {name}", True)
