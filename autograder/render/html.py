"""Results as web pages: one file each, no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.render import words
from autograder.render.statistics import class_numbers, question_numbers, score_bins
from autograder.results import Result

_TEMPLATES = Path(__file__).parent / "templates"


def report_html(results: Sequence[Result], questions: Sequence[str], folders: Sequence[str]) -> str:
    """The page about a class: grader errors first, numbers, a histogram, every question, every submission.

    Args:
        results: the results, in the order of the table.
        questions: names of the questions, in order.
        folders: for each result its folder under `submissions/`, to link to.
    """
    rows = list(zip(results, (f"submissions/{quote(folder)}/feedback.html" for folder in folders), strict=True))
    labs = list(dict.fromkeys(result.lab for result in results if result.lab is not None))
    by_lab = [(lab, question_numbers([r for r in results if r.lab == lab], questions)) for lab in labs]
    return (
        environment()
        .get_template("report.html")
        .render(
            rows=rows,
            faults=[(result, link) for result, link in rows if result.status == "grader_error"],
            labs=labs,
            numbers=class_numbers(results),
            bins=score_bins(results),
            by_lab=[(lab, numbers) for lab, numbers in by_lab if numbers],
        )
    )


@cache
def environment() -> Environment:
    """The templates, with what they need to write results down."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        clean=words.clean,
        line=words.clean_line,
        points=words.points,
        seconds=words.seconds,
        reasons=words.reasons,
        training=words.training,
    )
    made.globals.update(
        lost=words.lost,
        note=words.note,
        percent=words.percent,
        first_reason=words.first_reason,
        submission_words=words.SUBMISSION_WORDS,
        question_words=words.QUESTION_WORDS,
    )
    return made
