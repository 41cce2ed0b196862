"""Worker processes: each builds its tracker once and runs one sequence after the other.

Processes are spawned, not forked: CUDA and OpenCV's threads do not survive a fork. Every worker has its own pipe, so
that one that dies takes nobody with it.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as AbstractSequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import TypeAlias

import cv2

from toolkit.errors import ProtocolError
from toolkit.protocols.tracker import TrackerLike
from toolkit.runner.job import Advance, Failure, Job, SequenceReport, perform

TrackerFactory: TypeAlias = Callable[[], TrackerLike]
"""Builds the tracker; with several workers it is pickled and called once in each."""

Report: TypeAlias = Callable[[SequenceReport | Failure], None]
_SPAWN = mp.get_context("spawn")
_PROGRESS_INTERVAL = 0.2  # seconds between two progress messages of a worker


class _Worker:
    """One process, and the job it has in hand."""

    def __init__(self, payload: bytes) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_work, args=(payload, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.ready = False
        self.job: Job | None = None

    def give(self, job: Job | None) -> None:
        """Sends the next job, or None: no more work. A job that cannot be pickled raises."""
        with suppress(BrokenPipeError):  # a worker that has just died is noticed when its pipe is read
            self.connection.send(job)
        self.job = job

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.connection.close()


class Pool:
    """Runs jobs in `workers` processes and reports each as it ends."""

    def __init__(self, make_tracker: TrackerFactory, workers: int, advance: Advance, report: Report) -> None:
        self.advance, self.report, self.size = advance, report, workers
        try:
            self.payload = pickle.dumps(make_tracker)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ProtocolError(
                f"make_tracker cannot be sent to worker processes: {error}. Use a function at the top level of a "
                "module, or functools.partial of one, or workers=1."
            ) from error
        self.workers: dict[Connection, _Worker] = {}
        self.pending: deque[Job] = deque()

    def run(self, jobs: AbstractSequence[Job]) -> None:
        """Runs all jobs, and ends every process. Raises `ProtocolError` when a worker cannot build its tracker."""
        self.pending.extend(jobs)
        try:
            for _ in range(min(self.size, len(jobs))):
                self._spawn()
            while self.workers:
                for connection in wait(list(self.workers)):
                    self._listen(self.workers[connection])  # type: ignore[index]
        finally:
            for worker in self.workers.values():
                worker.stop()

    def _spawn(self) -> None:
        worker = _Worker(self.payload)
        self.workers[worker.connection] = worker

    def _listen(self, worker: _Worker) -> None:
        try:
            kind, content = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if kind == "frames":
            self.advance(*content)
        elif kind == "unusable":
            raise ProtocolError(f"A worker process could not build the tracker. {content}")
        else:
            worker.ready, worker.job = True, None
            if kind == "ended":
                self.report(content)
            self._feed(worker)

    def _feed(self, worker: _Worker) -> None:
        """Gives the next job that can be sent to a process."""
        while self.pending:
            job = self.pending.popleft()
            try:
                worker.give(job)
                return
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                name = job.sequence.name
                self.report(Failure(name, "", f"{name}: cannot be sent to a worker process: {error}. Use workers=1."))
        worker.give(None)

    def _bury(self, worker: _Worker) -> None:
        """Reports the job of a process that has ended, and replaces it while there is work."""
        del self.workers[worker.connection]
        worker.connection.close()
        worker.process.join()
        code = worker.process.exitcode
        if not worker.ready:
            raise ProtocolError(
                f"A worker process died while it started (exit code {code}). A script that runs a benchmark with "
                "several workers needs `if __name__ == '__main__':` around its main part."
            )
        if worker.job is None:
            return
        name = worker.job.sequence.name
        hint = " It was killed, often for want of memory: use fewer workers." if code == -9 else ""
        self.report(Failure(name, "", f"{name}: the worker process that ran it died (exit code {code}).{hint}"))
        if self.pending:
            self._spawn()


def _work(payload: bytes, connection: Connection) -> None:
    """The life of a worker process."""
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=die_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # a damaged image is reported by us
    with suppress(BrokenPipeError, EOFError):
        try:
            tracker = pickle.loads(payload)()
        except Exception as error:
            connection.send(("unusable", f"{type(error).__name__}: {error}"))
            return
        connection.send(("ready", None))
        advance = _Messenger(connection)
        while (job := connection.recv()) is not None:
            result = perform(tracker, job, advance)
            advance.flush()
            connection.send(("ended", result))


def die_with_parent() -> None:
    """Ends the process when the one that started it is gone; results are written whole or not at all."""
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class _Messenger:
    """Collects progress and sends it a few times per second."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._reset()

    def __call__(self, frames: int, tracked: int, seconds: float) -> None:
        self.frames += frames
        self.tracked += tracked
        self.seconds += seconds
        if time.monotonic() - self.sent > _PROGRESS_INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Sends what has been collected."""
        self.connection.send(("frames", (self.frames, self.tracked, self.seconds)))
        self._reset()

    def _reset(self) -> None:
        self.frames, self.tracked, self.seconds, self.sent = 0, 0, 0.0, time.monotonic()
