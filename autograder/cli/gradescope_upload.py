"""Grade one upload inside Gradescope's container, called by `run_autograder`.

results.json is written in any case. If the kit fails, it says that the marks are withheld; only instructors see the
reason.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from autograder.errors import IsolationError, KitError, SubmissionError, UsageError, WorkerError
from autograder.grading.fingerprint import kit_version
from autograder.grading.session import Session
from autograder.intake.beside import NOTHING, Beside
from autograder.intake.submissions import Submission, find_submissions, read_beside, read_submission
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import identify, read_notebook
from autograder.platforms.gradescope import Visibility, results_json, withheld_json
from autograder.results.grade import Grade
from autograder.results.labels import lost, note, reasons
from autograder.results.result import Result
from autograder.sandbox import Limits
from autograder.sandbox.layers import Level
from autograder.sandbox.levels import choose
from autograder.sandbox.probe import probe
from autograder.util.atomic import write_atomically
from autograder.util.text import clean_line, points, seconds

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
# Memory of the grader itself: the fork server with TensorFlow and MNIST, and its parent.
_OWN_MB = 1024
_LEAST_MB = 1536  # for the notebook; training in the labs takes about 1450 MB
_MOST_NAMES = 5


@dataclass(frozen=True)
class Order:
    """How to grade an upload.

    Args:
        autograder: the lab's otter autograder zip.
        solution: its solution notebook, whose recorded trainings are reused; None to always train.
        metadata: Gradescope's submission_metadata.json, which need not exist.
        hidden: when students see hidden checks.
        isolation: a level, or `best` for every layer of the container, at least one of which must protect files.
        rehearse: whether the upload is the solution, whose trainings are recorded and which must earn full marks.
    """

    autograder: Path
    solution: Path | None = None
    metadata: Path | None = None
    hidden: Visibility = "after_published"
    isolation: Level | Literal["best"] = "best"
    rehearse: bool = False


def grade_upload(upload: Path, results: Path, order: Order, report: Callable[[str], None]) -> int:
    """Grade a student's upload and write results.json.

    Args:
        upload: Gradescope's submission folder, or a file.
        results: the path of results.json.
        order: how to grade.
        report: called with lines for the log, which only instructors see.

    Returns:
        The exit code: 1 if the kit failed, or a rehearsal did not earn full marks.
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
    # A question that a person marks is not lost.
    if order.rehearse and (not result.questions or any(map(lost, result.questions))):
        report("The solution does not earn full marks in this container, so no submission could:")
        for line in _losses(result):
            report(f"  {line}")
        return 1
    return int(result.has_grader_error)


def _grade(upload: Path, order: Order, report: Callable[[str], None]) -> tuple[Result, str]:
    memory = container_memory_mb()
    with Session(isolation_level(order.isolation), needs_mnist=True, report=report) as session:
        (lab,) = session.load([order.autograder])
        lab = replace(lab, limits=limits_within(lab.limits, memory))
        solutions = {} if order.solution is None else {lab.name: order.solution}
        choice = choose_notebook(upload, lab)
        grader = session.grader([lab], solutions, assume=lab.name, train_solutions=order.rehearse)
        result = grader.graded(choice.name, choice.read, choice.read_beside).result
    facts = [f"Kit: {kit_version()}", *_container(memory, lab.limits), *_handed_in(order.metadata)]
    return result, results_json(Grade(result), hidden=order.hidden, remarks=choice.remarks, facts=facts)


def _write(results: Path, text: str) -> None:
    try:
        write_atomically(results, text.encode())
    except OSError as error:
        raise WorkerError(f"{results} cannot be written: {error.strerror or error}.") from error


def isolation_level(wanted: Level | Literal["best"]) -> Level:
    """Return the level to request; `basic` with all layers is recorded as `full`.

    Raises:
        IsolationError: no layer of this container keeps a notebook from reading the tests.
    """
    if wanted != "best":
        return wanted
    isolated = choose("basic", probe())
    if not isolated.layers & {"uid", "mount", "landlock"}:
        raise IsolationError(
            "This container cannot keep notebooks from reading the hidden tests or writing their own marks: "
            f"the isolation would be {isolated.level}.",
            hint="choose another base image, or set isolation=basic in run_autograder to grade anyway",
        )
    return "basic"


