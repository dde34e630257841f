"""`--extensions FILE`: a later due time for single students. Pure.

The file is CSV with the columns student,due. A student is named as in a file of corrections; `due` is a time, or a
number of days (`2`, `2 days`) after the due time of everybody else. Files add up, and `remove` takes an extension back.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from autograder.errors import UsageError
from autograder.labs.lateness import LatePolicy
from autograder.util.csv_tables import number, read_table, records
from autograder.util.text import clean_line, first_few
from autograder.util.times import parse_time, time_text

_DAYS = re.compile(r"(?P<number>[0-9.,]+)\s*(?:d|days?)?", re.IGNORECASE)
_REMOVE = "remove"
_MAX_DAYS = 3650


@dataclass(frozen=True)
class Extension:
    """A later due time, or days after that of everybody else."""

    due: datetime | None = None
    days: float = 0.0

    def applied(self, policy: LatePolicy) -> LatePolicy:
        """Return a lab's policy with the later due time.

        An extension never makes anything due earlier.
        """
        if policy.due is None:
            return policy
        # Days are those of the calendar: the clock shows the same hour.
        extended = self.due or policy.due + timedelta(days=self.days)
        return replace(policy, due=max(policy.due, extended))

    def to_text(self) -> str:
        """As text that `parse_extension` reads."""
        return time_text(self.due) if self.due is not None else f"{self.days:g} days"


def parse_extension(text: str, zone: tzinfo | None = None) -> Extension:
    """Read a time or a number of days.

    Raises:
        ValueError: it is neither.
    """
    found = _DAYS.fullmatch(text.strip())
    if found is None:
        return Extension(due=parse_time(text, zone))
    days = number(found["number"])
    if days is None or not 0 < days <= _MAX_DAYS:
        raise ValueError(f"{text!r} is not a number of days above 0")
    return Extension(days=days)


def read_extensions(
    data: bytes, name: str, identities: Mapping[str, Collection[str]], zone: tzinfo | None = None
) -> dict[str, Extension | None]:
    """Read a file of extensions: by submission ID, None to take one back.

    Args:
        data: the file.
        name: what it is called.
        identities: IDs by what a person may call a student.
        zone: that of times that name none.

    Raises:
        UsageError: a line cannot be used, or names an unknown student.
    """
    table = read_table(data, name)
    found: dict[str, Extension | None] = {}
    unknown: list[str] = []
    for line, fields in records(table, name, ("student", "due")):
        try:
            extension = None if fields["due"].casefold() == _REMOVE else parse_extension(fields["due"], zone)
        except ValueError as error:
            raise UsageError(f"{name}, line {line}: {clean_line(str(error), 300)}.") from None
        if fields["student"] not in identities:
            unknown.append(fields["student"])
        for identity in identities.get(fields["student"], ()):
            if identity in found:
                raise UsageError(f"{name}, line {line}: {clean_line(fields['student'])} has an extension already.")
            found[identity] = extension
    if unknown:
        raise UsageError(
            f"{name} contains students without a submission: {first_few(unknown)}.",
            hint="name students by their name or ID as in scores.csv, or by their submission",
        )
    return found
