"""Match submissions to the rows of a gradebook. Pure.

Rows and submissions are matched by IDs only. Ambiguous cases are not guessed but reported: unmatched rows, several
submissions for one row, submissions that a person must decide on, and changed grades.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from autograder.results.grade import Grade
from autograder.results.handin import HandIn, Person
from autograder.results.labels import SUBMISSION_LABELS
from autograder.util.csv_tables import localised_number, number, number_text
from autograder.util.text import clean_line

# A kind of ID (`canvas`, `moodle`, `sid`, `email`) and the ID.
Key = tuple[str, str]

# See `_moodle_words`; typographic apostrophes are what a word processor makes of a plain one.
_NOT_IN_FILES = re.compile(r"[\x00-\x1f\x7f&<>\"`|':\\/*?\u2018\u2019\u02bc]")

_GROUP = (
    "Filled in by ID, although the name differs, as for a group: other members were left as they were. To fill them "
    "in too, give --canvas-groups FILE.csv (Canvas: People, the group set, Download Course Roster CSV)"
)
_PROVISIONAL = "Provisional, because a person has not marked every answer: mark them, then fill in the gradebook again"
_MEMBER = "Filled in as a member of a group"


@dataclass(frozen=True)
class Entry:
    """A submission for a gradebook."""

    identity: str
    grade: Grade
    handin: HandIn | None
    time: datetime | None

    @property
    def name(self) -> str:
        """Its name, and the name of its student."""
        who = f" ({clean_line(self.handin.names)})" if self.handin and self.handin.names else ""
        return f"{clean_line(self.grade.result.submission)}{who}"


@dataclass(frozen=True)
class Line:
    """A student's row of a gradebook.

    Args:
        index: index of the row in its table.
        name: the student's name.
        keys: the student's IDs in the row.
        before: content of its grade field.
        maximum: points for full marks in the gradebook; None if unknown, then points are not scaled.
        locked: why its grade must not change; empty if it may.
        mark: decimal mark of the gradebook.
    """

    index: int
    name: str
    keys: tuple[Key, ...]
    before: str
    maximum: float | None
    locked: str = ""
    mark: str = "."


@dataclass
class Filled:
    """The outcome of filling in a gradebook.

    Args:
        values: grades to write, by row index.
        maxima: points for full marks of the rows that are filled in, if known.
        entries: the submission of each grade, by row index.
        told: lines to report, by heading.
    """

    values: dict[int, str] = field(default_factory=dict)
    maxima: set[float] = field(default_factory=set)
    entries: dict[int, Entry] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)

    def tell(self, heading: str, text: str) -> None:
        """Add a line under a heading."""
        self.told.setdefault(heading, []).append(text)

    def report(self, title: str) -> str:
        """Return the report as text."""
        parts = [title]
        for heading, lines in self.told.items():
            parts.append("\n".join([f"{heading} ({len(lines)})", *(f"  {line}" for line in lines)]))
        return "\n\n".join(parts) + "\n"


def sortable(name: str) -> str:
    """Convert a name ("Doe, Jane") to the form in Canvas's file names ("doejane")."""
    return "".join(c for c in unicodedata.normalize("NFC", name) if _of_a_word(c)).lower()


def _of_a_word(character: str) -> bool:
    """Return whether Canvas keeps a character in names, including combining marks."""
    return character == "_" or character.isalnum() or unicodedata.category(character).startswith("M")


def fill(lines: Sequence[Line], entries: Sequence[Entry], separator: str) -> Filled:
    """Fill in the rows of a gradebook.

    Args:
        lines: the rows.
        entries: the submissions.
        separator: the gradebook's field separator.
    """
    filled = Filled()
    claims = _claims(lines, entries, filled)
    for line in lines:
        claimed = claims.get(line.index, [])
        if not claimed:
            filled.tell("In the gradebook without a submission: unchanged", clean_line(line.name))
            continue
        entry = _chosen(line, claimed, filled)
        if entry is not None:
            _write(line, entry, filled, separator)
    return filled


def _claims(lines: Sequence[Line], entries: Sequence[Entry], filled: Filled) -> dict[int, list[Entry]]:
    by_key: dict[Key, Line] = {}
    for line in lines:
        for key in line.keys:
            by_key.setdefault(key, line)
    claims: dict[int, list[Entry]] = {}
    for entry in entries:
        people = entry.handin.people if entry.handin else ()
        if not people:
            filled.tell("Submitted by an unknown student", entry.name)
        for person in people:
            match = next((by_key[key] for key in _keys(entry.handin, person) if key in by_key), None)
            if match is None:
                submission = clean_line(entry.grade.result.submission)
                filled.tell("Submitted, but not in the gradebook", f"{submission}: {_who(person)}")
            elif entry not in claims.setdefault(match.index, []):
                claims[match.index].append(entry)
    return claims


