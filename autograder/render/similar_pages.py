"""Side-by-side pages of similar submissions, with shared passages highlighted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from autograder.render.html import environment
from autograder.report.similarity import Marks, Pair
from autograder.results.grade import Row


@dataclass(frozen=True)
class _Part:
    text: str
    marked: bool


@dataclass(frozen=True)
class _Side:
    identity: str
    name: str
    score: float
    max_score: float
    parts: tuple[_Part, ...]


def feedback_link(identity: str) -> str:
    """Return the path of a feedback page relative to the results folder."""
    return f"submissions/{quote(identity)}/feedback.html"


def page_name(pair: Pair) -> str:
    """Return the file name of a pair's page, which is the same in every report."""
    return hashlib.sha256(f"{pair.first}\0{pair.second}".encode()).hexdigest()[:16] + ".html"


def similar_html(pair: Pair, rows: Mapping[str, Row], codes: Mapping[str, str]) -> str:
    """Render the page of a pair.

    Args:
        pair: the two submissions.
        rows: the class by ID.
        codes: the code by ID that the passages of the pair refer to.
    """
    marks = {pair.first: pair.marks, pair.second: pair.other_marks}
    sides = [_side(rows[identity], codes[identity], where) for identity, where in marks.items()]
    return environment().get_template("similar.html").render(pair=pair, sides=sides, feedback=feedback_link)


def _side(row: Row, code: str, marks: Marks) -> _Side:
    result = row.grade.result
    return _Side(row.identity, result.called, row.grade.score, result.max_score, tuple(_parts(code, marks)))


def _parts(code: str, marks: Marks) -> Iterator[_Part]:
    place = 0
    for start, end in marks:
        yield _Part(code[place:start], marked=False)
        yield _Part(code[start:end], marked=True)
        place = end
    yield _Part(code[place:], marked=False)
