"""Class report as a web page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from autograder.render import figures
from autograder.render.html import environment
from autograder.render.markdown import rendered
from autograder.render.notebook_view import is_broad_html
from autograder.render.similar_pages import feedback_link, page_name
from autograder.report.content import ClassReport
from autograder.report.mistakes import Mistake
from autograder.report.numbers import LabNumbers, QuestionNumbers
from autograder.report.review import KINDS
from autograder.report.similarity import FEWEST_MATCHED, SIMILAR_FROM
from autograder.results.grade import Grade, Row, waiting_in
from autograder.results.result import QuestionResult
from autograder.util.text import clean_line

_SCRIPT = Path(__file__).parent / "templates" / "report.js"
# Mistakes of fewer submissions, and those after the most frequent ones, are listed as rarer mistakes.
_FEW, _FREQUENT = 2, 30
_Told = list[tuple[QuestionNumbers, Mistake]]


def report_html(report: ClassReport, made_from: str) -> str:
    """Render the page.

    Args:
        report: its content.
        made_from: a digest of its inputs, stored in its head.
    """
    script, digest = _script()
    results = [row.grade.result for row in report.rows]
    return (
        environment()
        .get_template("report.html")
        .render(
            rows=report.rows,
            by_identity={row.identity: row for row in report.rows},
            by_name={row.grade.result.submission: row for row in report.rows},
            labs=report.labs,
            named=[numbers.lab for numbers in report.labs if numbers.lab is not None],
            marked=sum(result.is_marked for result in results),
            flags=report.flags,
            waiting=_waiting(report.rows),
            waiting_words=waiting_in(report.rows).words,
            faults=[flag for flag in report.flags if flag.kind == "grader_error"],
            kinds=KINDS,
            similar=report.similar,
            similar_count=sum(len(part.found.groups) + len(part.found.pairs) for part in report.similar),
            similar_from=SIMILAR_FROM,
            fewest=FEWEST_MATCHED,
            isolations=list(dict.fromkeys(result.isolation for result in results)),
            made_from=made_from,
            script=script,
            script_hash=digest,
            feedback=feedback_link,
            page_name=page_name,
            mistakes_of=_frequent_and_rare,
            lost_in=_lost_in,
            score_histogram=figures.score_histogram,
            status_bars=figures.status_bars,
        )
    )


@dataclass(frozen=True)
class Answer:
    """A written answer as safe HTML; empty if the notebook has no cell for it."""

    row: Row
    html: str

    @property
    def broad(self) -> bool:
        """Whether it may need scrolling."""
        return is_broad_html(self.html)


@dataclass(frozen=True)
class AnswersToMark:
    """The answers to a question of a lab that a person has not marked yet."""

    lab: str
    question: QuestionResult
    answers: tuple[Answer, ...]


def _waiting(rows: Sequence[Row]) -> list[AnswersToMark]:
    found: dict[tuple[str, str], list[tuple[Row, QuestionResult]]] = {}
    for row in rows:
        for question in row.grade.waiting:
            found.setdefault((row.grade.result.lab or "", question.name), []).append((row, question))
    return [
        AnswersToMark(lab, held[0][1], tuple(Answer(row, rendered(question.answer).html) for row, question in held))
        for (lab, _), held in sorted(found.items(), key=lambda entry: entry[0][0])
    ]


def _frequent_and_rare(numbers: LabNumbers) -> tuple[_Told, _Told]:
    told = [(question, mistake) for question in numbers.questions for mistake in question.mistakes]
    told.sort(key=lambda pair: -pair[1].count)
    frequent = [pair for pair in told if pair[1].count >= _FEW][:_FREQUENT]
    return frequent, told[len(frequent) :]


def _lost_in(grade: Grade) -> str:
    """Return the names of the questions that lost points."""
    names = [
        question.name
        for question in grade.result.questions
        if grade.points(question) < question.max_score and question not in grade.waiting
    ]
    if names and len(names) == len(grade.result.questions):
        return "every question"
    return clean_line(" ".join(names))


@cache
def _script() -> tuple[Markup, str]:
    """Return the page's script and its hash for the content security policy."""
    text = _SCRIPT.read_text(encoding="utf-8")
    return Markup(text), base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")  # noqa: S704 - ours
