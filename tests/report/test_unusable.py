"""Tests that could not use an answer: which, why, and whose."""

from __future__ import annotations

from autograder.report.unusable import UnusableAnswer, unusable_answers
from autograder.results.result import ANSWER_UNUSABLE, NOT_EXPECTED, RESULT_UNUSABLE, QuestionResult, Result, TestResult


def failed(test: str, message_id: str, **values: str) -> TestResult:
    return TestResult(test, False, False, "said", 0.0, 1.0, message_id, values)


def result(name: str, *tests: TestResult, lab: str = "tiny") -> Result:
    questions = (QuestionResult("q1", "failed", 0.0, 1.0, tests),)
    return Result(name, "0" * 64, lab, "full", "graded", None, 0.0, 1.0, 1.0, questions)


def test_each_kind_of_answer_counts_its_submissions_most_first() -> None:
    called = failed("t2", RESULT_UNUSABLE, name="f()", reason="it is damaged")
    passed = TestResult("t2", False, True, "")
    long = "it has more than a million items"
    found = unusable_answers(
        [
            result("ada", failed("t1", NOT_EXPECTED, reason="TypeError: bad operand 'x'"), passed),
            result("bela", failed("t1", ANSWER_UNUSABLE, name="x", reason=long)),
            result("chen", failed("t1", ANSWER_UNUSABLE, name="x", reason=long), called),
            result("dora", failed("t1", ""), failed("t2", "{name} is wrong.", name="x")),
            result("emil", failed("t1", NOT_EXPECTED, reason="TypeError: bad operand 'y'"), lab="other"),
            result("fay", failed("t1", NOT_EXPECTED, reason="TypeError: bad operand 'y'")),
        ]
    )  # fmt: skip
    assert found == (
        UnusableAnswer("tiny", "q1", "t1", "TypeError: bad operand 'x'", ("ada", "fay")),
        UnusableAnswer("tiny", "q1", "t1", f"x: {long}", ("bela", "chen")),
        UnusableAnswer("tiny", "q1", "t2", "result of f(): it is damaged", ("chen",)),
        UnusableAnswer("other", "q1", "t1", "TypeError: bad operand 'y'", ("emil",)),
    )


def test_what_passed_is_not_listed() -> None:
    passed = TestResult("t", False, True, "", 1.0, 1.0, NOT_EXPECTED, {"reason": "TypeError"})
    assert unusable_answers([result("ada", passed)]) == ()
