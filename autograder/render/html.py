"""Templates of the web pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.results import labels
from autograder.util import text

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """Return the template environment with the kit's filters and functions."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        clean=text.clean,
        line=text.clean_line,
        points=text.points,
        seconds=text.seconds,
        reasons=labels.reasons,
        training=labels.training,
    )
    made.globals.update(
        lost=labels.lost,
        note=labels.note,
        percent=text.percent,
        first_reason=labels.first_reason,
        status_words=labels.status_words,
        submission_labels=labels.SUBMISSION_LABELS,
        question_labels=labels.QUESTION_LABELS,
    )
    return made
