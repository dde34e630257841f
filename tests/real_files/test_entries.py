"""Results are keyed by student and lab; new versions keep corrections."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from autograder.cli.class_report import CountingOptions, begin_class, report_class
from autograder.cli.exports import ExportOptions
from autograder.gradebook.class_grades import read_class
from autograder.grading.batch import Workers, grade_all, grade_submission
from autograder.grading.grader import Grader
from autograder.grading.resume import Conditions, make_plan, same_entries
from autograder.intake.submissions import Intake, take_in
from autograder.labs.assignment import Assignment, load_assignment
from autograder.platforms.gradescope import results_json
from autograder.render.class_terminal import class_table
from autograder.render.pages import write_report
from autograder.report.review import find_flags
from autograder.report.summary import need_attention
from autograder.results.folder import ResultsFolder, results_of_latest_run
from autograder.results.result import Result, Student
from autograder.sandbox.client import ForkServer
from tests.fixtures.faults import SMALL_LAB
from tests.platforms.samples import notebook, put, table, zipped

HEADER = "submission,question,points,reason\n"


@pytest.fixture(scope="module")
def small_lab(fork_server: ForkServer) -> Assignment:
    return load_assignment(SMALL_LAB, fork_server)


@pytest.fixture
def graded_into(tmp_path: Path, small_lab: Assignment, fork_server: ForkServer) -> Graded:
    return Graded(tmp_path / "out", small_lab, fork_server)


class Graded:
    """A results folder and the grading into it, with one session."""

    def __init__(self, folder: Path, lab: Assignment, fork_server: ForkServer) -> None:
        self.folder = folder
        self._labs = {lab.name: lab}
        self._grader = Grader(self._labs, fork_server, assume=lab.name)
        self.regraded = 0

    def grade(self, path: Path, *, override: Path | None = None) -> dict[str, Result]:
        found = take_in([path])
        intake = Intake(same_entries(found.submissions, self.folder), found.set_aside, found.told)
        conditions = Conditions(self._labs, self._grader.isolation.level, "tiny")
        plan = make_plan(intake.submissions, self.folder, conditions)
        begin_class(self.folder, intake, self._labs, CountingOptions(override=override))
        with ThreadPoolExecutor(1) as executor:
            workers = Workers(
                lambda one, tell: executor.submit(grade_submission, self._grader, one, tell), conditions, lambda: 2
            )
            done = grade_all(plan.to_grade, workers, self.folder, lambda *_: None, versions=plan.versions)
        self.regraded = len(done)
        write_report(self.folder)
        return dict(results_of_latest_run(self.folder))

    def scores(self) -> dict[str, str]:
        return {row["submission"]: row["score"] for row in table(ResultsFolder(self.folder).scores)}


def download(folder: Path, files: Mapping[str, bytes], name: str = "") -> Path:
    if not name:
        return put(folder, dict(files))
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(zipped(files))
    return path


def test_a_newer_upload_is_a_new_version_of_the_same_entry(tmp_path: Path, graded_into: Graded) -> None:
    first = graded_into.grade(download(tmp_path / "1", {"kingada_301_9001_lab.ipynb": notebook(1, 0)}))
    assert list(first) == ["kingada-301-tiny"]
    assert first["kingada-301-tiny"].student == Student("301", "kingada")
    given = put(tmp_path, {"o.csv": f"{HEADER}kingada,q2,1,half right\n".encode()}) / "o.csv"
    report_class(graded_into.folder, CountingOptions(override=given), ExportOptions())
    second = graded_into.grade(download(tmp_path / "2", {"kingada_LATE_301_9055_lab-1.ipynb": notebook(1, 3)}))
    assert list(second) == ["kingada-301-tiny"]
    assert (first["kingada-301-tiny"].version, second["kingada-301-tiny"].version) == (1, 2)
    assert graded_into.scores() == {"kingada_LATE_301_9055_lab-1.ipynb": "3"}, "the correction still counts"


def test_a_download_saved_twice_is_the_same_class(tmp_path: Path, graded_into: Graded) -> None:
    files = {"Ada King_301_assignsubmission_file/lab.ipynb": notebook(1, 2), "Bo_302_assignsubmission_file/x.pdf": b"%"}
    first = graded_into.grade(download(tmp_path, files, "moodle.zip"))
    second = graded_into.grade(download(tmp_path, files, "moodle (1).zip"))
    assert list(first) == list(second)
    assert graded_into.regraded == 1, "only what could not be read is looked at again"
    assert {r.version for r in second.values()} == {1}


def test_plain_files_in_a_zip_saved_twice_are_the_same_class(tmp_path: Path, graded_into: Graded) -> None:
    files = {"ada.ipynb": notebook(1, 2), "bo.ipynb": notebook(0, 2)}
    first = graded_into.grade(download(tmp_path, files, "class.zip"))
    again = graded_into.grade(download(tmp_path, files | {"bo.ipynb": notebook(1, 2)}, "class (1).zip"))
    assert list(first) == list(again) == ["ada.ipynb", "bo.ipynb"]
    assert graded_into.regraded == 1
    assert [again[name].version for name in sorted(again)] == [1, 2]


def test_a_file_that_could_not_be_read_and_its_successor_are_one_entry(tmp_path: Path, graded_into: Graded) -> None:
    first = graded_into.grade(download(tmp_path / "1", {"ada_301_9001_lab.pdf": b"%PDF", "bo_302_9002_x.ipynb": b"{"}))
    second = graded_into.grade(
        download(tmp_path / "2", {"ada_301_9007_lab.ipynb": notebook(1, 2), "bo_302_9009_x-1.ipynb": notebook(1, 2)})
    )
    assert sorted(first) == sorted(second) == ["ada-301", "bo-302"]
    assert {r.version for r in second.values()} == {2}
    assert {r.score for r in second.values()} == {5.0}


def test_namesakes_and_two_labs_stay_apart(tmp_path: Path) -> None:
    files = {
        "Ada_301_assignsubmission_file/a.ipynb": notebook(1, 2),
        "Ada_301_assignsubmission_file/b.ipynb": notebook(1, 2, lab="other"),
        "Ada_302_assignsubmission_file/a.ipynb": notebook(1, 2),
        "ADA_303_assignsubmission_file/a.ipynb": notebook(1, 2),
    }
    ids = [s.id for s in take_in([put(tmp_path / "class", files)]).submissions]
    assert sorted(ids) == ["ADA-303-tiny", "Ada-301-other", "Ada-301-tiny", "Ada-302-tiny"]


def test_a_file_cannot_take_a_students_entry(tmp_path: Path) -> None:
    names = ["Ada_301_assignsubmission_file/a.ipynb", "ada-301-tiny/x.ipynb", "Ada-301-tiny.zip"]
    ids = [s.id for s in take_in([put(tmp_path / "class", dict.fromkeys(names, notebook(1, 2)))]).submissions]
    assert len({i.casefold() for i in ids}) == 3


def test_unreadable_work_may_be_marked_by_a_person(tmp_path: Path, graded_into: Graded) -> None:
    path = download(tmp_path / "1", {"ada_301_9001_lab.pdf": b"%PDF", "bo_302_9002_lab.ipynb": notebook(1, 2)})
    graded_into.grade(path)
    given = (
        put(tmp_path, {"o.csv": f"{HEADER}ada (301),total,3.5,marked on paper\n302,q1,2.5,bonus\n".encode()}) / "o.csv"
    )
    report_class(graded_into.folder, CountingOptions(override=given), ExportOptions())
    assert graded_into.scores() == {"ada_301_9001_lab.pdf": "3.5", "bo_302_9002_lab.ipynb": "5.5"}
    rows = {row["student_id"]: row for row in table(ResultsFolder(graded_into.folder).scores)}
    assert rows["301"]["corrected"] == "total: 3.5, set by hand (marked on paper)"
    page = ResultsFolder(graded_into.folder).submission("ada-301").feedback.read_text(encoding="utf-8")
    assert "Set by a person" in page
    assert "marked by a person" in page
    assert ">unreadable<" not in page, "that is what the grader found; the mark is a person's"
    assert "could not be graded" not in page
    assert "marked on paper" in page
    assert "<bdi>ada (301)</bdi>" in page
    ada = next(row for row in read_class(graded_into.folder).rows if row.identity == "ada-301")
    assert [*need_attention([ada]), *find_flags([ada], {}, {})] == []
    shown = io.StringIO()
    Console(width=200, file=shown).print(class_table([ada]))
    assert "marked by a person" in shown.getvalue()
    assert "3.5 / 5" in shown.getvalue()
    told = json.loads(results_json(ada.grade))
    assert (told["score"], told["tests"][0]["name"], told["tests"][0]["score"]) == (3.5, "Marked by a person", 3.5)
    assert "A person marked this submission" in told["output"]
    report = ResultsFolder(graded_into.folder).report.read_text(encoding="utf-8")
    assert ">marked by a person<" in report
    assert ">unreadable<" not in report
