"""Check the answers of one submission, even if they crash the checker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET
from msgspec.structs import replace

from autograder.errors import WorkerError
from autograder.grading.retry import run_with_retry
from autograder.handover.checker_files import VERDICTS
from autograder.handover.protocol import (
    CheckerLine,
    CheckPayload,
    TestVerdict,
    VariableState,
    Verdict,
    decode_lines,
    to_payload,
)
from autograder.handover.support import pack_support_files
from autograder.handover.tasks import RUN_TESTS
from autograder.labs.assignment import Assignment, Question
from autograder.sandbox import Isolation, Job, Limits
from autograder.sandbox.job_files import job_folder, read_ordinary_file

_LIMITS = Limits(seconds=180, memory_mb=6144, output_mb=64, scratch_mb=64)
_MOST_DEATHS = 3
_MAX_LOG_BYTES = 16 << 20
_MAX_REASON = 300
_ENDED = "checking it crashed the checker ({})"


def check_answers(
    assignment: Assignment, isolation: Isolation, handed_over: Path, judged: Mapping[str, Verdict] | None = None
) -> dict[str, Verdict]:
    """Return the verdicts on a submission's answers by question.

    An answer that crashes the checker costs its own question; the others are checked by a new one. After three such
    answers, the remaining ones count as unusable.

    Args:
        assignment: the lab.
        isolation: runs the checker.
        handed_over: the hand-over folder.
        judged: existing verdicts (see `live_checks`).

    Raises:
        WorkerError: the tests cannot be run, regardless of the answers.
    """
    verdicts = dict(judged or {})
    if all(question.name in verdicts for question in assignment.tested):
        return verdicts
    blank = False
    for deaths in range(1, _MOST_DEATHS + 1):
        left = [question for question in assignment.tested if question.name not in verdicts]
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
    """Check one question while its notebook waits.

    Args:
        assignment: the lab.
        isolation: runs the checker.
        name: the question.
        channel: descriptors through which the checker calls objects in the notebook's process.
        check: number of the check.

    Returns:
        The verdict, and whether the channel can be used again.

    Raises:
        WorkerError: the tests cannot be run, regardless of the answers.
    """
    judged = frozenset(question.name for question in assignment.tested if question.name != name)
    payload = replace(_payload(assignment, judged), check=check, call_seconds=assignment.limits.call_seconds)
    round_ = _run_checker(isolation, payload, channel)
    if not round_.begun:
        raise WorkerError(f"the tests could not be run: {round_.reason}")
    question = next(question for question in assignment.tested if question.name == name)
    return round_.verdicts.get(name) or _unusable(question, _ENDED.format(round_.reason)), round_.in_step


@dataclass(frozen=True)
class _Round:
    """The output of one checker.

    Args:
        verdicts: verdicts by question.
        begun: questions it started; None stands for reading the hand-over.
        reason: why it ended early; empty if it did not.
        in_step: whether its channel, if any, can be used again.
    """

    verdicts: dict[str, Verdict]
    begun: tuple[str | None, ...]
    reason: str
    in_step: bool


def _check_some(
    assignment: Assignment, isolation: Isolation, handed_over: Path, judged: frozenset[str], *, blank: bool
) -> _Round:
    """Run one checker on all questions without a verdict.

    Its folder is created after the notebook has ended, so that the notebook cannot place files in it.
    """
    payload = replace(_payload(assignment, judged), input=str(handed_over), blank=blank)
    return _run_checker(isolation, payload, None)


def _payload(assignment: Assignment, judged: frozenset[str]) -> CheckPayload:
    return CheckPayload(
        tests={file: source for file, source in assignment.test_files.items() if Path(file).stem not in judged},
        explain_hidden=assignment.explains_hidden,
        seed=assignment.seed,
        files=pack_support_files(assignment.support_files),
    )


def _run_checker(isolation: Isolation, payload: CheckPayload, channel: tuple[int, int] | None) -> _Round:
    with job_folder() as folder:
        job = Job(RUN_TESTS, to_payload(payload), folder, _LIMITS, channel=channel, nested=channel is not None)
        # Never exclusive with a channel: the waiting notebook would block it forever.
        outcome = isolation.run(job) if job.nested else run_with_retry(isolation, job)[0]
        # Written by the grader, but possibly incomplete.
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
