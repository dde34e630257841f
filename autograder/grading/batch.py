"""Grade many submissions through an executor, writing every result immediately."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from autograder.errors import KitError, SubmissionError
from autograder.grading.grader import Graded, Grader
from autograder.grading.resume import Conditions
from autograder.grading.stages import ReportingIsolation, Step
from autograder.intake.submissions import Submission, read_submission
from autograder.results.folder import write_result
from autograder.results.result import Result


@dataclass(frozen=True)
class Paper:
    """A submission to grade: its bytes, or the reason why there are none."""

    name: str
    data: bytes
    problem: str | None = None

    def read(self) -> bytes:
        """Return the bytes.

        Raises:
            SubmissionError: there are none.
        """
        if self.problem is not None:
            raise SubmissionError(self.problem)
        return self.data


@dataclass(frozen=True)
class MarkedPaper:
    """The result as JSON, and the executed notebook (.ipynb) or None."""

    result: str
    executed: bytes | None


@dataclass(frozen=True)
class Place:
    """Where a class is graded.

    Args:
        executor: runs `grade`; threads suffice on one machine, because the work happens in child processes.
        grade: grades one submission, like `grade_paper`; it, its arguments and its return value must be picklable if
            the executor requires it.
        conditions: what results depend on besides the submissions.
        window: returns the maximum number of submissions in progress; called repeatedly, because a cluster may grow.
        at_once: number of submissions graded in parallel if they are graded from this process, otherwise None; if set,
            `grade` also takes a function to report steps to.
    """

    executor: Executor
    grade: Callable[..., MarkedPaper]
    conditions: Conditions
    window: Callable[[], int]
    at_once: int | None = None


def grade_paper(grader: Grader, paper: Paper, tell: Callable[[Step], None] | None = None) -> MarkedPaper:
    """Grade one submission.

    Args:
        grader: the grader.
        paper: the submission.
        tell: called with each step.
    """
    if tell is not None:
        tell("preparing")
        grader = replace(grader, isolation=ReportingIsolation(grader.isolation, tell))
    graded = grader.graded(paper.name, paper.read)
    return MarkedPaper(graded.result.to_json(), graded.executed)


def grade_all(
    submissions: Sequence[Submission],
    place: Place,
    folder: Path,
    on_result: Callable[[str, Result], None],
    on_step: Callable[[str, Step], None] | None = None,
    versions: Mapping[str, int] | None = None,
) -> dict[str, Result]:
    """Grade submissions and write the files of each as it finishes.

    Return the results by ID.

    Args:
        submissions: what to grade.
        place: where to grade.
        folder: the results folder, created if missing.
        on_result: called with ID and stored result of each submission as it finishes.
        on_step: called with name and step of submissions, from several threads; must return quickly.
        versions: the version number of each submission by ID.

    Raises:
        KitError: a result cannot be written, or no worker is left.
    """
    results: dict[str, Result] = {}
    with _finishing(submissions, place, on_step) as finished:
        for submission, graded in finished:
            version = (versions or {}).get(submission.id, 1)
            result = replace(graded.result, student=submission.student, version=version)
            fingerprint = place.conditions.fingerprint(result.sha256, result.lab)
            # Record the level that was used: the machines of a cluster may differ.
            fingerprint["isolation"] = result.isolation
            write_result(folder, submission.id, result, fingerprint, executed=graded.executed)
            results[submission.id] = result
            on_result(submission.id, result)
    return results


@contextmanager
def _finishing(
    submissions: Sequence[Submission], place: Place, on_step: Callable[[str, Step], None] | None
) -> Iterator[Iterator[tuple[Submission, Graded]]]:
    """Yield submissions with their results as they finish; cancel the rest at the end."""
    running: dict[Future[MarkedPaper], Submission] = {}

    def one_after_the_other() -> Iterator[tuple[Submission, Graded]]:
        waiting = iter(submissions)
        while True:
            # A limited number at a time, so that memory use does not grow with the class.
            while len(running) < place.window() and (submission := next(waiting, None)) is not None:
                running[_sent(submission, place, on_step)] = submission
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                submission = running.pop(future)
                yield submission, _graded(future, submission, place.conditions)

    try:
        yield one_after_the_other()
    finally:
        for future in running:
            future.cancel()


def _sent(submission: Submission, place: Place, on_step: Callable[[str, Step], None] | None) -> Future[MarkedPaper]:
    if on_step is None:
        return place.executor.submit(place.grade, _paper(submission))
    tell = partial(on_step, submission.name)
    tell("sent")
    return place.executor.submit(place.grade, _paper(submission), *([] if place.at_once is None else [tell]))


def _paper(submission: Submission) -> Paper:
    try:
        return Paper(submission.name, read_submission(submission))
    except SubmissionError as error:
        return Paper(submission.name, b"", str(error))


def _graded(future: Future[MarkedPaper], submission: Submission, conditions: Conditions) -> Graded:
    try:
        marked = future.result()
        return Graded(Result.from_json(marked.result), marked.executed)
    except (KitError, CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - a grader error on one submission must not stop the class
        failure = Result(
            submission=submission.name,
            sha256="",
            lab=None,
            isolation=conditions.isolation,
            status="grader_error",
            detail=f"the grader failed: {type(error).__name__}: {error}",
            score=0.0,
            max_score=0.0,
            seconds=0.0,
        )
        return Graded(failure, None)
