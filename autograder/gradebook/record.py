"""What is remembered of a run beside its results: who handed in what and when, and how lateness counts. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from autograder.gradebook.extensions import Extension, parse_extension
from autograder.intake.sorting import SetAside
from autograder.labs.lateness import LateOptions, LatePolicy, policy_from
from autograder.results.handin import HandIn


@dataclass(frozen=True)
class Lab:
    """A lab as it was when it was last graded."""

    title: str = ""
    late: LatePolicy | None = None


@dataclass(frozen=True)
class Record:
    """What is remembered of a run.

    Args:
        handins: for each ID what the platform it came from says.
        set_aside: files that were not graded, and why.
        labs: the labs in play, by name.
        options: what was asked for about lateness on the command line.
        times: for each ID when it was handed in, as a person says.
        extensions: for each ID its student's later due time.
    """

    handins: Mapping[str, HandIn] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    labs: Mapping[str, Lab] = field(default_factory=dict)
    options: LateOptions = field(default_factory=LateOptions)
    times: Mapping[str, datetime] = field(default_factory=dict)
    extensions: Mapping[str, Extension] = field(default_factory=dict)

    def to_json(self) -> str:
        """As JSON text."""
        labs = {name: {"title": lab.title, "late": lab.late and lab.late.to_data()} for name, lab in self.labs.items()}
        content: dict[str, Any] = {
            "schema": 1,
            "handed_in": {identity: handin.to_data() for identity, handin in self.handins.items()},
            "set_aside": [asdict(one) for one in self.set_aside],
            "labs": labs,
            "late": asdict(self.options),
            "times": {identity: time.isoformat() for identity, time in self.times.items()},
            "extensions": {identity: extension.to_text() for identity, extension in self.extensions.items()},
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read what `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is something else.
        """
        data = json.loads(text)
        labs = {
            name: Lab(lab["title"], policy_from(lab["late"]) if lab["late"] else None)
            for name, lab in data["labs"].items()
        }
        options = LateOptions(**data["late"])
        options.applied(LatePolicy())  # raises where the due time cannot be read
        return cls(
            {identity: HandIn.from_data(entry) for identity, entry in data["handed_in"].items()},
            tuple(SetAside(**entry) for entry in data["set_aside"]),
            labs,
            options,
            {identity: datetime.fromisoformat(time) for identity, time in data["times"].items()},
            {identity: parse_extension(text) for identity, text in data.get("extensions", {}).items()},
        )
