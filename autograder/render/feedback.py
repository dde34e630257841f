"""Feedback page of a submission: score, verdicts and the executed notebook."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from autograder.render.html import environment
from autograder.render.notebook_view import NotebookView, Place, notebook_view
from autograder.results.grade import Grade, Override
from autograder.results.labels import QUESTION_LABELS, Reason, grade_note, lost, notices, reasons, to_review
from autograder.results.result import CUT_SHORT, QuestionResult, QuestionStatus, TestResult
from autograder.util.text import clean, duration, percent, points

_HERE = Path(__file__).parent
_STYLES = ("style.css", "feedback.css")
_SYMBOLS: dict[QuestionStatus, str] = {
    "passed": "✓",
    "partial": "◐",
    "failed": "✗",
    "to_review": "?",
    "not_attempted": "–",  # noqa: RUF001 - a dash
    "error": "!",
    "skipped": "–",  # noqa: RUF001
    "grader_error": "✗",
}
_MEASURED = {"train_accuracy": "accuracy on the training images", "test_accuracy": "accuracy on the test images"}


@dataclass(frozen=True)
class Finding:
    """A reason for lost points, with the partial points of its test, if any."""

    reason: Reason
    earned: str = ""


@dataclass(frozen=True)
class Verdict:
    """The outcome of one question.

    Args:
        number: its number, counted from 1.
        question: its result.
        status: its status; for corrected questions, the status that the corrected points imply.
        words: label of the status.
        symbol: symbol of the status.
        counts: points after corrections.
        share: `counts` in percent of the question's points.
        findings: reasons for lost points.
        override: a manual correction, or None.
        place: its location in the notebook, or None.
    """

    number: int
    question: QuestionResult
    status: QuestionStatus
    words: str
    symbol: str
    counts: float
    share: float
    findings: tuple[Finding, ...]
    override: Override | None
    place: Place | None

    @property
    def waits(self) -> str:
        """What is to know while a person has not marked it; otherwise empty."""
        return to_review(self.question) if self.status == "to_review" else ""

    @property
    def by_a_person(self) -> bool:
        """Whether a person has marked it, instead of correcting the marks of its checks."""
        return self.override is not None and self.question.status == "to_review"


def feedback_html(grade: Grade, executed: bytes | None, *, anonymous: bool = False) -> str:
    """Render the page as one file without scripts and external resources.

    Args:
        grade: the result with corrections and lateness.
        executed: the executed notebook (see `autograder.grading.executed`), or None.
        anonymous: whether to leave out the submission's name.
    """
    view = notebook_view(executed)
    css, digest = _styles()
    return (
        environment()
        .get_template("feedback.html")
        .render(
            grade=grade,
            result=grade.result,
            name="Your submission" if anonymous else grade.result.called,
            note=grade_note(grade),
            notices=notices(grade.result),
            verdicts=(verdicts := _verdicts(grade, view)),
            marked=all(verdict.by_a_person for verdict in verdicts if verdict.override),
            by_name={verdict.question.name: verdict for verdict in verdicts},
            measured=[(_MEASURED.get(name, name), value) for name, value in grade.result.measured.items()],
            fits={number: [fit for fit in grade.result.fits if fit.cell == number] for number in _fitted(grade)},
            anchors={cell.number for cell in view.cells if cell.number is not None} if view else set(),
            cells=view.cells if view else (),
            stopped_in=view.last_run if view and grade.result.status in CUT_SHORT else None,
            late=_late(grade),
            css=css,
            css_hash=digest,
        )
    )


@cache
def design() -> str:
    """Return a digest of the code and templates; pages with another one are outdated."""
    digest = hashlib.sha256()
    for path in sorted([*_HERE.glob("*.py"), *(_HERE / "templates").iterdir()]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _verdicts(grade: Grade, view: NotebookView | None) -> list[Verdict]:
    made = []
    for number, question in enumerate(grade.result.questions, start=1):
        override = grade.overrides.get(question.name)
        counts = grade.points(question)
        status = grade.status(question)
        made.append(
            Verdict(
                number=number,
                question=question,
                status=status,
                words=QUESTION_LABELS[status],
                symbol=_SYMBOLS[status],
                counts=counts,
                share=percent(counts, question.max_score),
                findings=_findings(question),
                override=override,
                place=view.places.get(question.name) if view else None,
            )
        )
    return made


def _findings(question: QuestionResult) -> tuple[Finding, ...]:
    """Return the reasons for lost points, with the partial points of their tests."""
    if not lost(question):
        return ()
    tests = {clean(test.message): test for test in reversed(question.tests) if not test.passed}
    return tuple(Finding(reason, _earned(tests.get(reason.text))) for reason in reasons(question))


def _earned(test: TestResult | None) -> str:
    if test is None or not test.score or not test.max_score:
        return ""
    return f"{points(test.score)} of {points(test.max_score)} points"


def _fitted(grade: Grade) -> list[int]:
    return list(dict.fromkeys(fit.cell for fit in grade.result.fits))


def _late(grade: Grade) -> str:
    """Format the lateness of a submission."""
    if grade.lateness is None or grade.lateness.seconds <= 0:
        return ""
    return duration(grade.lateness.seconds)


@cache
def _styles() -> tuple[Markup, str]:
    """Return the style sheet and its hash for the content security policy."""
    css = "".join((_HERE / "templates" / name).read_text(encoding="utf-8") for name in _STYLES)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Markup(css), f"sha256-{digest}"  # noqa: S704 - read from the kit's own files
