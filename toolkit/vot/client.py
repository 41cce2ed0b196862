"""A small TraX client of our own: it starts a tracker and asks it, to check a server without the VOT toolkit."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO

from toolkit.regions import Region
from toolkit.vot.server import TraxError
from toolkit.vot.wire import Message, format_message, parse_message, region_text

_LAST_SECONDS = 5.0
_KEPT_LINES = 30
"""Of a tracker's own output, for messages about its failure."""


class TraxClient:
    """One tracker process and what it said of itself::

        with TraxClient([sys.executable, "-m", "pysot.cli.main", "trax", "--config", "siamrpn_tiny"]) as client:
            client.frame("file:///frames/1.jpg", [Rectangle(10, 20, 30, 40)])
            states = client.frame("file:///frames/2.jpg")

    `timeout` (seconds) is for each answer. Raises `TraxError`, with the tracker's reason or last output, when it ends
    or says nothing in time.

    Attributes:
        hello: the properties it introduced itself by, `trax.image`, `trax.region` and others.
    """

    def __init__(self, command: Sequence[str], timeout: float = 60.0, env: Mapping[str, str] | None = None) -> None:
        self.timeout = timeout
        self.process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=None if env is None else dict(env),
        )
        self.output: list[str] = []
        self._count = 0
        self._messages: queue.Queue[Message | None] = queue.Queue()
        streams: tuple[IO[str] | None, IO[str] | None] = (self.process.stdout, self.process.stderr)
        self._readers = [threading.Thread(target=self._read, args=(stream,), daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()
        try:
            self.hello = self._expect("hello").properties
        except TraxError:
            self.close()
            raise

    def __enter__(self) -> TraxClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def frame(self, image: str, new: Sequence[Region] = ()) -> list[Message]:
        """Shows the next frame, as `wire.image_text` writes it, in which the targets `new` appear; the first frame must
        have one. The tracker's states, those of `new` last.
        """
        for region in new:
            self._send(format_message("initialize", [region_text(region)]))
        self._count += len(new)
        self._send(format_message("frame", [image]))
        return [self._expect("state") for _ in range(self._count)]

    def quit(self) -> int:
        """Says goodbye and waits for the process to end; its exit code."""
        self._send(format_message("quit"))
        try:
            return self.process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            raise TraxError(
                f"The tracker goes on {self.timeout:g} s after 'quit'. Its session must end then."
            ) from None

    def close(self) -> None:
        """Ends the process, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(self.timeout)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):  # what it did not read can no longer be sent
                    stream.close()

    def _read(self, stream: IO[str] | None) -> None:
        for line in stream or ():
            message = parse_message(line) if stream is self.process.stdout else None
            if message is None:
                self.output = [*self.output, line.rstrip("\n")][-_KEPT_LINES:]
            else:
                self._messages.put(message)
        if stream is self.process.stdout:
            self._messages.put(None)

    def _send(self, text: str) -> None:
        if self.process.stdin is None:
            return
        try:
            self.process.stdin.write(text)
            self.process.stdin.flush()
        except OSError as error:
            raise self._failure(f"does not listen ({error})") from None

    def _expect(self, name: str) -> Message:
        try:
            message = self._messages.get(timeout=self.timeout)
        except queue.Empty:
            raise self._failure(f"said nothing for {self.timeout:g} s; expected '{name}'") from None
        if message is None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # its output is at an end: so is it, soon
                self.process.wait(_LAST_SECONDS)
            raise self._failure(f"ended before it said '{name}'")
        if message.name == "quit":
            raise TraxError(f"The tracker gave up: {message.properties.get('trax.reason', 'it said no reason')}")
        if message.name != name:
            raise self._failure(f"said '{message.name}'; expected '{name}'")
        return message

    def _failure(self, what: str) -> TraxError:
        if self.process.poll() is not None:
            for reader in self._readers:
                reader.join(self.timeout)
        told = "\n".join(self.output)
        code = self.process.poll()
        ended = "" if code is None else f" Its exit code is {code}."
        return TraxError(f"The tracker {what}.{ended} Its own output ends with:\n{told or '(nothing)'}")
