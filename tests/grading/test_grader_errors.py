"""A test that fails through its own fault costs nobody a point silently."""

from __future__ import annotations

import pytest

from autograder.grading.answer_keys import AnswerKeys
from autograder.grading.grader import Grader
from autograder.labs.assignment import Assignment, load_assignment
from autograder.results.result import QuestionResult, Result
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import lab_json, make_zip, notebook_json, question_file

# What an author may get wrong, and what an answer may cause: `x` is 3 in the key.
TESTS = {
    "q1": question_file(
        "q1",
        "@test_case(points=1)\ndef right(x): assert x == 3, 'x is wrong'",
        "@test_case(points=2)\ndef misspelt(x): assert math.sqrt(x) > 1, 'x is small'",
    ),
    "q2": question_file(
        "q2",
        "@test_case(points=1)\ndef stumbles_over_odd_answers(y): assert y['total'] == 3, 'y is wrong'",
    ),
    "q3": question_file(
        "q3",
        "@test_case(points=1)\ndef stumbles_over_everything(z): assert z.removed_in_this_version() == 3, 'z is wrong'",
    ),
}
LAB = lab_json(
    {"q1": (["x"], ["x = ..."]), "q2": (["y"], ["y = ..."]), "q3": (["z"], ["z = ..."])},
    limits={"seconds": 30, "memory_mb": 3000},
)
KEY = notebook_json(("q1", "x = 3"), ("q2", "y = {'total': 3}"), ("q3", "z = 3"))


@pytest.fixture(scope="module")
def lab(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    return load_assignment(make_zip(tmp_path_factory.mktemp("tiny") / "tiny.zip", TESTS, lab=LAB), fork_server)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> AnswerKeys:
    path = tmp_path_factory.mktemp("keys") / "tiny-solution.ipynb"
    path.write_bytes(KEY)
    return AnswerKeys({"tiny": path})


def grade(lab: Assignment, fork_server: ForkServer, keys: AnswerKeys, *cells: tuple[str, str]) -> Result:
    data = notebook_json(*cells)
    result = Grader({"tiny": lab}, fork_server, keys=keys).grade("ada.ipynb", lambda: data)
    assert Result.from_json(result.to_json()) == result
    return result


def by_name(result: Result) -> dict[str, QuestionResult]:
    return {question.name: question for question in result.questions}


def test_a_fault_of_the_test_is_no_fault_of_the_answer(
    lab: Assignment, fork_server: ForkServer, keys: AnswerKeys
) -> None:
    """A missing name, or an error that the key causes too, is the test's fault."""
    result = grade(lab, fork_server, keys, ("q1", "x = 3"), ("q2", "y = 3"), ("q3", "z = 4"))
    found = by_name(result)
    assert (found["q1"].status, found["q1"].score) == ("grader_error", 1.0)
    assert "misspelt: NameError: name 'math' is not defined" in found["q1"].reason
    assert [test.passed for test in found["q1"].tests] == [True, False]
    assert (found["q2"].status, found["q2"].score) == ("failed", 0.0)
    assert found["q3"].status == "grader_error"
    assert "answer key" in found["q3"].reason
    assert result.status == "graded"
    assert result.has_grader_error


def test_without_a_key_an_unforeseen_error_is_the_answers(lab: Assignment, fork_server: ForkServer) -> None:
    found = by_name(grade(lab, fork_server, AnswerKeys(), ("q1", "x = 3"), ("q2", "y = 3"), ("q3", "z = 4")))
    assert [question.status for question in found.values()] == ["grader_error", "failed", "failed"]


def test_what_was_not_attempted_is_no_grader_error(lab: Assignment, fork_server: ForkServer, keys: AnswerKeys) -> None:
    result = grade(lab, fork_server, keys, ("q1", "x = ..."), ("q2", "y = {'total': 3}"), ("q3", "z = ..."))
    assert [question.status for question in result.questions] == ["not_attempted", "passed", "not_attempted"]
    assert not result.has_grader_error
