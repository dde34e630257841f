"""Output about a class: text for people, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from autograder.cli.console import say, show, show_json, show_whole
from autograder.grading.resume import Plan
from autograder.render.class_terminal import class_files, class_numbers, class_view
from autograder.report.summary import Effort, need_attention, summarise
from autograder.results.folder import ResultsFolder
from autograder.results.grade import Row
from autograder.util.text import counted


def show_class(rows: Sequence[Row], folder: Path, *, effort: Effort | None = None, every: bool = False) -> None:
    """Print submissions, summary, mistakes and the paths of the files.

    Args:
        rows: the class.
        folder: the results folder.
        effort: duration of the run, or None.
        every: whether to print every row of a large class.
    """
    show(class_view(rows, every=every), class_numbers(summarise(rows), effort))
    first = next(iter(need_attention(rows)), None)
    files = ResultsFolder(folder)
    look_at = None if first is None else files.submission(first.identity).feedback
    show_whole(*class_files(files.scores, files.report, look_at, linked=sys.stdout.isatty()))


def show_results_as_json(rows: Sequence[Row]) -> None:
    """Print the results as JSON Lines."""
    for row in rows:
        show_json(json.loads(row.grade.result.to_json()), indent=None)


def show_class_as_json(rows: Sequence[Row], folder: Path, not_graded: int) -> None:
    """Print one JSON object: paths, summary, and submissions that need attention."""
    look_at = [
        {
            "submission": row.grade.result.submission,
            "called": row.grade.result.called,
            "id": row.identity,
            "status": row.grade.result.status,
        }
        for row in need_attention(rows)
    ]
    files = {"scores": str(ResultsFolder(folder).scores), "report": str(ResultsFolder(folder).report)}
    show_json({"schema": 1, **files, "not_graded": not_graded, **asdict(summarise(rows)), "need_attention": look_at})


def tell_plan(plan: Plan, total: int, others: int) -> None:
    """Print which results are kept, what is graded again and why, and other results."""
    if plan.kept:
        kept = len(plan.kept)
        say(
            f"{kept} of {total} {_were(kept)} graded before and {'has' if kept == 1 else 'have'} not changed.", err=True
        )
    for reason, count in plan.again.items():
        say(f"{count} of {total} {_were(count)} graded before and {_are(count)} graded again: {reason}.", err=True)
    if others:
        held = counted(others, "other submission")
        say(f"The folder also contains results of {held}, which are kept but not part of the scores.", err=True)


def tell_missing(missing: int) -> None:
    """Print how many submissions of the latest run have no result yet, if any."""
    if missing:
        what = f"{counted(missing, 'submission')} of the latest run {_are(missing)} not graded yet"
        say(f"{what}: run the same `autograder grade` command again.", err=True)


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
