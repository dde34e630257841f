"""Labels of statuses, and reasons for lost points, with sanitized student text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.results.grade import Grade
from autograder.results.result import (
    ANSWER_UNUSABLE,
    CHECK_FAILED,
    CUT_SHORT,
    HIDDEN_CHECK_FAILED,
    NOT_CHECKED,
    NOT_EXPECTED,
    RESULT_UNUSABLE,
    FitRun,
    LeftOut,
    QuestionResult,
    QuestionStatus,
    Result,
    SubmissionStatus,
)
from autograder.util.text import MAX_MESSAGE, clean, clean_line, first_few, seconds
from autograder.util.translations import ENGLISH, Translate

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
    "to_review": "waiting for review",
    "not_attempted": "not attempted",
    "error": "error in cell",
    "skipped": "skipped",
    "grader_error": "defective check",
}
_NOTES: dict[SubmissionStatus, str] = {
    "graded": "",
    "timeout": "The notebook exceeded the time limit. Answers handed over before that count.",
    "out_of_memory": "The notebook exceeded the memory limit. Answers handed over before that count.",
    "crashed": "The notebook's process ended unexpectedly. Answers handed over before that count.",
    "unreadable": "This file could not be graded.",
    "grader_error": "The grader failed. The marks are not final, and the student is not at fault.",
}
_FALLBACK: dict[QuestionStatus, str] = {
    "passed": "",
    "partial": "Some of its checks failed.",
    "failed": "Its checks failed.",
    "to_review": "This answer is marked by a person.",
    "not_attempted": "The answer has not been filled in.",
    "error": "The answer's cell raised an error.",
    "skipped": "A value that it depends on is missing.",
    "grader_error": "A check is defective; these points are not final.",
}
# What is said of files that were handed in beside the notebook, and why some were not there when it ran.
_PRESENT = "Handed in beside the notebook, and there when it ran: {files}."
_LEFT_OUT: dict[LeftOut, str] = {
    "of_the_lab": "Not used, because the lab has its own files of these names: {files}.",
    "of_the_grader": "Left out, because these names are those of modules that the grader uses: {files}. Rename them.",
    "outside": "Left out, because they were not below the notebook's folder: {files}.",
    "name": "Left out, because their names or paths are not allowed: {files}.",
    "unreadable": "Left out, because they could not be read (a link, a password, damage): {files}.",
    "too_large": "Left out, because the files beside a notebook may have 32 MB together, or what the lab's limits "
    "allow: {files}.",
    "too_many": "Left out, because at most 100 files are used: {files}.",
}
MARKED_BY_A_PERSON = "marked by a person"
_BY_A_PERSON = "A person marked this submission, because the grader could not read it."
RETRIED = "It exceeded the time limit while the machine was overloaded, and was retried exclusively."
DEFECTIVE = "A check is defective; these points are not final."
NO_REASON = "No reason was recorded."
MAX_REASONS = 8
# What of this module reaches students, for the catalogs.
TEXTS = (
    *SUBMISSION_LABELS.values(),
    MARKED_BY_A_PERSON,
    _BY_A_PERSON,
    *QUESTION_LABELS.values(),
    *filter(None, (*_NOTES.values(), *_FALLBACK.values())),
    _PRESENT,
    *_LEFT_OUT.values(),
    RETRIED,
    NO_REASON,
    NOT_CHECKED,
    ANSWER_UNUSABLE,
    RESULT_UNUSABLE,
    NOT_EXPECTED,
    CHECK_FAILED,
    HIDDEN_CHECK_FAILED,
)


@dataclass(frozen=True)
class Reason:
    """A reason for lost points.

    `hidden` if it comes from a hidden check, `message_id` as in its test, `english` the text in English, by which
    the same mistake is found in notebooks of several languages.
    """

    text: str
    english: str
    hidden: bool = False
    message_id: str = ""


def training(fit: FitRun, _: Translate = ENGLISH) -> str:
    """Describe one call of `fit`, with its duration."""
    time = seconds(fit.seconds, _)
    if fit.reused:
        return _("reused: identical to the solution's training ({time})", time=time)
    return _("trained ({time})", time=time)


def lost(question: QuestionResult) -> bool:
    """Return whether the question lost points; one that waits for a person has not."""
    return question.status != "to_review" and (question.score < question.max_score or question.status != "passed")


def note(result: Result, _: Translate = ENGLISH) -> str:
    """Return a remark on a submission's status; empty if it was graded."""
    # The details of a notebook that ended early are known in English only; its page shows the cell where it ended.
    detail = "" if _ is not ENGLISH and result.status in CUT_SHORT else clean(result.detail or "")
    retried = _(RETRIED) if result.retried else ""
    defects = _(DEFECTIVE) if result.defective else ""
    return " ".join(part for part in (_(_NOTES[result.status]), defects, _sentence(detail), retried) if part)


