"""`--override FILE`: a person's corrections. Pure.

The file is CSV with the columns submission,question,points,reason; a submission is named by its name, its ID, or its
student. A correction holds for the question of that submission, whatever a later grading gives. Files add up: a later
one changes the corrections it names and keeps the others; `remove` for the points takes one back. Where nothing could
be graded, any question of the lab, or `total` for all of it, may be given points. Points above a maximum are a
person's to give, and told.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from autograder.errors import KitError, UsageError
from autograder.results.grade import Override
from autograder.util.csv_tables import number, read_table, records
from autograder.util.text import clean_line, points

_COLUMNS = ("submission", "question", "points", "reason")
_MAX_FAULTS = 5
_SLACK = 1e-9
_REMOVE = "remove"
# In the place of a question, where a submission has none: all its points.
TOTAL = "total"

# Corrections by submission ID and question.
Overrides = Mapping[str, Mapping[str, Override]]
# The same as a file gives them; None takes an earlier one back.
Given = Mapping[str, Mapping[str, Override | None]]


@dataclass(frozen=True)
class Known:
    """What corrections may name.

    Args:
        identities: IDs by what a person may call a submission.
        questions: for each ID the questions it may have, with the most points each can earn.
        students: IDs by what a person may call a student, who may have several submissions.
    """

    identities: Mapping[str, str]
    questions: Mapping[str, Mapping[str, float]]
    students: Mapping[str, Collection[str]] = field(default_factory=dict)


def read_overrides(data: bytes, name: str, known: Known) -> Given:
    """Read a file of corrections.

    Raises:
        UsageError: a line cannot be used; the first few are told, each with its number.
    """
    table = read_table(data, name)
    found: dict[str, dict[str, Override | None]] = {}
    faults: list[str] = []
    for line, fields in records(table, name, _COLUMNS):
        try:
            identity, question, override = _correction(fields, known, table.separator)
        except ValueError as error:
            faults.append(f"line {line}: {error}")
            continue
        if question in found.get(identity, {}):
            faults.append(f"line {line}: {question} of {clean_line(fields['submission'])} stands there twice")
        found.setdefault(identity, {})[question] = override
    if faults:
        more = f"; and {len(faults) - _MAX_FAULTS} more" if len(faults) > _MAX_FAULTS else ""
        raise UsageError(
            f"{name}: {'; '.join(faults[:_MAX_FAULTS])}{more}.",
            hint=f"mend the file; its columns are {','.join(_COLUMNS)}",
        )
    return found


def _correction(fields: Mapping[str, str], known: Known, separator: str) -> tuple[str, str, Override | None]:
    called, question = fields["submission"], fields["question"]
    identity = known.identities.get(called)
    if identity is None:
        raise ValueError(
            f"there is no submission {clean_line(called) or 'without a name'}{_near(called, known.identities)}"
        )
    questions = known.questions.get(identity, {})
    if question not in questions:
        held = ", ".join(map(clean_line, questions)) or "none, for it could not be read"
        raise ValueError(f"{clean_line(called)} has no question {clean_line(question)} (it has {held})")
    if fields["points"].casefold() == _REMOVE:
        return identity, question, None
    value = number(fields["points"], separator)
    if value is None:
        raise ValueError(f"{clean_line(fields['points']) or 'nothing'} is no number of points")
    if value < 0:
        raise ValueError(f"{points(value)} points are below 0")
    if not fields["reason"]:
        raise ValueError("the reason is missing; the student reads it")
    return identity, question, Override(question, value, fields["reason"])


def _near(called: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(called, names, n=2, cutoff=0.6)
    return f"; there is {' and '.join(map(clean_line, near))}" if near else ""


def combined(before: Overrides, given: Given) -> Overrides:
    """The corrections so far with those of a file: the later one of a question counts."""
    after = {identity: dict(by_q) for identity, by_q in before.items()}
    for identity, by_q in given.items():
        for question, override in by_q.items():
            if override is None:
                after.get(identity, {}).pop(question, None)
            else:
                after.setdefault(identity, {})[question] = override
    return {identity: by_q for identity, by_q in after.items() if by_q}


def above_maximum(overrides: Overrides, known: Known) -> list[str]:
    """What to tell of corrections that give more points than there are, a line each."""
    return [
        f"More than the maximum: {clean_line(identity)}, {clean_line(question)}: {points(override.points)} of "
        f"{points(most)} points"
        for identity, by_q in overrides.items()
        for question, override in by_q.items()
        if (most := known.questions.get(identity, {}).get(question)) and override.points > most + _SLACK
    ]


def changes(before: Overrides, after: Overrides) -> str:
    """What a new file changes, in words."""
    old = {(identity, q): override for identity, by_q in before.items() for q, override in by_q.items()}
    new = {(identity, q): override for identity, by_q in after.items() for q, override in by_q.items()}
    counts = {
        "new": len(new.keys() - old.keys()),
        "changed": sum(old[key] != new[key] for key in old.keys() & new.keys()),
        "taken back": len(old.keys() - new.keys()),
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"Corrections: {len(new)} ({told or 'none of them new'})"


@dataclass(frozen=True)
class _Entry:
    """A correction in the file."""

    submission: str
    question: str
    points: float
    reason: str


@dataclass(frozen=True)
class _File:
    """The file as it is: overrides.json."""

    schema: Literal[1]
    overrides: tuple[_Entry, ...]


def to_json(overrides: Overrides) -> str:
    """The corrections as they are kept with the results."""
    entries = (
        _Entry(identity, override.question, override.points, override.reason)
        for identity, by_q in overrides.items()
        for override in by_q.values()
    )
    return msgspec.json.format(msgspec.json.encode(_File(1, tuple(entries))), indent=1).decode() + "\n"


def from_json(text: str, path: object) -> Overrides:
    """Read what `to_json` wrote.

    Raises:
        KitError: it is something else.
    """
    found: dict[str, dict[str, Override]] = {}
    try:
        entries = msgspec.json.decode(text, type=_File).overrides
    except msgspec.DecodeError as error:
        raise KitError(f"{path} is damaged: {error}", hint="give the corrections again with --override FILE") from error
    for entry in entries:
        found.setdefault(entry.submission, {})[entry.question] = Override(entry.question, entry.points, entry.reason)
    return found
