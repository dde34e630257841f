"""Grade many submissions through an executor, writing every result immediately."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from autograder.errors import KitError
from autograder.grading.grader import Graded, Grader
from autograder.grading.resume import Conditions
from autograder.grading.stages import ReportingIsolation, Step
from autograder.intake.submissions import Submission, read_beside, read_submission
from autograder.results.folder import write_result
from autograder.results.result import Result

Tell = Callable[[Step], None]


@dataclass(frozen=True)
class Workers:
    """Threads of this machine or workers of a cluster that grade submissions.

    Args:
        submit: starts grading one submission; may report its steps to the second argument.
        conditions: what results depend on besides the submissions.
        window: returns the maximum number of submissions in progress; called repeatedly, because a cluster may grow.
        at_once: number of submissions graded in parallel; None if unknown.
    """

    submit: Callable[[Submission, Tell], Future[Graded]]
    conditions: Conditions
    window: Callable[[], int]
    at_once: int | None = None


def grade_submission(grader: Grader, submission: Submission, tell: Tell) -> Graded:
    """Read and grade one submission on this machine, reporting its steps to `tell`."""
    tell("preparing")
    watched = replace(grader, isolation=ReportingIsolation(grader.isolation, tell))
    return watched.graded(submission.name, partial(read_submission, submission), partial(read_beside, submission))


def grade_all(
    submissions: Sequence[Submission],
    workers: Workers,
    folder: Path,
    on_result: Callable[[str, Result], None],
    on_step: Callable[[str, Step], None] | None = None,
    versions: Mapping[str, int] | None = None,
) -> dict[str, Result]:
    """Grade submissions and write the files of each as it finishes.

    Return the results by ID.

    Args:
        submissions: what to grade.
        workers: grade the submissions.
        folder: the results folder, created if missing.
        on_result: called with ID and stored result of each submission as it finishes.
        on_step: called with name and step of submissions, from several threads; must return quickly.
        versions: the version number of each submission by ID.

    Raises:
        KitError: a result cannot be written, or no worker is left.
    """
    results: dict[str, Result] = {}
    with _finishing(submissions, workers, on_step) as finished:
        for submission, graded in finished:
            version = (versions or {}).get(submission.id, 1)
            result = replace(graded.result, student=submission.student, version=version)
            fingerprint = workers.conditions.fingerprint(result.digest, result.lab)
            # Record the level that was used: the machines of a cluster may differ.
            fingerprint["isolation"] = result.isolation
            write_result(folder, submission.id, result, fingerprint, executed=graded.executed)
            results[submission.id] = result
            on_result(submission.id, result)
    return results


@contextmanager
def _finishing(
    submissions: Sequence[Submission], workers: Workers, on_step: Callable[[str, Step], None] | None
) -> Iterator[Iterator[tuple[Submission, Graded]]]:
    """Yield submissions with their results as they finish; cancel the rest at the end."""
    running: dict[Future[Graded], Submission] = {}

    def one_after_the_other() -> Iterator[tuple[Submission, Graded]]:
        waiting = iter(submissions)
        while True:
            # A limited number at a time, so that memory use does not grow with the class.
            while len(running) < workers.window() and (submission := next(waiting, None)) is not None:
                running[_sent(submission, workers, on_step)] = submission
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                submission = running.pop(future)
                yield submission, _graded(future, submission, workers.conditions)

    try:
        yield one_after_the_other()
    finally:
        for future in running:
            future.cancel()


def _sent(submission: Submission, workers: Workers, on_step: Callable[[str, Step], None] | None) -> Future[Graded]:
    def tell(step: Step) -> None:
        if on_step is not None:
            on_step(submission.name, step)

    tell("sent")
    return workers.submit(submission, tell)


def _graded(future: Future[Graded], submission: Submission, conditions: Conditions) -> Graded:
    try:
        return future.result()
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
