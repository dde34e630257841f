"""Has the answers of one submission judged, whatever they do to the process that judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import UNSET

from autograder.errors import WorkerError
from autograder.grading.retry import run_with_retry
from autograder.handover.checker_files import VERDICTS
from autograder.handover.protocol import CheckerLine, TestVerdict, VariableState, Verdict, decode_lines
from autograder.handover.support import pack_support_files
from autograder.handover.tasks import RUN_TESTS
from autograder.labs.assignment import Assignment, Question
from autograder.sandbox import Isolation, Job, Limits
from autograder.sandbox.job_files import job_folder, read_ordinary_file

_LIMITS = Limits(seconds=180, memory_mb=6144, output_mb=64, scratch_mb=64)
_MOST_DEATHS = 3
_MAX_LOG_BYTES = 16 << 20
_MAX_REASON = 300
_ENDED = "checking it ended the checker ({})"


def check_answers(
    assignment: Assignment, isolation: Isolation, handed_over: Path, judged: Mapping[str, Verdict] | None = None
) -> dict[str, Verdict]:
    """The verdict of every question on what was handed over.

    An answer that ends the checker costs its own question, and the rest is judged by another one; after three such
    answers the rest counts as unusable too.

    Args:
        assignment: the lab.
        isolation: where the checker runs.
        handed_over: the folder of the hand-over.
        judged: the verdicts that there are already (see `live_checks`).

    Raises:
        WorkerError: the tests cannot be run, through no fault of the answers.
    """
    verdicts = dict(judged or {})
    if all(question.name in verdicts for question in assignment.questions):
        return verdicts
    blank = False
    for deaths in range(1, _MOST_DEATHS + 1):
        left = [question for question in assignment.questions if question.name not in verdicts]
        round_ = _check_some(assignment, isolation, handed_over, frozenset(verdicts), blank=blank)
        verdicts |= round_.verdicts
        if all(question.name in verdicts for question in left):
            break
        if not round_.begun:
            raise WorkerError(f"the tests could not be run: {round_.reason}")
        blank = blank or round_.begun[-1] is None
        spoilt = [question for question in left if deaths == _MOST_DEATHS or question.name == round_.begun[-1]]
        reason = _ENDED.format(round_.reason)
        verdicts |= {question.name: _unusable(question, reason) for question in spoilt if question.name not in verdicts}
    return verdicts


def check_waiting(
    assignment: Assignment, isolation: Isolation, name: str, channel: tuple[int, int], check: int
) -> tuple[Verdict, bool]:
    """Have one question judged while its notebook waits.

    Args:
        assignment: the lab.
        isolation: where the checker runs.
        name: the question.
        channel: the descriptors by which the checker calls what stays in the notebook's process.
        check: the number of the check.

    Returns:
        Its verdict, and whether the channel can be used for another check.

    Raises:
        WorkerError: the tests cannot be run, through no fault of the answers.
    """
    judged = frozenset(question.name for question in assignment.questions if question.name != name)
    payload = {**_payload(assignment, judged), "check": check}
    round_ = _run_checker(isolation, payload, channel)
    if not round_.begun:
        raise WorkerError(f"the tests could not be run: {round_.reason}")
    question = next(question for question in assignment.questions if question.name == name)
    return round_.verdicts.get(name) or _unusable(question, _ENDED.format(round_.reason)), round_.in_step


@dataclass(frozen=True)
class _Round:
    """What one checker left: verdicts, the questions it began (None: reading the hand-over), why it ended early.

    `in_step`: the channel it had, if any, can be used further.
    """

    verdicts: dict[str, Verdict]
    begun: tuple[str | None, ...]
    reason: str
    in_step: bool


def _check_some(
    assignment: Assignment, isolation: Isolation, handed_over: Path, judged: frozenset[str], *, blank: bool
) -> _Round:
    """One checker, for all that has not been judged. Its folder is made after the notebook ended: nothing is planted
    in it."""
    payload = {**_payload(assignment, judged), "input": str(handed_over), "blank": blank}
    return _run_checker(isolation, payload, None)


def _payload(assignment: Assignment, judged: frozenset[str]) -> dict[str, Any]:
    return {
        "tests": {file: source for file, source in assignment.test_files.items() if Path(file).stem not in judged},
        "explain_hidden": assignment.explains_hidden,
        "seed": assignment.seed,
        **pack_support_files(assignment.support_files),
    }


def _run_checker(isolation: Isolation, payload: dict[str, Any], channel: tuple[int, int] | None) -> _Round:
    with job_folder() as folder:
        job = Job(RUN_TESTS, payload, folder, _LIMITS, channel=channel, nested=channel is not None)
        # The notebook waits, so a checker with a channel cannot wait until nothing else runs.
        outcome = isolation.run(job) if job.nested else run_with_retry(isolation, job)[0]
        # The grader's own file, but it may have been cut short.
        lines = list(decode_lines(read_ordinary_file(folder / VERDICTS, _LIMITS.output_mb << 20), CheckerLine))
        log = read_ordinary_file(folder / "worker.log", _MAX_LOG_BYTES).decode("utf-8", "replace")
    reasons = [outcome.detail, *log.strip().splitlines()[-1:]]
    return _Round(
        verdicts={line.question: line.verdict for line in lines if line.verdict is not None},
        begun=tuple(line.begin for line in lines if line.begin is not UNSET),
        reason="; ".join(filter(None, reasons)) or "no verdict was written",
        in_step=any(line.in_step for line in lines),
    )


def _unusable(question: Question, reason: str) -> Verdict:
    message = f"This answer could not be checked: {reason[:_MAX_REASON]}."
    return Verdict(
        handed_over=True,
        variables=dict.fromkeys(question.handover, VariableState("present")),
        tests=tuple(TestVerdict(test.name, False, 0.0, message) for test in question.tests),
        measured={},
    )
