"""Grading on a worker of a cluster: plain functions of bytes and settings that find or make their warm process.

Nothing here knows which cluster it is; a worker is a process that imports this module and calls its functions, from
several threads at once.
"""

from __future__ import annotations

import atexit
import platform
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder import data
from autograder.assignment import Assignment, load_assignment
from autograder.batch import Paper, grade_paper
from autograder.errors import DataError, WorkerError
from autograder.grading import Grader
from autograder.sandbox.warm import WarmProcess
from autograder.versions import kit_version

# A client that was killed cannot say goodbye: a warm process nobody asks for ends by itself.
IDLE_SECONDS = 120.0


@dataclass(frozen=True)
class Bench:
    """What a warm process is made for: the run (each has its own), its kit, and whether MNIST must be there."""

    run: str
    kit: str
    needs_mnist: bool


@dataclass(frozen=True)
class Settings:
    """All a worker needs to know beside a submission."""

    bench: Bench
    assignments: Mapping[str, Assignment]
    assume: str | None


def grade_on_worker(settings: Settings, paper: Paper) -> str:
    """Grade one submission here; gives the result's JSON text.

    Raises:
        KitError: this worker cannot grade at all, for example because its kit is another one.
    """
    with _warm_process(settings.bench) as warm:
        return grade_paper(Grader(settings.assignments, warm, settings.assume), paper)


def describe_on_worker(bench: Bench, zips: Sequence[tuple[str, bytes]]) -> tuple[Assignment, ...]:
    """Read autograder zips, given as file names and contents, here; their test code runs in a process of its own.

    Raises:
        KitError: as `grade_on_worker`, or a zip cannot be used.
    """
    with _warm_process(bench) as warm, tempfile.TemporaryDirectory(prefix="autograder-zips-") as folder:
        paths = [Path(folder, name) for name, _ in zips]
        for path, (_, content) in zip(paths, zips, strict=True):
            path.write_bytes(content)
        return tuple(load_assignment(path, warm) for path in paths)


def end_run(run: str) -> None:
    """End this worker's warm process of a run and every job in it."""
    with _LOCK:
        ended = [_KEPT.pop(bench) for bench in list(_KEPT) if bench.run == run]
    for kept in ended:
        kept.warm.close()


@dataclass
class _Kept:
    """A warm process, how many jobs use it, and how often one began: an idle timer from before another is void."""

    warm: WarmProcess
    users: int = 0
    begun: int = 0


_LOCK = threading.Lock()
_KEPT: dict[Bench, _Kept] = {}


@contextmanager
def _warm_process(bench: Bench) -> Iterator[WarmProcess]:
    _refuse_another_kit(bench.kit)
    with _LOCK:
        kept = _KEPT.get(bench)
        if kept is None or not kept.warm.alive:  # the kernel ends the largest process where memory is short
            kept = _KEPT[bench] = _Kept(WarmProcess(_mnist(bench)))
        kept.users += 1
        kept.begun += 1
    try:
        yield kept.warm
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


def _mnist(bench: Bench) -> Path | None:
    try:
        return data.npz_path()
    except DataError:
        if bench.needs_mnist:
            raise
        return None


def _end_if_idle(bench: Bench, kept: _Kept, begun: int) -> None:
    with _LOCK:
        if kept.users or kept.begun != begun:
            return
        if _KEPT.get(bench) is kept:
            del _KEPT[bench]
    kept.warm.close()


@atexit.register
def _end_all() -> None:
    for run in {bench.run for bench in list(_KEPT)}:
        end_run(run)
