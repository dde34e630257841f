"""From what the checker found to marks and statuses. Pure: no files, no processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.grading.prerequisites import Hindrance, missing_prerequisites, missing_variables
from autograder.grading.unanswered import why_unanswered
from autograder.labs.assignment import Assignment, Question, Test
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


def mark(assignment: Assignment, run: Run, verdicts: Mapping[str, Any]) -> tuple[QuestionResult, ...]:
    """Mark every question of a submission.

    Args:
        assignment: the lab.
        run: how the notebook ran.
        verdicts: the checker's findings by question (see `autograder.checker.main`).
    """
    owners = {name: question.name for question in reversed(assignment.questions) for name in question.variables}
    states = {name: verdict["variables"] for name, verdict in verdicts.items()}
    results: dict[str, QuestionResult] = {}
    for question in assignment.questions:
        needed = [other for other in assignment.questions if other.name in question.depends_on]
        missing = missing_variables(question, states[question.name], owners)
        missing += missing_prerequisites(needed, results, states)
        results[question.name] = _mark_question(question, run, verdicts[question.name], missing)
    return tuple(results.values())


def _mark_question(
    question: Question, run: Run, verdict: Mapping[str, Any], hindrances: Sequence[Hindrance]
) -> QuestionResult:
    score, shares = _score(question, [float(found["share"]) for found in verdict["tests"]])
    all_passed = all(found["passed"] for found in verdict["tests"])
    status, reason = _status(question, run, verdict, hindrances, None if all_passed else score)
    judged = status in ("passed", "partial", "failed")
    tests = [
        TestResult(
            name=test.name,
            hidden=test.hidden,
            passed=judged and bool(found["passed"]),
            score=round(float(test.points * share), 6),
            max_score=round(float(test.points), 6),
            **_message(test, found, hindrances) if judged else {"message": reason},
        )
        for test, found, share in zip(question.tests, verdict["tests"], shares, strict=True)
    ]
    return QuestionResult(question.name, status, score, question.max_score, tuple(tests), reason)


def _message(test: Test, found: Mapping[str, Any], hindrances: Sequence[Hindrance]) -> dict[str, Any]:
    hindrance = next((entry for entry in hindrances if entry.variable in test.required), None)
    if hindrance is not None and not found["share"]:
        values = {"reason": hindrance.reason}
        return {"message": NOT_CHECKED.format(**values), "message_id": NOT_CHECKED, "values": values}
    return {name: found[name] for name in ("message", "message_id", "values") if name in found}


def _score(question: Question, shares: list[float]) -> tuple[float, list[float]]:
    """The question's points, and the share of its points that each test counts."""
    if question.all_or_nothing:
        counts = 1.0 if all(share >= 1 for share in shares) else 0.0
        return question.max_score * counts, [counts] * len(shares)
    earned = sum(test.points * share for test, share in zip(question.tests, shares, strict=True))
    return round(float(earned), 6), shares


def _status(
    question: Question, run: Run, verdict: Mapping[str, Any], hindrances: Sequence[Hindrance], score: float | None
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
        return "not_attempted", why_unanswered(run.notebook, question, verdict["variables"])
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
