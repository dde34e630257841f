"""Grades one upload inside Gradescope's container: what `run_autograder` of dist/NAME-gradescope.zip calls.

results.json is written whatever happens. Where the kit fails, it says that the marks are withheld, and why to
instructors only.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from autograder.datasets import mnist as data
from autograder.errors import IsolationError, KitError, SubmissionError, UsageError, WorkerError
from autograder.grading.answer_keys import AnswerKeys
from autograder.grading.fingerprint import kit_version
from autograder.grading.grader import Grader
from autograder.grading.preload import keras_preload
from autograder.grading.training_cache import TrainingCache
from autograder.intake.submissions import Submission, find_submissions, read_submission
from autograder.labs.assignment import Assignment, load_assignment
from autograder.notebooks.notebook import identify, read_notebook
from autograder.platforms.gradescope import Visibility, results_json, withheld_json
from autograder.results.grade import Grade
from autograder.results.labels import note, reasons
from autograder.results.result import Result
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from autograder.sandbox.layers import Level
from autograder.sandbox.levels import choose
from autograder.sandbox.probe import probe
from autograder.util.atomic import write_atomically
from autograder.util.text import clean_line, points, seconds

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
# What the grader itself holds beside a notebook: the fork server with TensorFlow and MNIST, and its parent.
_OWN_MB = 1024
_LEAST_MB = 1536  # for the notebook: the labs take about 1450 where they really train
_MOST_NAMES = 5


@dataclass(frozen=True)
class Order:
    """How to grade an upload.

    Args:
        autograder: the lab's otter autograder zip.
        solution: its solution notebook, whose recorded trainings equal trainings take over; None for no trainings.
        metadata: Gradescope's submission_metadata.json, which may be missing.
        hidden: when students see hidden checks.
        isolation: a level, or `best` for every layer the container has, of which one must protect files.
        rehearse: the upload is the solution: record its trainings, and fail if it does not earn every point.
    """

    autograder: Path
    solution: Path | None = None
    metadata: Path | None = None
    hidden: Visibility = "after_published"
    isolation: Level | Literal["best"] = "best"
    rehearse: bool = False


def grade_upload(upload: Path, results: Path, order: Order, report: Callable[[str], None]) -> int:
    """Grade what a student uploaded and write results.json.

    Args:
        upload: Gradescope's submission folder, or one file.
        results: where to write results.json.
        order: how to grade.
        report: takes lines for the log, which only instructors see.

    Returns:
        The exit code: 1 where the kit could not do its work, or a rehearsal earned less than every point.
    """
    try:
        result, text = _grade(upload, order, report)
    except KitError as error:
        _write(results, withheld_json(f"{error} {error.hint or ''}", 0.0))
        raise
    except Exception as error:
        _write(results, withheld_json(f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}", 0.0))
        raise WorkerError(f"The grader failed: {type(error).__name__}: {error}.", hint="autograder doctor") from error
    _write(results, text)
    report(_summary(result))
    if order.rehearse and not (result.questions and result.score >= result.max_score):
        report("The solution itself does not earn every point here, so nobody else could:")
        for line in _losses(result):
            report(f"  {line}")
        return 1
    return int(result.has_grader_error)


def _grade(upload: Path, order: Order, report: Callable[[str], None]) -> tuple[Result, str]:
    memory = container_memory_mb()
    with ForkServer(keras_preload(data.npz_path(report)), _level(order.isolation)) as fork_server:
        lab = load_assignment(order.autograder, fork_server)
        lab = replace(lab, limits=limits_within(lab.limits, memory))
        solutions = {} if order.solution is None else {lab.name: order.solution}
        trainings = TrainingCache(solutions, fork_server, report, make=order.rehearse)
        choice = choose_notebook(upload, lab)
        grader = Grader({lab.name: lab}, fork_server, lab.name, trainings.of, AnswerKeys(solutions))
        result = grader.grade(choice.name, choice.read)
    facts = [f"Kit: {kit_version()}", *_container(memory, lab.limits), *_handed_in(order.metadata)]
    return result, results_json(Grade(result), hidden=order.hidden, remarks=choice.remarks, facts=facts)


def _write(results: Path, text: str) -> None:
    try:
        write_atomically(results, text.encode())
    except OSError as error:
        raise WorkerError(f"{results} cannot be written: {error.strerror or error}.") from error


def _level(wanted: Level | Literal["best"]) -> Level:
    """The level to ask for; `basic` has every layer there is and calls itself `full` where none is missing.

    Raises:
        IsolationError: nothing in this container would keep a notebook from reading the tests.
    """
    if wanted != "best":
        return wanted
    isolated = choose("basic", probe())
    if not isolated.layers & {"uid", "mount", "landlock"}:
        raise IsolationError(
            "Nothing in this container keeps a notebook from reading the hidden tests and writing its own marks: "
            f"the isolation would be {isolated.level}.",
            hint="choose another base image, or write isolation=basic into run_autograder to grade all the same",
        )
    return "basic"


# --- which notebook ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """The notebook of an upload that is graded: its name, how to read it, and what to tell the student about it."""

    name: str
    read: Callable[[], bytes]
    remarks: tuple[str, ...] = ()


def choose_notebook(upload: Path, lab: Assignment) -> Choice:
    """The one notebook of an upload; where there is none to choose, reading it raises the reason as SubmissionError.

    Of several notebooks the lab's own is taken, if there is one only.
    """
    try:
        found = find_submissions([upload])
    except UsageError:
        return _none(f"nothing was uploaded: hand in the notebook {lab.name}.ipynb")
    usable = [submission for submission in found if submission.problem is None]
    if len(found) == 1 or len(usable) == 1:
        only = (usable or found)[0]
        return Choice(only.name, lambda: read_submission(only), _left_out(found, only))
    if not usable:
        return _none(f"no notebook was uploaded, only {_names(found)}: hand in the notebook {lab.name}.ipynb")
    own = _different(submission for submission in usable if _belongs(submission, lab))
    if len(own) == 1:
        chosen = own[0]
        return Choice(chosen.name, lambda: read_submission(chosen), _left_out(found, chosen))
    if own:
        return _none(f"several notebooks of {lab.name} were uploaded ({_names(own)}): hand in only the one to grade")
    return _none(f"none of the notebooks uploaded ({_names(usable)}) is one of {lab.name}: hand in {lab.name}.ipynb")


def _none(reason: str) -> Choice:
    def refuse() -> bytes:
        raise SubmissionError(reason)

    return Choice("the upload", refuse)


def _belongs(submission: Submission, lab: Assignment) -> bool:
    try:
        return identify(read_notebook(read_submission(submission)), {lab.name: lab.answers}) == lab.name
    except SubmissionError:
        return False


def _different(submissions: Iterator[Submission]) -> list[Submission]:
    """One of each content: the notebook may lie beside the zip it was exported in."""
    return list({hashlib.sha256(read_submission(entry)).digest(): entry for entry in submissions}.values())


def _left_out(found: Sequence[Submission], chosen: Submission) -> tuple[str, ...]:
    others = [submission for submission in found if submission is not chosen]
    return (f"Left aside in the upload: {_names(others)}.",) if others else ()


def _names(submissions: Sequence[Submission]) -> str:
    names = [clean_line(submission.name) for submission in submissions]
    return ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" if names[_MOST_NAMES:] else "")


# --- the container ----------------------------------------------------------------------------------------------------


def container_memory_mb(control_groups: Path = _CONTROL_GROUPS) -> int | None:
    """The memory in MiB the kernel grants this container, whose control group is mounted there; None for no limit."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limit = int((control_groups / name).read_text(encoding="ascii")) >> 20
        except (OSError, ValueError):
            continue  # another version of control groups, or the word `max`
        if limit < 1 << 30:  # what version 1 says without a limit is near 2 to the power of 63 bytes
            return limit
    return None


