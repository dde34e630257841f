"""What every form of a result says, in words: status, points, reasons. Text from students is made harmless here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.results.result import FitRun, QuestionResult, QuestionStatus, Result, SubmissionStatus
from autograder.util.text import MAX_MESSAGE, clean, clean_line, seconds

SUBMISSION_LABELS: dict[SubmissionStatus, str] = {
    "graded": "graded",
    "timeout": "out of time",
    "out_of_memory": "out of memory",
    "crashed": "crashed",
    "unreadable": "unreadable",
    "grader_error": "grader error",
}
QUESTION_LABELS: dict[QuestionStatus, str] = {
    "passed": "passed",
    "partial": "partly right",
    "failed": "failed",
    "to_review": "waits for review",
    "not_attempted": "not attempted",
    "error": "raised an error",
    "skipped": "skipped",
    "grader_error": "check failed by its own fault",
}
_NOTES: dict[SubmissionStatus, str] = {
    "graded": "",
    "timeout": "The notebook did not end in the time allowed. What it had handed over before that counts.",
    "out_of_memory": "The notebook used more memory than allowed. What it had handed over before that counts.",
    "crashed": "The notebook's process died. What it had handed over before that counts.",
    "unreadable": "This file could not be graded.",
    "grader_error": "The grader itself failed; these marks are not final and the fault is not the student's.",
}
_FALLBACK: dict[QuestionStatus, str] = {
    "passed": "",
    "partial": "Some of its checks failed.",
    "failed": "Its checks failed.",
    "to_review": "A person marks this answer.",
    "not_attempted": "The answer is still the gap it began as.",
    "error": "The cell with the answer raised an error.",
    "skipped": "Something it builds on is missing.",
    "grader_error": "A check failed through its own fault; these points are not final.",
}
RETRIED = "It ran into the time limit while the machine was busy and was run once more, alone."
DEFECTIVE = "A check failed through its own fault, not through an answer; these points are not final."
MAX_REASONS = 8


@dataclass(frozen=True)
class Reason:
    """Why a question lost points; `hidden` if a hidden check said so, `message_id` as in its test."""

    text: str
    hidden: bool = False
    message_id: str = ""


def training(fit: FitRun) -> str:
    """What became of one call of `fit`, and how long it took."""
    how = "taken over: the solution has trained exactly the same" if fit.reused else "trained"
    return f"{how} ({seconds(fit.seconds)})"


def lost(question: QuestionResult) -> bool:
    """Whether the question earned less than it could."""
    return question.score < question.max_score or question.status != "passed"


def note(result: Result) -> str:
    """What to know about a submission before its marks; empty for one that was graded."""
    detail = clean(result.detail or "")
    retried = RETRIED if result.retried else ""
    defects = DEFECTIVE if result.defective else ""
    return " ".join(part for part in (_NOTES[result.status], defects, _sentence(detail), retried) if part)


def remark(result: Result) -> str:
    """What a teacher should know about a submission in a list of many; empty for most."""
    defects = [f"{question.name}: {question.reason}" for question in result.defective]
    parts = [part for part in (result.detail, *defects, RETRIED if result.retried else None) if part]
    return " ".join([*(f"{part.rstrip('.')}." for part in parts[:-1]), *parts[-1:]])


def reasons(question: QuestionResult) -> tuple[Reason, ...]:
    """Why the question lost points, most telling first; empty if it lost none."""
    if not lost(question):
        return ()
    own = [Reason(clean(question.reason))] if question.reason.strip() else []
    # What was never answered, or stands on something missing, fails its checks in ways that tell nothing more.
    tests = () if own and question.status in {"skipped", "not_attempted"} else question.tests
    told = [Reason(clean(t.message), t.hidden, t.message_id) for t in tests if not t.passed and t.message.strip()]
    unique = {reason.text: reason for reason in reversed([*own, *told])}
    found = tuple(reversed(unique.values()))
    return found[:MAX_REASONS] or (Reason(_FALLBACK[question.status] or "No reason was recorded."),)


def first_reason(result: Result) -> str:
    """The one reason to show where there is room for one: the note, or the first lost question's."""
    if result.detail:
        return clean_line(result.detail, MAX_MESSAGE)
    if result.status != "graded":
        return _NOTES[result.status]
    for question in result.questions:
        for reason in reasons(question):
            return f"{clean_line(question.name)}: {clean_line(reason.text, MAX_MESSAGE)}"
    return ""


def question_names(results: Sequence[Result], known: Sequence[str]) -> tuple[str, ...]:
    """The names of all questions: those of the lab, then any others the results hold, in order."""
    return tuple(dict.fromkeys([*known, *(q.name for result in results for q in result.questions)]))


def _sentence(text: str) -> str:
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ")", "…")) else text + "."
