"""A hand-in as a platform tells of it: who, when, late or not. Pure, and kept with the results as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Platform = Literal["gradescope", "canvas", "moodle"]
# Where files come from; `plain`: from no platform.
Source = Literal["plain", "canvas", "moodle", "gradescope"]
SOURCES: tuple[Source, ...] = get_args(Source)
PLATFORM_NAMES: dict[Platform, str] = {"gradescope": "Gradescope", "canvas": "Canvas", "moodle": "Moodle"}


@dataclass(frozen=True)
class Person:
    """One student.

    `id` is Canvas's user ID, Moodle's participant ID or the SID of Gradescope's roster; what is not known is empty.
    """

    name: str
    id: str = ""
    email: str = ""


@dataclass(frozen=True)
class HandIn:
    """Who handed a submission in, and when.

    Args:
        platform: where it was handed in.
        key: what one student's files have in common there: a person's ID, or Gradescope's folder.
        people: the student, or those of a group.
        time: when, with a zone; None where the download does not say.
        late: the platform has marked it as late.
        number: grows with every upload to the platform; None where there is no such number.
    """

    platform: Platform
    key: str
    people: tuple[Person, ...]
    time: datetime | None = None
    late: bool = False
    number: int | None = None

    @property
    def names(self) -> str:
        """The names of all its people, for a table."""
        return ", ".join(person.name or person.email or person.id for person in self.people)


@dataclass(frozen=True)
class Handed:
    """What is known of how a submission was handed in: the platform's word, the time, and lateness in words."""

    handin: HandIn | None = None
    time: datetime | None = None
    late: str = ""


@dataclass(frozen=True)
class Claim:
    """What the place of one file says: whose hand-in it belongs to, and the name its student gave it."""

    handin: HandIn
    file: str
