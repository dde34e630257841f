"""Notebooks of another version are reported, and graded as far as possible."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from autograder.grading.grader import Grader
from autograder.grading.resume import Conditions, make_plan
from autograder.intake.submissions import find_submissions
from autograder.labs.assignment import Assignment, load_assignment
from autograder.platforms.gradescope import results_json
from autograder.render.class_terminal import class_table
from autograder.render.feedback import feedback_html
from autograder.render.terminal import result_table
from autograder.report.review import find_flags
from autograder.results.folder import stored, write_result
from autograder.results.grade import Grade, Row
from autograder.results.labels import version_notice
from autograder.results.result import Result
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import lab_json, make_zip, notebook_json, question_file

NOW, BEFORE = "0123abcd", "89ef4567"
TEST = "@test_case(points=1, hidden=False)\ndef test_it({name}):\n    assert {name} == 1\n"
SENTENCE = f"version {BEFORE} was handed in, the current one is {NOW}"


def set_up(version: str, language: str = "en") -> str:
    return (
        "# @title Set-up\ndef _set_up(packed, lab, version, language):\n    pass\n\n\n"
        f'grader = _set_up(lab="tiny", version="{version}", language="{language}", packed="""\nx\n""")'
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Assignment:
    path = make_zip(
        tmp_path_factory.mktemp("lab") / "tiny.zip",
        {name: question_file(name, TEST.format(name=variable)) for name, variable in (("q1", "a"), ("q2", "b"))},
        lab=lab_json({"q1": (["a"], ["a = ..."]), "q2": (["b"], ["b = ..."])}, versions={"en": NOW, "zh": "11112222"}),
    )
    return load_assignment(path, fork_server)


def graded(lab: Assignment, fork_server: ForkServer, *cells: str | tuple[str, str]) -> Result:
    return Grader({lab.name: lab}, fork_server, assume=lab.name).grade("x", lambda: notebook_json(*cells, lab=None))


def test_an_older_notebook_is_reported_and_graded(lab: Assignment, fork_server: ForkServer) -> None:
    result = graded(lab, fork_server, set_up(BEFORE), ("q1", "a = 1"))
    assert (result.notebook_version, result.lab_version, result.score) == (BEFORE, NOW, 1.0)
    assert SENTENCE in version_notice(result)
    assert result.questions[1].reason.startswith("There is no cell for it: the notebook is of another version")
    row = Row("x", Grade(result))
    assert SENTENCE in feedback_html(row.grade, None)
    assert SENTENCE in json.loads(results_json(row.grade))["output"]
    for table in (result_table(result), class_table([row])):
        shown = io.StringIO()
        Console(width=200, file=shown).print(table)
        assert "version" in shown.getvalue()
    assert [flag.kind for flag in find_flags([row], {}, {})] == ["other_version"]
    assert result.to_json() == Result.from_json(result.to_json()).to_json()


@pytest.mark.parametrize(
    "cells",
    [
        (set_up(NOW),),
        (set_up("11112222", "zh"),),
        ("import otter\ngrader = otter.Notebook()",),
        (set_up(NOW), set_up(BEFORE)),
        (set_up("not-hex!"),),
        (set_up(BEFORE, "fr"),),
    ],
    ids=["current", "translated", "no set-up cell", "two set-up cells", "edited", "unknown language"],
)
def test_no_false_alarm(lab: Assignment, fork_server: ForkServer, cells: tuple[str, ...]) -> None:
    result = graded(lab, fork_server, *cells, ("q1", "a = 1"), ("q2", "b = 1"))
    assert (result.score, version_notice(result)) == (2.0, "")


def test_a_lab_without_versions_says_nothing(lab: Assignment, fork_server: ForkServer) -> None:
    assert version_notice(graded(replace(lab, versions={}), fork_server, set_up(BEFORE), ("q1", "a = 1"))) == ""


def test_a_new_version_keeps_results_and_is_reported(tmp_path: Path, lab: Assignment) -> None:
    (tmp_path / "ada.ipynb").write_bytes(notebook_json(set_up(NOW), ("q1", "a = 1")))
    (submission,) = find_submissions([tmp_path / "ada.ipynb"])
    result = Result(
        "ada.ipynb", digest_of(tmp_path / "ada.ipynb"), "tiny", "full", "graded", None, 1.0, 2.0, 1.0,
        notebook_version=NOW, lab_version=NOW,
    )  # fmt: skip
    before = Conditions({"tiny": lab}, "full")
    write_result(tmp_path / "out", submission.id, result, before.fingerprint(result.digest, "tiny"), b"executed")
    after = Conditions({"tiny": replace(lab, versions={"en": BEFORE})}, "full")
    for conditions, current in ((before, NOW), (after, BEFORE), (before, NOW)):
        plan = make_plan([submission], tmp_path / "out", conditions)
        assert plan.kept[submission.id].lab_version == current
        kept = stored(tmp_path / "out", submission.id)
        assert kept is not None
        assert kept[0] == plan.kept[submission.id], "the next run and the report read it, too"
        assert kept[0].is_of_another_version == (current == BEFORE)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