def limits_within(limits: Limits, memory_mb: int | None) -> Limits:
    """A lab's limits, lowered where a notebook that used them up would make the container end the grader.

    Raises:
        WorkerError: the container is too small to grade in.
    """
    if memory_mb is None or limits.memory_mb + _OWN_MB <= memory_mb:
        return limits
    if memory_mb < _OWN_MB + _LEAST_MB:
        raise WorkerError(
            f"This container has {memory_mb} MB of memory; grading needs {_OWN_MB + _LEAST_MB} MB at least.",
            hint="Assignment Settings, Autograder, Container Specifications: choose more memory",
        )
    return replace(limits, memory_mb=memory_mb - _OWN_MB)


def _container(memory_mb: int | None, limits: Limits) -> Iterator[str]:
    if memory_mb is not None:
        yield f"Memory of this container: {memory_mb} MB, of which a notebook may use {limits.memory_mb} MB."


def _handed_in(path: Path | None) -> Iterator[str]:
    """What Gradescope says about the submission (its page "Submission Metadata"), as far as it can be read."""
    try:
        told: dict[str, Any] = json.loads(path.read_bytes()) if path is not None else {}
        moment = datetime.fromisoformat(told["created_at"])
        yield f"Submission {told['id']}, handed in {moment.isoformat(timespec='seconds')}."
        late = (moment - datetime.fromisoformat(told["assignment"]["due_date"])).total_seconds()
    except (OSError, ValueError, KeyError, TypeError):
        return
    if late > 0:
        yield f"That is {seconds(late)} after the due date; no points are taken off for it here."


# --- the log ----------------------------------------------------------------------------------------------------------


def _summary(result: Result) -> str:
    marks = f"{points(result.score)} / {points(result.max_score)} points"
    told = f" {note(result)}" if note(result) else ""
    return f"{clean_line(result.submission)}: {marks}, {result.status}, isolation {result.isolation}.{told}"


def _losses(result: Result) -> Iterator[str]:
    for question in result.questions:
        for reason in reasons(question)[:1]:
            yield f"{clean_line(question.name)}: {clean_line(reason.text)}"
