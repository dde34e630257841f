"""Downloads and gradebooks in the layouts of Gradescope, Canvas and Moodle.

The notebooks are real ones of a small lab: q1 is worth 2 points, q2 3; `notebook(a, b)` is right where a is 1 and b 2.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fixtures.builders import lab_json, make_zip, notebook_json, question_file

LAB = "tiny"
MAX_SCORE = 5


def write_lab(path: Path, **settings: Any) -> Path:
    """The autograder zip of the small lab."""
    tests = {
        "q1": question_file(
            "q1", "@test_case(points=2, hidden=False)\ndef test_one(a):\n    assert a == 1, 'a is wrong'\n"
        ),
        "q2": question_file(
            "q2", "@test_case(points=3, hidden=False)\ndef test_two(b):\n    assert b == 2, 'b is wrong'\n"
        ),
    }
    lab = lab_json({"q1": (["a"], ["a = ..."]), "q2": (["b"], ["b = ..."])}, **settings)
    return make_zip(path, tests, lab={**lab, "title": "Tiny lab"}, otter_config={"assignment_name": LAB})


def notebook(a: int, b: int, lab: str | None = LAB) -> bytes:
    """A student's notebook."""
    return notebook_json(("q1", f"a = {a}"), ("q2", f"b = {b}"), lab=lab)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def csv_bytes(rows: Sequence[Sequence[str]], *, bom: bool = False, newline: str = "\n", separator: str = ",") -> bytes:
    """A CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=newline, delimiter=separator).writerows(rows)
    return (("\ufeff" if bom else "") + buffer.getvalue()).encode()


# --- Gradescope: "Export Submissions" --------------------------------------------------------------------------------

GRADESCOPE_YAML = """\
submission_409194023:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@school.edu
  :created_at: 2026-10-05 21:40:00.861687000 Z
  :score: 2.0
  :status: processed
  :results:
    score: 2.0
    output: |-
      ====================
      submission_1:
        :submitters: []
  :history:
  - :id: 409190001
    :created_at: 2026-10-04 10:00:00.000000000 Z
    :score: 0.0
submission_409194024:
  :submitters:
  - :name: 王小明
    :sid: '0043'
    :email: wang@school.edu
  - :name: "O'Neil_LATE_7_, Bea"
    :sid: '0044'
    :email: Bea@School.edu
  :created_at: 2026-10-07 08:00:00.000000000 Z
  :score: 0.0
submission_409194025:
  :submitters:
  - :name: Cy Essay
    :sid: '0045'
    :email: cy@school.edu
  :created_at: 2026-10-05 12:00:00.000000000 Z
submission_409194026:
  :submitters:
  - :name: Dan Gone
    :sid: '0046'
    :email: dan@school.edu
  :created_at: 2026-10-05 12:00:00.000000000 Z
