"""Extensions: later due times of single students."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from autograder.errors import UsageError
from autograder.gradebook.counting import count
from autograder.gradebook.extensions import Extension, parse_extension, read_extensions
from autograder.gradebook.record import Record
from autograder.labs.lateness import LateOptions, LatePolicy
from autograder.results.result import QuestionResult, Result

BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 10, 5, 23, 59, tzinfo=BERLIN)
STUDENTS = {"ada (301)": {"ada-301-tiny", "ada-301-other"}, "302": {"bo-302"}}


@pytest.mark.parametrize(
    ("text", "extension"),
    [
        ("2", Extension(days=2)),
        ("1,5 days", Extension(days=1.5)),
        ("1 day", Extension(days=1)),
        ("2026-10-08 12:00", Extension(datetime(2026, 10, 8, 12, 0, tzinfo=BERLIN))),
        ("2026-10-08 8:00 PM UTC", Extension(datetime(2026, 10, 8, 20, 0, tzinfo=UTC))),
    ],
)
def test_times_and_days_are_read_and_kept(text: str, extension: Extension) -> None:
    read = parse_extension(text, BERLIN)
    assert read == extension
    assert parse_extension(read.to_text()) == extension


def test_all_work_of_a_student_is_extended() -> None:
    found = read_extensions(b"student,due\nada (301),3 days\n302,remove\n", "e.csv", STUDENTS)
    assert found == {"ada-301-tiny": Extension(days=3), "ada-301-other": Extension(days=3), "bo-302": None}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("who,2", "contains students without a submission: who"),
        ("302,0", "line 2: '0' is not a number of days"),
        ("302,-1", "line 2: '-1'"),
        ("302,soon", "line 2: 'soon'"),
        ("302,", "line 2: "),
        ("302,1\n302,2", "line 3: 302 has an extension already"),
    ],
)
def test_lines_that_cannot_be_used_are_reported(line: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_extensions(f"student,due\n{line}\n".encode(), "e.csv", STUDENTS, BERLIN)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("extension", "score", "late"),
    [
        (None, 8.0, "1 day 12 hours late"),
        (Extension(days=1), 9.0, "12 hours late, extended to 2026-10-06 23:59:00 Europe/Berlin"),
        (Extension(days=2), 10.0, "in time, extended to 2026-10-07 23:59:00 Europe/Berlin"),
        (Extension(datetime(2026, 10, 1, tzinfo=UTC)), 8.0, "1 day 12 hours late"),
    ],
)
def test_lateness_counts_from_the_extended_due_time(extension: Extension | None, score: float, late: str) -> None:
    result = Result("a", "", "tiny", "full", "graded", None, 10, 10, 1.0, (QuestionResult("q1", "passed", 10, 10),))
    record = Record(
        options=LateOptions("2026-10-05 23:59 Europe/Berlin", percent_per_day=10),
        times={"a": datetime(2026, 10, 7, 11, 59, tzinfo=BERLIN)},
        extensions={} if extension is None else {"a": extension},
    )
    kept = Record.from_json(record.to_json())
    assert kept.extensions == record.extensions
    found = count([("a", result)], kept, {})
    assert (found.rows[0].grade.score, found.handed["a"].late) == (score, late)


def test_without_a_due_time_an_extension_changes_nothing() -> None:
    assert Extension(days=2).applied(LatePolicy()).due is None
    assert Extension(days=2).applied(LatePolicy(DUE)).due == datetime(2026, 10, 7, 23, 59, tzinfo=BERLIN)
