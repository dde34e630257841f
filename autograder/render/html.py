"""Results as web pages: one file each, no script, nothing loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.render import words

_TEMPLATES = Path(__file__).parent / "templates"


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
