"""Tables that people write are read correctly or refused with the line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from autograder.errors import KitError, UsageError
from autograder.gradebook.corrections import Known, above_maximum, changes, combined, from_json, read_overrides, to_json
from autograder.gradebook.submission_times import Times, read_times
from autograder.results.grade import Override
from autograder.results.handin import HandIn, Person
from autograder.util.csv_tables import number, number_text, read_table
from tests.platforms.samples import csv_bytes, moodle_worksheet

KNOWN = Known(
    {"ada.ipynb": "ada.ipynb", "Ångström.ipynb": "angstrom-1", "angstrom-1": "angstrom-1", "bad": "bad"},
    {"ada.ipynb": {"q1": 2, "q2": 3}, "angstrom-1": {"q1": 2}, "bad": {}},
)
HEADER = "submission,question,points,reason\n"


def test_corrections_by_name_or_id() -> None:
    text = f'{HEADER}ada.ipynb,q2,1.5,"half right, typo"\n\nÅngström.ipynb,q1,2,regraded\n'
    assert read_overrides(text.encode(), "o.csv", KNOWN) == {
        "ada.ipynb": {"q2": Override("q2", 1.5, "half right, typo")},
        "angstrom-1": {"q1": Override("q1", 2, "regraded")},
    }


def test_as_a_german_spreadsheet_saves_them() -> None:
    rows = [["Submission", "Question", "Points", "Reason", ""], ["ada.ipynb", "q1", "1,5", "so"]]
    data = csv_bytes(rows, bom=True, newline="\r\n", separator=";")
    assert read_overrides(data, "o.csv", KNOWN) == {"ada.ipynb": {"q1": Override("q1", 1.5, "so")}}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("eve.ipynb,q1,1,x", "line 2: there is no submission eve.ipynb"),
        ("ada.ipny,q1,1,x", "there is ada.ipynb"),
        ("ada.ipynb,q9,1,x", "line 2: ada.ipynb has no question q9 (it has q1, q2)"),
        ("bad,q1,1,x", "it has none, because it was not readable"),
        ("ada.ipynb,q1,-1,x", "-1 points are below 0"),
        ("ada.ipynb,q1,nan,x", "line 2: nan is not a number"),
        ("ada.ipynb,q1,1e400,x", "is not a number"),
        ("ada.ipynb,q1,,x", "line 2: nothing is not a number"),
        ("ada.ipynb,q1,1,", "line 2: the reason, which the student reads, is missing"),
        ("ada.ipynb,q1,1", "line 2: the reason, which the student reads, is missing"),
        ("ada.ipynb,q1,1,half, right", "line 2: more fields than columns"),
        ('"ada.ipynb",q1,1,"two\nlines"\nada.ipynb,q1,2,x', "line 4: q1 of ada.ipynb occurs twice"),
    ],
)
def test_faults_are_reported_with_their_line(line: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_overrides(f"{HEADER}{line}\n".encode(), "o.csv", KNOWN)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xff\xfe\0", "UTF-8"),
        (b"submission,points\n", "no column `question`"),
        (b"PK\3\4", "no column"),
    ],
)
def test_files_that_are_no_corrections(data: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_overrides(data, "o.csv", KNOWN)


def test_files_of_corrections_add_up() -> None:
    first = combined({}, read_overrides(f"{HEADER}ada.ipynb,q1,1,x\nada.ipynb,q2,2,x\n".encode(), "1.csv", KNOWN))
    second = combined(
        first, read_overrides(f"{HEADER}ada.ipynb,q2,2.5,y\nÅngström.ipynb,q1,1,y\n".encode(), "2", KNOWN)
    )
    assert {i: {q: o.points for q, o in by_q.items()} for i, by_q in second.items()} == {
        "ada.ipynb": {"q1": 1, "q2": 2.5},
        "angstrom-1": {"q1": 1},
    }
    assert changes(first, second) == "Corrections: 3 (1 new, 1 changed)"
    third = combined(
        second, read_overrides(f"{HEADER}ada.ipynb,q1,remove,\nangstrom-1,q1,Remove,\n".encode(), "3", KNOWN)
    )
    assert {i: list(by_q) for i, by_q in third.items()} == {"ada.ipynb": ["q2"]}
    assert changes(second, third) == "Corrections: 1 (2 removed)"


def test_points_above_a_maximum_are_a_persons_to_give_and_told() -> None:
    given = combined({}, read_overrides(f"{HEADER}ada.ipynb,q1,2.5,bonus\nada.ipynb,q2,3,x\n".encode(), "o.csv", KNOWN))
    assert above_maximum(given, KNOWN) == ["Above the maximum: ada.ipynb, q1: 2.5 of 2 points"]


def test_what_a_new_file_changes_is_reported() -> None:
    before = {"a": {"q1": Override("q1", 1, "x"), "q2": Override("q2", 1, "x")}}
    after = {"a": {"q1": Override("q1", 2, "x")}, "b": {"q1": Override("q1", 2, "x")}}
    assert changes(before, after) == "Corrections: 2 (1 new, 1 changed, 1 removed)"
    assert changes(after, after) == "Corrections: 2 (none new)"


def test_corrections_are_kept_as_json() -> None:
    overrides = {"a": {"q1": Override("q1", 1.5, "für später")}}
    assert from_json(to_json(overrides), "o.json") == overrides
    with pytest.raises(KitError, match="damaged"):
        from_json('{"overrides": [{"points": "many"}]}', "o.json")


def test_times_by_submission() -> None:
    data = b"submission,time\nada.ipynb,2026-10-05T23:10:00Z\nwho,2026-10-05 23:10 UTC\n"
    times = read_times(data, "t.csv", KNOWN.identities, {}, None)
    assert times == Times({"ada.ipynb": datetime(2026, 10, 5, 23, 10, tzinfo=UTC)}, ("who",))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ada.ipynb,2026-10-05 23:10", r"line 2: .* has no time zone"),
        ("ada.ipynb,2026-10-05T10:00Z\nada.ipynb,2026-10-05T11:00Z", "line 3: ada.ipynb occurs twice"),
    ],
)
def test_times_that_cannot_be_used_are_reported_with_their_line(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_times(f"submission,time\n{line}\n".encode(), "t.csv", KNOWN.identities, {}, None)


def test_times_of_a_worksheet_are_in_the_zone_of_the_due_time() -> None:
    rows = moodle_worksheet()
    when = rows[0].index("Last modified (submission)")
    rows[2][when] = "Tuesday, October 6, 2026, 12:05 AM"
    handins = {f"s{key}": HandIn("moodle", key, (Person("x", key),)) for key in ("301", "302", "305")}
    times = read_times(csv_bytes(rows), "w.csv", {}, handins, ZoneInfo("Europe/Berlin"))
    assert times.known == {
        "s301": datetime(2026, 10, 5, 21, 10, tzinfo=UTC),
        "s302": datetime(2026, 10, 5, 22, 5, tzinfo=UTC),
    }
    with pytest.raises(UsageError, match="no zone"):
        read_times(csv_bytes(rows), "w.csv", {}, handins, None)
    rows[1][when] = "Montag, 5. Oktober 2026, 23:10"
    with pytest.raises(UsageError, match=r"line 2: .* is not a time in Moodle's English format"):
        read_times(csv_bytes(rows), "w.csv", {}, handins, UTC)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_table_is_written_as_it_came(separator: str, bom: bool, newline: str) -> None:
    rows = [["a", 'b "c"', "d; e, f\tg"], ["=1", "two\nlines", ""], ["", "", "x"]]
    data = csv_bytes(rows, bom=bom, newline=newline, separator=separator)
    assert read_table(data, "t.csv").text().encode() == data


@pytest.mark.parametrize(
    ("text", "separator", "value"), [("1.5", ",", 1.5), ("1,5", ";", 1.5), ("1,5", ",", 1.5), ("inf", ",", None)]
)
def test_numbers_of_fields(text: str, separator: str, value: float | None) -> None:
    assert number(text, separator) == value


@pytest.mark.parametrize(
    ("value", "text"), [(10, "10"), (2 / 3, "0.67"), (0, "0"), (-0.0, "0"), (1234567.5, "1234567.5")]
)
def test_numbers_are_written_plainly(value: float, text: str) -> None:
    assert number_text(value) == text
