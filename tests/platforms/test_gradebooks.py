"""Gradebooks are matched by ID; every row is kept, nothing silently overwritten."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from autograder.errors import UsageError
from autograder.platforms.canvas import assignment_column, fill_canvas
from autograder.platforms.matching import Entry, Filled
from autograder.platforms.moodle import feedback_zip, fill_moodle
from autograder.results.grade import Grade, Lateness
from autograder.results.handin import HandIn, Person, Platform
from autograder.results.result import QuestionResult, Result, SubmissionStatus
from autograder.util.csv_tables import Table, read_table
from tests.platforms.samples import CANVAS_HEADER, canvas_gradebook, csv_bytes, moodle_worksheet

COLUMN = CANVAS_HEADER.index("Tiny Lab (552)")
GRADE = 4


def entry(
    person: Person,
    score: float,
    platform: Platform = "canvas",
    *,
    number: int | None = None,
    time: datetime | None = None,
    status: SubmissionStatus = "graded",
    lateness: Lateness | None = None,
) -> Entry:
    questions = () if status == "unreadable" else (QuestionResult("q1", "partial", score, 5),)
    name = f"{person.id}-{number}.ipynb"
    grade = Grade(Result(name, "", "tiny", "full", status, None, score, 5, 1.0, questions), {}, lateness)
    return Entry(name, grade, HandIn(platform, person.id, (person,), time, number=number), time)


def gradebook() -> Table:
    return read_table(csv_bytes(canvas_gradebook()), "gradebook.csv")


def changed(before: Sequence[Sequence[str]], after: Table) -> dict[tuple[str, str], str]:
    """The fields that differ, by row and column."""
    header = after.rows[0]
    assert tuple(before[0]) == header
    assert len(before) == len(after.rows), "every row is kept"
    return {
        (row[0].strip(), column): new
        for row, filled in zip(before, after.rows, strict=True)
        for column, old, new in zip(header, row, filled, strict=True)
        if old != new
    }


def fill(*entries: Entry) -> tuple[dict[tuple[str, str], str], Filled]:
    table, filled = fill_canvas(gradebook(), entries, COLUMN)
    return changed(canvas_gradebook(), table), filled


JANE, LEE = Person("doejane", "1001"), Person("lee_sun", "1002")
TINY = "Tiny Lab (552)"


# --- Canvas ----------------------------------------------------------------------------------------------------------


def test_canvas_is_filled_by_id_and_scaled_to_its_points() -> None:
    fields, filled = fill(entry(JANE, 5), entry(LEE, 2.5, lateness=Lateness(3600, 10)))
    assert fields == {("Doe, Jane", TINY): "10", ("Lee_Sun", TINY): "4.5"}
    assert filled.told["Replaced a different grade"] == ["Lee_Sun: 3 -> 4.5"]


def test_who_matches_nobody_is_listed_on_both_sides() -> None:
    fields, filled = fill(entry(Person("nobody", "1009"), 5))
    assert fields == {}
    assert filled.told["Submitted, but not in the gradebook"] == ["1009-None.ipynb: nobody, 1009"]
    assert "Absent, Abe" in filled.told["In the gradebook without a submission: unchanged"]


def test_what_canvas_excuses_stays_and_what_has_no_mark_is_left_to_a_person() -> None:
    excused, broken = Person("müllerjürgen", "1003"), Person("absentabe", "1005")
    fields, filled = fill(
        entry(excused, 5), entry(broken, 0, status="unreadable"), entry(JANE, 0, status="grader_error")
    )
    assert fields == {}
    assert filled.told["Not filled in"] == ["Müller, Jürgen: excused in Canvas"]
    assert len(filled.told["Not filled in: needs a decision"]) == 2


def test_a_graded_zero_is_written() -> None:
    fields, _ = fill(entry(JANE, 0))
    assert fields == {("Doe, Jane", TINY): "0"}


def test_the_newest_of_several_counts() -> None:
    fields, filled = fill(entry(JANE, 1, number=70009), entry(JANE, 5, number=70001))
    assert fields == {("Doe, Jane", TINY): "2"}
    assert "1001-70001.ipynb" in filled.told["Several submissions of one student: newest graded one used"][0]


def test_without_knowing_the_newest_nothing_is_written() -> None:
    fields, filled = fill(entry(JANE, 1), entry(JANE, 5))
    assert fields == {}
    assert len(filled.told["Several submissions of one student without a definite order: unchanged"]) == 1


def test_two_names_with_one_id_are_left_to_a_person() -> None:
    """A student named `x_1001` is not taken for Jane, whose files look the same."""
    fields, filled = fill(entry(JANE, 5, number=70001), entry(Person("x", "1001"), 0, number=70009))
    assert fields == {}
    assert any("definite order" in heading for heading in filled.told)


def test_another_name_with_the_right_id_is_reported() -> None:
    fields, filled = fill(entry(Person("group7", "1001"), 5))
    assert fields == {("Doe, Jane", TINY): "10"}
    ((heading, (told,)),) = [(h, lines) for h, lines in filled.told.items() if "the name differs" in h]
    assert "--canvas-groups" in heading
    assert told.startswith("Doe, Jane: ")


def test_hand_ins_of_gradescope_find_their_rows_by_sid_or_mail() -> None:
    group = HandIn("gradescope", "submission_1", (Person("Jane", "s-42"), Person("Lee", "", "LEE@school.edu")))
    one = entry(Person("x", "y"), 5)
    fields, _ = fill(Entry(one.identity, one.grade, group, None))
    assert fields == {("Doe, Jane", TINY): "10", ("Lee_Sun", TINY): "10"}


def test_a_short_row_and_points_that_are_not_told() -> None:
    rows = [["Student", "ID", "Section", "Tiny Lab (552)"], ["Doe, Jane", "1001"]]
    table, _ = fill_canvas(read_table(csv_bytes(rows), "g.csv"), [entry(JANE, 4)], 3)
    assert table.rows[1] == ("Doe, Jane", "1001", "", "4")


def test_a_column_that_is_read_only_is_refused() -> None:
    with pytest.raises(UsageError, match="read-only"):
        fill_canvas(gradebook(), [entry(JANE, 4)], COLUMN + 1)


@pytest.mark.parametrize("asked", [None, "Tiny Lab (552)", "Tiny Lab", "552"])
def test_the_column_is_found(asked: str | None) -> None:
    assert assignment_column(gradebook(), asked, ["Tiny lab!", "tiny"]) == COLUMN


@pytest.mark.parametrize(
    ("asked", "names", "says"),
    [
        (None, ["Other"], "No assignment of the gradebook is named Other. Assignments: Warm-up (551), Tiny Lab (552)"),
        ("Section", ["tiny lab"], "No assignment of the gradebook is named Section"),
        (None, [""], "named like the lab"),
    ],
)
def test_a_column_that_is_not_found_is_asked_for(asked: str | None, names: list[str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        assignment_column(gradebook(), asked, names)
    assert says in str(caught.value)
    assert caught.value.hint is not None
    assert "--canvas-column" in caught.value.hint


def test_two_columns_that_fit_are_asked_for() -> None:
    rows = [["Student", "ID", "Section", "Tiny (1)", "tiny (2)"], ["Doe, Jane", "1001", "", "", ""]]
    table = read_table(csv_bytes(rows), "g.csv")
    with pytest.raises(UsageError, match="More than one assignment"):
        assignment_column(table, None, ["tiny"])
    assert assignment_column(table, "tiny (2)", ["tiny"]) == 4


def test_another_file_is_no_gradebook() -> None:
    with pytest.raises(UsageError, match="not a Canvas gradebook"):
        assignment_column(read_table(csv_bytes(moodle_worksheet()), "w.csv"), None, ["tiny"])


# --- Moodle ----------------------------------------------------------------------------------------------------------


def worksheet(*entries: Entry) -> tuple[dict[tuple[str, str], str], Filled]:
    table, filled = fill_moodle(read_table(csv_bytes(moodle_worksheet()), "w.csv"), entries)
    return changed(moodle_worksheet(), table), filled


def test_moodle_is_filled_by_participant_on_its_own_scale() -> None:
    fields, filled = worksheet(
        entry(Person("Ada Lovelace", "301"), 2.5, "moodle"), entry(Person("Дарья Иванова", "304"), 5, "moodle")
    )
    assert fields == {("Participant 301", "Grade"): "50", ("Participant 304", "Grade"): "100"}
    assert filled.told["Replaced a different grade"] == ["Дарья Иванова: 12.00 -> 100"]
    assert filled.maxima == {100}


def test_a_grade_that_moodle_locks_stays() -> None:
    fields, filled = worksheet(entry(Person("Fay Out", "306"), 5, "moodle"))
    assert fields == {}
    assert filled.told["Not filled in"] == ["Fay Out: Moodle says that the grade cannot be changed"]


def test_a_groups_number_is_not_taken_for_a_participants() -> None:
    fields, filled = worksheet(entry(Person("Team A", "305"), 5, "moodle"))
    assert fields == {}
    assert len(filled.told["Not filled in: the ID matches, but the name does not"]) == 1


def test_names_in_another_order_and_blind_marking_fit() -> None:
    rows = [["Identifier", "Grade", "Maximum Grade"], ["Participant 7", "", "10.00"]]
    table, _ = fill_moodle(read_table(csv_bytes(rows), "w.csv"), [entry(Person("Participant", "7"), 5, "moodle")])
    assert table.rows[1] == ("Participant 7", "10", "10.00")
    fields, _ = worksheet(entry(Person("Lovelace Ada", "301"), 5, "moodle"))
    assert fields == {("Participant 301", "Grade"): "100"}


@pytest.mark.parametrize("column", ["Identifier", "Grade", "Maximum Grade"])
def test_a_worksheet_without_a_needed_column_is_refused(column: str) -> None:
    rows = [[("x" if field == column else field) for field in row] for row in moodle_worksheet()]
    with pytest.raises(UsageError, match=f"no column {column}"):
        fill_moodle(read_table(csv_bytes(rows), "w.csv"), [])


def test_feedback_lies_in_folders_that_moodle_takes_apart() -> None:
    people = [Person("Ada_B Lovelace", "301"), Person("../../etc\n", "302"), Person("", "303")]
    data = feedback_zip([(person, "feedback.html", b"<html>") for person in people])
    assert data == feedback_zip([(person, "feedback.html", b"<html>") for person in people]), "the same every time"
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    # As Moodle's importer reads them: five parts at most, the second the participant, what is left the file's path.
    taken = {path.split("_", 4)[1]: path.split("_", 4)[2:] for path in names}
    assert taken == {key: ["assignsubmission", "file", "/feedback.html"] for key in ("301", "302", "303")}
    assert not any(path.startswith((".", "/")) or ".." in path.split("/") for path in names)


def test_the_latest_hand_in_counts_where_times_are_known() -> None:
    early, late = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC)
    ada = Person("Ada", "", "ada@x.org")
    fields, _ = worksheet(entry(ada, 5, "gradescope", time=early), entry(ada, 1, "gradescope", time=late))
    assert fields == {("Participant 301", "Grade"): "20"}
