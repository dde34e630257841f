"""F02, F07, F08, F11, F12, F17: tables as platforms and spreadsheets write them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.errors import UsageError
from autograder.gradebook.corrections import Known, read_overrides
from autograder.gradebook.submission_times import read_times
from autograder.intake.submissions import take_in
from autograder.platforms.canvas import assignment_column, fill_canvas, for_groups, read_groups
from autograder.platforms.matching import Entry, Filled
from autograder.platforms.moodle import feedback_pages, fill_moodle
from autograder.results.grade import Grade, Override
from autograder.results.handin import HandIn, Person, Platform
from autograder.results.result import QuestionResult, Result
from autograder.util.csv_tables import Table, localised_number, number, read_table
from autograder.util.times import parse_time
from tests.fixtures.faults import FAULTS
from tests.platforms.samples import csv_bytes

BERLIN = ZoneInfo("Europe/Berlin")


def entry(handin: HandIn, score: float = 5) -> Entry:
    result = Result(
        handin.names, "", "tiny", "full", "graded", None, score, 5, 1.0, (QuestionResult("q1", "partial", score, 5),)
    )
    return Entry(handin.key, Grade(result), handin, None)


def entries_of(path: Path, score: float = 5) -> list[Entry]:
    return [entry(s.handin, score) for s in take_in([path]).submissions if s.handin]


def canvas(data: bytes, entries: list[Entry]) -> tuple[Table, Filled]:
    table = read_table(data, "canvas.csv")
    return fill_canvas(table, entries, assignment_column(table, None, ["Tiny"]))


def moodle(data: bytes, entries: list[Entry]) -> tuple[Table, Filled]:
    return fill_moodle(read_table(data, "worksheet.csv"), entries)


def person(name: str, key: str, platform: Platform) -> HandIn:
    return HandIn(platform, key, (Person(name, key),))


# --- F02: numbers ----------------------------------------------------------------------------------------------------


def test_points_possible_with_a_decimal_comma() -> None:
    table, filled = canvas((FAULTS / "F02/german.csv").read_bytes(), entries_of(FAULTS / "F02/class", 4.25))
    assert [row[4] for row in table.rows[2:]] == ["8,5", "8,5"], "the gradebook's own decimal mark"
    assert filled.maxima == {10.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10.00", 10),
        ("10,00", 10),
        ("1,000.00", 1000),
        ("1.000,00", 1000),
        ("1 000,00", 1000),
        ("1\u00a0000,00", 1000),
        ("1\u202f000,50", 1000.5),
        ("1'000.00", 1000),
        ("1\u2019000.00", 1000),
        ("1,00,000.00", 100_000),
        ("1.000.000", 1_000_000),
        ("0,125", 0.125),
        ("1,000", None),
        ("1.000", None),
        ("10,0,0", None),
        ("ten", None),
        ("nan", None),
        ("", None),
    ],
)
def test_numbers_as_platforms_print_them(text: str, value: float | None) -> None:
    assert localised_number(text) == value


@pytest.mark.parametrize(
    ("text", "separator", "value"),
    [("1.125", ",", 1.125), ("2,5", ",", 2.5), ("1,125", ";", 1.125), ("1,125", ",", None), (" 3 ", ",", 3)],
)
def test_numbers_as_people_write_them(text: str, separator: str, value: float | None) -> None:
    assert number(text, separator) == value


@pytest.mark.parametrize("points", ["1,000", "ten", "10,0,0", "10 points"])
def test_points_that_cannot_be_read_are_an_error_with_the_row(points: str) -> None:
    rows = [["Student", "ID", "Section", "Tiny (552)"], ["    Points Possible", "", "", points], ["Ada", "301", "", ""]]
    with pytest.raises(UsageError, match=r'row "Points Possible" .* No grade was written'):
        canvas(csv_bytes(rows), [entry(person("ada", "301", "canvas"))])


def test_a_maximum_grade_that_cannot_be_read_is_an_error_with_the_row() -> None:
    rows = [["Identifier", "Full name", "Grade", "Maximum Grade"], ["Participant 7", "Ada", "", "1,000"]]
    with pytest.raises(UsageError, match=r"row of Participant 7 .* No grade was written"):
        moodle(csv_bytes(rows), [entry(person("Ada", "7", "moodle"))])


@pytest.mark.parametrize("points", ["", None])
def test_a_gradebook_without_points_is_reported(points: str | None) -> None:
    rows = [["Student", "ID", "Section", "Tiny (552)"], ["Ada", "301", "", ""]]
    if points is not None:
        rows.insert(1, ["    Points Possible", "", "", points])
    table, filled = canvas(csv_bytes(rows), [entry(person("ada", "301", "canvas"))])
    assert table.rows[-1][3] == "5"
    assert any("does not contain the maximum points" in heading for heading in filled.told)


# --- F07 and F08: names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("download", "worksheet"), [("F07/class", "F07/worksheet.csv"), ("F08/moodle_mac.zip", "F08/ws.csv")]
)
def test_names_that_a_folder_cannot_bear_are_filled_all_the_same(download: str, worksheet: str) -> None:
    entries = entries_of(FAULTS / download)
    table, filled = moodle((FAULTS / worksheet).read_bytes(), entries)
    assert [row[2] for row in table.rows[1:]] == ["10", "10"]
    assert filled.told == {}
    pages = feedback_pages(list(filled.entries.values()), {e.identity: b"page" for e in entries}, 1)
    assert len(pages) == 2


@pytest.mark.parametrize(
    ("name", "folder", "same"),
    [
        ("Sean O'Brien", "Sean OBrien", True),
        ("Sean O\u2019Brien", "Sean OBrien", True),
        ("Sean O'Brien", "Sean O_Brien", True),
        ("Sean O'Brien", "Sean O Brien", True),
        ("Tom & Jerry", "Tom  Jerry", True),
        ("Mia Marco/Polo", "Mia MarcoPolo", True),
        ('Ann "Annie" Lee', "Ann Annie Lee", True),
        ("Zoë Ångström", "Zoe\u0308 A\u030angstro\u0308m", True),
        ("Anne-Marie Roe", "Roe Anne-Marie", True),
        ("देवी राम", "देवी राम", True),
        ("Ada K. Lovelace", "Ada Lovelace", True),
        ("Ada Lovelace", "Bob Roe", False),
        ("Ada Lovelace", "Team A", False),
        ("???", "Ada Lovelace", False),
    ],
)
def test_names_are_compared_as_moodle_writes_folders(name: str, folder: str, same: bool) -> None:
    rows = [["Identifier", "Full name", "Grade", "Maximum Grade"], ["Participant 7", name, "", "10.00"]]
    _, filled = moodle(csv_bytes(rows), [entry(person(folder, "7", "moodle"))])
    assert bool(filled.values) == same


# --- F11 and F12: tables ---------------------------------------------------------------------------------------------

KNOWN = Known({"kingada_301_9001_lab.ipynb": "ada"}, {"ada": {"q1": 2, "q2": 3}})


def test_a_table_with_the_line_ends_of_an_old_mac() -> None:
    found = read_overrides((FAULTS / "F11/override.csv").read_bytes(), "override.csv", KNOWN)
    assert found["ada"]["q2"] == Override("q2", 1, "typo")


@pytest.mark.parametrize("newline", ["\r", "\n", "\r\n"], ids=repr)
@pytest.mark.parametrize("kind", ["override", "times", "canvas", "moodle"])
def test_tables_are_read_with_any_line_ending(kind: str, newline: str) -> None:
    if kind == "override":
        rows = [["submission", "question", "points", "reason"], ["kingada_301_9001_lab.ipynb", "q2", "1", "x"]]
        found = read_overrides(csv_bytes(rows, newline=newline), "o.csv", KNOWN)
        assert found["ada"]["q2"] == Override("q2", 1, "x")
    elif kind == "times":
        rows = [["submission", "time"], ["kingada_301_9001_lab.ipynb", "2026-10-05T10:00Z"]]
        times = read_times(csv_bytes(rows, newline=newline), "t.csv", KNOWN.identities, {}, None)
        assert times.known == {"ada": datetime(2026, 10, 5, 10, tzinfo=UTC)}
    else:
        if kind == "canvas":
            rows = [["Student", "ID", "Section", "Tiny (552)"], ["Ada", "301", "S", ""]]
            table, _ = canvas(csv_bytes(rows, newline=newline), [entry(person("ada", "301", "canvas"))])
        else:
            rows = [["Identifier", "Full name", "Maximum Grade", "Grade"], ["Participant 301", "Ada", "5.00", ""]]
            table, _ = moodle(csv_bytes(rows, newline=newline), [entry(person("Ada", "301", "moodle"))])
        assert table.rows[1][3] == "5"
        assert table.text().count(newline) == 2
        assert table.text().endswith(newline)


@pytest.mark.parametrize("newline", ["\r", "\n", "\r\n"], ids=repr)
def test_line_breaks_in_fields_stay_apart_from_line_ends(newline: str) -> None:
    table = Table((("a", "b"), ("one\ntwo", "one\rtwo")), (1, 2), newline=newline)
    again = read_table(table.text().encode(), "t.csv")
    assert (again.rows, again.newline) == (table.rows, newline)


def test_a_table_as_excel_saves_unicode_text() -> None:
    text = "submission\tquestion\tpoints\treason\r\nkingada_301_9001_lab.ipynb\tq2\t1\tTippfehler für q2\r\n"
    found = read_overrides(text.encode("utf-16"), "override.txt", KNOWN)
    assert found["ada"]["q2"] == Override("q2", 1, "Tippfehler für q2")


def test_a_quote_that_is_never_closed_hides_no_rows() -> None:
    text = (
        'submission,question,points,reason\nkingada_301_9001_lab.ipynb,q1,1,"typo\nkingada_301_9001_lab.ipynb,q2,1,x\n'
    )
    with pytest.raises(UsageError, match=r"line 2: .* never closed"):
        read_overrides(text.encode(), "o.csv", KNOWN)


def test_a_worksheet_with_long_online_texts() -> None:
    data = (FAULTS / "F12/worksheet.csv").read_bytes()
    table, filled = moodle(data, entries_of(FAULTS / "F12/class"))
    assert len(filled.values) == 1
    before = read_table(data, "worksheet.csv")
    assert [row[-1] for row in table.rows] == [row[-1] for row in before.rows]


# --- F17: times ------------------------------------------------------------------------------------------------------


def test_twelve_hour_times_are_read() -> None:
    data = (FAULTS / "F17/times.csv").read_bytes()
    times = read_times(data, "times.csv", {"lfs_pointer.ipynb": "x"}, {}, BERLIN)
    assert times.known == {"x": datetime(2026, 10, 6, 8, 15, tzinfo=BERLIN)}
    with pytest.raises(UsageError, match=r"line 2: .* has no time zone"):
        read_times(data, "times.csv", {"lfs_pointer.ipynb": "x"}, {}, None)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2026-10-06 8:15 AM", 8, 15),
        ("2026-10-06 8:15 PM", 20, 15),
        ("2026-10-06 8:15pm", 20, 15),
        ("2026-10-06 12:05 a.m.", 0, 5),
        ("2026-10-06 12:05 PM", 12, 5),
        ("2026-10-06 8 PM", 20, 0),
        ("2026-10-06 8:15:30\u202fPM Europe/Berlin", 20, 15),
        ("2026-10-06 8:15", 8, 15),
        ("10/6/2026 8:15 PM", 20, 15),
        ("6.10.2026 20:15", 20, 15),
        ("2026-10-06T20:15", 20, 15),
    ],
)
def test_times_as_people_write_them(text: str, hour: int, minute: int) -> None:
    time = parse_time(text, BERLIN)
    assert (time.year, time.month, time.day, time.hour, time.minute) == (2026, 10, 6, hour, minute)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10/06/2026 20:15", "could be two days"),
        ("2026-10-06 13:15 PM", "a time"),
        ("2026-10-06 0:15 AM", "a time"),
        ("yesterday", "a time"),
        ("2026-10-06", "without a time"),
        ("2026-10-06 8:15 Mars", "no time zone 'Mars'"),
    ],
)
def test_times_that_cannot_be_read_say_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_time(text, BERLIN)


# --- groups and rows of Canvas's own ---------------------------------------------------------------------------------

GROUP_ROWS = [
    ["Student", "ID", "Section", "Tiny (552)"],
    ["", "", "", "Manual Posting"],
    ["    Points Possible", "", "", "5.00"],
    ["King, Ada", "301", "S", ""],
    ["Roe, Ben", "302", "S", ""],
    ["Doe, Cai", "303", "S", ""],
]


def test_a_group_fills_one_member_and_says_how_to_fill_all() -> None:
    table, filled = canvas(csv_bytes(GROUP_ROWS), [entry(person("team_a", "301", "canvas"))])
    assert [row[3] for row in table.rows[3:]] == ["5", "", ""]
    assert any("--canvas-groups" in heading for heading in filled.told)
    assert not any("Manual Posting" in line for lines in filled.told.values() for line in lines)


def test_all_members_of_a_group_are_filled() -> None:
    roster = [
        ["name", "canvas_user_id", "user_id", "login_id", "sections", "group_name", "canvas_group_id"],
        ["Ada King", "301", "", "a", "S", "Team A", "1"],
        ["Ben Roe", "302", "", "b", "S", "Team A", "1"],
        ["Cai Doe", "303", "", "c", "S", "", ""],
    ]
    groups = read_groups(read_table(csv_bytes(roster), "groups.csv"), "groups.csv")
    table, filled = canvas(csv_bytes(GROUP_ROWS), for_groups([entry(person("team_a", "301", "canvas"))], groups))
    assert [row[3] for row in table.rows[3:]] == ["5", "5", ""]
    assert not any("--canvas-groups" in heading for heading in filled.told)
