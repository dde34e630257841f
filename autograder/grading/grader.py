"""Grade one submission: a function of bytes and settings without side effects."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from autograder.errors import SubmissionError, WorkerError
from autograder.grading.answer_keys import AnswerKeys, blame_tests, met_the_unforeseen
from autograder.grading.checking import check_answers
from autograder.grading.executed import executed_notebook
from autograder.grading.live_checks import LiveChecks
from autograder.grading.marking import Run, mark
from autograder.grading.resource_usage import MeasuredIsolation
from autograder.grading.retry import run_with_retry
from autograder.grading.run_job import notebook_job
from autograder.handover.journal import HANDOVER, RunLog, read_run_log
from autograder.handover.outputs import read_outputs
from autograder.handover.protocol import Verdict
from autograder.intake.beside import NOTHING, Beside, for_lab
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import Notebook, answer_cells, identify, read_notebook
from autograder.results.result import (
    CellError,
    Cost,
    FitRun,
    QuestionResult,
    Result,
    SubmissionStatus,
    is_another_version,
)
from autograder.sandbox import Isolation, Outcome
from autograder.sandbox.job_files import job_folder, remove_folder


def no_cached_trainings(_: Assignment) -> Mapping[str, str]:
    """Return no trainings, so that every submission trains."""
    return {}


@dataclass(frozen=True)
class Graded:
    """A result and the executed notebook (.ipynb), or None if it was not run."""

    result: Result
    executed: bytes | None


@dataclass(frozen=True)
class Grader:
    """Everything that grading needs besides the submission.

    Args:
        assignments: the labs by name.
        isolation: runs jobs.
        assume: the lab of notebooks that do not name theirs.
        trainings: returns the reusable trainings of a lab (see `training_cache`).
        keys: the answer keys, used to detect defective tests.
        unavailable: labs of the course that cannot be graded, with the reason; no fault of who hands them in.
    """

    assignments: Mapping[str, Assignment]
    isolation: Isolation
    assume: str | None = None
    trainings: Callable[[Assignment], Mapping[str, str]] = no_cached_trainings
    keys: AnswerKeys = field(default_factory=AnswerKeys)
    unavailable: Mapping[str, str] = field(default_factory=dict)

    def grade(self, name: str, read: Callable[[], bytes]) -> Result:
        """Return only the result of `graded`."""
        return self.graded(name, read).result

    def graded(
        self, name: str, read: Callable[[], bytes], read_beside: Callable[[], Beside] = lambda: NOTHING
    ) -> Graded:
        """Grade one submission; never raises because of its content.

        Args:
            name: its name in the results.
            read: returns the bytes of the notebook; may raise SubmissionError.
            read_beside: returns the files handed in with it; called after `read`.
        """
        start = time.monotonic()
        digest, beside = "", NOTHING
        try:
            data = read()
            digest, beside = hashlib.sha256(data).hexdigest(), read_beside()
            notebook = read_notebook(data)
            if (reason := self.unavailable.get(notebook.assignment or "")) is not None:
                result = self._unreadable(name, digest, beside, reason, time.monotonic() - start)
                return Graded(replace(result, lab=notebook.assignment, max_score=0.0, status="grader_error"), None)
            assignment = self._assignment_of(notebook)
        except SubmissionError as error:
            return Graded(self._unreadable(name, digest, beside, str(error), time.monotonic() - start), None)
        beside = for_lab(beside, assignment.support_files, assignment.limits)
        try:
            found = self._run_and_check(notebook, assignment, beside, lambda: self._failed_by_key(assignment))
        except WorkerError as error:
            found = _Found("grader_error", str(error))
        result = Result(
            submission=name,
            sha256=digest,
            files=beside.files,
            lab=assignment.name,
            isolation=self.isolation.level,
            status=found.status,
            retried=found.retried,
            detail=found.detail,
            score=round(float(sum(question.score for question in found.questions)), 6),
            max_score=assignment.max_score,
            seconds=round(time.monotonic() - start, 2),
            questions=found.questions,
            errors=found.errors,
            fits=found.fits,
            cost=found.cost,
            measured=found.measured,
            language=notebook.written_in,
            notebook_version=notebook.version,
            lab_version=assignment.versions.get(notebook.written_in),
        )
        return Graded(result, found.executed)

    def _run_and_check(
        self, notebook: Notebook, assignment: Assignment, beside: Beside, failed_by_key: Callable[[], frozenset[str]]
    ) -> _Found:
        trainings = self.trainings(assignment)
        return _run_and_check(notebook, assignment, beside, self.isolation, trainings, failed_by_key)

    def _failed_by_key(self, assignment: Assignment) -> frozenset[str]:
        """Return the names of the tests that the lab's answer key fails."""
        return self.keys.failed_tests(
            assignment.name, lambda key: self._run_and_check(key, assignment, NOTHING, frozenset).verdicts
        )

    def _assignment_of(self, notebook: Notebook) -> Assignment:
        if self.assume is not None and notebook.assignment is None:
            return self.assignments[self.assume]
        return self.assignments[identify(notebook, {name: lab.answers for name, lab in self.assignments.items()})]

    def _unreadable(self, name: str, digest: str, beside: Beside, reason: str, seconds: float) -> Result:
        only = next(iter(self.assignments.values())) if len(self.assignments) == 1 else None
        return Result(
            submission=name,
            sha256=digest,
            files=beside.files,
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
    """The outcome of running and checking a submission."""

    status: SubmissionStatus
    detail: str | None
    retried: bool = False
    questions: tuple[QuestionResult, ...] = ()
    errors: tuple[CellError, ...] = ()
    fits: tuple[FitRun, ...] = ()
    cost: Cost | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    executed: bytes | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


def _run_and_check(
    notebook: Notebook,
    assignment: Assignment,
    beside: Beside,
    isolation: Isolation,
    trainings: Mapping[str, str],
    failed_by_key: Callable[[], frozenset[str]],
) -> _Found:
    isolation = MeasuredIsolation(isolation)
    live = LiveChecks(isolation, assignment)
    with job_folder() as folder:
        job = notebook_job(notebook, assignment, folder, beside=beside.given, trainings=trainings)
        outcome, retried = run_with_retry(live, job)
        run_log, shown = read_run_log(folder), read_outputs(folder)
        status, detail = _ending(outcome, run_log)
        remove_folder(folder / "scratch")  # it may be in memory, which the checker needs
        verdicts = check_answers(assignment, isolation, folder / HANDOVER, live.verdicts)
    if met_the_unforeseen(verdicts):
        verdicts = blame_tests(verdicts, failed_by_key())
    other_version = is_another_version(notebook.version, assignment.versions.get(notebook.written_in))
    run = Run(notebook, run_log.errors, run_log.last_cell, detail, other_version)
    cost = Cost(round(isolation.cpu_seconds, 3), run_log.cpu_seconds, isolation.peak_mb)
    return _Found(
        status,
        detail,
        retried=retried,
        questions=mark(assignment, run, verdicts),
        errors=run_log.errors,
        fits=run_log.fits,
        cost=cost,
        measured={name: value for verdict in verdicts.values() for name, value in verdict.measured.items()},
        executed=executed_notebook(
            notebook,
            _answers(notebook, assignment),
            shown,
            run_log,
            [question.name for question in assignment.questions if question.manual],
        ),
        verdicts=verdicts,
    )


def _answers(notebook: Notebook, assignment: Assignment) -> dict[int, list[str]]:
    """Return the questions that each code cell answers, by its number."""
    answers: dict[int, list[str]] = {}
    for question in assignment.questions:
        for cell in answer_cells(notebook, question.name, question.variables):
            answers.setdefault(cell.number, []).append(question.name)
    return answers


def _ending(outcome: Outcome, run_log: RunLog) -> tuple[SubmissionStatus, str | None]:
    """Return the status of a run; a worker must also have recorded that all cells ran."""
    where = f" (in code cell [{run_log.last_cell}])" if run_log.last_cell is not None else ""
    if outcome.end == "timeout":
        return "timeout", f"{outcome.detail}{where}"
    if outcome.end == "out_of_memory":
        return "out_of_memory", f"{outcome.detail}{where}"
    if outcome.end == "done" and run_log.finished:
        return "graded", None
    return "crashed", f"{outcome.detail or 'a cell ended the process of the notebook'}{where}"
