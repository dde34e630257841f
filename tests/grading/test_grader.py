"""Grading one submission always gives a result and leaves nothing behind."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import SubmissionError
from autograder.grading.grader import Grader
from autograder.labs.assignment import Assignment, load_assignment
from autograder.results.result import Result
from autograder.sandbox import Job, Limits, Outcome
from autograder.sandbox.client import ForkServer
from autograder.sandbox.job_files import job_folder, remove_folder
from autograder.sandbox.scratch import run_folder
from tests.fixtures.builders import lab_json, make_zip, notebook_json, question_file

TESTS = {
    "q1": question_file("q1", "@test_case(points=1)\ndef a(x):\n    if x != 3: raise AssertionError(f'x is {x!r}')"),
    "q2": question_file(
        "q2",
        "@test_case(points=1)\ndef b(y): assert y == 4, 'y is wrong'",
        "@test_case(points=2, hidden=True)\ndef c(y, x): assert y == x + 1, 'y does not follow x'",
    ),
}
LAB = lab_json({"q1": (["x"], ["x = ..."]), "q2": (["y"], ["y = ..."])}, limits={"seconds": 30, "memory_mb": 3000})
START = "import otter\ngrader = otter.Notebook()"
CHECKED = (START, ("q1", "x = 3"), "grader.check('q1')")


@pytest.fixture(scope="module")
def tiny(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """A lab of two questions and four points."""
    return load_assignment(make_zip(tmp_path_factory.mktemp("tiny") / "tiny.zip", TESTS, lab=LAB), fork_server)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """The folder that jobs get their folders in must be empty again at the end."""
    with run_folder() as home:
        yield
        assert list(home.iterdir()) == []


def grade(tiny: Assignment, fork_server: ForkServer, *cells: str | tuple[str, str], seconds: float = 30) -> Result:
    """The result of a notebook, encoded to JSON and decoded."""
    lab = replace(tiny, limits=Limits(seconds, tiny.limits.memory_mb))
    data = notebook_json(*cells)
    result = Grader({"tiny": lab}, fork_server).grade("ada.ipynb", lambda: data)
    assert Result.from_json(result.to_json().encode().decode()) == result
    return result


def statuses(result: Result) -> list[str]:
    return [question.status for question in result.questions]


def test_a_right_notebook(tiny: Assignment, fork_server: ForkServer) -> None:
    result = grade(tiny, fork_server, *CHECKED, ("q2", "y = x + 1"), "grader.check_all()")
    assert (result.status, result.detail, result.score, result.max_score) == ("graded", None, 4.0, 4.0)
    assert (result.submission, result.lab, result.isolation) == ("ada.ipynb", "tiny", fork_server.level)
    assert statuses(result) == ["passed", "passed"]
    assert len(result.sha256) == 64
    assert result.errors == ()


def test_an_untouched_notebook(tiny: Assignment, fork_server: ForkServer) -> None:
    result = grade(tiny, fork_server, START, ("q1", "x = ..."), "grader.check('q1')", ("q2", "y = ..."))
    assert (result.status, result.score) == ("graded", 0.0)
    assert statuses(result) == ["not_attempted", "not_attempted"]


def test_a_notebook_with_every_kind_of_trouble(tiny: Assignment, fork_server: ForkServer) -> None:
    result = grade(
        tiny, fork_server, START, "1 / 0", ("q1", "x = 1 << 5000"), ("q2", "y = 4\nraise ValueError('\ud800 half')")
    )
    assert result.status == "graded"
    assert [(error.cell, error.name) for error in result.errors] == [(2, "ZeroDivisionError"), (4, "ValueError")]
    assert "x cannot be used: it is a whole number of more than" in result.questions[0].tests[0].message
    assert statuses(result) == ["failed", "partial"]
    assert "it depends on x (q1), which cannot be used" in result.questions[1].tests[1].message


def test_half_a_character_from_a_student_can_be_written(tiny: Assignment, fork_server: ForkServer) -> None:
    result = grade(tiny, fork_server, ("q1", "x = chr(0xD800)"), ("q2", "raise ValueError(chr(0xDFFF) + ' half')"))
    assert statuses(result) == ["failed", "error"]
    assert result.questions[1].reason == "Its cell [2] raised ValueError: ? half"


@pytest.fixture(scope="module")
def graded_finely(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """A lab with a measurement, partial credit, and a question that depends on it."""
    scale = """
