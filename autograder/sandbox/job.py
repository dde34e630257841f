"""A job for a worker, the limits it runs under, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

End = Literal["done", "timeout", "out_of_memory", "crashed", "refused"]


@dataclass(frozen=True)
class Task:
    """What a worker does, and what it may leave behind.

    Args:
        entry: the function to call, as `package.module:function`; it takes the payload and the job's folder.
        outputs: for each folder (`.` is the job's own) a regular expression for the names of the files to collect.
        untrusted: it runs student code: it gets a user of its own, and its standard streams are discarded.
    """

    entry: str
    outputs: Mapping[str, str]
    untrusted: bool = False


@dataclass(frozen=True)
class Preload:
    """What a fork server imports before it forks: `entry` (`package.module:function`) is called with `arguments`."""

    entry: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What one worker may use. Sizes are in MiB.

    Args:
        seconds: wall-clock time.
        memory_mb: memory summed over all of its processes.
        cpu_seconds: processor time of each of its processes; None: four times `seconds`.
        processes: processes and threads at once.
        open_files: open files of each process.
        file_mb: size of any one file.
        scratch_mb, scratch_files: what it may write for itself, together, and in how many files and folders.
        output_mb: what it may hand over.
    """

    seconds: float = 300.0
    memory_mb: int = 4096
    cpu_seconds: float | None = None
    processes: int = 256
    open_files: int = 256
    file_mb: int = 1024
    scratch_mb: int = 256
    scratch_files: int = 4096
    output_mb: int = 1024


@dataclass(frozen=True)
class Job:
    """Work for one worker.

    `payload` is plain JSON data; `input` in it is the path of a folder that a checker may read. `folder` is the job's
    own folder, where the files the worker left lie when it has ended. `exclusive`: nothing else may run meanwhile.
    `without` names layers of the sandbox to leave out; only the tests of these very layers have a use for it.
    """

    task: Task
    payload: dict[str, Any]
    folder: Path
    limits: Limits
    exclusive: bool = False
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Order:
    """A job as its supervisor sees it: `layers` names the layers of the sandbox to put around it."""

    task: Task
    payload: dict[str, Any]
    folder: Path
    limits: Limits
    layers: frozenset[str]

    @property
    def input_folder(self) -> Path | None:
        """What another worker handed over, for one that is to read it."""
        return Path(self.payload["input"]) if "input" in self.payload else None


@dataclass(frozen=True)
class Outcome:
    """How a worker ended. `done` means it came to its own end; what it wrote is still only a claim.

    `seconds` is wall-clock time, `cpu_seconds` the processor time of all its processes and of watching over them,
    `peak_mb` the largest memory seen, `detail` the reason in words.
    """

    end: End
    detail: str
    seconds: float
    peak_mb: int
    cpu_seconds: float = 0.0


class Isolation(Protocol):
    """The one way to have a job done, whatever stands behind it."""

    @property
    def level(self) -> str:
        """The isolation level, recorded in every result."""

    def run(self, job: Job) -> Outcome:
        """Do the job and return how it ended; safe to call from several threads at once."""
