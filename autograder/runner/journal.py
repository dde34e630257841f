"""What happened in a notebook, cell by cell: written in the runner, read (as a claim) by the grader."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.results import CellError

JOURNAL = "journal.jsonl"
_MAX_BYTES = 16 << 20
_MAX_MESSAGE = 2_000
_MAX_NAME = 100
_MAX_LINE = 1 << 16
_MAX_CELL = 100_000
_MAX_ERRORS = 1_000


class Journal:
    """Appends one line per event; every line is whole before the next cell starts."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL

    def begin(self, cell: int) -> None:
        self._append({"event": "begin", "cell": cell})

    def end(self, cell: int, seconds: float, error: BaseException | None) -> None:
        entry: dict[str, Any] = {"event": "end", "cell": cell, "seconds": round(seconds, 3)}
        if error is not None:
            entry["error"] = {"name": type(error).__name__, "message": _text(error)}
        self._append(entry)

    def finish(self) -> None:
        self._append({"event": "finish"})

    def _append(self, entry: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


@dataclass(frozen=True)
class Story:
    """How a run went: the errors in order, the cell it was last in, and whether it came to the end."""

    errors: tuple[CellError, ...] = ()
    last_cell: int | None = None
    finished: bool = False


def read_story(folder: Path) -> Story:
    """Read a journal after its writer has ended; damaged and monstrous lines are passed over."""
    errors: list[CellError] = []
    last_cell: int | None = None
    finished = False
    for entry in _entries(folder / JOURNAL):
        cell = entry.get("cell")
        if entry.get("event") == "finish":
            finished = True
        elif type(cell) is int and 0 < cell <= _MAX_CELL:
            last_cell = cell
            error = entry.get("error")
            if isinstance(error, dict) and len(errors) < _MAX_ERRORS:
                errors.append(
                    CellError(cell, str(error.get("name"))[:_MAX_NAME], str(error.get("message"))[:_MAX_MESSAGE])
                )
    return Story(tuple(errors), last_cell, finished)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """The journal's entries one by one, so that no more than a line of it is ever in memory."""
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError:
        return
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            return
        while line := file.readline(_MAX_LINE):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict):
                yield entry


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_MAX_MESSAGE]
    except Exception:  # noqa: BLE001 - a student's exception may fail at being printed
        return ""
