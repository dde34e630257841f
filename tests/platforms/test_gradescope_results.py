"""results.json meets Gradescope's specifications and reveals nothing hidden."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.platforms.gradescope import VISIBILITIES, Visibility, results_json, withheld_json
from autograder.results.grade import Grade, Lateness, Override
from autograder.results.result import CellError, Cost, FitRun, QuestionResult, Result, SubmissionStatus, TestResult

PUBLIC = TestResult("test_q1_shape", False, True, "", 0.5, 0.5)
SECRET = TestResult("test_q1_values", True, False, "x_train is raw: divide it by 255.", 0.0, 1.5)
# The keys of the documentation's two lists, with the types it shows.
TOP: dict[str, Any] = {
    "score": (int, float), "execution_time": int, "output": str, "output_format": str, "test_output_format": str,
    "test_name_format": str, "visibility": str, "stdout_visibility": str, "extra_data": dict, "tests": list,
}  # fmt: skip
TEST: dict[str, Any] = {
    "score": (int, float), "max_score": (int, float), "status": str, "name": str, "name_format": str, "number": str,
    "output": str, "output_format": str, "tags": list, "visibility": str, "extra_data": dict,
}  # fmt: skip


def question(name: str = "q1", *tests: TestResult, score: float = 0.5, most: float = 2.0) -> QuestionResult:
    return QuestionResult(name, "partial", score, most, tests or (PUBLIC, SECRET))


def submission(
    *questions: QuestionResult, status: SubmissionStatus = "graded", detail: str | None = None, **more: Any
) -> Result:
    held = questions if questions or status in ("unreadable", "grader_error") else (question(),)
    score = sum(entry.score for entry in held)
    return Result("ada.ipynb", "ab12", "tiny", "full", status, detail, score, 2.0, 61.2, held, **more)


def rendered(result: Result, hidden: Visibility = "after_published", **more: Any) -> dict[str, Any]:
    grade = Grade(result, **{key: more.pop(key) for key in ("overrides", "lateness") if key in more})
    return checked(results_json(grade, hidden=hidden, **more))


def checked(text: str) -> dict[str, Any]:
    """The content, after a look at names, types, words and sums."""
    content: dict[str, Any] = json.loads(text)
    assert all(isinstance(value, TOP[key]) for key, value in content.items())
    for test in content["tests"]:
        assert all(isinstance(value, TEST[key]) for key, value in test.items())
        assert test["visibility"] in VISIBILITIES
        assert test["status"] in ("passed", "failed")
    assert content["score"] == pytest.approx(sum(test.get("score", 0.0) for test in content["tests"]))
    assert content["stdout_visibility"] == "hidden"
    return content


def shown_at_once(content: dict[str, Any]) -> str:
    return json.dumps([content["output"], [test for test in content["tests"] if test["visibility"] == "visible"]])


def test_each_test_has_its_points_its_words_and_its_visibility() -> None:
    public, secret, instructors = rendered(submission())["tests"]
    assert public == {
        "number": "1.1", "name": "q1: shape", "score": 0.5, "max_score": 0.5, "status": "passed", "output": "Passed.",
        "visibility": "visible",
    }  # fmt: skip
    assert secret == {
        "number": "1.2", "name": "q1: values", "score": 0.0, "max_score": 1.5, "status": "failed",
        "output": "x_train is raw: divide it by 255.", "visibility": "after_published",
    }  # fmt: skip
    assert "Isolation: full" in instructors["output"]
    assert instructors["visibility"] == "hidden"
    assert "score" not in instructors


@pytest.mark.parametrize("hidden", VISIBILITIES)
def test_hidden_checks_are_shown_when_that_was_asked_for(hidden: Visibility) -> None:
    content = rendered(submission(), hidden)
    assert content["tests"][1]["visibility"] == hidden
    assert ("Hidden checks" in content["output"]) == (hidden != "visible")


def test_part_of_a_tests_points_is_given_as_it_is() -> None:
    part = TestResult("test_q1_accuracy", True, False, "Measured: 0.94.", 1.1, 1.5)
    content = rendered(submission(question("q1", PUBLIC, part, score=1.6)))
    assert [test.get("score") for test in content["tests"]] == [0.5, 1.1, None]


def test_results_without_points_by_test_have_them_by_question_shown_with_the_hidden_checks() -> None:
    old = question("q1", TestResult("test_a", False, True, ""), TestResult("test_b", True, False, "no"), score=1.0)
    whole, public, secret, _ = rendered(submission(old))["tests"]
    assert (whole["name"], whole["score"], whole["max_score"]) == ("q1", 1.0, 2.0)
    assert whole["visibility"] == "after_published", "the points would tell that a hidden check failed"
    assert [public["visibility"], secret["visibility"]] == ["visible", "after_published"]
    assert "score" not in public


def test_all_or_nothing_is_not_given_by_test() -> None:
    """A question's points count where those of its tests do not add up to them."""
    content = rendered(submission(question(score=0.0)))
    assert [test.get("score") for test in content["tests"]] == [0.0, None, None, None]


