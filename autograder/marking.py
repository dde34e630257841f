"""From what the checker found to marks and statuses. Pure: no files, no processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.assignment import Assignment, Question, Test
from autograder.notebooks import Notebook, answer_cells, attempted
from autograder.results import CellError, QuestionResult, QuestionStatus, TestResult

NOT_CHECKED = "Not checked: "
_FULL = 1e-9


@dataclass(frozen=True)
class Run:
    """How the notebook ran: its cells, the errors they raised, and, if it was cut short, where and why."""

    notebook: Notebook
    errors: tuple[CellError, ...]
    last_cell: int | None
    cut_short: str | None


@dataclass(frozen=True)
class _Hindrance:
    """Something a question builds on that is missing or unusable."""

    variable: str
    reason: str


def mark(assignment: Assignment, run: Run, verdicts: Mapping[str, Any]) -> tuple[QuestionResult, ...]:
    """Mark every question of a submission.

    Args:
        assignment: the lab.
        run: how the notebook ran.
        verdicts: the checker's findings by question (see `autograder.checker.room`).
    """
    owners = {name: question.name for question in reversed(assignment.questions) for name in question.variables}
    return tuple(_mark_question(question, run, verdicts[question.name], owners) for question in assignment.questions)


def _mark_question(
    question: Question, run: Run, verdict: Mapping[str, Any], owners: Mapping[str, str]
) -> QuestionResult:
    hindrances = _hindrances(question, verdict["variables"], owners)
    tests = [
        _test_result(test, found, hindrances) for test, found in zip(question.tests, verdict["tests"], strict=True)
    ]
    score = _score(question, tests)
    all_passed = all(test.passed for test in tests)
    status, reason = _status(question, run, verdict, hindrances, None if all_passed else score)
    if status not in ("passed", "partial", "failed"):
        tests = [TestResult(test.name, test.hidden, False, reason) for test in tests]
    return QuestionResult(question.name, status, score, question.max_score, tuple(tests), reason)


def _test_result(test: Test, found: Mapping[str, Any], hindrances: Sequence[_Hindrance]) -> TestResult:
    hindrance = next((entry for entry in hindrances if entry.variable in test.required), None)
    message = str(found["message"])
    if hindrance is not None and not found["passed"]:
        message = f"{NOT_CHECKED}{hindrance.reason}."
    return TestResult(test.name, test.hidden, bool(found["passed"]), message)


def _score(question: Question, tests: Sequence[TestResult]) -> float:
    if question.all_or_nothing:
        return question.max_score if all(test.passed for test in tests) else 0.0
    earned = sum(test.points for test, result in zip(question.tests, tests, strict=True) if result.passed)
    return round(float(earned), 6)


def _status(
    question: Question, run: Run, verdict: Mapping[str, Any], hindrances: Sequence[_Hindrance], score: float | None
) -> tuple[QuestionStatus, str]:
    """The first that holds. Marks come first: an answer that earns some was given, in whatever cell.

    `score` is None where every test passed: a question may be worth no points at all.
    """
    if score is None or (score > 0 and score >= question.max_score - _FULL):
        return "passed", ""
    if score > 0:
        return "partial", ""
    cells = answer_cells(run.notebook, question.name, question.variables)
    errors = [error for error in run.errors if error.cell in {cell.number for cell in cells}]
    if not _was_attempted(question, run, verdict, raised=bool(errors)):
        return "not_attempted", "The answer is still the gap it was handed out with."
    if run.cut_short is not None and not verdict["handed_over"]:
        if run.last_cell in {cell.number for cell in cells}:
            return "error", f"Its cell [{run.last_cell}] did not end: {run.cut_short}."
        if errors:
            return "error", _raised(errors[0])
        return "skipped", f"The notebook did not get this far: {run.cut_short}."
    if hindrances:
        return "skipped", f"{hindrances[0].reason[:1].upper()}{hindrances[0].reason[1:]}."
    if errors:
        return "error", _raised(errors[0])
    return "failed", ""


def _raised(error: CellError) -> str:
    return f"Its cell [{error.cell}] raised {error.name}: {error.message}".rstrip(": ")


def _was_attempted(question: Question, run: Run, verdict: Mapping[str, Any], *, raised: bool) -> bool:
    """Whether there is anything of the student's own to judge.

    Not where every answer cell still equals its stub, nor where all variables are missing or gaps though the cells ran
    without an error (deleted cells, a stub written another way).
    """
    touched = not question.stubs or attempted(run.notebook, question.name, question.variables, question.stubs)
    states = [verdict["variables"].get(name, "missing") for name in question.variables]
    all_empty = bool(states) and all(state in ("missing", "gap") for state in states)
    if run.cut_short is not None and not verdict["handed_over"]:
        return touched
    return touched and not (all_empty and not raised)


def _hindrances(question: Question, states: Mapping[str, str], owners: Mapping[str, str]) -> list[_Hindrance]:
    """What the question's tests need from elsewhere and did not get, in the order they take it."""
    needed = dict.fromkeys(name for test in question.tests for name in test.required if name not in question.variables)
    hindrances = []
    for name in needed:
        state = states.get(name, "missing")
        if state == "present":
            continue
        owner = f" ({owners[name]})" if owners.get(name, question.name) != question.name else ""
        what = {"missing": "is missing", "gap": "is still a gap"}.get(
            state, f"cannot be used ({state.removeprefix('unusable: ')})"
        )
        hindrances.append(_Hindrance(name, f"it builds on {name}{owner}, which {what}"))
    return hindrances
