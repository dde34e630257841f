"""Platforms are recognised, every student has a row, nobody is impersonated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from autograder.errors import SubmissionError
from autograder.intake.submissions import Intake, Submission, read_submission, take_in
from autograder.platforms.canvas import read_canvas_name
from autograder.platforms.gradescope import read_metadata
from autograder.platforms.moodle import read_moodle_path
from autograder.results.handin import HandIn, Person
from tests.platforms.samples import (
    GRADESCOPE_YAML,
    canvas_files,
    gradescope_files,
    moodle_files,
    notebook,
    put,
    zipped,
)


def students(intake: Intake) -> dict[str, str]:
    """Whose each submission is, by the last parts of its name."""
    return {s.name: s.handin.names if s.handin else "" for s in intake.submissions}


def reason(submission: Submission) -> str:
    with pytest.raises(SubmissionError) as caught:
        read_submission(submission)
    return str(caught.value)


def given(tmp_path: Path, files: dict[str, bytes], *, as_zip: bool) -> Path:
    """Files as an unpacked folder or as the zip the platform gives."""
    if not as_zip:
        return put(tmp_path / "download", files)
    path = tmp_path / "download.zip"
    path.write_bytes(zipped(files))
    return path


both_forms = pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])


# --- Gradescope ------------------------------------------------------------------------------------------------------


@both_forms
def test_an_export_of_gradescope(tmp_path: Path, as_zip: bool) -> None:
    intake = take_in([given(tmp_path, gradescope_files(), as_zip=as_zip)])
    ada, group, essay, gone = intake.submissions
    assert intake.told[0] == "Recognised: a Gradescope download with submissions of 5 students"
    assert ada.handin == HandIn(
        "gradescope",
        "submission_409194023",
        (Person("Ada Lovelace", "0042", "ada@school.edu"),),
        datetime(2026, 10, 5, 21, 40, 0, 861687, UTC),
    )
    assert read_submission(ada) == notebook(1, 2)
    assert group.handin is not None
    assert [person.id for person in group.handin.people] == ["0043", "0044"]
    assert "no notebook" in reason(essay)
    assert "essay.docx" in reason(essay)
    assert "lists it, but its folder is missing or empty" in reason(gone)
    assert {one.file.rsplit("/", 1)[-1] for one in intake.set_aside} == {"plot.png"}, "there is no notebook beside it"
    assert [file.name for one in intake.submissions for file in one.beside] == ["notes.txt"]


def test_an_export_whose_metadata_are_damaged_is_graded_as_plain_files(tmp_path: Path) -> None:
    files = gradescope_files()
    (yaml,) = (name for name in files if name.endswith(".yml"))
    intake = take_in([put(tmp_path / "download", {**files, yaml: b"a: [1, 2\n- :x"})])
    assert any("is not used: it is not valid YAML" in line for line in intake.told)
    assert set(students(intake).values()) == {""}
    assert len(intake.submissions) == 6, "each of the six files, also the damaged one, has a row"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-10-05 21:40:00.861687123 Z", datetime(2026, 10, 5, 21, 40, 0, 861687, UTC)),
        ("'2026-10-05 14:40:00.5 -0700'", datetime(2026, 10, 5, 21, 40, 0, 500000, UTC)),
        ("2026-10-05T14:40:00-07:00", datetime(2026, 10, 5, 21, 40, tzinfo=UTC)),
        (
            "!ruby/object:ActiveSupport::TimeWithZone {utc: 2026-10-05 21:40:00 Z, zone: x}",
            datetime(2026, 10, 5, 21, 40, tzinfo=UTC),
        ),
        ("2026-10-05 21:40:00", None),
        ("'yesterday'", None),
        ("", None),
    ],
)
def test_times_of_gradescope(written: str, expected: datetime | None) -> None:
    (handin,) = read_metadata(f"submission_1:\n  :submitters: []\n  :created_at: {written}\n".encode()).values()
    assert handin.time == expected


def test_a_hostile_yaml_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    text = f"submission_1: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{mark}]]\n"
    with pytest.raises(ValueError, match=r"not valid YAML|contains no list"):
        read_metadata(text.encode())
    assert not mark.exists()


# --- Canvas ----------------------------------------------------------------------------------------------------------


@both_forms
def test_a_download_of_canvas(tmp_path: Path, as_zip: bool) -> None:
    intake = take_in([given(tmp_path, canvas_files(), as_zip=as_zip)])
    assert intake.told[0] == "Recognised: a Canvas download with submissions of 5 students, 1 marked late"
    by_id = {s.handin.key: s for s in intake.submissions if s.handin}
    assert sorted(by_id) == ["1001", "1002", "1003", "1004", "1009"]
    assert read_submission(by_id["1001"]) == notebook(1, 2), "the newer upload counts"
    assert [one.reason for one in intake.set_aside] == ["replaced by a newer one"]
    assert intake.set_aside[0].replaced_by is not None
    assert [key for key, s in by_id.items() if s.handin and s.handin.late] == ["1002"]
    assert read_submission(by_id["1003"]) == notebook(0, 2)
    assert "neither a notebook" in reason(by_id["1004"])


@pytest.mark.parametrize(
    ("name", "who", "user", "late", "file"),
    [
        ("doejane_12_345_lab.ipynb", "doejane", "12", False, "lab.ipynb"),
        ("doejane_LATE_12_345_lab-3.ipynb", "doejane", "12", True, "lab-3.ipynb"),
        ("de_la_cruz_late_12_345_lab.ipynb", "de_la_cruz_late", "12", False, "lab.ipynb"),
        ("doe_12_345_essay_LATE_7_999_x.ipynb", "doe", "12", False, "essay_LATE_7_999_x.ipynb"),
        ("王小明_12_345_実習-2 (1).ipynb", "王小明", "12", False, "実習-2 (1).ipynb"),
        ("anon_aB3dE_345_lab.ipynb", "anon_aB3dE", "anon_aB3dE", False, "lab.ipynb"),
        ("LATE_anon_aB3dE_345_lab.ipynb", "anon_aB3dE", "anon_aB3dE", True, "lab.ipynb"),
        ("doe_LATE_12_link.html", "doe", "12", True, "link.html"),
    ],
)
def test_names_of_canvas(name: str, who: str, user: str, late: bool, file: str) -> None:
    claim = read_canvas_name(name)
    assert claim is not None
    assert (claim.handin.names, claim.handin.key, claim.handin.late, claim.file) == (who, user, late, file)


@pytest.mark.parametrize("name", ["lab.ipynb", "lab_1_2_final.ipynb", "ada_lab_2026.ipynb", "week_01_002_x.ipynb"])
def test_names_that_people_choose_are_not_taken_for_canvas(name: str) -> None:
    assert read_canvas_name(name) is None


def test_a_few_such_names_among_others_are_plain_files(tmp_path: Path) -> None:
    files = dict.fromkeys(["a.ipynb", "b.ipynb", "c.ipynb", "trial_7_2026_x.ipynb"], notebook(1, 2))
    intake = take_in([put(tmp_path / "class", files)])
    assert intake.told == ("Recognised: 4 plain files",)
    assert len(intake.submissions) == 4


def test_plain_files_and_exports_are_said_to_be_such(tmp_path: Path) -> None:
    exported = zipped({"tiny.ipynb": notebook(1, 2), "__zip_filename__": b"ben.zip"})
    intake = take_in([put(tmp_path / "class", {"ada.ipynb": notebook(1, 2), "ben.zip": exported})])
    assert intake.told == ("Recognised: 2 plain files (1 otter export among them)",)


def test_foreign_files_among_those_of_canvas_keep_their_rows(tmp_path: Path) -> None:
    files = {**canvas_files(), "extra.ipynb": notebook(1, 2), "syllabus.docx": b"PK"}
    intake = take_in([put(tmp_path / "download", files)])
    assert intake.told[0].endswith("1 marked late; 2 plain files")
    assert {"extra.ipynb", "syllabus.docx"} <= students(intake).keys()


# --- Moodle ----------------------------------------------------------------------------------------------------------


@both_forms
@pytest.mark.parametrize("folders", [True, False], ids=["folders", "flat"])
def test_a_download_of_moodle(tmp_path: Path, as_zip: bool, folders: bool) -> None:
    intake = take_in([given(tmp_path, moodle_files(folders=folders), as_zip=as_zip)])
    assert intake.told[0] == "Recognised: a Moodle download with submissions of 5 students"
    by_id = {s.handin.key: s for s in intake.submissions if s.handin}
    assert {key: s.handin.names for key, s in by_id.items() if s.handin} == {
        "301": "Ada Lovelace",
        "302": "Bob O'Neil LATE",
        "303": "Cem Öz",
        "304": "Дарья Иванова",
        "305": "Team A",
    }
    assert read_submission(by_id["301"]) == notebook(1, 2)
    assert "2 different notebooks of the same student" in reason(by_id["302"])
    assert "neither a notebook" in reason(by_id["303"])


def test_the_form_of_older_moodles(tmp_path: Path) -> None:
    intake = take_in([put(tmp_path / "d", {"Ada Lovelace_301_assignsubmission_file_/sub/tiny.ipynb": notebook(1, 2)})])
    assert [s.handin.key for s in intake.submissions if s.handin] == ["301"]


def test_a_file_named_like_a_neighbours_is_not_the_neighbours() -> None:
    found = read_moodle_path(("Ada Lovelace_301_assignsubmission_file_Bob_302_assignsubmission_file_x.ipynb",))
    assert found is not None
    assert found[0].handin.key == "301"


# --- which of a student's files --------------------------------------------------------------------------------------

HOME = "Ada Lovelace_301_assignsubmission_file"


def test_the_notebook_of_the_lab_is_taken_from_several(tmp_path: Path) -> None:
    files = {f"{HOME}/scratch.ipynb": notebook(9, 9, lab=None), f"{HOME}/tiny.ipynb": notebook(1, 2)}
    intake = take_in([put(tmp_path / "d", files)])
    (only,) = intake.submissions
    assert read_submission(only) == notebook(1, 2)
    assert [one.reason for one in intake.set_aside] == [
        "it does not name a lab, unlike another notebook of the same student"
    ]


def test_the_same_notebook_alone_and_in_an_export_is_one(tmp_path: Path) -> None:
    exported = zipped({"tiny.ipynb": notebook(1, 2), "__zip_filename__": b"tiny.zip"})
    intake = take_in([put(tmp_path / "d", {f"{HOME}/tiny.ipynb": notebook(1, 2), f"{HOME}/export.zip": exported})])
    assert len(intake.submissions) == 1
    assert [one.reason for one in intake.set_aside] == ["the same notebook again"]


def test_notebooks_of_two_labs_are_two_submissions(tmp_path: Path) -> None:
    files = {f"{HOME}/tiny.ipynb": notebook(1, 2), f"{HOME}/other.ipynb": notebook(1, 2, lab="other")}
    intake = take_in([put(tmp_path / "d", files)])
    assert set(students(intake).values()) == {"Ada Lovelace"}
    assert len(intake.submissions) == 2


def test_a_broken_file_beside_a_sound_one_is_listed(tmp_path: Path) -> None:
    intake = take_in([put(tmp_path / "d", {f"{HOME}/tiny.ipynb": notebook(1, 2), f"{HOME}/old.zip": b"PK\3\4"})])
    assert len(intake.submissions) == 1
    assert "damaged" in intake.set_aside[0].reason


# --- nobody passes for another ---------------------------------------------------------------------------------------


def test_what_a_student_packed_does_not_tell_whose_it_is(tmp_path: Path) -> None:
    forged = zipped(
        {
            "submission_metadata.yml": GRADESCOPE_YAML.encode(),
            "submission_409194023/tiny.ipynb": notebook(0, 0),
            "Victim_301_assignsubmission_file/tiny.ipynb": notebook(0, 0),
            "victim_1001_70001_tiny.ipynb": notebook(0, 0),
        }
    )
    in_a_folder = take_in([put(tmp_path / "class", {"mallory.zip": forged, "ada.ipynb": notebook(1, 2)})])
    assert set(students(in_a_folder).values()) == {""}
    in_canvas = take_in([put(tmp_path / "canvas", {"mallory_66_7001_x.zip": forged})])
    assert set(students(in_canvas).values()) == {"mallory"}
    exported = put(tmp_path / "zips", {"m.zip": zipped({"victim_1001_70001_x.ipynb": b"", "__zip_filename__": b""})})
    assert set(students(take_in([exported / "m.zip"])).values()) == {""}


def test_a_students_own_metadata_in_an_export_are_not_read(tmp_path: Path) -> None:
    files = gradescope_files()
    forged = GRADESCOPE_YAML.replace("Ada Lovelace", "Mallory")
    name = "assignment_8046601_export/submission_409194024/work/"
    files |= {f"{name}submission_metadata.yml": forged.encode(), f"{name}submission_409194023/t.ipynb": notebook(1, 2)}
    intake = take_in([put(tmp_path / "d", files)])
    assert "Mallory" not in str(students(intake))


def test_an_export_inside_a_students_folder_of_moodle_is_the_students_work(tmp_path: Path) -> None:
    files = {f"{HOME}/{name.split('/', 1)[1]}": data for name, data in gradescope_files().items()}
    intake = take_in([put(tmp_path / "d", files)])
    assert set(students(intake).values()) == {"Ada Lovelace"}


def test_a_path_out_of_the_zip_is_reported_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "download.zip"
    path.write_bytes(zipped({**canvas_files(), "../../evil_5_7000_tiny.ipynb": notebook(1, 2)}))
    (evil,) = (s for s in take_in([path]).submissions if "evil" in s.name)
    assert "outside the zip" in reason(evil)


def test_a_zip_with_one_students_work_is_still_a_download(tmp_path: Path) -> None:
    path = tmp_path / "submissions.zip"
    path.write_bytes(zipped({"doejane_1001_70001_tiny.ipynb": notebook(1, 2)}))
    assert list(students(take_in([path])).values()) == ["doejane"]


def test_a_handin_survives_json() -> None:
    handin = HandIn("canvas", "12", (Person("王", "12", ""),), datetime(2026, 1, 2, tzinfo=UTC), True, 7)
    assert msgspec.json.decode(msgspec.json.encode(handin), type=HandIn) == handin
