"""`--times FILE`: when submissions were handed in, for downloads that do not say. Pure.

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
    """Times by submission ID, and what the file names that is not among the submissions."""

    known: Mapping[str, datetime] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def read_times(
    data: bytes, name: str, identities: Mapping[str, str], handins: Mapping[str, HandIn], zone: tzinfo | None
) -> Times:
    """Read a file of times.

    Args:
        data: the file.
        name: what it is called.
        identities: IDs by what a person may call a submission.
        handins: for each ID what the platform says, to find Moodle's participants.
        zone: that of times that name none, such as those of a worksheet.

    Raises:
        UsageError: a line cannot be used; its number is told.
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
            raise UsageError(f"{name}, line {line}: {fields['submission']} has a time already.")
        else:
            times[identity] = time
    return Times(times, tuple(unknown))


def _of_worksheet(table: Table, name: str, handins: Mapping[str, HandIn], zone: tzinfo | None) -> Times:
    if zone is None:
        raise UsageError(
            f"{name} is a worksheet of Moodle, whose times have no zone; they are taken to be in that of the due time.",
            hint='say when the work was due: --due "2026-10-05 23:59 Europe/Berlin"',
        )
    times: dict[str, datetime] = {}
    for line, fields in records(table, name, [column.casefold() for column in _WORKSHEET]):
        text = fields["last modified (submission)"]
        if text in ("", "-"):
            continue
        time = _moodle_time(text, zone)
        if time is None:
            raise UsageError(
                f"{name}, line {line}: {text!r} is no time as Moodle writes it in English.",
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
