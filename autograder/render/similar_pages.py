"""Two similar submissions side by side as a web page, the passages they share marked."""

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
    """Where a submission's feedback lies, seen from the results' folder."""
    return f"submissions/{quote(identity)}/feedback.html"


def page_name(pair: Pair) -> str:
    """The file name of a pair's page, the same in every report."""
    return hashlib.sha256(f"{pair.first}\0{pair.second}".encode()).hexdigest()[:16] + ".html"


def similar_html(pair: Pair, rows: Mapping[str, Row], codes: Mapping[str, str]) -> str:
    """The page of a pair.

    Args:
        pair: the two.
        rows: the class by ID.
        codes: by ID the code the marks of the pair refer to.
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
