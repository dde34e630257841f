"""Has the answers of one submission judged, whatever they do to the process that judges them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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


def check_answers(assignment: Assignment, isolation: Isolation, handed_over: Path) -> dict[str, Verdict]:
    """The verdict of every question on what was handed over.

    An answer that ends the checker costs its own question, and the rest is judged by another one; after three such
    answers the rest counts as unusable too.

    Raises:
        WorkerError: the tests cannot be run, through no fault of the answers.
    """
    verdicts: dict[str, Verdict] = {}
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
        reason = f"checking it ended the checker ({round_.reason})"
        verdicts |= {question.name: _unusable(question, reason) for question in spoilt if question.name not in verdicts}
    return verdicts


@dataclass(frozen=True)
class _Round:
    """What one checker left: verdicts, the questions it began (None: reading the hand-over), why it ended early."""

    verdicts: dict[str, Verdict]
    begun: tuple[str | None, ...]
    reason: str


def _check_some(
    assignment: Assignment, isolation: Isolation, handed_over: Path, judged: frozenset[str], *, blank: bool
) -> _Round:
    """One checker, for all that has not been judged. Its folder is made after the notebook ended: nothing is planted
    in it."""
    payload = {
        "input": str(handed_over),
        "tests": {file: source for file, source in assignment.test_files.items() if Path(file).stem not in judged},
        "explain_hidden": assignment.explains_hidden,
        "seed": assignment.seed,
        "blank": blank,
        **pack_support_files(assignment.support_files),
    }
    with job_folder() as folder:
        outcome, _ = run_with_retry(isolation, Job(RUN_TESTS, payload, folder, _LIMITS))
        # The grader's own file, but it may have been cut short.
        lines = list(decode_lines(read_ordinary_file(folder / VERDICTS, _LIMITS.output_mb << 20), CheckerLine))
        log = read_ordinary_file(folder / "worker.log", _MAX_LOG_BYTES).decode("utf-8", "replace")
    reasons = [outcome.detail, *log.strip().splitlines()[-1:]]
    return _Round(
        verdicts={line.question: line.verdict for line in lines if line.verdict is not None},
        begun=tuple(line.begin for line in lines if line.begin is not UNSET),
        reason="; ".join(filter(None, reasons)) or "no verdict was written",
    )


def _unusable(question: Question, reason: str) -> Verdict:
    message = f"This answer could not be checked: {reason[:_MAX_REASON]}."
    return Verdict(
        handed_over=True,
        variables=dict.fromkeys(question.handover, VariableState("present")),
        tests=tuple(TestVerdict(test.name, False, 0.0, message) for test in question.tests),
        measured={},
    )