"""


def gradescope_files() -> dict[str, bytes]:
    """A Gradescope export.

    Ada is right, a group is late and half right, Cy has no notebook, Dan's folder is missing.
    """
    root = "assignment_8046601_export"
    return {
        f"{root}/submission_metadata.yml": GRADESCOPE_YAML.encode(),
        f"{root}/submission_409194023/tiny.ipynb": notebook(1, 2),
        f"{root}/submission_409194023/tiny.pdf": b"%PDF",
        f"{root}/submission_409194023/notes.txt": b"hello",
        f"{root}/submission_409194024/work/tiny.ipynb": notebook(1, 0),
        f"{root}/submission_409194025/essay.docx": b"PK",
        f"{root}/submission_409194025/plot.png": b"PNG",
    }


# --- Canvas: "Download Submissions" and "Export Entire Gradebook" ----------------------------------------------------


def canvas_files() -> dict[str, bytes]:
    """A Canvas download.

    Jane handed in twice, Lee is late, one student's name holds numbers, one is in no gradebook.
    """
    return {
        "doejane_1001_70001_tiny.ipynb": notebook(0, 0),
        "doejane_1001_70009_tiny-1.ipynb": notebook(1, 2),
        "lee_sun_LATE_1002_70003_my_tiny_final.ipynb": notebook(1, 0),
        "müllerjürgen_1003_70004_tiny.zip": zipped({"tiny.ipynb": notebook(0, 2), "__zip_filename__": b"tiny.zip"}),
        "nobody_1009_70005_tiny.ipynb": notebook(1, 2),
        "typer_1004_text.html": b"<p>my answer</p>",
    }


CANVAS_HEADER = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Warm-up (551)", "Tiny Lab (552)"]
CANVAS_TOTALS = ["Assignments Current Score", "Current Score", "Final Grade"]


def canvas_gradebook() -> list[list[str]]:
    """A Canvas gradebook, with its rows for manual posting and points possible."""
    read_only = ["(read only)"] * 3
    return [
        [*CANVAS_HEADER, *CANVAS_TOTALS],
        ["", "", "", "", "", "", "Manual Posting", "", "", ""],
        ["    Points Possible", "", "", "", "", "10", "10", *read_only],
        ["Doe, Jane", "1001", "s-42", "jane@school.edu", "Lab, Monday", "7", "", "70", "70", "C"],
        ["Lee_Sun", "1002", "s-43", "lee@school.edu", "Lab", "8.5", "3", "85", "85", "B"],
        ["Müller, Jürgen", "1003", "s-44", "mueller@school.edu", "Lab", "", "EX", "", "", ""],
        ['="=cmd()"', "1004", "s-45", "typer@school.edu", "Lab", "1", "", "10", "10", "F"],
        ["Absent, Abe", "1005", "s-46", "abe@school.edu", "Lab", "1", "4", "10", "10", "F"],
        ["Student, Test", "1006", "", "test", "Lab", "", "", "", "", ""],
    ]


# --- Moodle: "Download all submissions" and "Download grading worksheet" ---------------------------------------------


def moodle_files(*, folders: bool = True) -> dict[str, bytes]:
    """A Moodle download, in folders or flat.

    Ada is right, Bob handed in two different notebooks, Cem a text only.
    """
    inside = "/" if folders else "_"
    end = f"assignsubmission_file{inside}"
    return {
        f"Ada Lovelace_301_{end}tiny.ipynb": notebook(1, 2),
        f"Ada Lovelace_301_{end}report.pdf": b"%PDF",
        f"Bob O'Neil LATE_302_{end}draft.ipynb": notebook(0, 0),
        f"Bob O'Neil LATE_302_{end}final.ipynb": notebook(1, 2),
        f"Cem Öz_303_assignsubmission_onlinetext{inside}onlinetext.html": b"<p>hi</p>",
        f"Дарья Иванова_304_{end}tiny.ipynb": notebook(0, 2),
        f"Team A_305_{end}tiny.ipynb": notebook(1, 2),
    }


MOODLE_HEADER = [
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
]


def moodle_worksheet() -> list[list[str]]:
    """A grading worksheet as Moodle exports it."""
    submitted = "Submitted for grading"
    when = "Monday, 5 October 2026, 11:10 PM"
    return [
        MOODLE_HEADER,
        ["Participant 301", "Ada Lovelace", "ada@x.org", submitted, "", "100.00", "Yes", when, "-", ""],
        [
            "Participant 302",
            "Bob O'Neil LATE",
            "bob@x.org",
            submitted,
            "50.00",
            "100.00",
            "Yes",
            when,
            "-",
            "late, too",
        ],
        ["Participant 303", "Cem Öz", "cem@x.org", submitted, "", "100.00", "Yes", when, "-", ""],
        ["Participant 304", "Дарья Иванова", "d@x.org", submitted, "12.00", "100.00", "Yes", when, "-", ""],
        ["Participant 305", "Eve Adams", "eve@x.org", "No submission", "", "100.00", "Yes", "-", "-", ""],
        ["Participant 306", "Fay Out", "fay@x.org", "No submission", "7.00", "100.00", "No", "-", "-", ""],
    ]
