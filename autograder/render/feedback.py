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
from autograder.util.text import clean, clean_line, duration, percent, points
from autograder.util.translations import LOCALE, Translate, words_of

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
# Texts of this module that students read, for the catalogs.
TEXTS = ("accuracy on the training images", "accuracy on the test images")
_MEASURED = {"train_accuracy": TEXTS[0], "test_accuracy": TEXTS[1]}


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
        waits: what is to know while a person has not marked it; otherwise empty.
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
    waits: str

    @property
    def by_a_person(self) -> bool:
        """Whether a person has marked it, instead of correcting the marks of its checks."""
        return self.override is not None and self.question.status == "to_review"


def feedback_html(grade: Grade, executed: bytes | None, *, anonymous: bool = False) -> str:
    """Render the page as one file without scripts and external resources.

    It is in the language of the submission.

    Args:
        grade: the result with corrections and lateness.
        executed: the executed notebook (see `autograder.grading.executed`), or None.
        anonymous: whether to leave out the submission's name.
    """
    _ = words_of(grade.result.language)
    view = notebook_view(executed, _)
    css, digest = _styles()
    return (
        environment()
        .get_template("feedback.html")
        .render(
            _=_,
            language=_.tag,
            grade=grade,
            result=grade.result,
            name=_("Your submission") if anonymous else grade.result.called,
            note=grade_note(grade, _),
            notices=notices(grade.result, _),
            verdicts=(verdicts := _verdicts(grade, view, _)),
            marked=all(verdict.by_a_person for verdict in verdicts if verdict.override),
            by_name={verdict.question.name: verdict for verdict in verdicts},
            measured=[(_(_MEASURED.get(name, name)), value) for name, value in grade.result.measured.items()],
            fits={number: [fit for fit in grade.result.fits if fit.cell == number] for number in _fitted(grade)},
            anchors={cell.number for cell in view.cells if cell.number is not None} if view else set(),
            cells=view.cells if view else (),
            stopped_in=view.last_run if view and grade.result.status in CUT_SHORT else None,
            late=_late(grade, _),
            css=css,
            css_hash=digest,
        )
    )


@cache
def design() -> str:
    """Return a digest of the code, templates and catalogs.

    Pages with another one are outdated.
    """
    digest = hashlib.sha256()
    catalogs = LOCALE.glob("*/LC_MESSAGES/feedback.po")
    for path in sorted([*_HERE.glob("*.py"), *(_HERE / "templates").iterdir(), *catalogs]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _verdicts(grade: Grade, view: NotebookView | None, _: Translate) -> list[Verdict]:
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
                words=_(QUESTION_LABELS[status]),
                symbol=_SYMBOLS[status],
                counts=counts,
                share=percent(counts, question.max_score),
                findings=_findings(question, _),
                override=override,
                place=view.places.get(question.name) if view else None,
                waits=to_review(question, _) if status == "to_review" else "",
            )
        )
    return made


def _findings(question: QuestionResult, _: Translate) -> tuple[Finding, ...]:
    """Return the reasons for lost points, with the partial points of their tests."""
    if not lost(question):
        return ()
    tests = {clean(test.message): test for test in reversed(question.tests) if not test.passed}
    return tuple(Finding(reason, _earned(tests.get(reason.text), _)) for reason in reasons(question, _))


def _earned(test: TestResult | None, _: Translate) -> str:
    if test is None or not test.score or not test.max_score:
        return ""
    return _("{earned} of {possible} points", earned=points(test.score), possible=points(test.max_score))


def _fitted(grade: Grade) -> list[int]:
    return list(dict.fromkeys(fit.cell for fit in grade.result.fits))


def _late(grade: Grade, _: Translate) -> str:
    """Say how late a submission came, and what that costs."""
    late = grade.lateness
    if late is None:
        return ""
    deducted = _("{percent}% deducted", percent=points(late.percent))
    if late.extended_to:
        deducted = _("{deducted} (due time extended to {time})", deducted=deducted, time=clean_line(late.extended_to))
    if late.seconds <= 0:
        return _("Submitted late: {deducted}", deducted=deducted)
    return _("Submitted {duration} late: {deducted}", duration=duration(late.seconds, _), deducted=deducted)


@cache
def _styles() -> tuple[Markup, str]:
    """Return the style sheet and its hash for the content security policy."""
    css = "".join((_HERE / "templates" / name).read_text(encoding="utf-8") for name in _STYLES)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Markup(css), f"sha256-{digest}"  # noqa: S704 - read from the kit's own files
