"""Late days in the course's time zone, grace, cap, changes of the offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from autograder.labs.lateness import LateOptions, LatePolicy, policy_from
from autograder.results.grade import Lateness
from autograder.util.times import parse_time, time_text

DUE = parse_time("2026-10-05 23:59 Europe/Berlin")
POLICY = LatePolicy(DUE, grace_minutes=15, percent_per_day=10, cap_percent=50)


@pytest.mark.parametrize(
    ("after", "percent"),
    [
        (timedelta(minutes=15), 0),
        (timedelta(minutes=15, seconds=1), 10),
        (timedelta(days=1), 10),
        (timedelta(days=1, seconds=1), 20),
        (timedelta(days=4, hours=23), 50),
        (timedelta(days=300), 50),
    ],
)
def test_percent_by_days_begun(after: timedelta, percent: float) -> None:
    assert POLICY.lateness(DUE + after) == Lateness(after.total_seconds(), percent)


def test_in_time_or_at_an_unknown_time_loses_nothing() -> None:
    assert POLICY.lateness(DUE) is None
    assert POLICY.lateness(DUE - timedelta(seconds=1)) is None
    assert POLICY.lateness(None) is None
    assert LatePolicy(percent_per_day=10).lateness(DUE) is None


def test_the_zone_of_the_hand_in_does_not_matter() -> None:
    assert POLICY.lateness(datetime(2026, 10, 5, 21, 59, tzinfo=UTC)) is None
    assert POLICY.lateness(parse_time("2026-10-05T15:20:00-07:00")) == Lateness(21 * 60, 10)


def test_a_day_on_which_the_clock_is_put_back_has_25_hours() -> None:
    due = parse_time("2026-10-24 23:59 Europe/Berlin")  # the clock goes back on the 25th at 3 o'clock
    policy = LatePolicy(due, percent_per_day=10)
    lateness = policy.lateness(parse_time("2026-10-25 23:59 Europe/Berlin"))
    assert lateness == Lateness(25 * 3600, 10), "one day later by the clock is one day begun"
    assert policy.lateness(parse_time("2026-10-26 00:00 Europe/Berlin")) == Lateness(25 * 3600 + 60, 20)


def test_a_day_on_which_the_clock_is_put_forward_has_23_hours() -> None:
    policy = LatePolicy(parse_time("2026-03-28 23:59 Europe/Berlin"), percent_per_day=10)
    assert policy.lateness(parse_time("2026-03-29 23:59 Europe/Berlin")) == Lateness(23 * 3600, 10)


def test_an_hour_that_occurs_twice_is_the_second_one() -> None:
    assert parse_time("2026-10-25 02:30 Europe/Berlin").astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-10-05 23:59", "no time zone"),
        ("2026-10-05", "without a time"),
        ("2026-10-05 Europe/Berlin", "without a time"),
        ("2026-10-05 23:59 Europe/Berlinn", "no time zone 'Europe/Berlinn'"),
        ("2026-10-05 23:59 ../../etc/passwd", "no time zone"),
        ("2026-13-05 23:59 UTC", "is not a time"),
        ("tomorrow", "is not a time"),
        ("", "is not a time"),
    ],
)
def test_times_that_cannot_be_used_say_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_time(text)


@pytest.mark.parametrize(
    "text", ["2026-10-05 23:59 Europe/Berlin", "2026-10-05T23:59+02:00", "2026-10-05 23:59:07 UTC"]
)
def test_times_are_read_back(text: str) -> None:
    assert parse_time(time_text(parse_time(text))) == parse_time(text)


def test_a_labs_table() -> None:
    table = {"due": "2026-10-05 23:59", "zone": "Europe/Berlin", "grace_minutes": 15, "percent_per_day": 10}
    assert policy_from(table) == LatePolicy(DUE, 15, 10)
    assert policy_from(policy_from(table).to_data()) == policy_from(table)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"percent_per_day": 10}, "`due` is missing"),
        ({"due": "2026-10-05 23:59"}, "no time zone"),
        ({"due": datetime(2026, 10, 5)}, "no time zone"),
        ({"due": 5}, "a date and a time"),
        ({"due": "2026-10-05T23:59Z", "percent_per_day": 101}, "from 0 to 100"),
        ({"due": "2026-10-05T23:59Z", "grace_minutes": -1}, "0 or more"),
        ({"due": "2026-10-05T23:59Z", "cap_percent": float("nan")}, "0 or more"),
        ({"due": "2026-10-05T23:59Z", "percent_per_day": True}, "0 or more"),
        ({"due": "2026-10-05T23:59Z", "percent": 1}, "unknown setting `percent`"),
    ],
)
def test_faults_of_a_labs_table_are_named(table: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        policy_from(table)


def test_options_go_before_the_lab_one_by_one() -> None:
    asked = LateOptions(percent_per_day=20).over(LateOptions("2026-10-06T00:00Z", cap_percent=30))
    assert asked.applied(POLICY) == LatePolicy(datetime(2026, 10, 6, tzinfo=UTC), 15, 20, 30)
    assert LateOptions("none").applied(POLICY).due is None
