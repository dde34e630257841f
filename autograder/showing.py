"""A class shown in the end: to people, or as JSON to scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from autograder.console import show, show_json, show_whole
from autograder.grades import Row
from autograder.render.class_terminal import class_files, class_numbers, class_view
from autograder.store import REPORT, SCORES, page_path
from autograder.summary import Effort, summarise, to_look_at


def show_class(rows: Sequence[Row], folder: Path, *, effort: Effort | None = None, every: bool = False) -> None:
    """Print rows, numbers, mistakes, and where the files are.

    Args:
        rows: the class.
        folder: the results' folder.
        effort: what the run took, if there was one.
        every: print every row, however many there are.
    """
    show(class_view(rows, every=every), class_numbers(summarise(rows), effort))
    first = next(iter(to_look_at(rows)), None)
    look_at = None if first is None else (first.grade.result, page_path(folder, first.identity))
    show_whole(*class_files(folder / SCORES, folder / REPORT, look_at, linked=sys.stdout.isatty()))


def show_results_as_json(rows: Sequence[Row]) -> None:
    """Print JSON lines: one result a line."""
    for row in rows:
        show_json(json.loads(row.grade.result.to_json()), indent=None)


def show_class_as_json(rows: Sequence[Row], folder: Path, not_graded: int) -> None:
    """Print one JSON object: where the files are, the numbers about the class, and whom to look at."""
    look_at = [
        {"submission": row.grade.result.submission, "id": row.identity, "status": row.grade.result.status}
        for row in to_look_at(rows)
    ]
    files = {"scores": str(folder / SCORES), "report": str(folder / REPORT)}
    show_json({"schema": 1, **files, "not_graded": not_graded, **asdict(summarise(rows)), "to_look_at": look_at})
