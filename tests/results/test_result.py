"""The result as JSON, its schema, and folders of an earlier version."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.cli.commands import exit_code
from autograder.errors import KitError
from autograder.report.summary import need_attention, summarise
from autograder.results.folder import begin_run, results_folder, results_of_latest_run, stored, write_result
from autograder.results.grade import Grade, Row
from autograder.results.labels import remark
from autograder.results.result import (
    CellError,
    Cost,
    FitRun,
    QuestionResult,
    Result,
    Student,
    TestResult,
    Value,
    json_schema,
)

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "result.schema.json"
VALUES: dict[str, Value] = {"found": 0.5, "count": 3, "name": "x_train", "known": True, "other": None}
FAILED = TestResult("t", True, False, "naïve 答", 1.5, 2.0, "{found}", VALUES)
FULL = Result(
    "ada.ipynb",
    "ab" * 32,
    "mnist_dense",
    "full",
    "timeout",
    "it was still running after 90 seconds",
    1.5,
    4.0,
    21.4,
    (
        QuestionResult("q1", "partial", 1.5, 2.0, (FAILED,)),
        QuestionResult("q2", "to_review", 0.0, 2.0, (), "This answer is marked by a person."),
    ),
    (CellError(7, "NameError", "name 'x' is not defined", 2), CellError(8, "E", "")),
    (FitRun(22, True, 0.6),),
    Cost(3.5, 1.25, 900),
    {"test_accuracy": 0.979},
    student=Student("17", "Ada Lovelace"),
    version=2,
    language="zh",
    retried=True,
)
# As the version of the kit before this one wrote it.
EARLIER = {
    "schema": 1, "submission": "ada.ipynb", "sha256": "", "lab": "tiny", "isolation": "full", "status": "graded",
    "detail": None, "score": 1.0, "max_score": 2.0, "seconds": 1.0, "questions": [], "errors": [], "fits": [],
    "cost": None, "measured": {},
}  # fmt: skip


def test_json_gives_back_the_result() -> None:
    assert Result.from_json(FULL.to_json()) == FULL
    minimal = Result("a", "", None, "none", "unreadable", None, 0, 0, 0)
    assert Result.from_json(minimal.to_json()) == minimal


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"schema": 2', '"schema": 1'),
        ('"schema": 2', '"schema": "2"'),
        ('"score": 1.5', '"score": "1.5"'),
        ('"score": 1.5', '"score": true'),
        ('"status": "to_review"', '"status": "reviewed"'),
        ('"version": 2', '"version": 2.5'),
        ('"name": "Ada Lovelace"', '"name": null'),
        ('"submission": "ada.ipynb",', ""),
        ("{", ""),
    ],
)
def test_anything_else_is_refused(before: str, after: str) -> None:
    text = FULL.to_json()
    assert before in text
    with pytest.raises(ValueError, match="not a result of schema 2"):
        Result.from_json(text.replace(before, after))


def test_documented_schema_is_current_and_names_every_field_that_is_written() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == schema, (
        "docs/result.schema.json is out of date. Next: python -m autograder.results > docs/result.schema.json"
    )
    written = json.loads(FULL.to_json())
    assert set(schema["$defs"]["Result"]["required"]) == set(written)
    assert set(schema["$defs"]["QuestionResult"]["required"]) == set(written["questions"][0])
    assert set(schema["$defs"]["TestResult"]["required"]) == set(written["questions"][0]["tests"][0])


def test_results_of_an_earlier_version_are_refused_and_left_untouched(tmp_path: Path) -> None:
    home = tmp_path / "submissions" / "ada.ipynb"
    home.mkdir(parents=True)
    (home / "result.json").write_text(json.dumps(EARLIER), encoding="utf-8")
    (tmp_path / "overrides.json").write_text("{}", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(KitError, match="earlier version of this kit") as refused, results_folder(tmp_path):
        pytest.fail("the folder was opened")
    assert str(tmp_path) in str(refused.value)
    assert "-o ANOTHER_FOLDER" in (refused.value.hint or "")
    with pytest.raises(KitError, match="earlier version"):
        results_of_latest_run(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_stored_result_counts_only_with_the_files_it_was_written_with(tmp_path: Path) -> None:
    begin_run(tmp_path, ["ada"])
    write_result(tmp_path, "ada", FULL, {"limits": {"seconds": 90}}, b"{}")
    assert stored(tmp_path, "ada") == (FULL, {"limits": {"seconds": 90}})
    assert results_of_latest_run(tmp_path) == [("ada", FULL)]
    (tmp_path / "submissions/ada/result.json").write_text(replace(FULL, score=4.0).to_json(), encoding="utf-8")
    assert stored(tmp_path, "ada") is None


def test_a_defective_check_leaves_no_mark() -> None:
    """The list, statistics, gradebooks and regrading use the same definition."""
    sound = replace(
        FULL, status="graded", detail=None, retried=False, questions=(QuestionResult("q1", "failed", 0.0, 1.0),)
    )
    defective = replace(sound, questions=(QuestionResult("q1", "grader_error", 0.0, 1.0, (), "NameError"),))
    assert (sound.is_marked, sound.has_grader_error) == (True, False)
    assert (defective.is_marked, defective.has_grader_error) == (False, True)
    rows = [Row("a", Grade(sound)), Row("b", Grade(defective))]
    assert [row.identity for row in need_attention(rows)] == ["b"]
    assert "q1: NameError" in remark(defective)
    assert exit_code([sound]) == 0
    assert exit_code([sound, defective]) == 1
    assert summarise(rows).labs[0].marked == 1
