"""Grading on a cluster worker: functions of bytes and settings.

A worker is any process that imports this module and calls its functions from several threads; nothing here depends on
Dask.
"""

from __future__ import annotations

import atexit
import pickle
import platform
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder.errors import SubmissionError, WorkerError
from autograder.grading.fingerprint import kit_version
from autograder.grading.grader import Graded, Grader
from autograder.grading.session import Session
from autograder.intake.beside import NOTHING, Beside
from autograder.labs.assignment import Assignment
from autograder.sandbox.layers import Level

# If the client was killed, its fork server ends after some idle time.
IDLE_SECONDS = 120.0


@dataclass(frozen=True)
class Bench:
    """Identifies a fork server.

    Args:
        run: the run; each has its own fork server.
        kit: the version of the kit.
        needs_mnist: whether MNIST is required.
        isolation: the isolation level.
    """

    run: str
    kit: str
    needs_mnist: bool
    isolation: Level = "full"


@dataclass(frozen=True)
class Settings:
    """What a worker needs besides a submission.

    Args:
        bench: the fork server.
        assignments: the labs by name.
        assume: the lab of notebooks that do not name theirs.
        solutions: solution notebooks by lab, whose trainings are recorded.
    """

    bench: Bench
    assignments: Mapping[str, Assignment]
    assume: str | None = None
    solutions: Mapping[str, bytes] | None = None

    def packed(self) -> bytes:
        """Pickled and compressed form, sent with every submission."""
        return zlib.compress(pickle.dumps(self))


@dataclass(frozen=True)
class Described:
    """Labs as read by a worker, and its isolation level."""

    assignments: tuple[Assignment, ...]
    isolation: str


def grade_on_worker(packed: bytes, name: str, content: bytes | str, beside: Beside = NOTHING) -> Graded:
    """Grade one submission with packed `Settings`.

    Raises:
        KitError: this worker cannot grade, for example because it has another version of the kit.
    """

    def read() -> bytes:
        if isinstance(content, str):
            raise SubmissionError(content)
        return content

    settings = _unpacked(packed)
    with _kept(settings.bench) as kept:
        return kept.grader(settings).graded(name, read, lambda: beside)


def describe_on_worker(bench: Bench, zips: Sequence[tuple[str, bytes]]) -> Described:
    """Read autograder zips, given as file names and contents.

    Raises:
        KitError: as for `grade_on_worker`, or a zip is unusable.
    """
    with _kept(bench) as kept, tempfile.TemporaryDirectory(prefix="autograder-zips-") as folder:
        paths = [Path(folder, name) for name, _ in zips]
        for path, (_, content) in zip(paths, zips, strict=True):
            path.write_bytes(content)
        return Described(kept.session.load(paths), kept.session.fork_server.level)


def end_run(run: str) -> None:
    """End this worker's fork server of a run."""
    with _LOCK:
        ended = [KEPT.pop(bench) for bench in list(KEPT) if bench.run == run]
    for kept in ended:
        kept.close()


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> Settings:
    settings: Settings = pickle.loads(zlib.decompress(packed))  # noqa: S301 - sent by the client, like the call itself
    return settings


class _Kept:
    """A fork server and its grader, with the number of jobs that use them."""

    def __init__(self, bench: Bench) -> None:
        self.session = Session(bench.isolation, needs_mnist=bench.needs_mnist, report=lambda _: None)
        self.users = 0
        self.begun = 0
        self._lock = threading.Lock()
        self._grader: Grader | None = None
        self._solutions = tempfile.TemporaryDirectory(prefix="autograder-solutions-")  # accessible to its owner only

    def grader(self, settings: Settings) -> Grader:
        """Return the run's grader; it trains the solutions once unless they are cached."""
        with self._lock:
            if self._grader is None:
                paths = {lab: Path(self._solutions.name, f"{lab}.ipynb") for lab in settings.solutions or {}}
                for lab, path in paths.items():
                    path.write_bytes((settings.solutions or {})[lab])
                labs = tuple(settings.assignments.values())
                self._grader = self.session.grader(labs, paths, assume=settings.assume)
            return self._grader

    def close(self) -> None:
        """End the fork server and its jobs."""
        self.session.close()
        self._solutions.cleanup()


_LOCK = threading.Lock()
KEPT: dict[Bench, _Kept] = {}  # the fork servers in use


@contextmanager
def _kept(bench: Bench) -> Iterator[_Kept]:
    _refuse_another_kit(bench.kit)
    with _LOCK:
        kept = KEPT.get(bench)
        if kept is None or not kept.session.fork_server.alive:  # the kernel may have killed it for lack of memory
            kept = KEPT[bench] = _Kept(bench)
        kept.users += 1
        kept.begun += 1
    try:
        yield kept
    finally:
        with _LOCK:
            kept.users -= 1
            begun = kept.begun
        timer = threading.Timer(IDLE_SECONDS, _end_if_idle, (bench, kept, begun))
        timer.daemon = True
        timer.start()


def _refuse_another_kit(wanted: str) -> None:
    if wanted != kit_version():
        raise WorkerError(
            f"The worker on {platform.node()} has a different version of the kit: {kit_version()} instead of {wanted}.",
            hint="install the same versions of the kit and its libraries on every worker, and restart the workers",
        )


def _end_if_idle(bench: Bench, kept: _Kept, begun: int) -> None:
    with _LOCK:
        if kept.users or kept.begun != begun:
            return  # a later job has set a new timer
        if KEPT.get(bench) is kept:
            del KEPT[bench]
    kept.close()


@atexit.register
def _end_all() -> None:
    for run in {bench.run for bench in list(KEPT)}:
        end_run(run)
