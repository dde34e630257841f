"""Parsing and formatting times with time zones. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

TIME_EXAMPLE = "2026-10-05 23:59 Europe/Berlin or 2026-10-05T23:59+02:00"


def parse_time(text: str, zone: tzinfo | None = None) -> datetime:
    """Parse a time followed by an offset or zone name, or in the given zone.

    In the hour that occurs twice when clocks are set back, the later time is used, in the student's favour. In the hour
    skipped when clocks are set forward, the offset before the change applies.

    Raises:
        ValueError: the text is not a time, or its zone is unknown.
    """
    words = text.split()
    if len(words) > 1 and any(c.isalpha() for c in words[-1]) and words[-1].upper() != "Z":
        *words, name = words
        zone = find_zone(name)
    plain = "T".join(words[:2]) + "".join(words[2:])
    try:
        time = datetime.fromisoformat(_microseconds(plain))
    except ValueError:
        raise ValueError(f"{text!r} is not a time: write it like {TIME_EXAMPLE}") from None
    if len(plain) <= len("2026-10-05"):
        raise ValueError(f"{text!r} is a date without a time: write it like {TIME_EXAMPLE}")
    if time.tzinfo is not None:
        return time
    if zone is None:
        raise ValueError(f"{text!r} has no time zone: write it like {TIME_EXAMPLE}")
    return max((time.replace(tzinfo=zone, fold=fold) for fold in (0, 1)), key=lambda moment: moment.astimezone(UTC))


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


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # unknown, a path, a folder of the database
        raise ValueError(f"there is no time zone {name!r}: write one like Europe/Berlin or UTC") from None
