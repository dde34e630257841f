"""Journal of a notebook run: written in the runner, read as untrusted data."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from autograder.results.result import CellError, FitRun
from autograder.sandbox.job_files import read_entries
from autograder.util.text import text_of
from autograder.util.tracebacks import without_frames

HANDOVER = "handover"  # the hand-over folder, next to the journal
JOURNAL = "journal.jsonl"
_MAX_BYTES = 16 << 20
_MAX_MESSAGE = 2_000
_MAX_TRACE = 200_000  # of a message that contains a stack trace
_MAX_NAME = 100
_MAX_FITS = 100
_MAX_LINE = 1 << 16
_MAX_CELL = 100_000
_MAX_CELL_LINES = 10_000_000
_MAX_ERRORS = 1_000


class Journal:
    """Appends one line per event, complete before the next cell starts."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self._cell = 0

    def begin(self, cell: int) -> None:
        """Record the start of a cell."""
        self._cell = cell
        self._append({"event": "begin", "cell": cell})

    def end(self, cell: int, seconds: float, error: BaseException | None, line: int | None = None) -> None:
        """Record the end of a cell, with its error and the error's line, if any."""
        entry: dict[str, Any] = {"event": "end", "cell": cell, "seconds": round(seconds, 3)}
        if error is not None:
            message = without_frames(text_of(error, _MAX_TRACE))[:_MAX_MESSAGE]
            entry["error"] = {"name": type(error).__name__, "message": message, "line": line}
        self._append(entry)

    def fit(self, reused: bool, seconds: float) -> None:
        """Record the end of a fit in the current cell."""
        self._append({"event": "fit", "cell": self._cell, "reused": reused, "seconds": round(seconds, 3)})

    def finish(self, cpu_seconds: float) -> None:
        """Record the end of all cells and their processor time."""
        self._append({"event": "finish", "cpu_seconds": round(cpu_seconds, 3)})

    def _append(self, entry: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


@dataclass(frozen=True)
class RunLog:
    """Progress of a run: errors, fits, the last cell, whether it finished.

    `cpu_seconds` is the processor time its cells have used, known only of a run that came to the end.
    """

    errors: tuple[CellError, ...] = ()
    last_cell: int | None = None
    finished: bool = False
    fits: tuple[FitRun, ...] = ()
    cpu_seconds: float = 0.0


def read_run_log(folder: Path) -> RunLog:
    """Read a journal after its writer has ended; skip damaged lines."""
    errors: list[CellError] = []
    last_cell: int | None = None
    finished = False
    cpu_seconds: Any = None
    fits: list[FitRun] = []
    for entry in read_entries(folder / JOURNAL, _MAX_BYTES, _MAX_LINE):
        cell = entry.get("cell")
        if entry.get("event") == "finish":
            finished = True
            cpu_seconds = entry.get("cpu_seconds")
        elif entry.get("event") == "fit":
            fits += _fit(entry) if len(fits) < _MAX_FITS else []
        elif type(cell) is int and 0 < cell <= _MAX_CELL:
            last_cell = cell
            error = entry.get("error")
            if isinstance(error, dict) and len(errors) < _MAX_ERRORS:
                name, message = text_of(error.get("name"), _MAX_NAME), text_of(error.get("message"), _MAX_MESSAGE)
                errors.append(CellError(cell, name, message, _line(error.get("line"))))
    return RunLog(tuple(errors), last_cell, finished, tuple(fits), cpu_seconds if _is_duration(cpu_seconds) else 0.0)


def _line(value: Any) -> int | None:
    return value if type(value) is int and 0 < value <= _MAX_CELL_LINES else None


def _is_duration(value: Any) -> TypeGuard[float]:
    return type(value) is float and math.isfinite(value)


def _fit(entry: dict[str, Any]) -> list[FitRun]:
    cell, reused, seconds = entry.get("cell"), entry.get("reused"), entry.get("seconds")
    if type(cell) is int and type(reused) is bool and _is_duration(seconds):
        return [FitRun(cell, reused, seconds)]
    return []
