"""Submission metadata of platforms: who, when, late.

Pure; stored with the results as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Platform = Literal["gradescope", "canvas", "moodle"]
# Origins of files; `plain` means no platform.
Source = Literal["plain", "canvas", "moodle", "gradescope"]
SOURCES: tuple[Source, ...] = get_args(Source)
PLATFORM_NAMES: dict[Platform, str] = {"gradescope": "Gradescope", "canvas": "Canvas", "moodle": "Moodle"}


@dataclass(frozen=True)
class Person:
    """A student.

    Args:
        name: the full name.
        id: Canvas's user ID, Moodle's participant ID or the SID of Gradescope's roster; empty if unknown.
        email: the email address; empty if unknown.
    """

    name: str
    id: str = ""
    email: str = ""


@dataclass(frozen=True)
class HandIn:
    """Who submitted, and when.

    Args:
        platform: the platform.
        key: what one student's files have in common there: a person's ID, or Gradescope's folder.
        people: the student, or the members of a group.
        time: submission time with zone; None if the download does not include it.
        late: whether the platform marks it as late.
        number: number of the upload, increasing over time; None if there is none.
    """

    platform: Platform
    key: str
    people: tuple[Person, ...]
    time: datetime | None = None
    late: bool = False
    number: int | None = None

    @property
    def names(self) -> str:
        """The names of all people."""
        return ", ".join(person.name or person.email or person.id for person in self.people)


@dataclass(frozen=True)
class Handed:
    """What is known about a submission: platform metadata, time, and lateness as text."""

    handin: HandIn | None = None
    time: datetime | None = None
    late: str = ""


@dataclass(frozen=True)
class Claim:
    """Information in a file's path: its submission and its original name."""

    handin: HandIn
    file: str