def notices(result: Result, _: Translate = ENGLISH) -> tuple[str, ...]:
    """Return what else a reader of the result should know, in sentences."""
    present = [file.name for file in result.files if file.left_out is None]
    told = [_(_PRESENT, files=first_few(present))] if present else []
    return (*filter(None, [version_notice(result, _)]), *told, *left_out_notices(result, _))


def version_notice(result: Result, _: Translate = ENGLISH) -> str:
    """Return a sentence on a notebook of another version.

    Empty if the version is the current one, or unknown.
    """
    if not result.is_of_another_version:
        return ""
    handed_in, current = clean_line(result.notebook_version or ""), clean_line(result.lab_version or "")
    return _(
        "This is not the current version of the lab's notebook: version {handed_in} was handed in, the current one is "
        "{current}. What both versions ask for is graded.",
        handed_in=handed_in,
        current=current,
    )


def left_out_notices(result: Result, _: Translate = ENGLISH) -> tuple[str, ...]:
    """Return why files beside the notebook were not there when it ran, in sentences."""
    by_reason: dict[LeftOut | None, list[str]] = {}
    for file in result.files:
        by_reason.setdefault(file.left_out, []).append(file.name)
    return tuple(_(text, files=first_few(by_reason[why])) for why, text in _LEFT_OUT.items() if why in by_reason)


def status_words(grade: Grade) -> str:
    """Return the label of a submission's status.

    If it could not be graded, the label says whether a person marked it.
    """
    return MARKED_BY_A_PERSON if grade.is_by_hand else SUBMISSION_LABELS[grade.result.status]


def grade_note(grade: Grade, _: Translate = ENGLISH) -> str:
    """Return a remark like `note`, which also says whether a person marked it."""
    if not grade.is_by_hand:
        return note(grade.result, _)
    return " ".join(filter(None, [_(_BY_A_PERSON), _sentence(clean(grade.result.detail or ""))]))


def remark(result: Result) -> str:
    """Return a remark for instructors in a list of submissions, usually empty."""
    defects = [f"{question.name}: {question.reason}" for question in result.defective]
    parts = [part for part in (result.detail, *defects, RETRIED if result.retried else None) if part]
    return " ".join([*(f"{part.rstrip('.')}." for part in parts[:-1]), *parts[-1:]])


def reasons(question: QuestionResult, _: Translate = ENGLISH) -> tuple[Reason, ...]:
    """Return the reasons for lost points, most informative first."""
    if not lost(question):
        return ()
    own = [Reason(clean(question.shown_reason), clean(question.reason))] if question.reason.strip() else []
    # Failed checks of unanswered or skipped questions contain no further information.
    tests = () if own and question.status in {"skipped", "not_attempted"} else question.tests
    told = [
        Reason(clean(test.message), clean(test.english), test.hidden, test.message_id)
        for test in tests
        if not test.passed and test.message.strip()
    ]
    unique = {reason.text: reason for reason in reversed([*own, *told])}
    found = tuple(reversed(unique.values()))
    fallback = _FALLBACK[question.status] or NO_REASON
    return found[:MAX_REASONS] or (Reason(_(fallback), fallback),)


def to_review(question: QuestionResult, _: Translate = ENGLISH) -> str:
    """Return the note on a question that a person has not marked yet."""
    return clean(question.shown_reason) or _(_FALLBACK["to_review"])


def first_reason(result: Result) -> str:
    """Return the note or the first reason for lost points."""
    if result.detail:
        return clean_line(result.detail, MAX_MESSAGE)
    if result.status != "graded":
        return _NOTES[result.status]
    for question in result.questions:
        for reason in reasons(question):
            return f"{clean_line(question.name)}: {clean_line(reason.english, MAX_MESSAGE)}"
    return ""


def question_names(results: Sequence[Result], known: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the lab's questions, then of others in the results."""
    return tuple(dict.fromkeys([*known, *(q.name for result in results for q in result.questions)]))


def _sentence(text: str) -> str:
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ")", "…")) else text + "."
