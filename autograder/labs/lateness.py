"""Late deductions. Pure; all times have a zone.

A lab's TOML file may contain the following table; options of `grade` and `report` take precedence.

[late]
due = "2026-10-05 23:59"     # or 2026-10-05T23:59:00+02:00, which needs no zone
zone = "Europe/Berlin"
grace_minutes = 15           # minutes after the due time without a deduction
percent_per_day = 10         # of the points, for every day started after the due time
cap_percent = 50             # the largest deduction
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from autograder.results.grade import Lateness
from autograder.util.times import TIME_EXAMPLE, find_zone, parse_time, time_text

_NUMBERS = ("grace_minutes", "percent_per_day", "cap_percent")


@dataclass(frozen=True)
class LatePolicy:
    """When a lab is due and how much is deducted from late submissions.

    Args:
        due: the due time, with a zone; None if nothing is late.
        grace_minutes: minutes after the due time without a deduction.
        percent_per_day: deduction for every day started after the due time, in percent of the points.
        cap_percent: the largest deduction, in percent of the points.
    """

    due: datetime | None = None
    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    cap_percent: float = 100.0

    def lateness(self, handed_in: datetime | None) -> Lateness | None:
        """Return the deduction for a submission time; None if it is in time or unknown.

        Days are counted in the local time of the due time's zone, where the day on which clocks are set back has 25
        hours.
        """
        if self.due is None or handed_in is None:
            return None
        seconds = (handed_in.astimezone(UTC) - self.due.astimezone(UTC)).total_seconds()
        if seconds <= 0:
            return None
        if seconds <= 60 * self.grace_minutes:
            return Lateness(seconds, 0.0)
        on_the_clock = handed_in.astimezone(self.due.tzinfo).replace(tzinfo=None) - self.due.replace(tzinfo=None)
        days_begun = max(1, math.ceil(on_the_clock / timedelta(days=1)))
        return Lateness(seconds, min(days_begun * self.percent_per_day, self.cap_percent, 100.0))

    def to_data(self) -> dict[str, Any]:
        """Return the policy as JSON data for `policy_from`."""
        data: dict[str, Any] = {name: getattr(self, name) for name in _NUMBERS}
        return data if self.due is None else {"due": time_text(self.due), **data}


@dataclass(frozen=True)
class LateOptions:
    """Lateness options of the command line; None keeps the lab's value.

    Args:
        due: the due time as text, or `none`.
        grace_minutes: as in `LatePolicy`.
        percent_per_day: as in `LatePolicy`.
        cap_percent: as in `LatePolicy`.
    """

    due: str | None = None
    grace_minutes: float | None = None
    percent_per_day: float | None = None
    cap_percent: float | None = None

    def over(self, earlier: LateOptions) -> LateOptions:
        """Return these options with unset ones taken from `earlier`."""
        return replace(earlier, **self.given())

    def given(self) -> dict[str, Any]:
        """Return only the options that are set."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    def applied(self, policy: LatePolicy) -> LatePolicy:
        """Return a lab's policy with these options applied.

        Raises:
            ValueError: the due time is invalid.
        """
        given = self.given()
        if "due" in given:
            given["due"] = None if given["due"].strip().lower() == "none" else parse_time(given["due"])
        return replace(policy, **given)


def policy_from(table: Mapping[str, Any]) -> LatePolicy:
    """Read a `[late]` table.

    Raises:
        ValueError: a setting is missing, unknown or invalid.
    """
    unknown = set(table) - {"due", "zone", *_NUMBERS}
    if unknown:
        known = ", ".join(f"`{name}`" for name in ("due", "zone", *_NUMBERS))
        raise ValueError(f"unknown setting `{min(unknown)}`: valid settings are {known}")
    numbers = {name: _number(name, table[name]) for name in _NUMBERS if name in table}
    if "due" not in table:
        raise ValueError("`due` is missing: without it no submission is late")
    zone = find_zone(str(table["zone"])) if "zone" in table else None
    due = table["due"]
    if isinstance(due, datetime):
        due = due.isoformat()
    if not isinstance(due, str):
        raise ValueError(f"`due` is {due!r}: it must be a date and a time, for example {TIME_EXAMPLE}")  # noqa: TRY004
    return LatePolicy(parse_time(due, zone), **numbers)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"`{name}` is {value!r}: it must be a number of 0 or more")
    if name != "grace_minutes" and value > 100:
        raise ValueError(f"`{name}` is {value!r}: it must be a number from 0 to 100")
    return float(value)
