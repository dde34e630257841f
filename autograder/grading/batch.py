"""Grades many submissions through an executor and keeps every result as soon as it is there."""

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
from autograder.intake.submissions import Submission, read_submission
from autograder.results.folder import write_result
from autograder.results.result import Result

Tell = Callable[[Step], None]


@dataclass(frozen=True)
class Workers:
    """Whoever grades the submissions of a class: threads of this machine, or the workers of a cluster.

    Args:
        submit: has one submission graded; `tell` is told its steps where that is possible.
        conditions: what all results depend on, apart from the submission.
        window: how many submissions to have on their way at most; asked again and again, as a cluster may grow.
        at_once: how many submissions are graded at once, where that is known.
    """

    submit: Callable[[Submission, Tell], Future[Graded]]
    conditions: Conditions
    window: Callable[[], int]
    at_once: int | None = None


def grade_submission(grader: Grader, submission: Submission, tell: Tell) -> Graded:
    """Read and grade one submission of this machine; `tell` is told its steps."""
    tell("preparing")
    watched = replace(grader, isolation=ReportingIsolation(grader.isolation, tell))
    return watched.graded(submission.name, partial(read_submission, submission))


def grade_all(
    submissions: Sequence[Submission],
    workers: Workers,
    folder: Path,
    on_result: Callable[[str, Result], None],
    on_step: Callable[[str, Step], None] | None = None,
    versions: Mapping[str, int] | None = None,
) -> dict[str, Result]:
    """Grade submissions and write DIR/submissions/ID/… for each as it finishes; returns the results by ID.

    Args:
        submissions: what to grade.
        workers: who grades them.
        folder: the results' folder; made if missing.
        on_result: called with the ID of each submission and its stored result, in the order they finish.
        on_step: told the name of a submission and where it is on its way, from several threads; must return at once.

    Raises:
        KitError: a result cannot be written, or there is nobody left to grade.
    """
    results: dict[str, Result] = {}
    with _finishing(submissions, workers, on_step) as finished:
        for submission, graded in finished:
            version = (versions or {}).get(submission.id, 1)
            result = replace(graded.result, student=submission.student, version=version)
            fingerprint = workers.conditions.fingerprint(result.sha256, result.lab)
            # As it was: the machines of a cluster may differ.
            fingerprint["isolation"] = result.isolation
            write_result(folder, submission.id, result, fingerprint, executed=graded.executed)
            results[submission.id] = result
            on_result(submission.id, result)
    return results


@contextmanager
def _finishing(
    submissions: Sequence[Submission], workers: Workers, on_step: Callable[[str, Step], None] | None
) -> Iterator[Iterator[tuple[Submission, Graded]]]:
    """Submissions with their results as they finish; whatever is still on its way at the end is called off."""
    running: dict[Future[Graded], Submission] = {}

    def one_after_the_other() -> Iterator[tuple[Submission, Graded]]:
        waiting = iter(submissions)
        while True:
            # Not all at once: a class need not be in memory, nor with the scheduler of a cluster.
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