def _keys(handin: HandIn | None, person: Person) -> tuple[Key, ...]:
    if handin is not None and handin.platform != "gradescope":
        return ((handin.platform, person.id),)
    keys = (("sid", person.id.strip()), ("email", person.email.strip().casefold()))
    return tuple(key for key in keys if key[1])


def _is_named(line: Line, handin: HandIn) -> bool:
    return sortable(line.name) == sortable(handin.people[0].name)


def _who(person: Person) -> str:
    return ", ".join(clean_line(part) for part in (person.name, person.id, person.email) if part)


def _chosen(line: Line, claimed: Sequence[Entry], filled: Filled) -> Entry | None:
    """Return the newest graded submission of a student; None if a person must decide."""
    entries = [entry for entry in claimed if entry.grade.result.is_marked] or list(claimed)
    names = {sortable(e.handin.people[0].name) for e in entries if e.handin and e.handin.platform == "canvas"}
    newest = entries[0] if len(entries) == 1 else _newest(entries) if len(names) < 2 else None
    listed = "; ".join(entry.name for entry in claimed)
    if newest is None:
        filled.tell("Several submissions of one student without a definite order: unchanged", listed)
        return None
    if len(claimed) > 1:
        filled.tell("Several submissions of one student: newest graded one used", f"{newest.name} (of {listed})")
    if newest.handin is not None and newest.handin.platform == "moodle" and not _same_words(line, newest.handin):
        # A group's folder has the group's number, which may equal the number of a participant.
        filled.tell("Not filled in: the ID matches, but the name does not", f"{clean_line(line.name)}: {newest.name}")
        return None
    return newest


def _same_words(line: Line, handin: HandIn) -> bool:
    """Return whether one name contains the words of the other, in any order."""
    one, other = (_moodle_words(name) for name in (line.name, handin.people[0].name))
    if not one or not other:
        return one == other
    return set(one) <= set(other) or set(other) <= set(one) or "".join(one) == "".join(other)


def _moodle_words(name: str) -> list[str]:
    """Return the words of a name as they occur in Moodle's folder names.

    `clean_param` (PARAM_FILE) drops characters that are invalid in file names; characters that unzip programs replace
    are dropped as well.
    """
    kept = _NOT_IN_FILES.sub("", unicodedata.normalize("NFKC", name)).replace("_", " ").casefold()
    return "".join(c if _of_a_word(c) else " " for c in unicodedata.normalize("NFKC", kept)).split()


def _newest(entries: Sequence[Entry]) -> Entry | None:
    times = [(entry.time, entry) for entry in entries if entry.time is not None]
    if len(times) == len(entries):
        return max(times, key=lambda pair: pair[0])[1]
    numbers = [(e.handin.number, e) for e in entries if e.handin is not None and e.handin.number is not None]
    return max(numbers, key=lambda pair: pair[0])[1] if len(numbers) == len(entries) else None


def _write(line: Line, entry: Entry, filled: Filled, separator: str) -> None:
    grade = entry.grade
    if (not grade.result.is_marked and not grade.overrides) or grade.result.max_score <= 0:
        words = SUBMISSION_LABELS[grade.result.status]
        filled.tell("Not filled in: needs a decision", f"{clean_line(line.name)}: {words}: {entry.name}")
        return
    if line.locked:
        filled.tell("Not filled in", f"{clean_line(line.name)}: {line.locked}")
        return
    score = grade.score if line.maximum is None else grade.score / grade.result.max_score * line.maximum
    text = number_text(score, line.mark)
    if grade.waiting:
        names = ", ".join(clean_line(question.name) for question in grade.waiting)
        filled.tell(_PROVISIONAL, f"{clean_line(line.name)}: {text} without {names}: {entry.name}")
    filled.values[line.index] = text
    filled.entries[line.index] = entry
    if line.maximum is not None:
        filled.maxima.add(line.maximum)
    handin = entry.handin
    if handin is not None and handin.platform == "canvas" and not _is_named(line, handin):
        filled.tell(_GROUP if len(handin.people) == 1 else _MEMBER, f"{clean_line(line.name)}: {entry.name}")
    before = localised_number(line.before) or number(line.before, separator)
    if line.before.strip() and (before is None or number_text(before, line.mark) != text):
        filled.tell("Replaced a different grade", f"{clean_line(line.name)}: {clean_line(line.before)} -> {text}")
