"""Outline of a master's questions: titles, and the questions each depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autograder.authoring.master import Master, Question
from autograder.errors import MasterError, known_names

BUILDS_ON = "depends_on"
# Otter's own and the kit's; otter would pass over any other without a word.
_KEYS = frozenset({"name", "points", "manual", "check_cell", "export", "all_or_nothing", BUILDS_ON})

_HEADING = re.compile(r"^#{1,6}\s+(?:question|exercise|task)\s+\w+\s*[:.]\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_POINTS = re.compile(r"\s*\([^()]*\bpoints?\)$", re.IGNORECASE)


def prerequisites_of(question: Question) -> tuple[str, ...]:
    """Return the questions that a question's configuration names under `depends_on`.

    Raises:
        ValueError: it holds something else.
    """
    value = question.config.get(BUILDS_ON, [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"`{BUILDS_ON}:` is {value!r}: write the name of a question, or `[q1, q2]`")
    return tuple(dict.fromkeys(names))


def outline_faults(master: Master) -> Iterator[MasterError]:
    """Check all questions' configurations: known keys, earlier prerequisites.

    A question may build on earlier ones only, so there are no cycles.
    """
    known = [question.name for question in master.questions]
    manual = {question.name for question in master.questions if question.manual}
    for position, question in enumerate(master.questions):
        for message in _faults(question, known, known[:position], manual):
            yield MasterError(message, file=master.file, question=question.name, line=question.line)


def _faults(question: Question, known: list[str], earlier: list[str], manual: set[str]) -> Iterator[str]:
    for key in sorted(set(map(str, question.config)) - _KEYS):
        yield f"the question's configuration has an unknown key `{key}`: {known_names(key, _KEYS)}"
    try:
        prerequisites = prerequisites_of(question)
    except ValueError as error:
        yield str(error)
        return
    for name in prerequisites:
        if name == question.name:
            yield f"it says that it builds on itself: take {name} out of `{BUILDS_ON}:`"
        elif name not in known:
            yield f"it builds on {name}, but there is no such question: known are {', '.join(known)}"
        elif name not in earlier:
            yield f"it builds on {name}, which comes after it: name earlier questions only, or change their order"
        elif name in manual:
            yield f"it builds on {name}, which a person marks: name questions that give values only"
    if prerequisites and question.manual:
        yield f"a person marks it, so `{BUILDS_ON}:` has no effect: remove that line"


def titles(master: Master) -> dict[str, str]:
    """Return the titles of questions, from headings `## Question N: TITLE (P points)`.

    The heading stands above the question's first answer cell, in the block or before it.
    """
    found = {question.name: "" for question in master.questions}
    latest = ""
    for cell in master.cells:
        if cell.kind == "markdown" and (heading := _HEADING.search(cell.source)):
            latest = _POINTS.sub("", heading.group(1))
        elif cell.answers is not None:
            found[cell.answers] = found[cell.answers] or latest
            latest = ""
    return found
