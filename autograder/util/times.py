"""Parsing and formatting times with time zones. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

_TWELVE_HOURS = re.compile(
    r"(?P<before>\b)(?P<hour>\d{1,2})(?P<minutes>(?::\d{2}){0,2})\s*(?P<half>[ap])\.?\s?m\b\.?", re.IGNORECASE
)
_ONE_DIGIT_HOUR = re.compile(r"(?P<before>\s)(?P<hour>\d)(?P<minutes>(?::\d{2})+)(?P<half>)")
_WRITTEN_DAY = re.compile(r"(?P<first>\d{1,2})(?P<mark>[/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})")
_MAX_QUOTED = 60
TIME_EXAMPLE = "2026-10-05 23:59 Europe/Berlin or 2026-10-05T23:59+02:00"


def parse_time(text: str, zone: tzinfo | None = None) -> datetime:
    """Parse a time followed by an offset or zone name, or in the given zone.

    In the hour that occurs twice when clocks are set back, the later time is used, in the student's favour. In the hour
    skipped when clocks are set forward, the offset before the change applies.

    Raises:
        ValueError: the text is not a time, or its zone is unknown.
    """
    words = _twenty_four_hours(text).split()
    if len(words) > 1 and any(c.isalpha() for c in words[-1]) and words[-1].upper() != "Z":
        *words, name = words
        zone = find_zone(name)
    words[:1] = [_iso_day(word, text) for word in words[:1]]
    plain = "T".join(words[:2]) + "".join(words[2:])
    try:
        time = datetime.fromisoformat(_microseconds(plain))
    except ValueError:
        raise ValueError(f"{_quoted(text)} is not a time: write it like {TIME_EXAMPLE}") from None
    if len(plain) <= len("2026-10-05"):
        raise ValueError(f"{_quoted(text)} is a date without a time: write it like {TIME_EXAMPLE}")
    if time.tzinfo is not None:
        return time
    if zone is None:
        raise ValueError(f"{_quoted(text)} has no time zone: write it like {TIME_EXAMPLE}")
    return max((time.replace(tzinfo=zone, fold=fold) for fold in (0, 1)), key=lambda moment: moment.astimezone(UTC))


def _twenty_four_hours(text: str) -> str:
    """Convert a 12-hour time to 24 hours: 8:15 PM to 20:15, 8:15 to 08:15.

    Text that is no time of day is returned unchanged and refused later.
    """

    def changed(match: re.Match[str]) -> str:
        hour, half = int(match["hour"]), (match["half"] or "").lower()
        if half and not 1 <= hour <= 12:
            raise ValueError(f"{_quoted(text)} is not a time: with AM or PM the hour is 1 to 12")
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        return f"{match['before']}{hour:02}{match['minutes'] or ':00'}"

    found = _TWELVE_HOURS.sub(changed, text, count=1)
    return found if found != text else _ONE_DIGIT_HOUR.sub(changed, text, count=1)


def _iso_day(day: str, text: str) -> str:
    """Return a day as spreadsheets write it: 10/06/2026 or 6.10.2026.

    With slashes, the month comes first if the time has 12 hours.

    Raises:
        ValueError: it could be two days.
    """
    found = _WRITTEN_DAY.fullmatch(day)
    if found is None:
        return day
    first, second, mark = int(found["first"]), int(found["second"]), found["mark"]
    american = mark == "/" and (_TWELVE_HOURS.search(text) is not None or second > 12)
    if mark == "/" and not american and first <= 12 and first != second:
        raise ValueError(
            f"{_quoted(text)} could be two days, as {day} may begin with the month: write it like {TIME_EXAMPLE}"
        )
    month, day_of_month = (first, second) if american and first <= 12 else (second, first)
    return f"{found['year']}-{month:02}-{day_of_month:02}"


def time_text(time: datetime) -> str:
    """Format a time so that `parse_time` can read it."""
    if isinstance(time.tzinfo, ZoneInfo) and time.tzinfo.key:
        return f"{time.replace(tzinfo=None, fold=0).isoformat(' ', 'auto')} {time.tzinfo.key}"
    return time.isoformat(" ")


def _microseconds(text: str) -> str:
    """Truncate fractional seconds to six digits; Gradescope writes nine."""
    head, dot, tail = text.partition(".")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}" if dot and digits else text


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…")


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # unknown, a path, a folder of the database
        raise ValueError(f"there is no time zone {_quoted(name)}: write one like Europe/Berlin or UTC") from None
