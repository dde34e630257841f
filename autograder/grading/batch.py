"""Grades many submissions through an executor and keeps every result as soon as it is there."""

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
    """A submission as it travels to where it is graded: its bytes, or the reason why there are none."""

    name: str
    data: bytes
    problem: str | None = None

    def read(self) -> bytes:
        """The bytes.

        Raises:
            SubmissionError: there are none.
        """
        if self.problem is not None:
            raise SubmissionError(self.problem)
        return self.data


@dataclass(frozen=True)
class MarkedPaper:
    """What comes back: the result as JSON text, and the notebook as it was run (.ipynb), None where it was not."""

    result: str
    executed: bytes | None


@dataclass(frozen=True)
class Place:
    """Where a class is graded.

    Args:
        executor: runs `grade`; threads serve on one machine, for the work is in child processes.
        grade: grades one submission, as `grade_paper` does; it, what it is called with and what it gives can be pickled
            where the executor needs that.
        conditions: what the results hang on beside the submissions.
        window: how many submissions to have on their way at most; asked again and again, as a cluster may grow.
        at_once: how many submissions are graded at once, where that is known because it is done in this very process;
            there `grade` also takes a function to tell its steps to.
    """

    executor: Executor
    grade: Callable[..., MarkedPaper]
    conditions: Conditions
    window: Callable[[], int]
    at_once: int | None = None


def grade_paper(grader: Grader, paper: Paper, tell: Callable[[Step], None] | None = None) -> MarkedPaper:
    """Grade one submission: bytes in, text and bytes out; `tell` is told its steps."""
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
    """Grade submissions and write DIR/submissions/ID/… for each as it finishes; returns the results by ID.

    Args:
        submissions: what to grade.
        place: where.
        folder: the results' folder; made if missing.
        on_result: called with the ID of each submission and its stored result, in the order they finish.
        on_step: told the name of a submission and where it is on its way, from several threads; must return at once.

    Raises:
        KitError: a result cannot be written, or there is nobody left to grade.
    """
    results: dict[str, Result] = {}
    with _finishing(submissions, place, on_step) as finished:
        for submission, graded in finished:
            version = (versions or {}).get(submission.id, 1)
            result = replace(graded.result, student=submission.student, version=version)
            fingerprint = place.conditions.fingerprint(result.sha256, result.lab)
            # As it was: the machines of a cluster may differ.
            fingerprint["isolation"] = result.isolation
            write_result(folder, submission.id, result, fingerprint, executed=graded.executed)
            results[submission.id] = result
            on_result(submission.id, result)
    return results


@contextmanager
def _finishing(
    submissions: Sequence[Submission], place: Place, on_step: Callable[[str, Step], None] | None
) -> Iterator[Iterator[tuple[Submission, Graded]]]:
    """Submissions with their results as they finish; whatever is still on its way at the end is called off."""
    running: dict[Future[MarkedPaper], Submission] = {}

    def one_after_the_other() -> Iterator[tuple[Submission, Graded]]:
        waiting = iter(submissions)
        while True:
            # Not all at once: a class need not be in memory, nor with the scheduler of a cluster.
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
    except Exception as error:  # noqa: BLE001 - one submission the grader stumbles over must not end the class
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
