"""Grades many submissions through an executor and keeps every result as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from pathlib import Path

from autograder.atomic import write_atomically
from autograder.errors import KitError
from autograder.grading import Grader
from autograder.render.html import feedback_html, report_html
from autograder.render.scores_csv import scores_csv
from autograder.render.words import question_names
from autograder.results import Result
from autograder.submissions import Submission, read_submission

SCORES = "scores.csv"
REPORT = "report.html"
_SUBMISSIONS = "submissions"
_RESULT = "result.json"
_FEEDBACK = "feedback.html"


def grade_all(
    submissions: Sequence[Submission],
    grader: Grader,
    folder: Path,
    executor: Executor,
    on_result: Callable[[Result], None],
) -> tuple[Result, ...]:
    """Grade submissions and write DIR/submissions/ID/… for each as it finishes.

    Args:
        submissions: what to grade.
        grader: how.
        folder: the results' folder; made if missing.
        executor: where grading runs; threads serve, for the work is in child processes.
        on_result: told of every result, in the order they finish.

    Raises:
        KitError: a result cannot be written.
    """
    futures: dict[Future[Result], Submission] = {
        executor.submit(_grade_one, grader, submission): submission for submission in submissions
    }
    try:
        for future in as_completed(futures):
            result = future.result()
            write_result(folder, futures[future].id, result)
            on_result(result)
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    by_submission = {futures[future].id: future.result() for future in futures}
    return tuple(by_submission[submission.id] for submission in submissions)


def _grade_one(grader: Grader, submission: Submission) -> Result:
    return grader.grade(submission.name, lambda: read_submission(submission))


def write_result(folder: Path, identity: str, result: Result) -> None:
    """Write one result and its feedback page, each whole or not at all."""
    home = folder / _SUBMISSIONS / identity
    write_whole(home / _FEEDBACK, feedback_html(result))
    write_whole(home / _RESULT, result.to_json())


def write_report(folder: Path) -> tuple[Result, ...]:
    """Write scores.csv and report.html from the results in the folder; returns the results, sorted by submission.

    Raises:
        KitError: there is no readable result, or the files cannot be written.
    """
    homes = sorted((folder / _SUBMISSIONS).glob(f"*/{_RESULT}"))
    found = sorted(((_read(path), path.parent.name) for path in homes), key=lambda pair: pair[0].submission)
    if not found:
        raise KitError(f"There are no results in {folder}.", hint=f"autograder grade PATH… -o {folder}")
    results = tuple(result for result, _ in found)
    questions = question_names(results, ())
    write_whole(folder / SCORES, scores_csv(results, questions))
    write_whole(folder / REPORT, report_html(results, questions, [identity for _, identity in found]))
    return results


def _read(path: Path) -> Result:
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KitError(f"{path} is not a result of this kit: {error}", hint="delete it and grade again") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all, UTF-8.

    Raises:
        KitError: the folder is read-only, the disk is full, or the like.
    """
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        reason = error.strerror or str(error)
        raise KitError(
            f"{path} cannot be written: {reason}. What was graded before is kept.",
            hint="choose another folder with -o, or free some space, and run the same command again",
        ) from error
