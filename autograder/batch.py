"""Grades many submissions through an executor and keeps every result as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import KitError, SubmissionError
from autograder.grading import Graded, Grader
from autograder.results import Result
from autograder.resume import Conditions
from autograder.store import write_result
from autograder.submissions import Submission, read_submission


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
    """

    executor: Executor
    grade: Callable[[Paper], MarkedPaper]
    conditions: Conditions
    window: Callable[[], int]


def grade_paper(grader: Grader, paper: Paper) -> MarkedPaper:
    """Grade one submission: bytes in, text and bytes out."""
    graded = grader.graded(paper.name, paper.read)
    return MarkedPaper(graded.result.to_json(), graded.executed)


def grade_all(
    submissions: Sequence[Submission], place: Place, folder: Path, on_result: Callable[[Result], None]
) -> dict[str, Result]:
    """Grade submissions and write DIR/submissions/ID/… for each as it finishes; returns the results by ID.

    Args:
        submissions: what to grade.
        place: where.
        folder: the results' folder; made if missing.
        on_result: told of every result, in the order they finish.

    Raises:
        KitError: a result cannot be written, or there is nobody left to grade.
    """
    results: dict[str, Result] = {}
    with _finishing(submissions, place) as finished:
        for submission, graded in finished:
            result = graded.result
            hangs_on = place.conditions.fingerprint(result.sha256, result.lab)
            # As it was: the machines of a cluster may differ.
            hangs_on["isolation"] = result.isolation
            write_result(folder, submission.id, result, hangs_on, executed=graded.executed)
            results[submission.id] = result
            on_result(result)
    return results


@contextmanager
def _finishing(submissions: Sequence[Submission], place: Place) -> Iterator[Iterator[tuple[Submission, Graded]]]:
    """Submissions with their results as they finish; whatever is still on its way at the end is called off."""
    running: dict[Future[MarkedPaper], Submission] = {}

    def one_after_the_other() -> Iterator[tuple[Submission, Graded]]:
        waiting = iter(submissions)
        while True:
            # Not all at once: a class need not be in memory, nor with the scheduler of a cluster.
            while len(running) < place.window() and (submission := next(waiting, None)) is not None:
                running[place.executor.submit(place.grade, _paper(submission))] = submission
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
