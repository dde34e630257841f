"""`report` on hand-written results: several labs, odd names, no needless writes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from autograder.cli.class_report import CountingOptions, report_class
from autograder.cli.exports import ExportOptions
from autograder.errors import UsageError
from autograder.gradebook.files import write_record
from autograder.gradebook.record import Record
from autograder.labs.lateness import LateOptions
from autograder.render.pages import write_report
from autograder.results.folder import ResultsFolder, begin_run, write_result
from autograder.results.handin import HandIn, Person
from autograder.results.result import QuestionResult, Result, SubmissionStatus
from tests.platforms.samples import csv_bytes, put, table

QUIET = CountingOptions()
HEADER = "submission,question,points,reason\n"


def result(name: str, lab: str | None = "tiny", score: float = 1.0, status: SubmissionStatus = "graded") -> Result:
    questions = (QuestionResult("q1", "partial", score, 2),) if lab else ()
    return Result(name, "", lab, "full", status, None, score, 2, 1.0, questions)


def moodle(key: str, name: str) -> HandIn:
    return HandIn("moodle", key, (Person(name, key),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two labs; Ada did both, Bo one, and one file could not be read."""
    results = {
        "a1": result("=1+1.ipynb"),
        "a2": result("a2.ipynb", "other", 2.0),
        "b1": result("b1\u202e.ipynb", score=0.5),
        "x": result("x.ipynb", None, 0.0, "unreadable"),
    }
    for identity, one in results.items():
        write_result(tmp_path / "out", identity, one, {})
    handins = {
        "a1": moodle("301", "Ada"),
        "a2": moodle("301", "Ada"),
        "b1": moodle("302", "Bo"),
        "x": moodle("303", "Cy"),
    }
    write_record(tmp_path / "out", Record(handins=handins))
    begin_run(tmp_path / "out", list(results))
    return tmp_path / "out"


def scores(folder: Path) -> dict[str, str]:
    return {row["submission"]: row["score"] for row in table(folder / "scores.csv")}


def test_a_gradebook_of_several_labs_asks_which(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = ["Identifier", "Full name", "Grade", "Maximum Grade"]
    rows = [header, ["Participant 301", "Ada", "", "10"], ["Participant 302", "Bo", "", "10"]]
    sheet = put(tmp_path, {"w.csv": csv_bytes(rows)}) / "w.csv"
    with pytest.raises(UsageError, match="2 labs") as caught:
        report_class(folder, QUIET, ExportOptions(moodle=sheet))
    assert caught.value.hint == "choose one: --lab other"
    with pytest.raises(UsageError, match="no results of a lab nothing"):
        report_class(folder, QUIET, ExportOptions(moodle=sheet, lab="nothing"))
    report_class(folder, QUIET, ExportOptions(moodle=sheet, lab="other"))
    assert [row["Grade"] for row in table(folder / "moodle.csv")] == ["10", ""]
    report_class(folder, QUIET, ExportOptions(moodle=sheet, lab="tiny"))
    assert "2 grades filled in (scaled from 2 to 10 points)" in capsys.readouterr().out
    assert [row["Grade"] for row in table(folder / "moodle.csv")] == ["5", "2.5"]


def test_feedback_of_several_labs_keeps_them_apart(folder: Path) -> None:
    report_class(folder, QUIET, ExportOptions(moodle_feedback=True))
    with zipfile.ZipFile(folder / "moodle-feedback.zip") as archive:
        names = sorted(archive.namelist())
        ada = archive.read("Ada_301_assignsubmission_file_/feedback-tiny.html")
    assert names == [
        "Ada_301_assignsubmission_file_/feedback-other.html",
        "Ada_301_assignsubmission_file_/feedback-tiny.html",
        "Bo_302_assignsubmission_file_/feedback-tiny.html",
    ]
    assert ada == ResultsFolder(folder).submission("a1").feedback.read_bytes()


@pytest.mark.parametrize("called", ["=1+1.ipynb", "'=1+1.ipynb", "a1"], ids=["name", "as in scores.csv", "ID"])
def test_a_correction_names_its_submission_as_people_do(folder: Path, tmp_path: Path, called: str) -> None:
    given = put(tmp_path, {"o.csv": f"{HEADER}{called},q1,2,typo\n".encode()}) / "o.csv"
    report_class(folder, CountingOptions(override=given), ExportOptions())
    assert scores(folder)["'=1+1.ipynb"] == "2"


def test_a_correction_of_a_submission_that_is_gone_is_reported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = put(tmp_path, {"o.csv": f"{HEADER}a1,q1,2,typo\n".encode()}) / "o.csv"
    report_class(folder, CountingOptions(override=given), ExportOptions())
    begin_run(folder, ["a2"])
    capsys.readouterr()
    report_class(folder, QUIET, ExportOptions())
    assert "Corrections that do not apply to these scores: a1 q1" in capsys.readouterr().err
    begin_run(folder, ["a1", "a2"])
    report_class(folder, QUIET, ExportOptions())
    assert scores(folder)["'=1+1.ipynb"] == "2", "it counts again as soon as its submission is there again"


def test_pages_are_written_again_only_where_the_grade_has_changed(folder: Path, tmp_path: Path) -> None:
    pages = {identity: ResultsFolder(folder).submission(identity).feedback for identity in ("a1", "a2", "b1", "x")}

    def written() -> dict[str, int]:
        return {identity: path.stat().st_mtime_ns for identity, path in pages.items()}

    write_report(folder)
    before = written()
    write_report(folder)
    assert written() == before
    given = put(tmp_path, {"o.csv": f"{HEADER}b1,q1,2,typo\n".encode()}) / "o.csv"
    report_class(folder, CountingOptions(override=given), ExportOptions())
    after = written()
    assert {identity for identity in pages if after[identity] != before[identity]} == {"b1"}
    write_report(folder)
    assert written() == after
    # A page of an earlier version of the kit does not say what it hangs on.
    pages["a2"].write_text("<!doctype html>\n<title>old</title>\n", encoding="utf-8")
    write_report(folder)
    assert "old" not in pages["a2"].read_text(encoding="utf-8")


def test_times_make_the_due_time_count_and_are_kept(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = put(tmp_path, {"t.csv": b"submission,time\na2.ipynb,2026-10-06 12:00 UTC\n"}) / "t.csv"
    late = LateOptions("2026-10-05 23:59 UTC", percent_per_day=25)
    report_class(folder, CountingOptions(times=given, late=late), ExportOptions())
    assert "The submission time of 2 submissions is unknown" in capsys.readouterr().err
    report_class(folder, QUIET, ExportOptions())
    assert scores(folder)["a2.ipynb"] == "1.5"


@pytest.mark.parametrize("name", ["no.csv", "."])
def test_a_file_that_is_not_there_is_reported_before_anything_is_done(folder: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        report_class(folder, CountingOptions(override=tmp_path / name), ExportOptions())
    assert not (folder / "scores.csv").exists()
