"""Grades one submission: a plain function of bytes and settings that leaves nothing behind."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autograder.assignment import Assignment
from autograder.checking import check_answers
from autograder.errors import SubmissionError, WorkerError
from autograder.executed import executed_notebook
from autograder.jobfiles import job_folder, remove_folder
from autograder.marking import Run, mark
from autograder.metering import Metered
from autograder.notebooks import Notebook, answer_cells, identify, read_notebook
from autograder.results import CellError, Cost, FitRun, QuestionResult, Result, SubmissionStatus
from autograder.runner.journal import OUTBOX, Story, read_story
from autograder.runner.shown import read_shown
from autograder.sandbox import Isolation, Job, Outcome
from autograder.second_try import SECOND_TRY, run_with_second_try


def no_recordings(_: Assignment) -> Mapping[str, str]:
    """For a grader that lets every submission train for real."""
    return {}


@dataclass(frozen=True)
class Graded:
    """A result and the student's notebook as it was run (.ipynb); None where it was not run."""

    result: Result
    executed: bytes | None


@dataclass(frozen=True)
class Grader:
    """Everything grading needs beside the submission.

    Args:
        assignments: the labs in play, by name; a notebook says which is its own.
        isolation: where jobs run.
        assume: the lab to take where the notebook does not say.
        recordings: gives the trainings of a lab that submissions may take over (see `autograder.recordings`).
    """

    assignments: Mapping[str, Assignment]
    isolation: Isolation
    assume: str | None = None
    recordings: Callable[[Assignment], Mapping[str, str]] = no_recordings

    def grade(self, name: str, read: Callable[[], bytes]) -> Result:
        """The result alone of `graded`."""
        return self.graded(name, read).result

    def graded(self, name: str, read: Callable[[], bytes]) -> Graded:
        """Grade one submission; never raises for anything in it.

        Args:
            name: what the submission is called in the results.
            read: gives its bytes; may raise SubmissionError.
        """
        start = time.monotonic()
        digest = ""
        try:
            data = read()
            digest = hashlib.sha256(data).hexdigest()
            notebook = read_notebook(data)
            assignment = self._assignment_of(notebook)
        except SubmissionError as error:
            return Graded(self._unreadable(name, digest, str(error), time.monotonic() - start), None)
        try:
            found = _run_and_check(notebook, assignment, self.isolation, self.recordings(assignment))
        except WorkerError as error:
            found = _Found("grader_error", str(error))
        result = Result(
            submission=name,
            sha256=digest,
            lab=assignment.name,
            isolation=self.isolation.level,
            status=found.status,
            detail=found.detail,
            score=round(float(sum(question.score for question in found.questions)), 6),
            max_score=assignment.max_score,
            seconds=round(time.monotonic() - start, 2),
            questions=found.questions,
            errors=found.errors,
            fits=found.fits,
            cost=found.cost,
        )
        return Graded(result, found.executed)

    def _assignment_of(self, notebook: Notebook) -> Assignment:
        if self.assume is not None and notebook.assignment is None:
            return self.assignments[self.assume]
        return self.assignments[identify(notebook, {name: lab.answers for name, lab in self.assignments.items()})]

    def _unreadable(self, name: str, digest: str, reason: str, seconds: float) -> Result:
        only = next(iter(self.assignments.values())) if len(self.assignments) == 1 else None
        return Result(
            submission=name,
            sha256=digest,
            lab=only.name if only else None,
            isolation=self.isolation.level,
            status="unreadable",
            detail=reason,
            score=0.0,
            max_score=only.max_score if only else 0.0,
            seconds=round(seconds, 2),
        )


@dataclass(frozen=True)
class _Found:
    """What came of running and checking a submission."""

    status: SubmissionStatus
    detail: str | None
    questions: tuple[QuestionResult, ...] = ()
    errors: tuple[CellError, ...] = ()
    fits: tuple[FitRun, ...] = ()
    cost: Cost | None = None
    executed: bytes | None = None


def _run_and_check(
    notebook: Notebook, assignment: Assignment, isolation: Isolation, recordings: Mapping[str, str]
) -> _Found:
    payload = {
        "cells": [{"number": cell.number, "source": cell.source} for cell in notebook.cells],
        "handover": {question.name: list(question.handover) for question in assignment.questions},
        "seed": assignment.seed,
        "recordings": dict(recordings),
    }
    isolation = Metered(isolation)
    with job_folder() as folder:
        outcome, again = run_with_second_try(isolation, Job("runner", payload, folder, assignment.limits))
        story, shown = read_story(folder), read_shown(folder)
        status, detail = _ending(outcome, story)
        remove_folder(folder / "scratch")  # before the checker needs the memory it may lie in
        verdicts = check_answers(assignment, isolation, folder / OUTBOX)
    run = Run(notebook, story.errors, story.last_cell, detail)
    cost = Cost(round(isolation.cpu_seconds, 3), story.cpu_seconds, isolation.peak_mb)
    if again:
        detail = f"{detail}; {SECOND_TRY}" if detail else f"{SECOND_TRY[:1].upper()}{SECOND_TRY[1:]}."
    executed = executed_notebook(notebook, _answers(notebook, assignment), shown, story)
    return _Found(status, detail, mark(assignment, run, verdicts), story.errors, story.fits, cost, executed)


def _answers(notebook: Notebook, assignment: Assignment) -> dict[int, list[str]]:
    """By the number of a code cell, the questions it holds an answer of."""
    answers: dict[int, list[str]] = {}
    for question in assignment.questions:
        for cell in answer_cells(notebook, question.name, question.variables):
            answers.setdefault(cell.number, []).append(question.name)
    return answers


def _ending(outcome: Outcome, story: Story) -> tuple[SubmissionStatus, str | None]:
    """What became of the notebook; a worker that ended well must also have said that it came to the end."""
    where = f" (in code cell [{story.last_cell}])" if story.last_cell is not None else ""
    if outcome.end == "timeout":
        return "timeout", f"{outcome.detail}{where}"
    if outcome.end == "out_of_memory":
        return "out_of_memory", f"{outcome.detail}{where}"
    if outcome.end == "done" and story.finished:
        return "graded", None
    return "crashed", f"{outcome.detail or 'a cell ended the process of the notebook'}{where}"