# --- which notebook ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """The notebook of an upload to grade.

    Args:
        name: its name.
        read: returns its content or raises SubmissionError.
        remarks: remarks for the student.
        read_beside: returns the files uploaded with it.
    """

    name: str
    read: Callable[[], bytes]
    remarks: tuple[str, ...] = ()
    read_beside: Callable[[], Beside] = lambda: NOTHING


def choose_notebook(upload: Path, lab: Assignment) -> Choice:
    """Choose the notebook of an upload to grade.

    Of several notebooks, the only one of the lab is chosen. If there is none, reading it raises SubmissionError with
    the reason.
    """
    try:
        found = find_submissions([upload], one_student=True)
    except UsageError:
        return _none(f"the upload is empty: submit the notebook {lab.name}.ipynb")
    usable = [submission for submission in found if submission.problem is None]
    if len(found) == 1 or len(usable) == 1:
        only = (usable or found)[0]
        return _choice(only, found)
    if not usable:
        return _none(f"the upload contains no notebook, only {_names(found)}: submit the notebook {lab.name}.ipynb")
    own = _different(submission for submission in usable if _belongs(submission, lab))
    if len(own) == 1:
        return _choice(own[0], found)
    if own:
        return _none(f"the upload contains several notebooks of {lab.name} ({_names(own)}): submit only one")
    return _none(f"none of the uploaded notebooks ({_names(usable)}) belongs to {lab.name}: submit {lab.name}.ipynb")


def _choice(chosen: Submission, found: Sequence[Submission]) -> Choice:
    return Choice(chosen.name, partial(read_submission, chosen), _left_out(found, chosen), partial(read_beside, chosen))


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
    """Return one submission per content: a notebook may lie next to its export."""
    return list({hashlib.sha256(read_submission(entry)).digest(): entry for entry in submissions}.values())


def _left_out(found: Sequence[Submission], chosen: Submission) -> tuple[str, ...]:
    others = [submission for submission in found if submission is not chosen]
    return (f"Other files in the upload were ignored: {_names(others)}.",) if others else ()


def _names(submissions: Sequence[Submission]) -> str:
    names = [clean_line(submission.name) for submission in submissions]
    return ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" if names[_MOST_NAMES:] else "")


# --- the container ----------------------------------------------------------------------------------------------------


def container_memory_mb(control_groups: Path = _CONTROL_GROUPS) -> int | None:
    """Return the memory limit of this container in MiB, or None.

    Reads the control group (kernel docs admin-guide/cgroup-v2 and cgroup-v1/memory).
    """
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limit = int((control_groups / name).read_text(encoding="ascii")) >> 20
        except (OSError, ValueError):
            continue  # another cgroup version, or the value `max`
        if limit < 1 << 30:  # without a limit, cgroup version 1 reports nearly 2**63 bytes
            return limit
    return None


def limits_within(limits: Limits, memory_mb: int | None) -> Limits:
    """Lower a lab's limits so that the grader fits in the container as well.

    Raises:
        WorkerError: the container has too little memory.
    """
    if memory_mb is None or limits.memory_mb + _OWN_MB <= memory_mb:
        return limits
    if memory_mb < _OWN_MB + _LEAST_MB:
        raise WorkerError(
            f"This container has {memory_mb} MB of memory; grading needs at least {_OWN_MB + _LEAST_MB} MB.",
            hint="Assignment Settings, Autograder, Container Specifications: choose more memory",
        )
    return replace(limits, memory_mb=memory_mb - _OWN_MB)


def _container(memory_mb: int | None, limits: Limits) -> Iterator[str]:
    if memory_mb is not None:
        yield f"Memory of this container: {memory_mb} MB; limit for a notebook: {limits.memory_mb} MB."


def _handed_in(path: Path | None) -> Iterator[str]:
    """Yield facts from Gradescope's "Submission Metadata", as far as available."""
    try:
        told: dict[str, Any] = json.loads(path.read_bytes()) if path is not None else {}
        moment = datetime.fromisoformat(told["created_at"])
        yield f"Submission {told['id']}, submitted {moment.isoformat(timespec='seconds')}."
        late = (moment - datetime.fromisoformat(told["assignment"]["due_date"])).total_seconds()
    except (OSError, ValueError, KeyError, TypeError):
        return
    if late > 0:
        yield f"That is {seconds(late)} after the due date; the kit deducts no points for it."


# --- the log ----------------------------------------------------------------------------------------------------------


def _summary(result: Result) -> str:
    marks = f"{points(result.score)} / {points(result.max_score)} points"
    told = f" {note(result)}" if note(result) else ""
    return f"{clean_line(result.submission)}: {marks}, {result.status}, isolation {result.isolation}.{told}"


def _losses(result: Result) -> Iterator[str]:
    for question in result.questions:
        for reason in reasons(question)[:1]:
            yield f"{clean_line(question.name)}: {clean_line(reason.text)}"
