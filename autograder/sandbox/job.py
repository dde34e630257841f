"""A job for a worker, the limits it runs under, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Room = Literal["runner", "checker", "inspector"]
End = Literal["done", "timeout", "out_of_memory", "crashed", "refused"]


@dataclass(frozen=True)
class Limits:
    """What one worker may use: wall-clock seconds, and MiB of memory summed over its processes."""

    seconds: float = 300.0
    memory_mb: int = 4096


@dataclass(frozen=True)
class Job:
    """Work for one room.

    `payload` is plain JSON data. `folder` is the job's own empty folder; the worker starts in its `scratch` subfolder
    and leaves what it has to say as files in `folder`.
    """

    room: Room
    payload: dict[str, Any]
    folder: Path
    limits: Limits


@dataclass(frozen=True)
class Outcome:
    """How a worker ended. `done` means it came to its own end; what it wrote is still only a claim.

    `seconds` is wall-clock time, `peak_mb` the largest memory seen, `detail` the reason in words.
    """

    end: End
    detail: str
    seconds: float
    peak_mb: int


class Isolation(Protocol):
    """The one way to have a job done, whatever stands behind it."""

    @property
    def level(self) -> str:
        """The isolation level, recorded in every result."""

    def run(self, job: Job) -> Outcome:
        """Do the job and return how it ended; safe to call from several threads at once."""
