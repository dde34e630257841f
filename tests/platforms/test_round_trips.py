"""From each platform's download to its upload, with corrections and lateness."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.fixtures.commands import Command
from tests.platforms.samples import (
    canvas_files,
    canvas_gradebook,
    csv_bytes,
    gradescope_files,
    moodle_files,
    moodle_worksheet,
    put,
    table,
    write_lab,
    zipped,
)

pytestmark = pytest.mark.slow

LATE = {"due": "2026-10-05 23:59", "zone": "Europe/Berlin", "percent_per_day": 10, "cap_percent": 50}


def scores(home: Path) -> dict[str, dict[str, str]]:
    """The rows of scores.csv by submission."""
    return {row["submission"]: row for row in table(home / "out" / "scores.csv")}


def grade(autograder: Command, home: Path, download: str, *more: str | Path) -> str:
    return autograder("grade", download, "-a", "tiny.zip", "-o", "out", "--jobs", "2", *more, cwd=home).stderr


# --- Gradescope: lateness --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gradescope(tmp_path_factory: pytest.TempPathFactory, autograder_here: Command) -> Path:
    """An export of Gradescope as one zip, graded; the lab says what late costs."""
    home = tmp_path_factory.mktemp("gradescope")
    write_lab(home / "tiny.zip", late=LATE)
    (home / "export.zip").write_bytes(zipped(gradescope_files()))
    told = grade(autograder_here, home, "export.zip")
    assert "Recognised: a Gradescope download with submissions of 5 students" in told
    assert "Late: 1 submission, 0.4 points deducted in total" in told
    return home


def test_late_work_of_gradescope_loses_what_the_lab_says(gradescope: Path) -> None:
    rows = scores(gradescope)
    late = next(row for row in rows.values() if row["late"])
    assert (late["score"], late["raw_score"], late["late_deduction"]) == ("1.6", "2", "0.4")
    assert late["late"] == "1 day 10 hours late"
    assert late["student"].startswith("王小明; ")
    assert len(rows) == 4, "also those without a notebook or a folder have a row"
    results = (gradescope / "out" / "submissions").glob("*/result.json")
    assert sorted(json.loads(path.read_text())["score"] for path in results) == [0, 0, 2, 5], "results stay as they are"


def test_options_of_report_go_before_the_lab_and_hold(gradescope: Path, autograder_here: Command) -> None:
    pages = {path: path.read_bytes() for path in (gradescope / "out" / "submissions").glob("*/feedback.html")}
    autograder_here("report", "out", "--percent-per-day", "30", "--late-cap", "40", cwd=gradescope)
    again = autograder_here("report", "out", cwd=gradescope)
    assert "0.8 points deducted" in again.stderr
    rewritten = [path for path, content in pages.items() if path.read_bytes() != content]
    assert len(rewritten) == 1, "only the page whose grade has changed"
    autograder_here("report", "out", "--due", "none", cwd=gradescope)
    assert "late" not in next(iter(scores(gradescope).values()))
    error = autograder_here("report", "out", "--due", "2026-10-05 23:59", cwd=gradescope, code=2).stderr
    assert "--due: '2026-10-05 23:59' has no time zone" in error


# --- Canvas: corrections ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def canvas(tmp_path_factory: pytest.TempPathFactory, autograder_here: Command) -> Path:
    """A download of Canvas, unpacked, graded with a correction for Lee."""
    home = tmp_path_factory.mktemp("canvas")
    write_lab(home / "tiny.zip")
    put(home / "submissions", canvas_files())
    (home / "gradebook.csv").write_bytes(csv_bytes(canvas_gradebook()))
    write_corrections(home, "lee_sun_LATE_1002_70003_my_tiny_final.ipynb,q2,1.5,right but for a <typo>")
    told = grade(autograder_here, home, "submissions", "--override", "corrections.csv")
    assert "Recognised: a Canvas download with submissions of 5 students, 1 marked late" in told
    assert "Not graded: 1 other file (replaced by a newer one: 1)" in told
    assert "Corrections: 1 (1 new)" in told
    assert "The submission time of 1 submission (1 of them marked late by the platform) is unknown" in told
    return home


def write_corrections(home: Path, *lines: str) -> None:
    (home / "corrections.csv").write_text(
        "\n".join(["submission,question,points,reason", *lines, ""]), encoding="utf-8"
    )


LEE = "lee_sun_LATE_1002_70003_my_tiny_final.ipynb"


def test_canvas_gets_its_gradebook_back(canvas: Path, autograder_here: Command) -> None:
    done = autograder_here("report", "out", "--canvas", "gradebook.csv", cwd=canvas)
    assert "2 grades filled in (scaled from 5 to 10 points)" in done.stdout
    expected = canvas_gradebook()
    column = expected[0].index("Tiny Lab (552)")
    for row in expected:
        row[column] = {"1001": "10", "1002": "7"}.get(row[1], row[column])
    assert (canvas / "out" / "canvas.csv").read_bytes() == csv_bytes(expected)
    notes = (canvas / "out" / "canvas-notes.txt").read_text(encoding="utf-8")
    for told in ("nobody_1009_70005_tiny.ipynb: nobody, 1009", "Lee_Sun: 3 -> 7", "excused in Canvas", "Absent, Abe"):
        assert told in notes
        assert told in done.stdout


def test_a_correction_survives_grading_again_and_a_new_due_time_grades_nothing_again(
    canvas: Path, autograder_here: Command
) -> None:
    page = canvas / "out" / "submissions" / "lee_sun-1002-tiny" / "feedback.html"
    assert "right but for a &lt;typo&gt;" in page.read_text(encoding="utf-8")
    write_lab(canvas / "tiny.zip", late=LATE)
    told = grade(autograder_here, canvas, "submissions", "--regrade", LEE)
    assert "3 of 5 were graded before and have not changed" in told
    assert "1 of 5 was graded before and is graded again: asked for" in told
    assert "Corrected manually: 1 question" in told
    row = scores(canvas)[LEE]
    assert (row["score"], row["q2"]) == ("3.5", "1.5")
    assert row["corrected"] == "q2: 0 -> 1.5 (right but for a <typo>)"
    assert row["late"].startswith("marked late by Canvas; time unknown")
    assert "right but for a &lt;typo&gt;" in page.read_text(encoding="utf-8")


def test_corrections_of_several_files_add_up(canvas: Path, autograder_here: Command) -> None:
    before = (canvas / "out" / "overrides.json").read_bytes()
    write_corrections(canvas, f"{LEE},q9,1,x", "who.ipynb,q1,1,x")
    done = autograder_here("report", "out", "--override", "corrections.csv", cwd=canvas, code=2)
    assert "line 2" in done.stderr
    assert "line 3" in done.stderr
    assert (canvas / "out" / "overrides.json").read_bytes() == before, "a file with a fault changes nothing"
    write_corrections(canvas, "mullerjurgen-1003-tiny,q1,1,by its ID", f"{LEE},q2,remove,")
    done = autograder_here("report", "out", "--override", "corrections.csv", cwd=canvas)
    assert "Corrections: 1 (1 new, 1 removed)" in done.stderr
    rows = scores(canvas)
    assert (rows[LEE]["score"], rows["müllerjürgen_1003_70004_tiny.zip"]["score"]) == ("2", "4")
    write_corrections(canvas, "lee_sun (1002),q2,1.5,right but for a <typo>")
    done = autograder_here("report", "out", "--override", "corrections.csv", cwd=canvas)
    assert "Corrections: 2 (1 new)" in done.stderr, "files add up"


def test_times_from_a_file_make_a_late_mark_count(canvas: Path, autograder_here: Command) -> None:
    (canvas / "times.csv").write_text(f"submission,time\n{LEE},2026-10-06 12:00 Europe/Berlin\n", encoding="utf-8")
    due = ["--due", "2026-10-05 23:59 Europe/Berlin", "--percent-per-day", "10"]
    done = autograder_here("report", "out", "--times", "times.csv", *due, cwd=canvas)
    assert "Late: 1 submission, 0.35 points deducted" in done.stderr
    assert scores(canvas)[LEE]["score"] == "3.15"
    (canvas / "times.csv").write_text("submission,time\nwho,2026-10-06T10:00Z\n", encoding="utf-8")
    done = autograder_here("report", "out", "--times", "times.csv", "--due", "none", cwd=canvas)
    assert "times.csv has times of 1 unknown submission: who" in done.stderr
    assert scores(canvas)[LEE]["score"] == "3.5"


# --- Moodle: feedback ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moodle(tmp_path_factory: pytest.TempPathFactory, autograder_here: Command) -> Path:
    """A download of Moodle as one zip, graded."""
    home = tmp_path_factory.mktemp("moodle")
    write_lab(home / "tiny.zip")
    (home / "class.zip").write_bytes(zipped(moodle_files()))
    (home / "worksheet.csv").write_bytes(csv_bytes(moodle_worksheet(), bom=True, newline="\r\n"))
    told = grade(autograder_here, home, "class.zip", "--due", "2026-10-05T21:59Z")
    assert "Recognised: a Moodle download with submissions of 5 students" in told
    assert "The submission time of 3 submissions is unknown; no late deduction was applied" in told
    return home


def test_moodle_gets_its_worksheet_and_feedback_back(moodle: Path, autograder_here: Command) -> None:
    done = autograder_here("report", "out", "--moodle", "worksheet.csv", "--moodle-feedback", cwd=moodle)
    expected = moodle_worksheet()
    for row in expected:
        row[4] = {"Participant 301": "100", "Participant 304": "60"}.get(row[0], row[4])
    assert (moodle / "out" / "moodle.csv").read_bytes() == csv_bytes(expected, bom=True, newline="\r\n")
    for told in (
        "Bob O'Neil LATE: unreadable",
        "Дарья Иванова: 12.00 -> 60",
        "Fay Out",
        "Eve Adams: ",
        "2 feedback pages",
    ):
        assert told in done.stdout
    with zipfile.ZipFile(io.BytesIO((moodle / "out" / "moodle-feedback.zip").read_bytes())) as archive:
        pages = {name: archive.read(name).decode() for name in archive.namelist()}
    assert sorted(pages) == [
        "Ada Lovelace_301_assignsubmission_file_/feedback.html",
        "Дарья Иванова_304_assignsubmission_file_/feedback.html",
    ]
    assert "a is wrong" in pages["Дарья Иванова_304_assignsubmission_file_/feedback.html"]


def test_moodles_worksheet_tells_when_work_came_in(moodle: Path, autograder_here: Command) -> None:
    asked = ["--due", "2026-10-05 22:00 Europe/Berlin", "--percent-per-day", "10", "--times", "worksheet.csv"]
    done = autograder_here("report", "out", *asked, cwd=moodle)
    assert "Late: 2 submissions, 0.8 points deducted in total" in done.stderr


def test_the_wrong_platforms_file_is_refused_and_told(moodle: Path, autograder_here: Command) -> None:
    (moodle / "gradebook.csv").write_bytes(csv_bytes(canvas_gradebook()))
    done = autograder_here("report", "out", "--moodle", "gradebook.csv", cwd=moodle, code=2)
    assert "not a Moodle grading worksheet" in done.stderr
    done = autograder_here("report", "out", "--canvas", "gradebook.csv", cwd=moodle)
    assert "Submitted, but not in the gradebook (5)" in done.stdout
    assert (moodle / "out" / "canvas.csv").read_bytes() == csv_bytes(canvas_gradebook()), "every row as it was"


# --- what an earlier version wrote -----------------------------------------------------------------------------------


def test_results_of_an_earlier_version_are_still_reported(moodle: Path, autograder_here: Command) -> None:
    path = moodle / "out" / "handed-in.json"
    kept = path.read_text(encoding="utf-8")
    try:
        path.unlink()
        autograder_here("report", "out", cwd=moodle)
        assert len(scores(moodle)) == 5
        done = autograder_here("report", "out", "--moodle-feedback", cwd=moodle, code=1)
        assert "comes from a Moodle download" in done.stderr
        path.write_text("{}", encoding="utf-8")
        assert "handed-in.json is damaged" in autograder_here("report", "out", cwd=moodle, code=1).stderr
    finally:
        path.write_text(kept, encoding="utf-8")
