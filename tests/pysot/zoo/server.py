"""A real HTTP server on loopback that serves one file, well or badly, as the path says."""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

CONTENT = b"\x80\x02" + bytes(range(256)) * 300  # begins like a pickle, so that it passes for a file of weights
ETAG = '"v1"'


class ZooServer(http.server.ThreadingHTTPServer):
    """What was asked for is in `requests` (path, Range header); `content` and `etag` may be changed.

    /good         ranges, a length, a version
    /no-ranges    always the whole
    /no-version   ranges, but nothing that tells versions apart
    /cut          the first answers end after a third of what is left; ranges
    /cut-no-ranges  the first answer ends early; then the whole
    /stall        the first answer goes silent in the middle; ranges
    /trickle      a byte now and then, for ever
    /busy         503 twice, then as /good
    /endless      no length, no end
    /away         a redirect to /good
    /wrong        other bytes
    /page         a web page
    /other-range  answers a range with other bytes than those asked for
    /slow         as /good, after a while
    all others    404
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.etag = CONTENT, ETAG
        self.requests: list[tuple[str, str]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def count(self, path: str) -> int:
        return Counter(asked for asked, _ in self.requests)[path]


@contextmanager
def zoo_server() -> Iterator[ZooServer]:
    with ZooServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: ZooServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range", "")))
        answer = getattr(self, f"answer_{self.path.strip('/').replace('-', '_')}", None)
        if answer is None:
            self.send_error(404)
        else:
            answer()

    def begin(self, *, ranges: bool = True, version: bool = True, shift: int = 0) -> bytes:
        """Sends the headers; returns the bytes that are to follow."""
        content, start = self.server.content, 0
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fresh = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if ranges and match and fresh:
            start = int(match[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return b""
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start + shift}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if version:
            self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        return content[start:]

    def is_first(self, times: int = 1) -> bool:
        return self.server.count(self.path) <= times

    def answer_good(self) -> None:
        self.wfile.write(self.begin())

    def answer_no_ranges(self) -> None:
        self.wfile.write(self.begin(ranges=False))

    def answer_no_version(self) -> None:
        rest = self.begin(version=False)
        self.wfile.write(rest[: len(rest) // 2] if self.is_first() else rest)

    def answer_cut(self) -> None:
        rest = self.begin()
        self.wfile.write(rest[: len(rest) // 3] if self.is_first(2) else rest)

    def answer_cut_no_ranges(self) -> None:
        rest = self.begin(ranges=False)
        self.wfile.write(rest[: len(rest) // 3] if self.is_first() else rest)

    def answer_stall(self) -> None:
        rest = self.begin()
        if self.is_first():
            self.wfile.write(rest[: len(rest) // 2])
            self.wfile.flush()
            self.server.closing.wait(5)
        else:
            self.wfile.write(rest)

    def answer_trickle(self) -> None:
        self.begin()
        self.send_slowly(b"x", 0.05)

    def answer_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.send_slowly(b"x" * 50_000, 0)

    def send_slowly(self, piece: bytes, pause: float) -> None:
        while not self.server.closing.is_set():
            try:
                self.wfile.write(piece)
                self.wfile.flush()
            except OSError:
                return
            time.sleep(pause)

    def answer_busy(self) -> None:
        if self.is_first(2):
            self.send_error(503)
        else:
            self.answer_good()

    def answer_away(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/good")
        self.end_headers()

    def answer_wrong(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"\x80\x02other")

    def answer_page(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><p>Quota exceeded</p>")

    def answer_other_range(self) -> None:
        rest = self.begin(shift=7)
        self.wfile.write(rest[: len(rest) // 2] if self.is_first() else rest)

    def answer_slow(self) -> None:
        time.sleep(1.0)
        self.answer_good()
