"""Jobs, their limits and their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

End = Literal["done", "timeout", "out_of_memory", "crashed", "refused"]


@dataclass(frozen=True)
class Task:
    """The function that a worker calls and the files that it may leave.

    Args:
        entry: the function, as `package.module:function`; it takes the payload and the job's folder.
        outputs: for each folder (`.` is the job's own), a regular expression for the names of the files to collect.
        untrusted: whether it runs student code, under a separate user and with its standard streams discarded.
    """

    entry: str
    outputs: Mapping[str, str]
    untrusted: bool = False


@dataclass(frozen=True)
class Preload:
    """Modules for a fork server: the function `entry` is called with `arguments`.

    Args:
        entry: the function, as `package.module:function`.
        arguments: its arguments.
    """

    entry: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Resource limits of one worker. Sizes are in MiB.

    Args:
        seconds: wall-clock time.
        memory_mb: memory of all of its processes together.
        cpu_seconds: processor time of each of its processes; None means four times `seconds`.
        processes: number of processes and threads at the same time.
        open_files: open files of each process.
        file_mb: size of a single file.
        scratch_mb: total size of its scratch folders.
        scratch_files: number of files and folders in its scratch folders.
        output_mb: total size of its output.
        call_seconds: wall-clock time of one call that another worker makes through its channel.
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
    call_seconds: float = 5.0


@dataclass(frozen=True)
class Job:
    """Work for one worker.

    Args:
        task: the function to call.
        payload: JSON data for it; the key `input` is the path of a folder that the worker may read.
        folder: the job's folder, which contains the collected files after the worker has ended.
        limits: resource limits of the worker.
        exclusive: whether no other job may run at the same time.
        without: sandbox layers to leave out; used by the tests of these layers only.
        channel: two open descriptors, one to read and one to write, that the worker keeps; it finds their numbers in
            the payload as `channel`. They may be ends of pipes only: a socket could carry further descriptors.
        nested: whether the job runs on behalf of one that is still running, and so under the lock that one holds.
    """

    task: Task
    payload: dict[str, Any]
    folder: Path
    limits: Limits
    exclusive: bool = False
    without: frozenset[str] = frozenset()
    channel: tuple[int, int] | None = None
    nested: bool = False


@dataclass(frozen=True)
class Order:
    """A job with the names of the sandbox layers to apply, for its supervisor."""

    task: Task
    payload: dict[str, Any]
    folder: Path
    limits: Limits
    layers: frozenset[str]
    channel: tuple[int, ...] = ()

    @property
    def input_folder(self) -> Path | None:
        """The output of an earlier worker that this one reads, or None."""
        return Path(self.payload["input"]) if "input" in self.payload else None


@dataclass(frozen=True)
class Outcome:
    """How a worker ended.

    Args:
        end: `done` if the task returned; its output is untrusted all the same.
        detail: the reason, as text.
        seconds: wall-clock time.
        peak_mb: highest memory usage seen, in MiB.
        cpu_seconds: processor time of all of its processes and of the supervisor.
    """

    end: End
    detail: str
    seconds: float
    peak_mb: int
    cpu_seconds: float = 0.0


class Isolation(Protocol):
    """Interface for running jobs."""

    @property
    def level(self) -> str:
        """The isolation level, recorded in every result."""

    def run(self, job: Job) -> Outcome:
        """Run a job and return how it ended. Thread-safe."""
