"""What being late costs. Pure; every time has a zone.

A lab's TOML may say (options of `grade` and `report` go before it):

[late]
due = "2026-10-05 23:59"     # also 2026-10-05T23:59:00+02:00, which needs no zone
zone = "Europe/Berlin"
grace_minutes = 15           # this much later costs nothing
percent_per_day = 10         # of the points, for every day begun after the due time
cap_percent = 50             # the most that is taken off
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
    """When a lab is due and what a late hand-in loses. `due` has a zone; None: nothing is late."""

    due: datetime | None = None
    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    cap_percent: float = 100.0

    def lateness(self, handed_in: datetime | None) -> Lateness | None:
        """What a hand-in loses; None if it was in time or nobody knows when it came.

        Days are counted on the clock of the due time's zone: where the clock is put back,
        that day has 25 hours.
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
        """As JSON data that `policy_from` reads."""
        data: dict[str, Any] = {name: getattr(self, name) for name in _NUMBERS}
        return data if self.due is None else {"due": time_text(self.due), **data}


@dataclass(frozen=True)
class LateOptions:
    """What was asked for on the command line; None leaves to the lab what it says. `due` may be `none`."""

    due: str | None = None
    grace_minutes: float | None = None
    percent_per_day: float | None = None
    cap_percent: float | None = None

    def over(self, earlier: LateOptions) -> LateOptions:
        """These, and where they say nothing, earlier ones."""
        return replace(earlier, **self.said())

    def said(self) -> dict[str, Any]:
        """Only what was asked for."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    def applied(self, policy: LatePolicy) -> LatePolicy:
        """A lab's policy with what was asked for instead.

        Raises:
            ValueError: the due time cannot be read.
        """
        said = self.said()
        if "due" in said:
            said["due"] = None if said["due"].strip().lower() == "none" else parse_time(said["due"])
        return replace(policy, **said)


def policy_from(table: Mapping[str, Any]) -> LatePolicy:
    """Read a `[late]` table.

    Raises:
        ValueError: what is wrong with it, for the person who wrote it.
    """
    unknown = set(table) - {"due", "zone", *_NUMBERS}
    if unknown:
        known = ", ".join(f"`{name}`" for name in ("due", "zone", *_NUMBERS))
        raise ValueError(f"unknown setting `{min(unknown)}`: known are {known}")
    numbers = {name: _number(name, table[name]) for name in _NUMBERS if name in table}
    if "due" not in table:
        raise ValueError("`due` is missing: without it nothing is late")
    zone = find_zone(str(table["zone"])) if "zone" in table else None
    due = table["due"]
    if isinstance(due, datetime):
        due = due.isoformat()
    if not isinstance(due, str):
        raise ValueError(f"`due` is {due!r}: it must be a day and a time, for example {TIME_EXAMPLE}")  # noqa: TRY004
    return LatePolicy(parse_time(due, zone), **numbers)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"`{name}` is {value!r}: it must be a number of at least 0")
    if name != "grace_minutes" and value > 100:
        raise ValueError(f"`{name}` is {value!r}: it must be a number from 0 to 100")
    return float(value)