def test_a_correction_by_hand_replaces_the_points_and_gives_its_reason() -> None:
    overrides = {"q1": Override("q1", 1.75, "The task was unclear.")}
    whole = rendered(submission(), overrides=overrides)["tests"][0]
    assert (whole["score"], whole["max_score"]) == (1.75, 2.0)
    assert whole["output"] == "Corrected manually from 0.5 to 1.75: The task was unclear."


def test_lateness_is_an_entry_of_its_own() -> None:
    content = rendered(submission(question(score=2.0)), lateness=Lateness(90_000, 20))
    late = content["tests"][-2]
    assert content["score"] == 1.6
    assert (late["name"], late["score"]) == ("Late submission", -0.4)
    assert late["output"] == "Late by 1 d 1 h: 20 percent of the points are deducted."
    assert late["visibility"] == "after_published", "it tells the total"


def test_an_upload_that_cannot_be_graded_says_why_at_once() -> None:
    content = rendered(submission(status="unreadable", detail="the notebook is damaged"))
    assert content["score"] == 0.0
    told = [test for test in content["tests"] if test["visibility"] == "visible"]
    assert [(test["status"], test["max_score"]) for test in told] == [("failed", 2.0)]
    assert "The notebook is damaged" in told[0]["output"]
    assert "The notebook is damaged" in content["output"]


def test_when_the_grader_fails_marks_are_withheld_and_the_reason_is_for_instructors() -> None:
    result = submission(status="grader_error", detail="the tests could not be run: secret 42")
    for content in (rendered(result), checked(withheld_json("secret 42", 20.0)), checked(withheld_json("", 20.0))):
        assert "withheld" in shown_at_once(content)
        assert "secret" not in shown_at_once(content)
        assert any(test["visibility"] == "after_published" for test in content["tests"]), "the total would be shown"
    assert "secret 42" in rendered(result)["tests"][-1]["output"]
    assert rendered(result)["extra_data"] == {"status": "grader_error"}


def test_students_read_which_cells_raised_and_what_was_left_aside() -> None:
    errors = tuple(CellError(number, "NameError", f"name 'x{number}' is not defined") for number in range(1, 12))
    output = rendered(submission(errors=errors), remarks=["Other files in the upload were ignored: notes.pdf."])[
        "output"
    ]
    assert "Cell [3] raised NameError: name 'x3' is not defined" in output
    assert "3 more cells raised errors." in output
    assert "Other files in the upload were ignored: notes.pdf." in output


def test_instructors_read_how_it_was_graded() -> None:
    fits = (FitRun(4, True, 0.3),)
    output = rendered(submission(fits=fits, cost=Cost(9.5, 3.0, 1100)), facts=["Kit: 1.2.3"])["tests"][-1]["output"]
    assert all(fact in output for fact in ("Kit: 1.2.3", "ab12", "1100 MB", "cell [4]: reused"))


EVIL = "</pre><script>alert(1)</script>**bold** \u202e\x00\x1b[31m\ud800"


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60) | st.just(EVIL))
def test_whatever_a_student_writes_is_clean_text(text: str) -> None:
    test = TestResult(text, False, False, text, 0.0, 2.0)
    result = submission(question(text, test, score=0.0), detail=text, errors=(CellError(1, text, text),))
    content = rendered(result, remarks=[text])
    assert {content["output_format"], content["test_output_format"], content["test_name_format"]} == {"text"}
    for shown in (content["output"], *(entry["name"] + entry["output"] for entry in content["tests"])):
        assert not {"\x00", "\x1b", "\u202e", "\ud800"} & set(shown)
