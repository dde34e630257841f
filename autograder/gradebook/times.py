"""`--times FILE`: when submissions were handed in, for folders that do not say. Columns submission,time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from autograder.errors import UsageError
from autograder.gradebook.tables import read_table, records
from autograder.moments import parse_time


def read_times(data: bytes, name: str, identities: Mapping[str, str]) -> tuple[dict[str, datetime], tuple[str, ...]]:
    """Times by submission ID, and the submissions named in the file that are not among those known.

    Args:
        data: the file.
        name: what it is called.
        identities: IDs by what a person may call a submission.

    Raises:
        UsageError: a line cannot be used; its number is told.
    """
    times: dict[str, datetime] = {}
    unknown: list[str] = []
    for line, fields in records(read_table(data, name), name, ("submission", "time")):
        identity = identities.get(fields["submission"])
        try:
            time = parse_time(fields["time"])
        except ValueError as error:
            raise UsageError(f"{name}, line {line}: {error}.") from None
        if identity is None:
            unknown.append(fields["submission"])
        elif identity in times:
            raise UsageError(f"{name}, line {line}: {fields['submission']} has a time already.")
        else:
            times[identity] = time
    return times, tuple(unknown)
