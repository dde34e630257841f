"""Record of a run: students, submission times and lateness settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from autograder.gradebook.extensions import Extension, parse_extension
from autograder.intake.sorting import SetAside
from autograder.labs.lateness import LateOptions, LatePolicy, policy_from
from autograder.results.handin import HandIn


@dataclass(frozen=True)
class Lab:
    """A lab at the time of its latest grading."""

    title: str = ""
    late: LatePolicy | None = None


@dataclass(frozen=True)
class Record:
    """The record of a run.

    Args:
        handins: platform metadata by ID.
        set_aside: files that were not graded, with reasons.
        labs: the labs by name.
        options: lateness options of the command line.
        times: submission times from `--times`, by ID.
    """

    handins: Mapping[str, HandIn] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    labs: Mapping[str, Lab] = field(default_factory=dict)
    options: LateOptions = field(default_factory=LateOptions)
    times: Mapping[str, datetime] = field(default_factory=dict)
    extensions: Mapping[str, Extension] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the record as JSON."""
        labs = {name: _LabEntry(lab.title, lab.late.to_data() if lab.late else None) for name, lab in self.labs.items()}
        extensions = {identity: extension.to_text() for identity, extension in self.extensions.items()}
        content = _File(1, self.handins, self.set_aside, labs, self.options, self.times, extensions)
        return msgspec.json.format(msgspec.json.encode(content), indent=1).decode() + "\n"

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read the return value of `to_json`.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: the text is invalid.
        """
        try:
            found = msgspec.json.decode(text, type=_File)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        found.late.applied(LatePolicy())  # raises if the due time is invalid
        labs = {name: Lab(lab.title, policy_from(lab.late) if lab.late else None) for name, lab in found.labs.items()}
        extensions = {identity: parse_extension(text) for identity, text in found.extensions.items()}
        return cls(found.handed_in, found.set_aside, labs, found.late, found.times, extensions)


@dataclass(frozen=True)
class _LabEntry:
    """A lab in the file.

    Its policy is stored as `LatePolicy.to_data` returns it, with the name of the time zone.
    """

    title: str
    late: Mapping[str, str | float] | None


@dataclass(frozen=True)
class _File:
    """The file as it is: handed-in.json."""

    schema: Literal[1]
    handed_in: Mapping[str, HandIn]
    set_aside: tuple[SetAside, ...]
    labs: Mapping[str, _LabEntry]
    late: LateOptions
    times: Mapping[str, datetime]
    extensions: Mapping[str, str] = field(default_factory=dict)
