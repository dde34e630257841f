"""Compute points and statuses from verdicts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.grading.prerequisites import MissingPrerequisite, missing_prerequisites, missing_variables
from autograder.grading.unanswered import NOT_FILLED_IN, why_incomplete, why_unanswered
from autograder.handover.protocol import Verdict
from autograder.labs.assignment import Assignment, Question
from autograder.notebooks.notebook import Notebook, answer_cells, attempted
from autograder.notebooks.written import written_answer
from autograder.results.result import NOT_CHECKED, CellError, QuestionResult, QuestionStatus, TestResult
from autograder.util.translations import ENGLISH, Words, words_of

_FULL = 1e-9


@dataclass(frozen=True)
class Run:
    """How the notebook ran.

    Args:
        notebook: the submission.
        errors: errors raised by its cells.
        last_cell: number of the last cell that started.
        cut_short: why it ended early, or None.
        other_version: whether the notebook is known to be of another version than the lab's.
    """

    notebook: Notebook
    errors: tuple[CellError, ...]
    last_cell: int | None
    cut_short: str | None
    other_version: bool = False


def mark(assignment: Assignment, run: Run, verdicts: Mapping[str, Verdict]) -> tuple[QuestionResult, ...]:
    """Mark every question of a submission.

    Args:
        assignment: the lab.
        run: how the notebook ran.
        verdicts: the checker's verdicts by question.
    """
    english = _mark(assignment, run, verdicts, ENGLISH)
    language = run.notebook.written_in
    words = words_of(language)
    words = replace(words, catalog={**words.catalog, **assignment.messages.get(language, {})})
    if not words.catalog:
        return english
    # Marked once more for the texts: whatever a reason consists of is then in one language. The details of a notebook
    # that ended early are known in English only.
    cut_short = None if run.cut_short is None else words("the notebook was stopped before its end")
    translated = _mark(assignment, replace(run, cut_short=cut_short), verdicts, words)
    return tuple(_shown_in(one, other) for one, other in zip(english, translated, strict=True))


def _shown_in(english: QuestionResult, other: QuestionResult) -> QuestionResult:
    """Return a question's result with its texts in another language.

    Message ids and values stay English.
    """
    pairs = zip(english.tests, other.tests, strict=True)
    return replace(
        english,
        tests=tuple(replace(one, message=same.message) for one, same in pairs),
        translated_reason=other.reason if other.reason != english.reason else "",
    )


def _mark(
    assignment: Assignment, run: Run, verdicts: Mapping[str, Verdict], words: Words
) -> tuple[QuestionResult, ...]:
    """Mark every question, with all texts in one language."""
    owners = {name: question.name for question in reversed(assignment.questions) for name in question.variables}
    states = {name: verdict.variables for name, verdict in verdicts.items()}
    results: dict[str, QuestionResult] = {}
    lacks: dict[str, str] = {}
    for question in assignment.questions:
        if question.manual:
            results[question.name] = _left_to_a_person(question, run.notebook, assignment, words)
            continue
        needed = [other for other in assignment.tested if other.name in question.depends_on]
        missing = missing_variables(question, states[question.name], owners, words)
        missing += missing_prerequisites(needed, results, states, lacks, words)
        outcome, score, shares = _judge(question, run, verdicts[question.name], missing, words)
        lacks[question.name] = outcome.lacks
        tests = _test_results(question, verdicts[question.name], shares, outcome, missing, words)
        results[question.name] = QuestionResult(
            question.name, outcome.status, score, question.max_score, tests, outcome.reason
        )
    return tuple(results.values())


def _left_to_a_person(question: Question, notebook: Notebook, lab: Assignment, _: Words) -> QuestionResult:
    """Return the result of a question marked by a person: no points yet, the answer."""
    answer = written_answer(
        notebook,
        question.name,
        question.variables,
        question.stubs,
        question.written,
        lab.given,
        same_version=notebook.version is None or notebook.version in lab.versions.values(),
    )
    if answer.found and not answer.given:
        return QuestionResult(question.name, "not_attempted", 0.0, question.max_score, reason=_(NOT_FILLED_IN))
    deleted = _("Its answer cell was deleted or replaced, so a person reads the notebook for an answer.")
    reason = "" if answer.found else deleted
    return QuestionResult(question.name, "to_review", 0.0, question.max_score, reason=reason, answer=answer.text)


@dataclass(frozen=True)
class _Outcome:
    """The status of a question, its reason, and what questions that depend on it lack."""

    status: QuestionStatus
    reason: str = ""
    lacks: str = ""


def _judge(
    question: Question, run: Run, verdict: Verdict, missing: Sequence[MissingPrerequisite], words: Words
) -> tuple[_Outcome, float, list[float]]:
    """Return the outcome of a question, its points, and the points of each test."""
    score, shares = _score(question, [found.share for found in verdict.tests])
    all_passed = all(found.passed for found in verdict.tests)
    return _outcome(question, run, verdict, missing, None if all_passed else score, words), score, shares


def _test_results(
    question: Question,
    verdict: Verdict,
    shares: list[float],
    outcome: _Outcome,
    missing: Sequence[MissingPrerequisite],
    words: Words,
) -> tuple[TestResult, ...]:
    judged = outcome.status in ("passed", "partial", "failed", "grader_error")
    results = []
    for test, found, share in zip(question.tests, verdict.tests, shares, strict=True):
        prerequisite = next((entry for entry in missing if entry.variable in test.required), None)
        message_id, values = found.message_id, found.values
        message = _translated(found.message, message_id, values, words.catalog)
        if not judged:
            message, message_id, values = outcome.reason, "", {}
        elif prerequisite is not None and not found.share:
            message_id, values = NOT_CHECKED, {"reason": prerequisite.reason}
            message = words(NOT_CHECKED, **values)
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
    """Return a test's message in the notebook's language.

    It stays English if its template has no translation.
    """
    if message_id not in catalog:
        return message
    try:
        return catalog[message_id].format(**values)
    except (LookupError, ValueError):
        return message  # the values are the checker's claim; they may lack a name


def _score(question: Question, shares: list[float]) -> tuple[float, list[float]]:
    """Return the question's points, and the points of each test."""
    if question.all_or_nothing:
        counts = 1.0 if all(share >= 1 for share in shares) else 0.0
        return question.max_score * counts, [counts] * len(shares)
    earned = sum(test.points * share for test, share in zip(question.tests, shares, strict=True))
    return round(float(earned), 6), shares


