"""Has the answers of one submission judged, whatever they do to the process that judges them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment, Question
from autograder.checker.names import VERDICTS
from autograder.errors import WorkerError
from autograder.sandbox import Isolation, Job, Limits, Outcome
from autograder.second_try import run_with_second_try

_LIMITS = Limits(seconds=180, memory_mb=6144, output_mb=64, scratch_mb=64)
_MOST_DEATHS = 3
_LOG_BYTES = 4096


def check_answers(assignment: Assignment, isolation: Isolation, folder: Path) -> dict[str, Any]:
    """The verdict of every question (see `autograder.checker.room`) on what lies in the job folder's `outbox`.

    An answer that ends the checker costs its own question, and the rest is judged by another one; after three such
    answers the rest counts as unusable too.

    Raises:
        WorkerError: the tests cannot be run, through no fault of the answers.
    """
    verdicts: dict[str, Any] = {}
    blank = False
    for deaths in range(_MOST_DEATHS + 1):
        left = [question for question in assignment.questions if question.name not in verdicts]
        if not left:
            break
        outcome, begun = _check_some(assignment, isolation, folder, verdicts, blank=blank)
        if outcome.end == "done" and all(question.name in verdicts for question in left):
            break
        if begun is _NOTHING:
            raise WorkerError(f"the tests could not be run: {_reason(outcome, folder)}")
        reason = f"checking it ended the checker: {outcome.detail or 'it stopped half-way'}"
        blank = blank or begun is None
        spoilt = left if deaths == _MOST_DEATHS - 1 else [question for question in left if question.name == begun]
        verdicts |= {question.name: _unusable(question, reason) for question in spoilt}
    return verdicts


_NOTHING = object()


def _check_some(
    assignment: Assignment, isolation: Isolation, folder: Path, verdicts: dict[str, Any], *, blank: bool
) -> tuple[Outcome, object]:
    """Judge what has no verdict yet; adds verdicts and returns the question begun last (None: the hand-over itself)."""
    (folder / VERDICTS).unlink(missing_ok=True)
    tests = {file: source for file, source in assignment.test_files.items() if Path(file).stem not in verdicts}
    payload = {
        "tests": tests,
        "explain_hidden": assignment.explains_hidden,
        "seed": assignment.seed,
        "blank": blank,
    }
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    outcome, _ = run_with_second_try(isolation, Job("checker", payload, folder, _LIMITS))
    begun: object = _NOTHING
    for entry in _entries(folder / VERDICTS):
        if "begin" in entry:
            begun = entry["begin"]
        else:
            verdicts[entry["question"]] = entry["verdict"]
    return outcome, begun


def _entries(path: Path) -> list[Mapping[str, Any]]:
    """The whole lines of the checker's file; it is the grader's own, but it may have been cut short."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def _unusable(question: Question, reason: str) -> dict[str, Any]:
    return {
        "handed_over": True,
        "variables": dict.fromkeys(question.handover, "present"),
        "tests": [{"name": test.name, "passed": False, "message": f"Not usable: {reason}."} for test in question.tests],
    }


def _reason(outcome: Outcome, folder: Path) -> str:
    try:
        with (folder / "worker.log").open("rb") as file:
            log = file.read()[-_LOG_BYTES:].decode("utf-8", errors="replace")
    except OSError:
        log = ""
    return outcome.detail or (log.strip().splitlines()[-1:] or ["no verdict was written"])[0]
