"""Manual corrections (`--override FILE`). Pure.

The file is CSV with the columns submission,question,points,reason, and others, which are passed over; a submission is
identified by its name, its ID or its student. A correction applies to the question regardless of later gradings. Files
are cumulative: a later one replaces the corrections that it contains and keeps the others; `remove` instead of points
deletes one. If a submission could not be graded, points may be given for any question of the lab, or for `total`.
Points above the maximum are allowed and reported.

Questions that a person marks get their points in the same way. to-review.csv has a row for each of them; rows without
points are left for later, and the reason may be empty.
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
# Instead of a question, for submissions without questions: all points.
TOTAL = "total"

# Corrections by submission ID and question.
Overrides = Mapping[str, Mapping[str, Override]]
# Corrections of a file; None deletes an earlier one.
Given = Mapping[str, Mapping[str, Override | None]]


@dataclass(frozen=True)
class Known:
    """Submissions and questions that corrections may refer to.

    Args:
        identities: IDs by the names that a person may use for a submission.
        questions: for each ID, its possible questions with their maximum points.
        students: the IDs by the names that a person may use for a student.
        manual: for each ID, its questions that a person marks.
    """

    identities: Mapping[str, str]
    questions: Mapping[str, Mapping[str, float]]
    students: Mapping[str, Collection[str]] = field(default_factory=dict)
    manual: Mapping[str, Collection[str]] = field(default_factory=dict)


def read_overrides(data: bytes, name: str, known: Known) -> Given:
    """Read a file of corrections.

    Args:
        data: its content.
        name: its name, for messages.
        known: the submissions and questions.

    Raises:
        UsageError: a line is invalid; the message lists the first few with their numbers.
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
        except _NotMarkedYetError:
            continue
        if question in found.get(identity, {}):
            faults.append(f"line {line}: {question} of {clean_line(fields['submission'])} occurs twice")
        found.setdefault(identity, {})[question] = override
    if faults:
        more = f"; and {len(faults) - _MAX_FAULTS} more" if len(faults) > _MAX_FAULTS else ""
        raise UsageError(
            f"{name}: {'; '.join(faults[:_MAX_FAULTS])}{more}.",
            hint=f"correct the file; its columns are {','.join(_COLUMNS)}",
        )
    return found


class _NotMarkedYetError(Exception):
    """A row of a question that a person marks, without points."""


def _correction(fields: Mapping[str, str], known: Known, separator: str) -> tuple[str, str, Override | None]:
    called, question = fields["submission"], fields["question"]
    identity = known.identities.get(called)
    if identity is None:
        raise ValueError(
            f"there is no submission {clean_line(called) or 'without a name'}{_near(called, known.identities)}"
        )
    questions = known.questions.get(identity, {})
    if question not in questions:
        held = ", ".join(map(clean_line, questions)) or "none, because it was not readable"
        raise ValueError(f"{clean_line(called)} has no question {clean_line(question)} (it has {held})")
    if fields["points"].casefold() == _REMOVE:
        return identity, question, None
    manual = question in known.manual.get(identity, ())
    if manual and not fields["points"]:
        if fields["reason"]:
            raise ValueError(f"{clean_line(called)}, {clean_line(question)}: there is a reason but no points")
        raise _NotMarkedYetError
    value = number(fields["points"], separator)
    if value is None:
        raise ValueError(f"{clean_line(fields['points']) or 'nothing'} is not a number of points")
    if value < 0:
        raise ValueError(f"{points(value)} points are below 0")
    if not fields["reason"] and not manual:
        raise ValueError("the reason, which the student reads, is missing")
    return identity, question, Override(question, value, fields["reason"])


def _near(called: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(called, names, n=2, cutoff=0.6)
    return f"; there is {' and '.join(map(clean_line, near))}" if near else ""


def combined(before: Overrides, given: Given) -> Overrides:
    """Combine earlier corrections with those of a file, which takes precedence."""
    after = {identity: dict(by_q) for identity, by_q in before.items()}
    for identity, by_q in given.items():
        for question, override in by_q.items():
            if override is None:
                after.get(identity, {}).pop(question, None)
            else:
                after.setdefault(identity, {})[question] = override
    return {identity: by_q for identity, by_q in after.items() if by_q}


def above_maximum(overrides: Overrides, known: Known) -> list[str]:
    """Report corrections that exceed the maximum points, one per line."""
    return [
        f"Above the maximum: {clean_line(identity)}, {clean_line(question)}: {points(override.points)} of "
        f"{points(most)} points"
        for identity, by_q in overrides.items()
        for question, override in by_q.items()
        if (most := known.questions.get(identity, {}).get(question)) and override.points > most + _SLACK
    ]


def changes(before: Overrides, after: Overrides) -> str:
    """Summarize what a new file changes."""
    old = {(identity, q): override for identity, by_q in before.items() for q, override in by_q.items()}
    new = {(identity, q): override for identity, by_q in after.items() for q, override in by_q.items()}
    counts = {
        "new": len(new.keys() - old.keys()),
        "changed": sum(old[key] != new[key] for key in old.keys() & new.keys()),
        "removed": len(old.keys() - new.keys()),
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"Corrections: {len(new)} ({told or 'none new'})"


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
    """Return the corrections as JSON, as stored with the results."""
    entries = (
        _Entry(identity, override.question, override.points, override.reason)
        for identity, by_q in overrides.items()
        for override in by_q.values()
    )
    return msgspec.json.format(msgspec.json.encode(_File(1, tuple(entries))), indent=1).decode() + "\n"


def from_json(text: str, path: object) -> Overrides:
    """Read the return value of `to_json`.

    Raises:
        KitError: the text is invalid.
    """
    found: dict[str, dict[str, Override]] = {}
    try:
        entries = msgspec.json.decode(text, type=_File).overrides
    except msgspec.DecodeError as error:
        raise KitError(f"{path} is damaged: {error}", hint="give the corrections again with --override FILE") from error
    for entry in entries:
        found.setdefault(entry.submission, {})[entry.question] = Override(entry.question, entry.points, entry.reason)
    return found
