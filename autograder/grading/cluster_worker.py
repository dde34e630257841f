"""Grading on a worker of a cluster: plain functions of bytes and settings that find or make their fork server.

Nothing here knows which cluster it is; a worker is a process that imports this module and calls its functions, from
several threads at once.
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
from autograder.labs.assignment import Assignment
from autograder.sandbox.layers import Level

# A client that was killed cannot say goodbye: a fork server nobody asks for ends by itself.
IDLE_SECONDS = 120.0


@dataclass(frozen=True)
class Bench:
    """What a fork server is made for: the run (each has its own), its kit, whether MNIST must be there, isolation."""

    run: str
    kit: str
    needs_mnist: bool
    isolation: Level = "full"


@dataclass(frozen=True)
class Settings:
    """All a worker needs to know beside a submission. `solutions`: notebooks by lab, to record their trainings from."""

    bench: Bench
    assignments: Mapping[str, Assignment]
    assume: str | None = None
    solutions: Mapping[str, bytes] | None = None

    def packed(self) -> bytes:
        """As they travel with every submission: an eighth of their size."""
        return zlib.compress(pickle.dumps(self))


@dataclass(frozen=True)
class Described:
    """Labs as a worker has read them, and the isolation level it has."""

    assignments: tuple[Assignment, ...]
    isolation: str


def grade_on_worker(packed: bytes, name: str, content: bytes | str) -> Graded:
    """Grade one submission here with packed `Settings`.

    Args:
        packed: the settings.
        name: what the submission is called in the results.
        content: its bytes, or the reason why there are none.

    Raises:
        KitError: this worker cannot grade at all, for example because its kit is another one.
    """

    def read() -> bytes:
        if isinstance(content, str):
            raise SubmissionError(content)
        return content

    settings = _unpacked(packed)
    with _kept(settings.bench) as kept:
        return kept.grader(settings).graded(name, read)


def describe_on_worker(bench: Bench, zips: Sequence[tuple[str, bytes]]) -> Described:
    """Read autograder zips, given as file names and contents, here; their test code runs in a process of its own.

    Raises:
        KitError: as `grade_on_worker`, or a zip cannot be used.
    """
    with _kept(bench) as kept, tempfile.TemporaryDirectory(prefix="autograder-zips-") as folder:
        paths = [Path(folder, name) for name, _ in zips]
        for path, (_, content) in zip(paths, zips, strict=True):
            path.write_bytes(content)
        return Described(kept.session.load(paths), kept.session.fork_server.level)


def end_run(run: str) -> None:
    """End this worker's fork server of a run and every job in it."""
    with _LOCK:
        ended = [_KEPT.pop(bench) for bench in list(_KEPT) if bench.run == run]
    for kept in ended:
        kept.close()


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> Settings:
    settings: Settings = pickle.loads(zlib.decompress(packed))  # noqa: S301 - from the client, as this call itself
    return settings


class _Kept:
    """A session and its grader, how many jobs use them, and how often one began."""

    def __init__(self, bench: Bench) -> None:
        self.session = Session(bench.isolation, needs_mnist=bench.needs_mnist, report=lambda _: None)
        self.users = 0
        self.begun = 0
        self._lock = threading.Lock()
        self._grader: Grader | None = None
        self._solutions = tempfile.TemporaryDirectory(prefix="autograder-solutions-")  # only its owner may enter

    def grader(self, settings: Settings) -> Grader:
        """The run's grader; it trains the solutions once, unless this machine's cache holds that already."""
        with self._lock:
            if self._grader is None:
                paths = {lab: Path(self._solutions.name, f"{lab}.ipynb") for lab in settings.solutions or {}}
                for lab, path in paths.items():
                    path.write_bytes((settings.solutions or {})[lab])
                labs = tuple(settings.assignments.values())
                self._grader = self.session.grader(labs, paths, assume=settings.assume)
            return self._grader

    def close(self) -> None:
        """End the fork server and every job in it."""
        self.session.close()
        self._solutions.cleanup()


_LOCK = threading.Lock()
_KEPT: dict[Bench, _Kept] = {}


@contextmanager
def _kept(bench: Bench) -> Iterator[_Kept]:
    _refuse_another_kit(bench.kit)
    with _LOCK:
        kept = _KEPT.get(bench)
        if (
            kept is None or not kept.session.fork_server.alive
        ):  # the kernel ends the largest process where memory is short
            kept = _KEPT[bench] = _Kept(bench)
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
            f"The worker on {platform.node()} has another kit than this machine: {kit_version()}, not {wanted}.",
            hint="install the same version of the kit and of its libraries on every worker, and restart the workers",
        )


def _end_if_idle(bench: Bench, kept: _Kept, begun: int) -> None:
    with _LOCK:
        if kept.users or kept.begun != begun:
            return  # a later job set a timer of its own
        if _KEPT.get(bench) is kept:
            del _KEPT[bench]
    kept.close()


@atexit.register
def _end_all() -> None:
    for run in {bench.run for bench in list(_KEPT)}:
        end_run(run)
