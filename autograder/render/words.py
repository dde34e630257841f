"""What every form of a result says, in words: status, points, reasons. Text from students is made harmless here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.results import FitRun, QuestionResult, QuestionStatus, Result, SubmissionStatus

SUBMISSION_WORDS: dict[SubmissionStatus, str] = {
    "graded": "graded",
    "timeout": "out of time",
    "out_of_memory": "out of memory",
    "crashed": "crashed",
    "unreadable": "unreadable",
    "grader_error": "grader error",
}
QUESTION_WORDS: dict[QuestionStatus, str] = {
    "passed": "passed",
    "partial": "partly right",
    "failed": "failed",
    "not_attempted": "not attempted",
    "error": "raised an error",
    "skipped": "skipped",
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
    "not_attempted": "The answer is still the gap it began as.",
    "error": "The cell with the answer raised an error.",
    "skipped": "Something it builds on is missing.",
}
MAX_NAME = 160
MAX_MESSAGE = 1500
MAX_REASONS = 8

# Control characters move the cursor, bidirectional marks turn text round, and both can fake what a reader sees. The
# joiners U+200C and U+200D stay: several scripts and most emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
# A colour code says nothing once it cannot colour.
_ANSI = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")


@dataclass(frozen=True)
class Reason:
    """Why a question lost points; `hidden` if a hidden check said so."""

    text: str
    hidden: bool = False


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """Text that shows what is there: colours dropped, unseen characters written out, long text cut.

    Line breaks and tabs stay.
    """
    surplus = len(text) - limit
    # Cut first: a message may be megabytes long.
    shown = shown_plainly(text[: limit * 2]).strip()
    if surplus <= 0 and len(shown) <= limit * 2:
        return shown
    return f"{shown[:limit].rstrip()} … ({max(surplus, len(shown) - limit)} characters more)"


def shown_plainly(text: str) -> str:
    """Text of any length with colours dropped and unseen characters written out; blanks and breaks stay."""
    return _UNSEEN.sub(_written_out, _ANSI.sub("", text.replace("\r\n", "\n")))


def clean_line(text: str, limit: int = MAX_NAME) -> str:
    r"""The same on one line: a break is written `\n`."""
    return clean(text.strip().replace("\n", "\\n").replace("\t", "\\t"), limit)


def points(value: float) -> str:
    """Points without needless digits: 2, 1.5, 0.33."""
    return f"{round(value, 2) + 0.0:g}"


def counted(number: int, noun: str) -> str:
    """A number of things: 1 submission, 2 submissions."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    """A duration people can read: 0.4 s, 21 s, 2 min 5 s, 3 h 20 min, 2 d 3 h."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    for size, unit, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller} {part}"
    return f"{whole // 60} min {whole % 60} s"


def training(fit: FitRun) -> str:
    """What became of one call of `fit`, and how long it took."""
    how = "taken over: the solution has trained exactly the same" if fit.taken_over else "trained"
    return f"{how} ({seconds(fit.seconds)})"


def percent(score: float, max_score: float) -> float:
    """The share of the points from 0 to 100; 0 where there are none to earn."""
    return min(100.0, max(0.0, 100.0 * score / max_score)) if max_score > 0 else 0.0


def lost(question: QuestionResult) -> bool:
    """Whether the question earned less than it could."""
    return question.score < question.max_score or question.status != "passed"


def note(result: Result) -> str:
    """What to know about a submission before its marks; empty for one that was graded."""
    detail = clean(result.detail or "")
    return " ".join(part for part in (_NOTES[result.status], _sentence(detail)) if part)


def reasons(question: QuestionResult) -> tuple[Reason, ...]:
    """Why the question lost points, most telling first; empty if it lost none."""
    if not lost(question):
        return ()
    own = [Reason(clean(question.reason))] if question.reason.strip() else []
    # What was never answered, or stands on something missing, fails its checks in ways that tell nothing more.
    tests = () if own and question.status in {"skipped", "not_attempted"} else question.tests
    told = [Reason(clean(t.message), t.hidden) for t in tests if not t.passed and t.message.strip()]
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


def duration(seconds: float) -> str:
    """How long, in days and hours or hours and minutes: 2 days 3 hours, 4 hours 10 minutes, 1 minute."""
    days, minutes = divmod(max(1, round(seconds / 60)), 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(days, "day"), (hours, "hour"), (0 if days else minutes, "minute")]
    return " ".join(counted(count, word) for count, word in parts if count)


def first_few(texts: Sequence[str], most: int = 5) -> str:
    """The first of many texts on one line, made harmless."""
    return ", ".join(map(clean_line, texts[:most])) + (", …" if len(texts) > most else "")


def _sentence(text: str) -> str:
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ")", "…")) else text + "."


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
