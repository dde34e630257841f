"""From what the checker found to marks and statuses. Pure: no files, no processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.grading.prerequisites import Hindrance, missing_prerequisites, missing_variables
from autograder.grading.unanswered import why_unanswered
from autograder.handover.protocol import Verdict
from autograder.labs.assignment import Assignment, Question
from autograder.notebooks.notebook import Notebook, answer_cells, attempted
from autograder.results.result import NOT_CHECKED, CellError, QuestionResult, QuestionStatus, TestResult

_FULL = 1e-9


@dataclass(frozen=True)
class Run:
    """How the notebook ran: its cells, the errors they raised, and, if it was cut short, where and why."""

    notebook: Notebook
    errors: tuple[CellError, ...]
    last_cell: int | None
    cut_short: str | None


def mark(assignment: Assignment, run: Run, verdicts: Mapping[str, Verdict]) -> tuple[QuestionResult, ...]:
    """Mark every question of a submission.

    Args:
        assignment: the lab.
        run: how the notebook ran.
        verdicts: the checker's findings by question.
    """
    owners = {name: question.name for question in reversed(assignment.questions) for name in question.variables}
    states = {name: verdict.variables for name, verdict in verdicts.items()}
    results: dict[str, QuestionResult] = {}
    lacks: dict[str, str] = {}
    catalog = assignment.messages.get(run.notebook.written_in, {})
    for question in assignment.questions:
        needed = [other for other in assignment.questions if other.name in question.depends_on]
        missing = missing_variables(question, states[question.name], owners)
        missing += missing_prerequisites(needed, results, states, lacks)
        outcome, score, shares = _judge(question, run, verdicts[question.name], missing)
        lacks[question.name] = outcome.lacks
        tests = _test_results(question, verdicts[question.name], shares, outcome, missing, catalog)
        results[question.name] = QuestionResult(
            question.name, outcome.status, score, question.max_score, tests, outcome.reason
        )
    return tuple(results.values())


@dataclass(frozen=True)
class _Outcome:
    """The status of a question, its reason, and what a later question that depends on it lacks therefore."""

    status: QuestionStatus
    reason: str = ""
    lacks: str = ""


def _judge(
    question: Question, run: Run, verdict: Verdict, hindrances: Sequence[Hindrance]
) -> tuple[_Outcome, float, list[float]]:
    """The outcome of a question, its points, and the share of its points that each test counts."""
    score, shares = _score(question, [found.share for found in verdict.tests])
    all_passed = all(found.passed for found in verdict.tests)
    return _outcome(question, run, verdict, hindrances, None if all_passed else score), score, shares


def _test_results(
    question: Question,
    verdict: Verdict,
    shares: list[float],
    outcome: _Outcome,
    hindrances: Sequence[Hindrance],
    catalog: Mapping[str, str],
) -> tuple[TestResult, ...]:
    judged = outcome.status in ("passed", "partial", "failed", "grader_error")
    results = []
    for test, found, share in zip(question.tests, verdict.tests, shares, strict=True):
        hindrance = next((entry for entry in hindrances if entry.variable in test.required), None)
        message_id, values = found.message_id, found.values
        message = _translated(found.message, message_id, values, catalog)
        if not judged:
            message, message_id, values = outcome.reason, "", {}
        elif hindrance is not None and not found.share:
            message_id, values = NOT_CHECKED, {"reason": hindrance.reason}
            message = NOT_CHECKED.format(**values)
        results.append(
            TestResult(
                name=test.name,
                hidden=test.hidden,
                passed=judged and found.passed,
                message=message,
                score=round(float(test.points * share), 6),
                max_score=round(float(test.points), 6),
                message_id=message_id,
                values=values,
            )
        )
    return tuple(results)


def _translated(message: str, message_id: str, values: Mapping[str, Any], catalog: Mapping[str, str]) -> str:
    """Return a test's message in the language of the notebook, where its template has a translation."""
    if message_id not in catalog:
        return message
    try:
        return catalog[message_id].format(**values)
    except (LookupError, ValueError):
        return message  # the values are the checker's claim; they may lack a name


def _score(question: Question, shares: list[float]) -> tuple[float, list[float]]:
    """The question's points, and the share of its points that each test counts."""
    if question.all_or_nothing:
        counts = 1.0 if all(share >= 1 for share in shares) else 0.0
        return question.max_score * counts, [counts] * len(shares)
    earned = sum(test.points * share for test, share in zip(question.tests, shares, strict=True))
    return round(float(earned), 6), shares


def _outcome(
    question: Question, run: Run, verdict: Verdict, hindrances: Sequence[Hindrance], score: float | None
) -> _Outcome:
    """The first that holds. Marks come first: an answer that earns some was given, in whatever cell.

    `score` is None where every test passed: a question may be worth no points at all.
    """
    if score is None or (score > 0 and score >= question.max_score - _FULL):
        return _Outcome("passed")
    defects = [f"{test.name}: {test.defect}" for test in verdict.tests if test.defect]
    if defects and (score > 0 or _was_attempted(question, run, verdict, raised=False)):
        reason = f"A check of this question is defective, so its points are not final ({defects[0]})."
        return _Outcome("grader_error", reason)
    if score > 0:
        return _Outcome("partial")
    cells = answer_cells(run.notebook, question.name, question.variables)
    errors = [error for error in run.errors if error.cell in {cell.number for cell in cells}]
    if not _was_attempted(question, run, verdict, raised=bool(errors)):
        reason = why_unanswered(run.notebook, question, verdict.variables)
        return _Outcome("not_attempted", reason, "which has not been attempted")
    if run.cut_short is not None and not verdict.handed_over:
        if run.last_cell in {cell.number for cell in cells}:
            reason = f"Its cell [{run.last_cell}] did not end: {run.cut_short}."
            return _Outcome("error", reason, "whose cell did not end")
        if errors:
            return _raised(errors[0])
        return _skipped(f"The notebook did not get this far: {run.cut_short}.")
    if hindrances:
        return _skipped(f"{hindrances[0].reason[:1].upper()}{hindrances[0].reason[1:]}.")
    if errors:
        return _raised(errors[0])
    return _Outcome("failed")


def _raised(error: CellError) -> _Outcome:
    reason = f"Its cell [{error.cell}] raised {error.name}: {error.message}".rstrip(": ")
    return _Outcome("error", reason, "whose cell raised an error")


def _skipped(reason: str) -> _Outcome:
    return _Outcome("skipped", reason, f"which was skipped: {reason[:1].lower()}{reason[1:].rstrip('.')}")


def _was_attempted(question: Question, run: Run, verdict: Verdict, *, raised: bool) -> bool:
    """Whether there is anything of the student's own to judge.

    Not where every answer cell still equals its stub, nor where all variables are missing or gaps though the cells ran
    without an error (deleted cells, a stub written another way).
    """
    touched = not question.stubs or attempted(run.notebook, question.name, question.variables, question.stubs)
    states = [verdict.variables.get(name) for name in question.variables]
    all_empty = bool(states) and all(found is None or found.state == "gap" for found in states)
    if run.cut_short is not None and not verdict.handed_over:
        return touched
    return touched and not (all_empty and not raised)