def _outcome(
    question: Question,
    run: Run,
    verdict: Verdict,
    missing: Sequence[MissingPrerequisite],
    score: float | None,
    _: Words,
) -> _Outcome:
    """Determine a question's status; the first rule that applies counts.

    Points come first: an answer that earns some was given, whatever its cell. `score` is None if every test passed,
    because a question may be worth no points.
    """
    if score is None or (score > 0 and score >= question.max_score - _FULL):
        return _Outcome("passed")
    defects = [f"{test.name}: {test.defect}" for test in verdict.tests if test.defect]
    if defects and (score > 0 or _was_attempted(question, run, verdict, raised=False)):
        reason = _("A check of this question is defective, so its points are not final ({defect}).", defect=defects[0])
        return _Outcome("grader_error", reason)
    if score > 0:
        return _Outcome("partial", why_incomplete(run.notebook, question, verdict.variables, run.errors, _))
    cells = answer_cells(run.notebook, question.name, question.variables)
    errors = [error for error in run.errors if error.cell in {cell.number for cell in cells}]
    if not _was_attempted(question, run, verdict, raised=bool(errors)):
        reason = why_unanswered(run.notebook, question, verdict.variables, _, other_version=run.other_version)
        return _Outcome("not_attempted", reason, _("which was not attempted"))
    if run.cut_short is not None and not verdict.handed_over:
        if run.last_cell in {cell.number for cell in cells}:
            reason = _("Its cell [{cell}] did not finish: {why}.", cell=run.last_cell, why=run.cut_short)
            return _Outcome("error", reason, _("whose cell did not finish"))
        if errors:
            return _raised(errors[0], _)
        return _skipped(_("the notebook ended before this question: {why}", why=run.cut_short), _)
    if missing:
        return _skipped(missing[0].reason, _)
    if errors:
        return _raised(errors[0], _)
    return _Outcome("failed", why_incomplete(run.notebook, question, verdict.variables, run.errors, _))


def _raised(error: CellError, _: Words) -> _Outcome:
    what = f"{error.name}: {error.message}".rstrip(": ")
    reason = _("Its cell [{cell}] raised {error}", cell=error.cell, error=what)
    return _Outcome("error", reason, _("whose cell raised an error"))


def _skipped(reason: str, _: Words) -> _Outcome:
    sentence = _("{reason}.", reason=f"{reason[:1].upper()}{reason[1:]}")
    return _Outcome("skipped", sentence, _("which was skipped: {reason}", reason=reason))


def _was_attempted(question: Question, run: Run, verdict: Verdict, *, raised: bool) -> bool:
    """Return whether the answer contains anything of the student's own.

    False if every answer cell equals its stub, or if all variables are missing or stubs although the cells ran without
    errors (deleted cells, a differently written stub).
    """
    touched = not question.stubs or attempted(run.notebook, question.name, question.variables, question.stubs)
    states = [verdict.variables.get(name) for name in question.variables]
    all_empty = bool(states) and all(found is None or found.state == "stub" for found in states)
    if run.cut_short is not None and not verdict.handed_over:
        return touched
    return touched and not (all_empty and not raised)