MEASURED = {}
@test_case(points=2, hidden=True)
def scale(x):
    MEASURED["level"] = x
    if x < 10:
        failure = AssertionError(f"x is only {x}")
        failure.share_of_points = x / 10
        raise failure
"""
    tests = {
        "q1": question_file("q1", scale),
        "q2": question_file("q2", "@test_case(points=1)\ndef b(y): assert y == 4, 'y is wrong'"),
    }
    lab = lab_json({"q1": (["x"], ["x = ..."]), "q2": (["y"], ["y = ..."])}, depends_on={"q2": ["q1"]})
    return load_assignment(make_zip(tmp_path_factory.mktemp("finely") / "tiny.zip", tests, lab=lab), fork_server)


def test_a_part_of_the_points_and_what_was_measured_reach_the_result(
    graded_finely: Assignment, fork_server: ForkServer
) -> None:
    result = grade(graded_finely, fork_server, ("q1", "x = 7"), ("q2", "y = 4"))
    assert (result.score, result.max_score, result.measured) == (2.4, 3.0, {"level": 7.0})
    assert statuses(result) == ["partial", "passed"]
    (test,) = result.questions[0].tests
    assert (test.passed, test.score, test.max_score, test.message) == (False, 1.4, 2.0, "x is only 7")


def test_what_builds_on_a_question_that_is_missing_is_skipped(
    graded_finely: Assignment, fork_server: ForkServer
) -> None:
    result = grade(graded_finely, fork_server, ("q1", "x = ..."), ("q2", "y = x + 1"))
    assert statuses(result) == ["not_attempted", "skipped"]
    assert result.questions[1].reason == "It depends on q1 (title of q1), which was not attempted."
    assert result.measured == {}


def test_a_crash_keeps_what_was_handed_over(tiny: Assignment, fork_server: ForkServer) -> None:
    result = grade(tiny, fork_server, *CHECKED, "import os\nos._exit(0)", ("q2", "y = x + 1"))
    assert (result.status, result.score) == ("crashed", 1.0)
    assert "[4]" in str(result.detail)
    assert statuses(result) == ["passed", "skipped"]


def test_a_timeout_keeps_what_was_handed_over(tiny: Assignment, fork_server: ForkServer) -> None:
    result = grade(tiny, fork_server, *CHECKED, ("q2", "y = 1\nwhile True: pass"), seconds=2)
    assert (result.status, result.score) == ("timeout", 1.0)
    assert statuses(result) == ["passed", "error"]
    assert "2 seconds" in str(result.detail)
    assert "[4]" in result.questions[1].reason


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not JSON",
        b"[" * 100_000,
        b"{}",
        b'{"cells": []}',
        notebook_json("x = 1", lab="another"),
        notebook_json("print(1)", lab=None),
        notebook_json("x <- 1", metadata={"kernelspec": {"name": "ir", "language": "R"}}),
    ],
    ids=["empty", "text", "deep", "object", "no_cells", "other_lab", "no_lab", "other_language"],
)
def test_what_cannot_be_read_is_unreadable_with_a_reason(
    tiny: Assignment, fork_server: ForkServer, data: bytes
) -> None:
    result = Grader({"tiny": tiny}, fork_server).grade("ada.ipynb", lambda: data)
    assert (result.status, result.score, result.max_score, result.questions) == ("unreadable", 0.0, 4.0, ())
    assert len(str(result.detail)) > 20


def test_a_submission_that_cannot_be_fetched_is_unreadable(tiny: Assignment, fork_server: ForkServer) -> None:
    def read() -> bytes:
        raise SubmissionError("the zip is locked with a password")

    result = Grader({"tiny": tiny}, fork_server).grade("ada.zip", read)
    assert (result.status, result.detail, result.sha256) == ("unreadable", "the zip is locked with a password", "")


def test_a_notebook_without_a_name_is_taken_for_the_lab_that_is_asked_for(
    tiny: Assignment, fork_server: ForkServer
) -> None:
    data = notebook_json("x = 3", lab=None)
    result = Grader({"tiny": tiny}, fork_server, assume="tiny").grade("ada.ipynb", lambda: data)
    assert (result.status, result.score) == ("graded", 1.0)


SABOTAGE = {
    "scratch_replaced": "here = os.getcwd(); os.chdir('/'); shutil.rmtree(here); os.symlink('/tmp', here)",
    "scratch_is_file": "here = os.getcwd(); os.chdir('/'); shutil.rmtree(here); open(here, 'w')",
    "verdicts_planted": "os.mkfifo('../verdicts.json'); os.symlink('/dev/full', '../worker.log')",
    "verdicts_claimed": "json.dump({'q1': {'handed_over': True, 'variables': {}, 'tests': ["
    "{'name': 'a', 'passed': True, 'message': ''}]}}, open('../verdicts.json', 'w'))",
    "locked_folders": "os.makedirs('deep/er'); open('deep/er/f', 'w'); os.chmod('deep/er', 0); os.chmod('deep', 0)",
    "journal_fifo": "os.remove('../journal.jsonl'); os.symlink('/dev/null', '../journal.jsonl')",
    "answers_gone": "os.rename('../handover', '../elsewhere')",
    "folder_linked": "here = os.path.dirname(os.getcwd()); os.rename(here, here + 'x'); os.symlink(here + 'x', here); "
    "shutil.rmtree(here + 'x')",
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_notebook_that_meddles_with_its_folder_harms_only_itself(
    tiny: Assignment, fork_server: ForkServer, name: str
) -> None:
    result = grade(tiny, fork_server, *CHECKED, ("q2", "y = 0"), "import json, os, shutil", SABOTAGE[name])
    assert result.status in ("graded", "crashed")
    assert result.score <= 1.0
    assert statuses(result)[1] != "passed"


class Broken:
    """An isolation whose workers end in a given way."""

    level = "none"

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def run(self, job: Job) -> Outcome:
        if job.task.untrusted:
            (job.folder / "journal.jsonl").write_text(json.dumps({"event": "finish"}), encoding="utf-8")
            return Outcome("done", "", 1.0, 10)
        (job.folder / "worker.log").write_text("Traceback\nImportError: gone", encoding="utf-8")
        return self._outcome


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("crashed", "exit code 1", 1.0, 10),
        Outcome("timeout", "180 seconds", 1.0, 10),
        Outcome("done", "", 1.0, 10),
    ],
)
def test_a_fault_of_the_grader_is_reported_as_one(tiny: Assignment, outcome: Outcome) -> None:
    data = notebook_json(("q1", "x = 3"))
    result = Grader({"tiny": tiny}, Broken(outcome)).grade("ada.ipynb", lambda: data)
    assert (result.status, result.score, result.max_score, result.questions) == ("grader_error", 0.0, 4.0, ())
    assert outcome.detail in str(result.detail)
    assert "ImportError: gone" in str(result.detail)


def test_a_job_folder_is_removed_with_what_is_in_it() -> None:
    with job_folder() as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "c").write_text("x", encoding="utf-8")
        (folder / "a" / "b").chmod(0)
        (folder / "loop").symlink_to(folder)
    assert not folder.exists()


def test_removing_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    target = tmp_path / "kept"
    (target / "inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(target)
    remove_folder(tmp_path / "link")
    remove_folder(tmp_path / "never was")
    assert (target / "inside").exists()
    assert not (tmp_path / "link").is_symlink()


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Drop root's rights for a while, since root may enter locked folders."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    if before == 0:
        os.seteuid(before)


@pytest.mark.usefixtures("unprivileged")
def test_locked_folders_are_removed_without_roots_rights() -> None:
    folder = Path(tempfile.mkdtemp(prefix="locked-"))
    (folder / "a" / "b" / "c").mkdir(parents=True)
    (folder / "a" / "b").chmod(0)
    (folder / "a").chmod(0)
    remove_folder(folder)
    assert not folder.exists()


def test_grading_takes_any_cells_at_all(tiny: Assignment, fork_server: ForkServer) -> None:
    cells: list[Any] = ["!!!", "%%nonsense\nx", "\x00", "(" * 500, "x = " + "-" * 5000 + "1", "def f(:", "?x", "x?"]
    result = grade(tiny, fork_server, *cells, ("q1", "x = 3"))
    assert (result.status, result.score) == ("graded", 1.0)
