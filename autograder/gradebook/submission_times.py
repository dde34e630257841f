"""Submission times (`--times FILE`), for downloads that do not contain them. Pure.

Either CSV with the columns submission,time, or Moodle's grading worksheet, whose column "Last modified (submission)"
has times like "Monday, 5 October 2026, 11:10 PM" in the zone of the person who downloaded it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from autograder.errors import UsageError
from autograder.results.handin import HandIn
from autograder.util.csv_tables import Table, ending_digits, read_table, records
from autograder.util.times import parse_time

_WORKSHEET = ("Identifier", "Last modified (submission)")
_MOODLE_FORMS = ("%A, %d %B %Y, %I:%M %p", "%A, %B %d, %Y, %I:%M %p")


@dataclass(frozen=True)
class Times:
    """Times by submission ID, and names in the file that match no submission."""

    known: Mapping[str, datetime] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def read_times(
    data: bytes, name: str, identities: Mapping[str, str], handins: Mapping[str, HandIn], zone: tzinfo | None
) -> Times:
    """Read a file of times.

    Args:
        data: its content.
        name: its name, for messages.
        identities: IDs by the names that a person may use for a submission.
        handins: platform metadata by ID, to identify Moodle's participants.
        zone: the zone of times without one, such as those of a worksheet.

    Raises:
        UsageError: a line is invalid; the message contains its number.
    """
    table = read_table(data, name)
    header = {field.strip().casefold() for field in table.rows[0]}
    if header >= {column.casefold() for column in _WORKSHEET}:
        return _of_worksheet(table, name, handins, zone)
    times: dict[str, datetime] = {}
    unknown: list[str] = []
    for line, fields in records(table, name, ("submission", "time")):
        identity = identities.get(fields["submission"])
        try:
            time = parse_time(fields["time"], zone)
        except ValueError as error:
            raise UsageError(f"{name}, line {line}: {error}.") from None
        if identity is None:
            unknown.append(fields["submission"])
        elif identity in times:
            raise UsageError(f"{name}, line {line}: {fields['submission']} occurs twice.")
        else:
            times[identity] = time
    return Times(times, tuple(unknown))


def _of_worksheet(table: Table, name: str, handins: Mapping[str, HandIn], zone: tzinfo | None) -> Times:
    if zone is None:
        raise UsageError(
            f"{name} is a Moodle worksheet, whose times have no zone, and no due time with a zone is set.",
            hint='give the due time: --due "2026-10-05 23:59 Europe/Berlin"',
        )
    times: dict[str, datetime] = {}
    for line, fields in records(table, name, [column.casefold() for column in _WORKSHEET]):
        text = fields["last modified (submission)"]
        if text in ("", "-"):
            continue
        time = _moodle_time(text, zone)
        if time is None:
            raise UsageError(
                f"{name}, line {line}: {text!r} is not a time in Moodle's English format.",
                hint="set Moodle's language to English and download the worksheet again",
            )
        participant = ending_digits(fields["identifier"])
        times |= {i: time for i, h in handins.items() if h.platform == "moodle" and h.key == participant}
    return Times(times)


def _moodle_time(text: str, zone: tzinfo) -> datetime | None:
    for form in _MOODLE_FORMS:
        try:
            plain = datetime.strptime(text, form)
        except ValueError:
            continue
        return parse_time(plain.isoformat(), zone)
    return None
