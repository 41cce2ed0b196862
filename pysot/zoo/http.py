"""One file over http(s) with the standard library: goes on where it was interrupted, tries again, never hangs.

What has arrived is kept in a part file, beside it the server's word for that version of the file (`ETag` or
`Last-Modified`). A later attempt, also of another process, asks for the rest of that version (RFC 9110, sections 13.1.5
and 14.2). A server that has no ranges, or another version by now, sends the whole again.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tqdm import tqdm

TIMEOUT_S = 30.0
"""How long a server may stay silent."""
ATTEMPTS = 5
PAUSE_S = 1.0
"""Before the second attempt; doubled before each further one."""
LARGEST_FILE = 4 << 30
"""Bytes at which a file of unknown size is given up."""

_LEAST_BYTES = 1024  # in TIMEOUT_S; a server that sends less is taken for stalled
_CHUNK = 1 << 18
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_TOO_FAR = 416


class TransferError(Exception):
    """A link did not give its file. `permanent` where asking it again is no use."""

    def __init__(self, message: str, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


def fetch_http(url: str, part: Path, *, size: int = 0, same_file: bool = False) -> None:
    """Fetches `url` into `part`, of which the beginning may be there from an earlier attempt.

    Args:
        url: http or https; redirects are followed, but never from https to http.
        part: its folder exists.
        size: of the file in bytes, 0 when not known.
        same_file: the whole will be compared with a hash, so that a beginning is worth going on with even where the
            server does not say which version it has.

    Raises `TransferError`; what has arrived stays in `part`.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            _fetch_once(url, part, size, same_file)
            return
        except TransferError as error:
            if error.permanent or attempt == ATTEMPTS - 1:
                raise


def tag_file(part: Path) -> Path:
    """Where the version of the file in `part` is noted."""
    return part.with_name(f"{part.name}.tag")


def discard(part: Path) -> None:
    """Removes `part` and what is noted of it."""
    part.unlink(missing_ok=True)
    tag_file(part).unlink(missing_ok=True)


def _fetch_once(url: str, part: Path, size: int, same_file: bool) -> None:
    held = part.stat().st_size if part.is_file() else 0
    tag = tag_file(part).read_text(encoding="utf-8") if held and tag_file(part).is_file() else ""
    if held and not (tag or same_file):
        held = 0
    headers = {"User-Agent": "pysot-toolkit", "Accept-Encoding": "identity"}
    if held:
        headers["Range"] = f"bytes={held}-"
    if tag:
        headers["If-Range"] = tag
    try:
        request = urllib.request.Request(url, headers=headers)
        with _OPENER.open(request, timeout=TIMEOUT_S) as reply:
            _receive(reply, part, held, size)
    except urllib.error.HTTPError as error:
        _explain_refusal(error, part, held)
    except (urllib.error.URLError, http.client.HTTPException, ValueError, OSError) as error:
        raise _as_transfer_error(error) from error


def _receive(reply: Any, part: Path, held: int, size: int) -> None:
    """Writes what `reply` sends to its place in `part`."""
    length = reply.headers.get("Content-Length", "")
    start, total = 0, int(length) if length.isdecimal() else None
    if reply.status == http.client.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", reply.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != held:
            raise TransferError(f"answered with other bytes than the ones from {held} on", permanent=True)
        start, total = held, None if match[2] == "*" else int(match[2])
    if size and total not in (None, size):
        raise TransferError(f"has a file of {total} bytes, the published one has {size}", permanent=True)
    if start == 0:
        _note_version(reply, part)
    with part.open("r+b" if start else "wb") as out:
        out.seek(start)
        out.truncate()
        arrived = _copy(reply, out, start, total, size or total or LARGEST_FILE, part.name)
    if total is not None and arrived != total:
        raise TransferError(f"ended after {arrived} of {total} bytes")


def _copy(reply: Any, out: Any, start: int, total: int | None, limit: int, title: str) -> int:
    """Copies the reply's bytes; returns how many the file then has. A stalled or endless reply is a `TransferError`."""
    arrived, window, began = start, 0, time.monotonic()
    with tqdm(total=total, initial=arrived, desc=title, unit="B", unit_scale=True, disable=None, leave=False) as bar:
        while chunk := reply.read1(_CHUNK):
            out.write(chunk)
            arrived, window = arrived + len(chunk), window + len(chunk)
            bar.update(len(chunk))
            if arrived > limit:
                raise TransferError(f"sent more than {limit} bytes", permanent=True)
            if time.monotonic() - began > TIMEOUT_S:
                if window < _LEAST_BYTES:
                    raise TransferError(f"sent {window} bytes in {TIMEOUT_S:g} s")
                window, began = 0, time.monotonic()
    return arrived


def _note_version(reply: Any, part: Path) -> None:
    """Keeps the server's word for this version of the file; weak ones do not promise equal bytes."""
    tag = reply.headers.get("ETag", "")
    tag = reply.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag
    if tag:
        tag_file(part).write_text(tag, encoding="utf-8")
    else:
        tag_file(part).unlink(missing_ok=True)


def _explain_refusal(error: urllib.error.HTTPError, part: Path, held: int) -> None:
    """Returns when the server says that `part` is the whole file already; else raises."""
    if error.code == _TOO_FAR and held:
        if error.headers.get("Content-Range", "") == f"bytes */{held}":
            return
        discard(part)
        raise TransferError("has a shorter file than the part that is here") from error
    raise TransferError(f"HTTP {error.code} {error.reason}", permanent=error.code not in _TRY_AGAIN) from error


def _as_transfer_error(error: Exception) -> TransferError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return TransferError(f"silent for {TIMEOUT_S:g} s")
    nobody_there = isinstance(reason, (socket.gaierror, ConnectionRefusedError, ssl.SSLError, ValueError))
    here = isinstance(error, OSError) and error.filename is not None  # our own disk
    return TransferError(str(reason) or type(reason).__name__, permanent=nobody_there or here)


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not to an unprotected connection."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise TransferError(f"leads away from https, to {newurl}", permanent=True)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_CarefulRedirects)
